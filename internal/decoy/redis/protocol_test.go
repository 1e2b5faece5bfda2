// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package redis

import (
	"bufio"
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func input(text string) *bufio.Reader {
	return bufio.NewReaderSize(strings.NewReader(text), maxInline)
}

func TestReadCommand(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		input string
		want  []string
		err   string
	}{
		"array of bulk strings":    {"*2\r\n$3\r\nGET\r\n$1\r\na\r\n", []string{"GET", "a"}, ""},
		"empty bulk string":        {"*1\r\n$0\r\n\r\n", []string{""}, ""},
		"empty array":              {"*0\r\n", nil, ""},
		"negative array":           {"*-1\r\n", nil, ""},
		"inline":                   {"set a \"b\\n c\" 'd'\r\n", []string{"set", "a", "b\n c", "d"}, ""},
		"empty line":               {"\r\n", nil, ""},
		"too many arguments":       {"*1048577\r\n", nil, "Protocol error: invalid multibulk length"},
		"length that is no number": {"*x\r\n", nil, "Protocol error: invalid multibulk length"},
		"too long a bulk string":   {"*1\r\n$536870912\r\n", nil, "Protocol error: invalid bulk length"},
		"negative bulk string":     {"*1\r\n$-5\r\n", nil, "Protocol error: invalid bulk length"},
		"something else":           {"*1\r\n:5\r\n", nil, "Protocol error: expected '$', got ':'"},
		"open quote":               {"set \"a\r\n", nil, "Protocol error: unbalanced quotes in request"},
		"endless line":             {strings.Repeat("x", maxInline+1), nil, "Protocol error: too big inline request"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := readCommand(input(test.input))
			message := ""
			if err != nil {
				message = err.Error()
			}
			if diff := cmp.Diff(test.want, got); diff != "" || message != test.err {
				t.Errorf("error %q, want %q; %s", message, test.err, diff)
			}
		})
	}
}

func TestMatches(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		pattern, text string
		want          bool
	}{
		"star":            {"*", "a/b", true},
		"prefix":          {"a*", "abc", true},
		"infix":           {"a*c*e", "abcde", true},
		"not":             {"a*d", "abc", false},
		"one":             {"a?c", "abc", true},
		"set":             {"[a-c]x", "bx", true},
		"negated set":     {"[^a-c]x", "bx", false},
		"escaped":         {`\*`, "*", true},
		"escaped, other":  {`\*`, "a", false},
		"empty":           {"", "", true},
		"too long":        {strings.Repeat("*", 300), "a", false},
		"backtracking":    {strings.Repeat("a*", 100) + "b", strings.Repeat("a", 4000), false},
		"set not closed":  {"[a", "[a", true},
		"set of a hyphen": {"[a-]", "-", true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := matches(test.pattern, test.text); got != test.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func FuzzReadCommandKeepsToItsLimits(f *testing.F) {
	for _, seed := range []string{"*2\r\n$3\r\nGET\r\n$1\r\na\r\n", "set a \"b\\x\" 'c'\r\n", "*1\r\n$-1\r\n", "PING\n\n*3\r\n", "*99999999999999999999\r\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		reader := bufio.NewReaderSize(bytes.NewReader(data), maxInline)
		for {
			args, err := readCommand(reader)
			if err != nil {
				return
			}
			if len(args) > maxArguments || totalSize(args) > maxCommand {
				t.Fatalf("%d arguments of %d bytes", len(args), totalSize(args))
			}
		}
	})
}

func FuzzMatchesEnds(f *testing.F) {
	f.Add("a*[b-c]?\\d", "abcd")
	f.Fuzz(func(_ *testing.T, pattern, text string) {
		matches(pattern, text)
	})
}
