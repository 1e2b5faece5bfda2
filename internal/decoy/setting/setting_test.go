// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package setting_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deckyard/deckyard/internal/decoy/setting"
)

func reader(values map[string]string) *setting.Reader {
	return setting.NewReader(func(name string) (string, bool) {
		value, found := values[name]
		return value, found
	})
}

func TestReaderReturnsValuesAndDefaults(t *testing.T) {
	t.Parallel()
	r := reader(map[string]string{"NAME": "x", "EMPTY": "", "COUNT": "7", "KIND": "b", "LIST": "a, b,c"})
	got := []any{
		r.Line("NAME", "d", 10), r.Line("EMPTY", "d", 10), r.Line("UNSET", "d", 10), r.Number("COUNT", 1, 0, 9),
		r.Choice("KIND", "a", "a", "b"), strings.Join(r.List("LIST", "", 3, 100), "|"), len(r.List("UNSET", "", 3, 100)),
	}
	want := []any{"x", "d", "d", 7, "b", "a|b|c", 0}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if err := r.Err(); err != nil {
		t.Errorf("unexpected error: %v", err)
	}
}

func TestReaderRefusesBadValuesInOneLine(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		value string
		read  func(*setting.Reader)
		want  string
	}{
		"not a number":           {"many", func(r *setting.Reader) { r.Number("V", 0, 0, 5) }, `V must be a whole number from 0 to 5, not "many"`},
		"number too large":       {"6", func(r *setting.Reader) { r.Number("V", 0, 0, 5) }, `V must be a whole number from 0 to 5, not "6"`},
		"unknown choice":         {"c", func(r *setting.Reader) { r.Choice("V", "a", "a", "b") }, `V must be one of a, b, not "c"`},
		"text too long":          {"abcdef", func(r *setting.Reader) { r.Line("V", "", 5) }, `V must be at most 5 bytes, not "abcdef"`},
		"line break in line":     {"a\nb", func(r *setting.Reader) { r.Line("V", "", 5) }, `V must be printable UTF-8 text, not "a\nb"`},
		"control character":      {"a\x1b", func(r *setting.Reader) { r.Text("V", "", 5) }, `V must be printable UTF-8 text, not "a\x1b"`},
		"bytes that are no text": {"\xff", func(r *setting.Reader) { r.Text("V", "", 5) }, `V must be printable UTF-8 text, not "\xff"`},
		"empty element":          {"a,,b", func(r *setting.Reader) { r.List("V", "", 5, 50) }, `V must be a comma-separated list without empty elements, not "a,,b"`},
		"too many elements":      {"a,b,c", func(r *setting.Reader) { r.List("V", "", 2, 50) }, `V must be a list of at most 2 elements, not "a,b,c"`},
		"the first one counts":   {"x", func(r *setting.Reader) { r.Number("V", 0, 1, 2); r.Choice("V", "a", "a") }, `V must be a whole number from 1 to 2, not "x"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := reader(map[string]string{"V": test.value})
			test.read(r)
			if r.Err() == nil || r.Err().Error() != test.want {
				t.Errorf("error is %v, want %s", r.Err(), test.want)
			}
		})
	}
}
