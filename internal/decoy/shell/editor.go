// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package shell

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"unicode/utf8"
)

const maxKeys = 1024

// ErrInterrupted is returned for a line that was given up by Ctrl-C.
var ErrInterrupted = errors.New("interrupted")

// Terminal reads lines from a person who sees no echo but ours. It keeps the
// raw keys of each line as evidence, which is why it is not x/term: that also
// takes Ctrl-C for the end of the session.
type Terminal struct {
	in      *bufio.Reader
	out     io.Writer
	history []string

	line   []rune
	size   int // of the line in bytes
	cursor int
	recall int
	keys   []byte
	echo   bool
}

// NewTerminal reads keys from in and echoes them to out.
func NewTerminal(in io.Reader, out io.Writer) *Terminal {
	return &Terminal{in: bufio.NewReaderSize(in, 512), out: out}
}

// Write prints text with carriage returns before line feeds.
func (t *Terminal) Write(text []byte) (int, error) {
	if _, err := io.WriteString(t.out, strings.ReplaceAll(string(text), "\n", "\r\n")); err != nil {
		return 0, err
	}
	return len(text), nil
}

// Read lets a command read what is typed.
func (t *Terminal) Read(buffer []byte) (int, error) {
	line, err := t.ReadLine("")
	if err != nil {
		return 0, io.EOF
	}
	return copy(buffer, line+"\n"), nil
}

// Keys returns the raw keys of the last line, cut at a limit.
func (t *Terminal) Keys() string {
	return string(t.keys)
}

// ReadLine shows the prompt and returns a line without its end. At most
// MaxLine bytes of it are kept. The error is ErrInterrupted after Ctrl-C and
// io.EOF after Ctrl-D on an empty line.
func (t *Terminal) ReadLine(prompt string) (string, error) {
	t.echo = true
	line, err := t.read(prompt)
	if err == nil && strings.TrimSpace(line) != "" {
		t.remember(line)
	}
	return line, err
}

// ReadPassword is ReadLine without echo and history.
func (t *Terminal) ReadPassword(prompt string) (string, error) {
	t.echo = false
	return t.read(prompt)
}

// Forget drops the history, so that a login name is not part of it.
func (t *Terminal) Forget() {
	t.history = nil
}

func (t *Terminal) remember(line string) {
	const kept = 50
	t.history = append(t.history, line)
	if len(t.history) > kept {
		t.history = t.history[1:]
	}
}

func (t *Terminal) read(prompt string) (string, error) {
	t.line, t.size, t.cursor, t.keys, t.recall = t.line[:0], 0, 0, nil, len(t.history)
	if err := t.print(prompt); err != nil {
		return "", err
	}
	for {
		key, err := t.key()
		if err != nil {
			return "", err
		}
		done, err := t.press(key)
		if err != nil {
			return "", err
		}
		if done {
			return string(t.line), t.print("\r\n")
		}
	}
}

func (t *Terminal) key() (rune, error) {
	key, size, err := t.in.ReadRune()
	if err != nil {
		return 0, err
	}
	if len(t.keys) < maxKeys {
		if key == utf8.RuneError && size == 1 {
			t.keys = append(t.keys, '?')
		} else {
			t.keys = utf8.AppendRune(t.keys, key)
		}
	}
	return key, nil
}

// press acts on one key and says whether the line is complete.
func (t *Terminal) press(key rune) (bool, error) {
	switch key {
	case '\r':
		return true, nil
	case '\n':
		return true, nil
	case 0x03:
		if err := t.print("^C\r\n"); err != nil {
			return false, err
		}
		return false, ErrInterrupted
	case 0x04:
		if len(t.line) == 0 {
			return false, io.EOF
		}
		return false, nil
	case 0x7f, 0x08:
		return false, t.erase(1)
	case 0x15:
		return false, t.erase(t.cursor)
	case 0x17:
		return false, t.erase(t.wordBefore())
	case 0x01:
		return false, t.move(-t.cursor)
	case 0x05:
		return false, t.move(len(t.line) - t.cursor)
	case 0x1b:
		return false, t.escape()
	}
	if key < ' ' || key == utf8.RuneError {
		return false, nil
	}
	return false, t.insert(key)
}

func (t *Terminal) insert(key rune) error {
	if t.size+utf8.RuneLen(key) > MaxLine {
		return nil
	}
	t.size += utf8.RuneLen(key)
	t.line = append(t.line, 0)
	copy(t.line[t.cursor+1:], t.line[t.cursor:])
	t.line[t.cursor] = key
	t.cursor++
	return t.show(string(t.line[t.cursor-1:]) + back(len(t.line)-t.cursor))
}

func (t *Terminal) erase(count int) error {
	if count == 0 || t.cursor < count {
		return nil
	}
	for _, erased := range t.line[t.cursor-count : t.cursor] {
		t.size -= utf8.RuneLen(erased)
	}
	t.line = append(t.line[:t.cursor-count], t.line[t.cursor:]...)
	t.cursor -= count
	tail := string(t.line[t.cursor:])
	return t.show(back(count) + tail + strings.Repeat(" ", count) + back(count+len(t.line)-t.cursor))
}

func (t *Terminal) wordBefore() int {
	start := t.cursor
	for start > 0 && t.line[start-1] == ' ' {
		start--
	}
	for start > 0 && t.line[start-1] != ' ' {
		start--
	}
	return t.cursor - start
}

func (t *Terminal) move(by int) error {
	to := min(max(t.cursor+by, 0), len(t.line))
	text := back(t.cursor - to)
	if to > t.cursor {
		text = string(t.line[t.cursor:to])
	}
	t.cursor = to
	return t.show(text)
}

// escape acts on a cursor key.
func (t *Terminal) escape() error {
	introducer, err := t.key()
	if err != nil || (introducer != '[' && introducer != 'O') {
		return err
	}
	for range 8 {
		final, err := t.key()
		if err != nil {
			return err
		}
		if final < 0x40 {
			continue
		}
		return t.cursorKey(final)
	}
	return nil
}

func (t *Terminal) cursorKey(final rune) error {
	switch final {
	case 'A':
		return t.recallLine(-1)
	case 'B':
		return t.recallLine(1)
	case 'C':
		return t.move(1)
	case 'D':
		return t.move(-1)
	case 'H':
		return t.move(-t.cursor)
	case 'F':
		return t.move(len(t.line) - t.cursor)
	}
	return nil
}

// recallLine replaces the line by an older or newer one.
func (t *Terminal) recallLine(by int) error {
	to := t.recall + by
	if !t.echo || to < 0 || to > len(t.history) {
		return nil
	}
	t.recall = to
	if err := t.move(len(t.line) - t.cursor); err != nil {
		return err
	}
	if err := t.erase(t.cursor); err != nil {
		return err
	}
	if to == len(t.history) {
		return nil
	}
	t.line, t.size = append(t.line, []rune(t.history[to])...), len(t.history[to])
	t.cursor = len(t.line)
	return t.show(string(t.line))
}

// show prints what the line looks like, unless it is a password.
func (t *Terminal) show(text string) error {
	if !t.echo {
		return nil
	}
	return t.print(text)
}

func (t *Terminal) print(text string) error {
	_, err := io.WriteString(t.out, text)
	return err
}

func back(count int) string {
	return strings.Repeat("\b", max(count, 0))
}
