// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import "sync"

// locks has a lock for each name, for as long as somebody holds or wants it. The zero
// value is ready for use.
type locks struct {
	mutex sync.Mutex
	named map[string]*namedLock
}

type namedLock struct {
	sync.Mutex
	// users are those who hold the lock or wait for it.
	users int
}

// lock waits for the lock of a name, and returns the function that unlocks it.
func (l *locks) lock(name string) (unlock func()) {
	l.mutex.Lock()
	if l.named == nil {
		l.named = map[string]*namedLock{}
	}
	wanted := l.named[name]
	if wanted == nil {
		wanted = &namedLock{}
		l.named[name] = wanted
	}
	wanted.users++
	l.mutex.Unlock()
	wanted.Lock()
	return func() {
		wanted.Unlock()
		l.mutex.Lock()
		defer l.mutex.Unlock()
		wanted.users--
		if wanted.users == 0 {
			delete(l.named, name)
		}
	}
}
