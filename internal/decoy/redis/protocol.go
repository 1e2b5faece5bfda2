// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package redis

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

const (
	maxInline    = 16 << 10
	maxArguments = 1024
	maxBulk      = 128 << 10
	maxCommand   = 256 << 10
)

// protocolError is a mistake of the client, told to it before it is cut off.
type protocolError string

// Error returns the server's words for the mistake.
func (e protocolError) Error() string { return string(e) }

// readCommand reads one command, as an array of bulk strings or as a line. An
// empty command is returned as no arguments.
func readCommand(input *bufio.Reader) ([]string, error) {
	line, err := readLine(input)
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(line, "*") {
		return splitInline(line)
	}
	count, err := strconv.Atoi(line[1:])
	if err != nil || count > maxArguments {
		return nil, protocolError("Protocol error: invalid multibulk length")
	}
	var args []string
	total := 0
	for range count {
		arg, err := readBulk(input, maxCommand-total)
		if err != nil {
			return nil, err
		}
		total += len(arg)
		args = append(args, arg)
	}
	return args, nil
}

func readBulk(input *bufio.Reader, room int) (string, error) {
	line, err := readLine(input)
	if err != nil {
		return "", err
	}
	if !strings.HasPrefix(line, "$") {
		return "", protocolError(fmt.Sprintf("Protocol error: expected '$', got '%s'", firstChar(line)))
	}
	size, err := strconv.Atoi(line[1:])
	if err != nil || size < 0 || size > min(maxBulk, room) {
		return "", protocolError("Protocol error: invalid bulk length")
	}
	// Read in pieces, so that an announced size alone takes no memory.
	var content strings.Builder
	if _, err := io.CopyN(&content, input, int64(size)); err != nil {
		return "", fmt.Errorf("read bulk string: %w", err)
	}
	if _, err := io.CopyN(io.Discard, input, 2); err != nil {
		return "", fmt.Errorf("read end of bulk string: %w", err)
	}
	return content.String(), nil
}

func firstChar(line string) string {
	if line == "" || line[0] < ' ' || line[0] > '~' {
		return " "
	}
	return line[:1]
}

// readLine reads up to a line feed. The input's buffer is the limit.
func readLine(input *bufio.Reader) (string, error) {
	line, err := input.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return "", protocolError("Protocol error: too big inline request")
	}
	if err != nil {
		return "", fmt.Errorf("read line: %w", err)
	}
	return strings.TrimRight(string(line), "\r\n"), nil
}

// splitInline cuts a line into arguments, which may be quoted.
func splitInline(line string) ([]string, error) {
	var args []string
	for {
		line = strings.TrimLeft(line, " \t\x00")
		if line == "" || len(args) >= maxArguments {
			return args, nil
		}
		arg, rest, err := inlineArgument(line)
		if err != nil {
			return nil, err
		}
		args = append(args, arg)
		line = rest
	}
}

func inlineArgument(line string) (arg, rest string, err error) {
	quote := line[0]
	if quote != '"' && quote != '\'' {
		end := strings.IndexAny(line, " \t")
		if end < 0 {
			end = len(line)
		}
		return line[:end], line[end:], nil
	}
	var out strings.Builder
	for i := 1; i < len(line); i++ {
		switch {
		case line[i] == quote:
			return out.String(), line[i+1:], nil
		case line[i] == '\\' && i+1 < len(line):
			i++
			out.WriteByte(unescaped(line[i]))
		default:
			out.WriteByte(line[i])
		}
	}
	return "", "", protocolError("Protocol error: unbalanced quotes in request")
}

func unescaped(char byte) byte {
	switch char {
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return char
}

// reply writes one answer. Each method writes a complete value.
type reply struct {
	out *bufio.Writer
}

func (r reply) simple(text string) { r.line("+", text) }
func (r reply) fail(text string) {
	r.line("-", strings.NewReplacer("\r", " ", "\n", " ").Replace(text))
}
func (r reply) number(value int) { r.line(":", strconv.Itoa(value)) }
func (r reply) array(count int)  { r.line("*", strconv.Itoa(count)) }
func (r reply) null()            { r.line("$", "-1") }

func (r reply) bulk(text string) {
	r.line("$", strconv.Itoa(len(text)))
	r.write(text + "\r\n")
}

func (r reply) list(texts []string) {
	r.array(len(texts))
	for _, text := range texts {
		r.bulk(text)
	}
}

func (r reply) line(kind, text string) { r.write(kind + text + "\r\n") }

// write leaves errors to the flush, which returns the first one.
func (r reply) write(text string) { _, _ = r.out.WriteString(text) }
