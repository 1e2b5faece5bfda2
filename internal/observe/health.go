// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"k8s.io/utils/clock"

	"github.com/deckyard/deckyard/internal/engine"
)

// Why there is no snapshot. The texts reach conditions, so they do not change
// from one moment to the next.
var (
	errNotListed = fmt.Errorf("%w: nothing was listed yet", engine.ErrUnavailable)
	errStale     = fmt.Errorf("%w: the last list is too old", engine.ErrUnavailable)
)

// health says whether what is known may be believed. It is safe for concurrent use.
type health struct {
	clock      clock.PassiveClock
	staleAfter time.Duration
	// attempted is closed after the first attempt to list.
	attempted chan struct{}

	mu sync.Mutex
	// failure is why the last attempt to list failed, nil if it did not.
	failure error
	// tries counts the attempts, lastList is the time of the last success.
	tries    int
	lastList time.Time
}

func newHealth(passive clock.PassiveClock, staleAfter time.Duration) *health {
	return &health{clock: passive, staleAfter: staleAfter, attempted: make(chan struct{})}
}

// wait waits for the first attempt to list and returns why there is nothing to
// be believed, or nil.
func (h *health) wait(ctx context.Context) error {
	select {
	case <-h.attempted:
		return h.now()
	default:
	}
	select {
	case <-h.attempted:
		return h.now()
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", errNotListed, ctx.Err())
	}
}

// now returns why what is known is not to be believed, or nil.
func (h *health) now() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.failure != nil {
		return h.failure
	}
	return h.age()
}

// recent returns nil also while the engine is away for a short time.
func (h *health) recent() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.age(); err != nil {
		return errors.Join(err, h.failure)
	}
	return nil
}

// age needs the lock.
func (h *health) age() error {
	switch {
	case h.lastList.IsZero():
		return errNotListed
	case h.clock.Since(h.lastList) > h.staleAfter:
		return errStale
	}
	return nil
}

// succeeded notes a list that was begun at a time, and reports whether the
// engine could not be asked before.
func (h *health) succeeded(begun time.Time) (recovered bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	recovered = h.failure != nil
	h.failure = nil
	h.lastList = begun
	h.attempt()
	return recovered
}

// failed notes that the engine could not be asked, and reports whether that is new.
func (h *health) failed(cause error) (lost bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	lost = h.failure == nil
	if !errors.Is(cause, engine.ErrUnavailable) {
		cause = fmt.Errorf("%w: %w", engine.ErrUnavailable, cause)
	}
	h.failure = cause
	h.attempt()
	return lost
}

// attempt needs the lock.
func (h *health) attempt() {
	if h.tries == 0 {
		close(h.attempted)
	}
	h.tries++
}

// up is 1 if the engine answered the last time, else 0.
func (h *health) up() float64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.tries == 0 || h.failure != nil {
		return 0
	}
	return 1
}

// ageSeconds is the age of the last list, 0 if there was none.
func (h *health) ageSeconds() float64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.lastList.IsZero() {
		return 0
	}
	return h.clock.Since(h.lastList).Seconds()
}
