// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"errors"
	"runtime/metrics"
	"sync"
	"time"
)

const (
	// maxHeap is what the heap may hold before connections are turned away.
	// It lies above the soft limit the process sets itself, so garbage alone
	// does not reach it, and below what its container may use.
	maxHeap = 38 << 20
	// sampleAge is how old a reading may be.
	sampleAge = 20 * time.Millisecond

	heapMetric = "/memory/classes/heap/objects:bytes"
)

// ErrMemory says that the process is near its memory limit.
var ErrMemory = errors.New("memory limit reached")

// memory watches the heap. Protocol libraries buffer what a peer sends in
// places nobody can bound from outside; this is the bound that holds anyway.
type memory struct {
	mu    sync.Mutex
	taken time.Time
	full  bool
}

func newMemory() *memory {
	return &memory{}
}

func (m *memory) exhausted(now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if now.Sub(m.taken) < sampleAge {
		return m.full
	}
	samples := []metrics.Sample{{Name: heapMetric}}
	metrics.Read(samples)
	m.taken = now
	m.full = samples[0].Value.Kind() == metrics.KindUint64 && samples[0].Value.Uint64() > maxHeap
	return m.full
}
