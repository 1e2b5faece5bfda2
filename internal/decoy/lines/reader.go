// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package lines

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
)

// ErrTooLong is returned for a line beyond the limit. The line has been read
// to its end and forgotten.
var ErrTooLong = errors.New("line too long")

// ErrTooMany says that the peer has sent more lines than a conversation has.
var ErrTooMany = errors.New("too many lines")

// Reader reads lines of a bounded length.
type Reader struct {
	in   *bufio.Reader
	left int
}

// NewReader reads at most count lines of at most length bytes from in.
func NewReader(in io.Reader, length, count int) *Reader {
	return &Reader{in: bufio.NewReaderSize(in, length), left: count}
}

// Buffered returns how many bytes wait to be read. Before a protocol changes
// to TLS it must be none.
func (r *Reader) Buffered() int {
	return r.in.Buffered()
}

// Read returns the next line without its end, which is LF or CRLF.
func (r *Reader) Read() (string, error) {
	if r.left <= 0 {
		return "", ErrTooMany
	}
	r.left--
	line, err := r.in.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return "", r.skip()
	}
	if err != nil {
		return "", fmt.Errorf("read line: %w", err)
	}
	return strings.TrimRight(string(line), "\r\n"), nil
}

// ReadData returns the next line of a message with its end. A line beyond the
// limit comes in pieces. It does not count as one of the conversation's lines.
func (r *Reader) ReadData() (string, error) {
	line, err := r.in.ReadSlice('\n')
	if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
		return "", fmt.Errorf("read line: %w", err)
	}
	return string(line), nil
}

// skip reads on to the end of a line that is too long, but not for ever.
func (r *Reader) skip() error {
	const most = 256
	for range most {
		_, err := r.in.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil {
			return fmt.Errorf("read line: %w", err)
		}
		return ErrTooLong
	}
	return ErrTooMany
}

// Command splits a line into its first word in upper case and the rest.
func Command(line string) (verb, argument string) {
	verb, argument, _ = strings.Cut(strings.TrimLeft(line, " \t"), " ")
	return strings.ToUpper(strings.TrimRight(verb, " \t")), strings.TrimSpace(argument)
}
