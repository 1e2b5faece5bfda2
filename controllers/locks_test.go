// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"runtime"
	"strconv"
	"sync"
	"testing"
)

// A lock is one's alone, does not hold those of other names, and leaves nothing
// behind: there is one for each LAN that ever was.
func TestLocksAreForgotten(t *testing.T) {
	t.Parallel()
	const names, passesEach = 3, 50
	var l locks
	unlockOther := l.lock("other")
	var inside, count [names]int
	var passes sync.WaitGroup
	for i := range names * passesEach {
		name := i % names
		passes.Go(func() {
			defer l.lock(strconv.Itoa(name))()
			inside[name]++
			runtime.Gosched()
			if inside[name] != 1 {
				t.Errorf("%d hold the lock %d", inside[name], name)
			}
			inside[name]--
			count[name]++
		})
	}
	passes.Wait()
	for name, have := range count {
		if have != passesEach {
			t.Errorf("%d held the lock %d, want %d", have, name, passesEach)
		}
	}
	if len(l.named) != 1 {
		t.Errorf("%d locks, of which one is held", len(l.named))
	}
	unlockOther()
	if len(l.named) > 0 {
		t.Errorf("%d locks are left", len(l.named))
	}
}
