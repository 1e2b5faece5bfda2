// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package shell_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/deckyard/deckyard/internal/decoy/shell"
)

func TestReadLineEdits(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ keys, want string }{
		"plain":               {"ls\r", "ls"},
		"backspace":           {"lx\x7fs\r", "ls"},
		"cursor and insert":   {"s\x1b[Dl\r", "ls"},
		"home and end":        {"bc\x01a\x05d\r", "abcd"},
		"erase the line":      {"abc\x15ls\r", "ls"},
		"erase a word":        {"ls foo\x17/\r", "ls /"},
		"unknown escapes":     {"l\x1b[15~s\x1bOP\r", "ls"},
		"control characters":  {"l\x02\x0es\r", "ls"},
		"more than it can go": {"\x7f\x7f\x1b[D\x1b[Cls\r", "ls"},
		"runes":               {"é\x7fè\r", "è"},
		"bytes that are none": {"l\xff\xfes\r", "ls"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			terminal := shell.NewTerminal(strings.NewReader(test.keys), io.Discard)
			got, err := terminal.ReadLine("$ ")
			if err != nil || got != test.want {
				t.Errorf("got %q, %v, want %q", got, err, test.want)
			}
			if len(terminal.Keys()) < len(test.want) {
				t.Errorf("keys are %q", terminal.Keys())
			}
		})
	}
}

func TestReadLineRecallsHistory(t *testing.T) {
	t.Parallel()
	terminal := shell.NewTerminal(strings.NewReader("first\rsecond\r\x1b[A\x1b[A\x1b[B\r"), io.Discard)
	var got string
	for range 3 {
		var err error
		if got, err = terminal.ReadLine(""); err != nil {
			t.Fatal(err)
		}
	}
	if got != "second" {
		t.Errorf("got %q", got)
	}
}

func TestReadLineEnds(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		keys string
		want error
	}{
		"by Ctrl-C":                  {"abc\x03", shell.ErrInterrupted},
		"by Ctrl-D on an empty line": {"\x04", io.EOF},
		"with its input":             {"abc", io.EOF},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := shell.NewTerminal(strings.NewReader(test.keys), io.Discard).ReadLine("")
			if !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

func TestReadLineKeepsNoMoreThanALine(t *testing.T) {
	t.Parallel()
	terminal := shell.NewTerminal(strings.NewReader(strings.Repeat("x", 1<<20)+"\r"), io.Discard)
	got, err := terminal.ReadLine("")
	if err != nil || len(got) != shell.MaxLine || len(terminal.Keys()) > shell.MaxLine {
		t.Errorf("line of %d bytes, keys of %d, %v", len(got), len(terminal.Keys()), err)
	}
}

func TestReadPasswordShowsNothing(t *testing.T) {
	t.Parallel()
	var screen bytes.Buffer
	got, err := shell.NewTerminal(strings.NewReader("secret\x7f\x1b[A\r"), &screen).ReadPassword("Password: ")
	if err != nil || got != "secre" || screen.String() != "Password: \r\n" {
		t.Errorf("got %q, %v, screen %q", got, err, screen.String())
	}
}

func FuzzReadLineSurvivesAnyKeys(f *testing.F) {
	f.Add([]byte("ls\x1b[A\x7f\x01x\x05\x15\r"))
	f.Add([]byte("\x1b\x1b[\x1b[1;5C\xff\x00\x17\x04"))
	f.Fuzz(func(t *testing.T, keys []byte) {
		terminal := shell.NewTerminal(bytes.NewReader(keys), io.Discard)
		for {
			line, err := terminal.ReadLine("$ ")
			if len(line) > shell.MaxLine {
				t.Fatalf("line of %d bytes", len(line))
			}
			if err != nil && !errors.Is(err, shell.ErrInterrupted) {
				return
			}
		}
	})
}
