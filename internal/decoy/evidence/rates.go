// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package evidence

import (
	"sync"
	"time"
)

const (
	// A source may fill sourceBurst lines at once and sourceRate a second
	// from then on; all sources together overallBurst and overallRate. So one
	// flooding source neither fills the host's disk nor hides the others.
	sourceBurst  = 400
	sourceRate   = 40
	overallBurst = 4000
	overallRate  = 200
	// maxSources bounds the sources that are told apart.
	maxSources = 1024
)

// bucket is a token bucket. The zero value is full.
type bucket struct {
	spent float64
	last  time.Time
}

func (b *bucket) allow(now time.Time, burst, rate float64) bool {
	b.spent = max(0, b.spent-rate*now.Sub(b.last).Seconds())
	b.last = now
	if b.spent+1 > burst {
		return false
	}
	b.spent++
	return true
}

type rates struct {
	mu      sync.Mutex
	overall bucket
	sources map[string]*bucket
}

func newRates() *rates {
	return &rates{sources: make(map[string]*bucket)}
}

func (r *rates) allow(source string, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	own, found := r.sources[source]
	if !found {
		r.makeRoom(now)
		own = &bucket{last: now}
		r.sources[source] = own
	}
	return own.allow(now, sourceBurst, sourceRate) && r.overall.allow(now, overallBurst, overallRate)
}

// makeRoom forgets sources that have been quiet, then any.
func (r *rates) makeRoom(now time.Time) {
	if len(r.sources) < maxSources {
		return
	}
	for source, own := range r.sources {
		if now.Sub(own.last) > time.Minute {
			delete(r.sources, source)
		}
	}
	for source := range r.sources {
		if len(r.sources) < maxSources {
			return
		}
		delete(r.sources, source)
	}
}
