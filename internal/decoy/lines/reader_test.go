// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package lines_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/deckyard/deckyard/internal/decoy/lines"
)

func TestReadReturnsLinesWithoutTheirEnd(t *testing.T) {
	t.Parallel()
	r := lines.NewReader(strings.NewReader("one\r\ntwo\n\nfour"), 64, 10)
	for _, want := range []string{"one", "two", ""} {
		if got, err := r.Read(); err != nil || got != want {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
	if got, err := r.Read(); !errors.Is(err, io.EOF) {
		t.Errorf("a line without an end gives %q, %v", got, err)
	}
}

func TestReadSkipsALineThatIsTooLong(t *testing.T) {
	t.Parallel()
	r := lines.NewReader(strings.NewReader(strings.Repeat("x", 1000)+"\r\nnext\r\n"), 64, 10)
	if _, err := r.Read(); !errors.Is(err, lines.ErrTooLong) {
		t.Errorf("got %v, want ErrTooLong", err)
	}
	if got, err := r.Read(); err != nil || got != "next" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestReadEndsAConversation(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ input io.Reader }{
		"of too many lines":             {strings.NewReader(strings.Repeat("x\n", 20))},
		"with a line that does not end": {endless{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := lines.NewReader(test.input, 64, 10)
			for range 20 {
				if _, err := r.Read(); errors.Is(err, lines.ErrTooMany) {
					return
				}
			}
			t.Error("no ErrTooMany")
		})
	}
}

type endless struct{}

func (endless) Read(buffer []byte) (int, error) { return len(buffer), nil }

func TestCommandSplitsALine(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ line, verb, argument string }{
		"verb only":      {"quit", "QUIT", ""},
		"with argument":  {"mail FROM:<a@b> SIZE=1", "MAIL", "FROM:<a@b> SIZE=1"},
		"spaces":         {"  Noop   x ", "NOOP", "x"},
		"nothing at all": {"", "", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if verb, argument := lines.Command(test.line); verb != test.verb || argument != test.argument {
				t.Errorf("got %q and %q", verb, argument)
			}
		})
	}
}

func FuzzReadKeepsToItsLimits(f *testing.F) {
	f.Add([]byte("EHLO a\r\nMAIL FROM:<>\r\n"))
	f.Add([]byte("\x00\xff\r\r\n\n"))
	f.Fuzz(func(t *testing.T, input []byte) {
		r := lines.NewReader(bytes.NewReader(input), 64, 100)
		for {
			line, err := r.Read()
			if len(line) > 64 || strings.ContainsRune(line, '\n') {
				t.Fatalf("line %q", line)
			}
			if err != nil && !errors.Is(err, lines.ErrTooLong) {
				return
			}
			lines.Command(line)
		}
	})
}
