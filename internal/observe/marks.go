// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"sync"

	"github.com/deckyard/deckyard/internal/engine"
)

// More marked ids than this are not looked at one by one: everything is listed.
const maxMarked = 256

// A batch is what events marked. The numbers are the sequence number of the
// last look that had begun when the event came.
type batch struct {
	containers, networks map[string]uint64
	images               bool
	// overflow says that there was too much to remember.
	overflow bool
}

// marks collects what events mark until somebody takes it. It is safe for
// concurrent use and bounded, however many events come.
type marks struct {
	mu      sync.Mutex
	pending batch
	// signal holds a value while something is pending.
	signal chan struct{}
}

func newMarks() *marks {
	return &marks{pending: emptyBatch(), signal: make(chan struct{}, 1)}
}

func emptyBatch() batch {
	return batch{containers: map[string]uint64{}, networks: map[string]uint64{}}
}

// add marks what an event speaks of.
func (m *marks) add(event engine.Event, seq uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch event.Type {
	case engine.ObjectContainer:
		m.pending.containers[event.ID] = seq
	case engine.ObjectNetwork:
		m.addNetwork(event, seq)
	case engine.ObjectImage:
		m.pending.images = true
	default:
		return
	}
	m.settle()
}

// addNetwork marks the container only, when the event is about an endpoint:
// the network itself has not changed.
func (m *marks) addNetwork(event engine.Event, seq uint64) {
	if event.ContainerID != "" {
		m.pending.containers[event.ContainerID] = seq
		return
	}
	m.pending.networks[event.ID] = seq
}

// addAll marks ids.
func (m *marks) addAll(containerIDs, networkIDs []string, seq uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range containerIDs {
		m.pending.containers[id] = seq
	}
	for _, id := range networkIDs {
		m.pending.networks[id] = seq
	}
	m.settle()
}

// settle keeps the bound and signals. It needs the lock.
func (m *marks) settle() {
	if len(m.pending.containers)+len(m.pending.networks) > maxMarked {
		m.pending.overflow = true
	}
	if m.pending.overflow {
		clear(m.pending.containers)
		clear(m.pending.networks)
	}
	select {
	case m.signal <- struct{}{}:
	default:
	}
}

// take returns what is pending and forgets it.
func (m *marks) take() batch {
	m.mu.Lock()
	defer m.mu.Unlock()
	taken := m.pending
	m.pending = emptyBatch()
	return taken
}
