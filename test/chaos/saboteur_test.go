//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package chaos

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/deckyard/deckyard/test/engineproxy"
)

// ailment is what befalls one request of the operator.
type ailment string

// The ailments.
const (
	refused      ailment = "refused"
	dropped      ailment = "dropped"
	lost         ailment = "done, the answer lost"
	held         ailment = "held"
	heldDone     ailment = "done, the answer held"
	killedBefore ailment = "not done, the operator killed"
	killedDuring ailment = "under way, the operator killed"
	killedAfter  ailment = "done, the operator killed"
	streamCut    ailment = "done, the event stream cut"
	frozen       ailment = "held, and all after it"
)

func ailments() []ailment {
	return []ailment{refused, dropped, lost, held, heldDone, killedBefore, killedDuring, killedAfter, streamCut, frozen}
}

// fault is an ailment of the nth request, or of the nth that changes something.
type fault struct {
	ailment ailment
	n       int
	reads   bool
}

func (f fault) String() string {
	if f.reads {
		return fmt.Sprintf("request %d is %s", f.n, f.ailment)
	}
	return fmt.Sprintf("write %d is %s", f.n, f.ailment)
}

// saboteur makes faults happen to the requests through a proxy.
type saboteur struct {
	proxy *engineproxy.Proxy
	kill  func()

	mutex            sync.Mutex
	pending          []fault
	requests, writes int
	// calm is closed when nothing is held any more.
	calm     chan struct{}
	isFrozen bool
	// happened counts the faults of each kind.
	happened map[ailment]int
}

func newSaboteur(proxy *engineproxy.Proxy, kill func()) *saboteur {
	return &saboteur{proxy: proxy, kill: kill, happened: map[ailment]int{}, calm: make(chan struct{})}
}

// arm makes faults happen to the requests from now on.
func (s *saboteur) arm(faults ...fault) {
	s.mutex.Lock()
	s.pending, s.requests, s.writes, s.isFrozen = slices.Clone(faults), 0, 0, false
	s.calm = make(chan struct{})
	s.mutex.Unlock()
	s.proxy.Interfere(s.decide)
}

// disarm ends all faults.
func (s *saboteur) disarm() {
	s.proxy.Interfere(nil)
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.pending = nil
	select {
	case <-s.calm:
	default:
		close(s.calm)
	}
}

// outstanding is the number of faults that have not happened yet.
func (s *saboteur) outstanding() int {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return len(s.pending)
}

func (s *saboteur) decide(r *http.Request) engineproxy.Interference {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	isWrite := engineproxy.IsWrite(r)
	s.requests++
	if isWrite {
		s.writes++
	}
	if s.isFrozen {
		return engineproxy.Interference{Before: s.await(s.calm)}
	}
	for i, f := range s.pending {
		if f.reads && f.n == s.requests || !f.reads && isWrite && f.n == s.writes {
			s.pending = slices.Delete(s.pending, i, i+1)
			s.happened[f.ailment]++
			return s.interference(f.ailment)
		}
	}
	return engineproxy.Interference{}
}

func (s *saboteur) interference(what ailment) engineproxy.Interference {
	switch what {
	case refused:
		return engineproxy.Interference{Status: http.StatusInternalServerError}
	case dropped:
		return engineproxy.Interference{Dropped: true}
	case lost:
		return engineproxy.Interference{Lost: true}
	case held:
		return engineproxy.Interference{Before: s.await(s.calm)}
	case heldDone:
		return engineproxy.Interference{After: s.await(s.calm), Lost: true}
	case killedBefore:
		return engineproxy.Interference{Before: s.kill, Dropped: true}
	case killedDuring:
		return engineproxy.Interference{Before: s.kill}
	case killedAfter:
		return engineproxy.Interference{After: s.kill, Lost: true}
	case streamCut:
		return engineproxy.Interference{After: s.proxy.CutStreams}
	case frozen:
		s.isFrozen = true
		return engineproxy.Interference{Before: s.await(s.calm)}
	}
	return engineproxy.Interference{}
}

func (s *saboteur) await(calm <-chan struct{}) func() {
	return func() { <-calm }
}

// summary counts what happened.
func (s *saboteur) summary() string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	var lines []string
	for _, what := range slices.Sorted(maps.Keys(s.happened)) {
		lines = append(lines, fmt.Sprintf("%d requests were %s", s.happened[what], what))
	}
	return strings.Join(lines, ", ")
}
