// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package telnet

import (
	"bytes"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReaderTakesCommandsOut(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		input, want string
		reply       string
	}{
		"plain":                    {"ls\r\n", "ls\r", ""},
		"return and zero":          {"ls\r\x00", "ls\r", ""},
		"return alone":             {"a\rb", "a\rb", ""},
		"two returns":              {"\r\n\r\n", "\r\r", ""},
		"a doubled IAC":            {"a\xff\xffb", "a\xffb", ""},
		"known options":            {"\xff\xfd\x01\xff\xfb\x18x", "x", ""},
		"unknown option wanted":    {"\xff\xfd\x2ax", "x", "\xff\xfc\x2a"},
		"unknown option offered":   {"\xff\xfb\x2ax", "x", "\xff\xfe\x2a"},
		"an option asked twice":    {"\xff\xfd\x2a\xff\xfd\x2a\xff\xfd\x2ax", "x", "\xff\xfc\x2a"},
		"options given up":         {"\xff\xfe\x2a\xff\xfc\x2bx", "x", ""},
		"sub-negotiation":          {"a\xff\xfa\x18\x00xterm\xff\xf0b", "ab", ""},
		"IAC in a sub-negotiation": {"a\xff\xfa\x18\xff\xff\xff\xf0b", "ab", ""},
		"interrupt":                {"\xff\xf4", "\x03", ""},
		"unfinished":               {"a\xff", "a", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var reply bytes.Buffer
			got, err := io.ReadAll(&reader{from: bytes.NewReader([]byte(test.input)), to: &reply})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{test.want, test.reply}, []string{string(got), reply.String()}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func FuzzReaderIsTheSameInPieces(f *testing.F) {
	f.Add([]byte("root\r\n\xff\xfd\x01\xff\xfa\x18\x00x\xff\xf0\xff\xffls\r\x00"), uint8(3))
	f.Add([]byte{iac, sb, iac, iac}, uint8(1))
	f.Fuzz(func(t *testing.T, input []byte, size uint8) {
		var replies [2]bytes.Buffer
		whole, err := io.ReadAll(&reader{from: bytes.NewReader(input), to: &replies[0]})
		if err != nil {
			t.Fatal(err)
		}
		var pieces bytes.Buffer
		r := &reader{from: bytes.NewReader(input), to: &replies[1]}
		if _, err := io.CopyBuffer(onlyWriter{&pieces}, onlyReader{r}, make([]byte, int(size)+1)); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(whole, pieces.Bytes()) || !bytes.Equal(replies[0].Bytes(), replies[1].Bytes()) {
			t.Errorf("%q differs from %q", whole, pieces.Bytes())
		}
		if len(whole) > len(input) || replies[0].Len() > 3*256 {
			t.Errorf("%d bytes and %d of replies from %d", len(whole), replies[0].Len(), len(input))
		}
	})
}

type onlyReader struct{ io.Reader }

type onlyWriter struct{ io.Writer }
