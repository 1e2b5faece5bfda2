// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package shell

import (
	"context"
	"path"
	"strconv"
	"strings"
)

// expandAll expands the words of a command into its arguments.
func (s *Session) expandAll(ctx context.Context, words []string) []string {
	var args []string
	for _, word := range words {
		args = append(args, s.expand(ctx, word)...)
		if len(args) > maxArguments {
			return args[:maxArguments]
		}
	}
	return args
}

// expand turns one word as typed into arguments: it removes quotes and
// replaces ~, variables, command substitutions and patterns.
func (s *Session) expand(ctx context.Context, word string) []string {
	e := expander{session: s, ctx: ctx, rest: word}
	if word == "~" || strings.HasPrefix(word, "~/") {
		e.write(s.user.home)
		e.rest = word[1:]
	}
	for e.rest != "" && e.word.Len() < maxWord {
		e.next()
	}
	e.end()
	if e.pattern && len(e.args) == 1 {
		if matches := s.glob(e.args[0]); len(matches) > 0 {
			return matches
		}
	}
	return e.args
}

type expander struct {
	session *Session
	ctx     context.Context //nolint:containedctx // Lives for one expansion.
	rest    string
	word    strings.Builder
	inWord  bool
	pattern bool
	args    []string
}

func (e *expander) next() {
	switch e.rest[0] {
	case '\\':
		e.write(e.rest[1:min(2, len(e.rest))])
		e.rest = e.rest[min(2, len(e.rest)):]
	case '\'':
		end := max(closing(e.rest[1:], '\''), 0)
		e.write(e.rest[1 : 1+end])
		e.rest = e.rest[min(end+2, len(e.rest)):]
	case '"':
		end := max(closing(e.rest[1:], '"'), 0)
		e.quoted(e.rest[1 : 1+end])
		e.rest = e.rest[min(end+2, len(e.rest)):]
	case '$', '`':
		for i, field := range strings.Fields(e.substitute()) {
			if i > 0 {
				e.end()
			}
			e.write(field)
		}
	case '*', '?':
		e.pattern = true
		e.literal()
	default:
		e.literal()
	}
}

// quoted expands the inside of double quotes into the current word.
func (e *expander) quoted(inside string) {
	q := expander{session: e.session, ctx: e.ctx, rest: inside}
	q.inWord = true
	for q.rest != "" && q.word.Len() < maxWord {
		switch {
		case q.rest[0] == '\\' && len(q.rest) > 1 && strings.ContainsRune("\"\\$`", rune(q.rest[1])):
			q.write(q.rest[1:2])
			q.rest = q.rest[2:]
		case q.rest[0] == '$' || q.rest[0] == '`':
			q.write(q.substitute())
		default:
			q.literal()
		}
	}
	e.write(q.word.String())
}

// substitute takes a variable or a command from the front and returns what it
// stands for.
func (e *expander) substitute() string {
	rest := e.rest
	switch {
	case rest[0] == '`':
		end := closing(rest[1:], '`')
		if end < 0 {
			e.rest = ""
			return rest
		}
		e.rest = rest[end+2:]
		return e.session.capture(e.ctx, rest[1:1+end])
	case strings.HasPrefix(rest, "$("):
		end := closingParen(rest)
		if end < 0 {
			e.rest = ""
			return rest
		}
		e.rest = rest[end+1:]
		return e.session.capture(e.ctx, rest[2:end])
	case strings.HasPrefix(rest, "${"):
		name, after, found := strings.Cut(rest[2:], "}")
		if found {
			e.rest = after
			return e.session.variable(name)
		}
	}
	length := 1
	for length < len(rest) && variableName(rest[1:length+1]) {
		length++
	}
	if length == 1 && len(rest) > 1 && strings.ContainsRune("?$#!0@*", rune(rest[1])) {
		length = 2
	}
	e.rest = rest[length:]
	if length == 1 {
		return "$"
	}
	return e.session.variable(rest[1:length])
}

func (e *expander) literal() {
	e.write(e.rest[:1])
	e.rest = e.rest[1:]
}

func (e *expander) write(text string) {
	e.inWord = true
	if room := maxWord - e.word.Len(); len(text) > room {
		text = text[:max(room, 0)]
	}
	e.word.WriteString(text)
}

func (e *expander) end() {
	if e.inWord && len(e.args) < maxArguments {
		e.args = append(e.args, e.word.String())
	}
	e.word.Reset()
	e.inWord = false
}

func (s *Session) variable(name string) string {
	switch name {
	case "?":
		return strconv.Itoa(s.status)
	case "$":
		return "4127"
	case "#":
		return "0"
	case "0":
		return "-bash"
	case "UID", "EUID":
		return strconv.Itoa(s.user.id)
	case "PWD":
		return s.dir
	}
	return s.vars[name]
}

// capture runs a line and returns its output without the last line ends.
func (s *Session) capture(ctx context.Context, line string) string {
	out := &limited{limit: maxWord}
	s.run(ctx, line, strings.NewReader(""), out, &limited{})
	return strings.TrimRight(out.String(), "\n")
}

// glob returns the names that match a pattern in its last element.
func (s *Session) glob(pattern string) []string {
	dir, last := path.Split(pattern)
	if strings.ContainsAny(dir, "*?") {
		return nil
	}
	full := s.tree.resolve(s.dir, dir, followAll)
	var matches []string
	for _, name := range s.tree.list(full) {
		if strings.HasPrefix(name, ".") && !strings.HasPrefix(last, ".") {
			continue
		}
		if matched, err := path.Match(last, name); err == nil && matched && len(matches) < maxArguments {
			matches = append(matches, dir+name)
		}
	}
	return matches
}
