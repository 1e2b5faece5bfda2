// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"cmp"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// A version is an object of a table; its number tells when it was so.
type version struct {
	id     string
	number int
}

func newVersionTable() table[version] {
	return newTable(func(a, b version) int { return cmp.Compare(a.id, b.id) }, func(version) []indexKey { return nil })
}

func found(seq uint64, id string, number int) look[version] {
	return look[version]{id: id, seq: seq, found: true, value: version{id: id, number: number}}
}

func TestTablePut(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		looks []look[version]
		want  []version
	}{
		"a first look": {
			looks: []look[version]{found(1, "a", 1)},
			want:  []version{{"a", 1}},
		},
		"a later look wins": {
			looks: []look[version]{found(1, "a", 1), found(2, "a", 2)},
			want:  []version{{"a", 2}},
		},
		"an older look that comes later does not": {
			looks: []look[version]{found(2, "a", 2), found(1, "a", 1)},
			want:  []version{{"a", 2}},
		},
		"an older look that comes after an equal one does not": {
			looks: []look[version]{found(1, "a", 2), found(3, "a", 2), found(2, "a", 1)},
			want:  []version{{"a", 2}},
		},
		"an older look does not bring back what is gone": {
			looks: []look[version]{found(1, "a", 1), {id: "a", seq: 3}, found(2, "a", 2)},
			want:  []version{},
		},
		"an older miss does not remove": {
			looks: []look[version]{found(2, "a", 1), {id: "a", seq: 1}},
			want:  []version{{"a", 1}},
		},
		"the order is that of comparison": {
			looks: []look[version]{found(1, "b", 1), found(2, "a", 1), found(3, "c", 1)},
			want:  []version{{"a", 1}, {"b", 1}, {"c", 1}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			objects := newVersionTable()
			for _, seen := range test.looks {
				objects.put(seen)
			}
			if diff := gocmp.Diff(test.want, objects.values(), gocmp.AllowUnexported(version{})); diff != "" {
				t.Errorf("table (-want +have):\n%s", diff)
			}
		})
	}
}

func TestTableConfirm(t *testing.T) {
	t.Parallel()
	listed := version{"a", 1}
	tests := map[string]struct {
		looks     []look[version]
		confirmed look[version]
		want      bool
	}{
		"the inspection that is known": {
			looks:     []look[version]{found(2, "a", 1)},
			confirmed: found(2, "a", 1),
			want:      true,
		},
		"an inspection older than what is known": {
			looks:     []look[version]{found(3, "a", 2), found(2, "a", 1)},
			confirmed: found(2, "a", 1),
		},
		"an inspection that a change followed": {
			looks:     []look[version]{found(2, "a", 1)},
			confirmed: found(1, "a", 1),
		},
		"what is gone": {
			looks:     []look[version]{{id: "a", seq: 2}},
			confirmed: look[version]{id: "a", seq: 2},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			objects := newVersionTable()
			for _, seen := range test.looks {
				objects.put(seen)
			}
			objects.confirm(test.confirmed, listed)
			if have := objects.entries["a"].listed != nil; have != test.want {
				t.Errorf("confirmed %t, want %t", have, test.want)
			}
		})
	}
}

// However the answers of looks arrive, the table ends with what the look that
// began last saw, and remembers no missing ids beyond the next list.
func TestTableEndsWithTheLatestLook(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		const objects = 3
		var looks []look[version]
		for i := range rapid.IntRange(1, 20).Draw(t, "looks") {
			seen := found(uint64(i+1), string(rune('a'+rapid.IntRange(0, objects-1).Draw(t, "object"))), i)
			if rapid.Bool().Draw(t, "missing") {
				seen.found, seen.value = false, version{}
			}
			looks = append(looks, seen)
		}
		listSeq := uint64(rapid.IntRange(0, len(looks)).Draw(t, "list"))
		merged := newVersionTable()
		arrivals := rapid.Permutation(looks).Draw(t, "arrivals")
		listAfter := rapid.IntRange(0, len(arrivals)).Draw(t, "list after")
		for i, seen := range arrivals {
			if i == listAfter {
				merged.keepOnly(nil, listSeq)
			}
			merged.put(seen)
		}
		if listAfter == len(arrivals) {
			merged.keepOnly(nil, listSeq)
		}
		want := map[string]version{}
		for _, seen := range looks {
			delete(want, seen.id)
			if seen.found && seen.seq > listSeq {
				want[seen.id] = seen.value
			}
		}
		have := map[string]version{}
		for _, value := range merged.values() {
			have[value.id] = value
		}
		if diff := gocmp.Diff(want, have, gocmp.AllowUnexported(version{})); diff != "" {
			t.Errorf("table (-want +have):\n%s", diff)
		}
		merged.keepOnly(nil, uint64(len(looks)))
		if len(merged.gone) > 0 || len(merged.entries) > 0 {
			t.Errorf("after a list of nothing: %v, gone %v", merged.entries, merged.gone)
		}
	})
}
