// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"maps"
	"reflect"
	"slices"
)

// A look is what one read of one object gave.
type look[T any] struct {
	id string
	// seq orders looks by when they began. What a look saw is at least as new
	// as its beginning.
	seq uint64
	// found is false if the object does not exist.
	found bool
	value T
}

// A change is what a look made of an object; nil means that it did not exist.
// At least one of the two is set.
type change[T any] struct {
	before, after *T
}

// An entry is an object as it is known.
type entry[T any] struct {
	value T
	// seq is that of the look that saw value.
	seq uint64
	// listed is what the list said of the object when an inspection confirmed
	// value; nil if there was none, or value has changed since.
	listed *T
	// keys are those under which the index has the object.
	keys []indexKey
}

// A table holds all objects of one type by id. It is not safe for concurrent use.
type table[T any] struct {
	entries map[string]entry[T]
	// gone holds the ids seen missing since the last list.
	gone map[string]uint64
	// listSeq is that of the last list.
	listSeq uint64
	compare func(a, b T) int
	// sorted is the content of entries in order; nil if it must be made again.
	sorted []T
	// index follows every change.
	index index
	// keys are those under which the index finds an object.
	keys func(T) []indexKey
}

func newTable[T any](compare func(a, b T) int, keys func(T) []indexKey) table[T] {
	return table[T]{
		entries: map[string]entry[T]{},
		gone:    map[string]uint64{},
		compare: compare,
		index:   index{},
		keys:    keys,
	}
}

// set makes an entry what is known of an object.
func (t *table[T]) set(id string, known entry[T]) {
	t.unset(id)
	known.keys = t.keys(known.value)
	t.entries[id] = known
	t.index.add(id, known.keys)
}

// unset drops an entry, if there is one.
func (t *table[T]) unset(id string) {
	known, ok := t.entries[id]
	if !ok {
		return
	}
	delete(t.entries, id)
	t.index.remove(id, known.keys)
	t.sorted = nil
}

// admits reports whether nothing newer than a look is known about its object.
func (t *table[T]) admits(id string, seq uint64) bool {
	if known, ok := t.entries[id]; ok {
		return seq > known.seq
	}
	return seq > max(t.listSeq, t.gone[id])
}

// put merges a look, unless something newer is known, and reports what changed.
func (t *table[T]) put(seen look[T]) (change[T], bool) {
	if !t.admits(seen.id, seen.seq) {
		return change[T]{}, false
	}
	before, known := t.entries[seen.id]
	switch {
	case !seen.found:
		t.gone[seen.id] = seen.seq
		if !known {
			return change[T]{}, false
		}
		t.unset(seen.id)
		return change[T]{before: &before.value}, true
	case known && reflect.DeepEqual(before.value, seen.value):
		before.seq = seen.seq
		t.entries[seen.id] = before
		return change[T]{}, false
	}
	t.set(seen.id, entry[T]{value: seen.value, seq: seen.seq})
	t.sorted = nil
	delete(t.gone, seen.id)
	if !known {
		return change[T]{after: &seen.value}, true
	}
	return change[T]{before: &before.value, after: &seen.value}, true
}

// confirm remembers what the list said of an object that was then inspected,
// unless something newer than that inspection is known.
func (t *table[T]) confirm(seen look[T], listed T) {
	if known, ok := t.entries[seen.id]; ok && known.seq == seen.seq {
		known.listed = &listed
		t.entries[seen.id] = known
	}
}

// keepOnly drops everything that a list did not contain and nobody has seen
// since the list began.
func (t *table[T]) keepOnly(ids map[string]struct{}, listSeq uint64) []change[T] {
	var changes []change[T]
	for id, known := range t.entries {
		if _, ok := ids[id]; ok || known.seq > listSeq {
			continue
		}
		t.unset(id)
		changes = append(changes, change[T]{before: &known.value})
	}
	t.listSeq = max(t.listSeq, listSeq)
	for id, seq := range t.gone {
		if seq <= t.listSeq {
			delete(t.gone, id)
		}
	}
	return changes
}

// values returns all objects in order. The result is never changed later.
func (t *table[T]) values() []T {
	if t.sorted == nil {
		t.sorted = make([]T, 0, len(t.entries))
		for _, known := range t.entries {
			t.sorted = append(t.sorted, known.value)
		}
		slices.SortFunc(t.sorted, t.compare)
	}
	return t.sorted
}

// some returns the objects found under any of the keys, in order.
func (t *table[T]) some(keys []indexKey) []T {
	ids := map[string]struct{}{}
	for _, key := range keys {
		maps.Copy(ids, t.index[key])
	}
	found := make([]T, 0, len(ids))
	for id := range ids {
		found = append(found, t.entries[id].value)
	}
	slices.SortFunc(found, t.compare)
	return found
}
