// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package catalogue

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// SettingType is the type of a config key.
type SettingType string

// The types of config keys. In a Decky each value is text: numbers and booleans
// quoted, lists comma-separated.
const (
	TypeString  SettingType = "string"
	TypeInteger SettingType = "integer"
	TypeBoolean SettingType = "boolean"
	TypeEnum    SettingType = "enum"
	TypeList    SettingType = "list"
)

const (
	// defaultMaxLength bounds values that say nothing else, in bytes.
	defaultMaxLength = 256
	// defaultMaxItems bounds lists that say nothing else.
	defaultMaxItems = 32
	// maxShown bounds how much of a refused value a message repeats.
	maxShown = 60
)

// Setting is the schema of one config key.
type Setting struct {
	Type    SettingType `json:"type"`
	Summary string      `json:"summary"`
	// Default is what the image does when the key is not set, for people to read.
	Default string `json:"default,omitempty"`
	// MaxLength bounds the whole value, in bytes.
	MaxLength int `json:"maxLength,omitempty"`
	// Multiline admits line breaks and tabs in a string.
	Multiline bool `json:"multiline,omitempty"`
	// Pattern must match a whole string, or each element of a list; Form says
	// the same to a person.
	Pattern string `json:"pattern,omitempty"`
	Form    string `json:"form,omitempty"`
	// Min and Max bound an integer, both included.
	Min *int `json:"min,omitempty"`
	Max *int `json:"max,omitempty"`
	// Values are the choices of an enum or of the elements of a list.
	Values []string `json:"values,omitempty"`
	// Planned are further choices that are not built yet.
	Planned []string `json:"planned,omitempty"`
	// MaxItems bounds a list.
	MaxItems int `json:"maxItems,omitempty"`
	// Secret values never appear in a message.
	Secret bool `json:"secret,omitempty"`

	pattern *regexp.Regexp
}

// refusal says why a value is not accepted.
type refusal struct {
	// want continues the sentence "must be …".
	want string
	// planned is set if the value is part of the design but not built.
	planned string
}

// compile checks the schema itself and fills in what it leaves open.
func (s *Setting) compile() error {
	if s.MaxLength == 0 {
		s.MaxLength = defaultMaxLength
	}
	if s.MaxItems == 0 {
		s.MaxItems = defaultMaxItems
	}
	if s.Pattern != "" {
		if s.Form == "" {
			return errors.New("pattern needs a form that says the same in words")
		}
		pattern, err := regexp.Compile("^(?:" + s.Pattern + ")$")
		if err != nil {
			return fmt.Errorf("compile pattern: %w", err)
		}
		s.pattern = pattern
	}
	if err := s.checkType(); err != nil {
		return err
	}
	if s.Default != "" {
		if refused := s.check(s.Default); refused != nil {
			return fmt.Errorf("default %q must be %s", s.Default, refused.want)
		}
	}
	return nil
}

func (s *Setting) checkType() error {
	switch s.Type {
	case TypeString, TypeBoolean, TypeList:
	case TypeInteger:
		if s.Min == nil || s.Max == nil || *s.Min > *s.Max {
			return errors.New("an integer needs min and max")
		}
	case TypeEnum:
		if len(s.Values) == 0 {
			return errors.New("an enum needs values")
		}
	default:
		return fmt.Errorf("type %q is not one of string, integer, boolean, enum, list", s.Type)
	}
	return nil
}

// check returns why value is not accepted, or nil.
func (s *Setting) check(value string) *refusal {
	switch {
	case value == "":
		return &refusal{want: "set, or left out for the default"}
	case len(value) > s.MaxLength:
		return &refusal{want: fmt.Sprintf("at most %d bytes long", s.MaxLength)}
	case !printable(value, s.Multiline):
		return &refusal{want: "printable text on one line"}
	}
	switch s.Type {
	case TypeInteger:
		number, err := strconv.Atoi(value)
		if err != nil || number < *s.Min || number > *s.Max {
			return &refusal{want: fmt.Sprintf("a whole number from %d to %d", *s.Min, *s.Max)}
		}
	case TypeBoolean:
		if value != "true" && value != "false" {
			return &refusal{want: "\"true\" or \"false\""}
		}
	case TypeEnum:
		return s.checkChoice(value)
	case TypeList:
		return s.checkList(value)
	case TypeString:
		return s.checkPattern(value)
	}
	return nil
}

func (s *Setting) checkList(value string) *refusal {
	elements := strings.Split(value, ",")
	if len(elements) > s.MaxItems {
		return &refusal{want: fmt.Sprintf("a list of at most %d elements", s.MaxItems)}
	}
	check := s.checkPattern
	if len(s.Values) > 0 {
		check = s.checkChoice
	}
	seen := make(map[string]bool, len(elements))
	for _, element := range elements {
		element = strings.TrimSpace(element)
		if element == "" || seen[element] {
			return &refusal{want: "a comma-separated list without empty or repeated elements"}
		}
		seen[element] = true
		if refused := check(element); refused != nil {
			refused.want = "a comma-separated list of " + strings.TrimPrefix(refused.want, "one of ")
			return refused
		}
	}
	return nil
}

func (s *Setting) checkChoice(value string) *refusal {
	if slices.Contains(s.Values, value) {
		return nil
	}
	refused := &refusal{want: "one of " + strings.Join(s.Values, ", ")}
	if slices.Contains(s.Planned, value) {
		refused.planned = value
	}
	return refused
}

func (s *Setting) checkPattern(value string) *refusal {
	if s.pattern == nil || s.pattern.MatchString(value) {
		return nil
	}
	return &refusal{want: s.Form}
}

// show returns a refused value for a message: quoted and bounded, or a word in
// its place if it may be a secret.
func (s *Setting) show(value string) string {
	if s.Secret {
		return "the value given (not shown)"
	}
	return quote(value)
}

// quote quotes a user's value and bounds it.
func quote(value string) string {
	if len(value) <= maxShown {
		return strconv.Quote(value)
	}
	end := maxShown
	for end > maxShown-utf8.UTFMax && !utf8.RuneStart(value[end]) {
		end--
	}
	return strconv.Quote(value[:end]) + "…"
}

func printable(value string, multiline bool) bool {
	if !utf8.ValidString(value) {
		return false
	}
	return !strings.ContainsFunc(value, func(char rune) bool {
		if multiline && (char == '\n' || char == '\r' || char == '\t') {
			return false
		}
		return !unicode.IsPrint(char)
	})
}
