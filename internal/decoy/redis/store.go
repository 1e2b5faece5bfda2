// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package redis

import (
	"slices"
	"sync"
	"time"
)

const (
	databases = 16
	// maxKeys and maxBytes bound all databases together.
	maxKeys  = 4096
	maxBytes = 4 << 20
	// maxElements bounds one list, hash or set, which are searched in order.
	maxElements = 1024
	// perKey is what a key and each element cost besides their content.
	perKey = 64
)

// store is the key space. It is safe for concurrent use.
type store struct {
	mu    sync.Mutex
	keys  [databases]map[string]*value
	count int
	bytes int
}

// value is what a key holds: a string, or the elements of a list, hash or set.
type value struct {
	kind     string
	text     string
	elements []string // of a hash: field, value, field, value
	expires  time.Time
}

func (v *value) cost(key string) int {
	cost := perKey + len(key) + len(v.text)
	for _, element := range v.elements {
		cost += len(element) + perKey
	}
	return cost
}

func newStore() *store {
	s := &store{}
	for i := range s.keys {
		s.keys[i] = make(map[string]*value)
	}
	return s
}

// get returns a copy of what a key holds.
func (s *store) get(database int, key string, now time.Time) (value, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.live(database, key, now)
	if found == nil {
		return value{}, false
	}
	copied := *found
	copied.elements = slices.Clone(found.elements)
	return copied, true
}

// update replaces what a key holds by what change makes of it; a nil result
// removes the key. It says false, and changes nothing, if there is no room.
func (s *store) update(database int, key string, now time.Time, change func(*value) *value) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.live(database, key, now)
	var given *value
	cost := 0
	if before != nil {
		copied := *before
		copied.elements = slices.Clone(before.elements)
		given = &copied
		cost = -before.cost(key)
	}
	after := change(given)
	if after == nil {
		s.drop(database, key)
		return true
	}
	cost += after.cost(key)
	if len(after.elements) > maxElements || s.bytes+cost > maxBytes || (before == nil && s.count >= maxKeys) {
		return false
	}
	if before == nil {
		s.count++
	}
	s.bytes += cost
	s.keys[database][key] = after
	return true
}

// remove removes a key and says whether it was there.
func (s *store) remove(database int, key string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.live(database, key, now) != nil
	s.drop(database, key)
	return found
}

// matching returns the sorted keys that match a pattern.
func (s *store) matching(database int, pattern string, now time.Time) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []string
	for key := range s.keys[database] {
		if matches(pattern, key) && s.live(database, key, now) != nil {
			found = append(found, key)
		}
	}
	slices.Sort(found)
	return found
}

func (s *store) size(database int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.keys[database])
}

// flush empties a database, or all of them if it is negative.
func (s *store) flush(database int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.keys {
		if database >= 0 && i != database {
			continue
		}
		for key := range s.keys[i] {
			s.drop(i, key)
		}
	}
}

func (s *store) live(database int, key string, now time.Time) *value {
	found := s.keys[database][key]
	if found != nil && !found.expires.IsZero() && now.After(found.expires) {
		s.drop(database, key)
		return nil
	}
	return found
}

func (s *store) drop(database int, key string) {
	if found := s.keys[database][key]; found != nil {
		s.bytes -= found.cost(key)
		s.count--
		delete(s.keys[database], key)
	}
}
