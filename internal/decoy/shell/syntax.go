// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package shell

import "strings"

// step is one pipeline of a line, and the operator that precedes it.
type step struct {
	operator string // "", ";", "&&", "||", "&"
	stages   []stage
}

// stage is one command of a pipeline: its words as they were typed, and where
// its output goes.
type stage struct {
	words     []string
	redirects []redirect
}

type redirect struct {
	operator string // ">", ">>", "<", "2>", "2>>", "&>"
	word     string
}

// token is a word or, if operator is set, an operator.
type token struct {
	text     string
	operator bool
}

// operators in the order in which they are tried.
func operators() []string {
	return []string{"&&", "||", "2>&1", "1>&2", ">&2", "2>>", "2>", "1>", "&>", ">>", ">", "<", "|", ";", "&", "\n"}
}

// parse cuts a line into pipelines. Words keep their quotes. The error text is
// what the shell would print.
func parse(line string) ([]step, string) {
	tokens, problem := scan(line)
	if problem != "" {
		return nil, problem
	}
	p := parser{}
	for len(tokens) > 0 {
		next := tokens[0]
		tokens = tokens[1:]
		switch {
		case !next.operator:
			p.current.words = append(p.current.words, next.text)
		case !strings.ContainsAny(next.text, "<>"):
			problem = p.end(next.text)
		case strings.HasSuffix(next.text, "&1") || strings.HasSuffix(next.text, "&2"):
			p.current.redirects = append(p.current.redirects, redirect{operator: next.text})
		case len(tokens) == 0 || tokens[0].operator:
			problem = "syntax error near unexpected token `newline'"
		default:
			p.current.redirects = append(p.current.redirects, redirect{operator: next.text, word: tokens[0].text})
			tokens = tokens[1:]
		}
		if problem != "" {
			return nil, problem
		}
	}
	return p.finish(), ""
}

// parser is the state of parse: the steps so far, the one that is being built,
// and its last stage.
type parser struct {
	steps   []step
	next    step
	current stage
}

func (p *parser) empty() bool {
	return len(p.current.words) == 0 && len(p.current.redirects) == 0
}

// end ends a stage at an operator, and the step with it unless it is a pipe.
func (p *parser) end(operator string) string {
	if p.empty() {
		if operator == "\n" {
			return ""
		}
		return "syntax error near unexpected token `" + operator + "'"
	}
	p.next.stages = append(p.next.stages, p.current)
	p.current = stage{}
	if operator != "|" {
		p.steps = append(p.steps, p.next)
		p.next = step{operator: operator}
	}
	return ""
}

func (p *parser) finish() []step {
	if !p.empty() {
		p.next.stages = append(p.next.stages, p.current)
	}
	if len(p.next.stages) > 0 {
		p.steps = append(p.steps, p.next)
	}
	return p.steps
}

func scan(line string) ([]token, string) {
	s := scanner{rest: line, operators: operators()}
	for s.rest != "" {
		if !s.next() {
			return nil, "unexpected EOF while looking for matching `" + s.missing + "'"
		}
	}
	s.endWord()
	return s.tokens, ""
}

type scanner struct {
	rest      string
	operators []string
	word      strings.Builder
	inWord    bool
	tokens    []token
	missing   string
}

func (s *scanner) next() bool {
	switch s.rest[0] {
	case ' ', '\t', '\r':
		s.endWord()
		s.rest = s.rest[1:]
		return true
	case '#':
		if !s.inWord {
			end := strings.IndexByte(s.rest, '\n')
			if end < 0 {
				end = len(s.rest)
			}
			s.rest = s.rest[end:]
			return true
		}
	case '\\':
		s.take(min(2, len(s.rest)))
		return true
	case '\'', '"', '`':
		return s.takeQuoted(s.rest[:1])
	case '$':
		if strings.HasPrefix(s.rest, "$(") {
			return s.takeSubstitution()
		}
	}
	if operator := s.operator(); operator != "" {
		s.endWord()
		s.tokens = append(s.tokens, token{text: operator, operator: true})
		s.rest = s.rest[len(operator):]
		return true
	}
	s.take(1)
	return true
}

func (s *scanner) operator() string {
	for _, operator := range s.operators {
		if !strings.HasPrefix(s.rest, operator) {
			continue
		}
		// "echo 2>x" redirects, "file2>x" does not: the digit is of the word.
		if s.inWord && (operator[0] == '2' || operator[0] == '1') {
			continue
		}
		return operator
	}
	return ""
}

func (s *scanner) take(n int) {
	s.inWord = true
	s.word.WriteString(s.rest[:n])
	s.rest = s.rest[n:]
}

func (s *scanner) takeQuoted(quote string) bool {
	end := closing(s.rest[1:], quote[0])
	if end < 0 {
		s.missing = quote
		return false
	}
	s.take(end + 2)
	return true
}

// closing finds the end of a quotation, past escaped quotes.
func closing(text string, quote byte) int {
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == quote:
			return i
		case text[i] == '\\' && quote != '\'':
			i++
		}
	}
	return -1
}

func (s *scanner) takeSubstitution() bool {
	end := closingParen(s.rest)
	if end < 0 {
		s.missing = ")"
		return false
	}
	s.take(end + 1)
	return true
}

// closingParen finds the parenthesis that closes the first one of text.
func closingParen(text string) int {
	depth := 0
	for i := range len(text) {
		switch text[i] {
		case '(':
			depth++
		case ')':
			depth--
			if depth == 0 {
				return i
			}
		}
	}
	return -1
}

func (s *scanner) endWord() {
	if s.inWord {
		s.tokens = append(s.tokens, token{text: s.word.String()})
	}
	s.word.Reset()
	s.inWord = false
}
