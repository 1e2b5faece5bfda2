// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package setting

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxShown bounds how much of a refused value an error repeats.
const maxShown = 60

// Lookup returns the value of a variable and whether it is set. os.LookupEnv
// is one.
type Lookup func(name string) (string, bool)

// Reader reads typed variables and keeps the first mistake, so that a
// constructor can read all it needs and check once.
type Reader struct {
	lookup Lookup
	err    error
}

// NewReader reads from lookup.
func NewReader(lookup Lookup) *Reader {
	return &Reader{lookup: lookup}
}

// Err returns the first mistake found so far, or nil.
func (r *Reader) Err() error {
	return r.err
}

// Line returns one line of printable text of at most maxBytes bytes.
func (r *Reader) Line(name, fallback string, maxBytes int) string {
	return r.text(name, fallback, maxBytes, false)
}

// Text is Line that also admits line breaks and tabs.
func (r *Reader) Text(name, fallback string, maxBytes int) string {
	return r.text(name, fallback, maxBytes, true)
}

// Number returns an integer between low and high, both included.
func (r *Reader) Number(name string, fallback, low, high int) int {
	value, found := r.value(name)
	if !found {
		return fallback
	}
	number, err := strconv.Atoi(value)
	if err != nil || number < low || number > high {
		r.refuse(name, value, fmt.Sprintf("a whole number from %d to %d", low, high))
		return fallback
	}
	return number
}

// Choice returns one of allowed.
func (r *Reader) Choice(name, fallback string, allowed ...string) string {
	value, found := r.value(name)
	if !found {
		return fallback
	}
	if !slices.Contains(allowed, value) {
		r.refuse(name, value, "one of "+strings.Join(allowed, ", "))
		return fallback
	}
	return value
}

// List returns comma-separated printable elements, each of them trimmed and
// not empty, at most maxElements of them in at most maxBytes bytes.
func (r *Reader) List(name, fallback string, maxElements, maxBytes int) []string {
	value := r.Line(name, fallback, maxBytes)
	if value == "" {
		return nil
	}
	elements := strings.Split(value, ",")
	for i, element := range elements {
		elements[i] = strings.TrimSpace(element)
		if elements[i] == "" {
			r.refuse(name, value, "a comma-separated list without empty elements")
			return nil
		}
	}
	if len(elements) > maxElements {
		r.refuse(name, value, fmt.Sprintf("a list of at most %d elements", maxElements))
		return nil
	}
	return elements
}

// Refuse records that the variable name holds a value that is not what want
// describes, for rules that only the service knows.
func (r *Reader) Refuse(name, value, want string) {
	r.refuse(name, value, want)
}

func (r *Reader) text(name, fallback string, maxBytes int, multiline bool) string {
	value, found := r.value(name)
	if !found {
		return fallback
	}
	if len(value) > maxBytes {
		r.refuse(name, value, fmt.Sprintf("at most %d bytes", maxBytes))
		return fallback
	}
	if !printable(value, multiline) {
		r.refuse(name, value, "printable UTF-8 text")
		return fallback
	}
	return value
}

func (r *Reader) value(name string) (string, bool) {
	value, found := r.lookup(name)
	return value, found && value != ""
}

func (r *Reader) refuse(name, value, want string) {
	if r.err != nil {
		return
	}
	if len(value) > maxShown {
		value = value[:maxShown] + "…"
	}
	r.err = fmt.Errorf("%s must be %s, not %q", name, want, value)
}

func printable(value string, multiline bool) bool {
	if !utf8.ValidString(value) {
		return false
	}
	for _, char := range value {
		if multiline && (char == '\n' || char == '\r' || char == '\t') {
			continue
		}
		if !unicode.IsPrint(char) {
			return false
		}
	}
	return true
}
