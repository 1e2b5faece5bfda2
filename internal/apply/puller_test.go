// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package apply_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/utils/clock"

	"github.com/deckyard/deckyard/internal/apply"
	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/engine/fake"
)

// errRegistry is a failure that may pass.
var errRegistry = errors.New("the registry does not answer")

// pulling starts a Puller in a synctest bubble, where the clock is the bubble's.
// Each pull takes a second and ends as outcome says.
type pulling struct {
	*apply.Puller
	mutex    sync.Mutex
	attempts map[string]int
	now      int
	most     int
	finished []string
	outcome  error
}

func startPulling(t *testing.T, outcome error) *pulling {
	t.Helper()
	p := &pulling{attempts: map[string]int{}, outcome: outcome}
	dockerEngine := fake.New()
	dockerEngine.SetRegistry("a", "b", "c", "d", "e")
	dockerEngine.Intercept(p.intercept)
	p.Puller = apply.NewPuller(dockerEngine, clock.RealClock{})
	p.OnFinished(func(reference string) {
		p.mutex.Lock()
		defer p.mutex.Unlock()
		p.finished = append(p.finished, reference)
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- p.Start(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("start: %v", err)
		}
	})
	return p
}

func (p *pulling) intercept(ctx context.Context, _ fake.Operation, reference string) error {
	p.count(reference, 1)
	defer p.count("", -1)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Second):
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.outcome
}

func (p *pulling) count(reference string, change int) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.now += change
	p.most = max(p.most, p.now)
	if reference != "" {
		p.attempts[reference]++
	}
}

func (p *pulling) attemptsAt(reference string) int {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.attempts[reference]
}

// pass lets time go on until everything rests.
func pass(duration time.Duration) {
	<-time.After(duration)
	synctest.Wait()
}

func TestPullerFetchesOnceHoweverOftenAsked(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		p := startPulling(t, nil)
		for range 10 {
			p.Request("a")
		}
		if state := p.State("a"); state.Phase != apply.PullRunning || state.Err != nil {
			t.Errorf("state %+v", state)
		}
		pass(2 * time.Second)
		if attempts := p.attemptsAt("a"); attempts != 1 {
			t.Errorf("%d attempts", attempts)
		}
		if state := p.State("a"); state != (apply.PullState{}) {
			t.Errorf("a success is remembered: %+v", state)
		}
		if len(p.finished) != 1 || p.finished[0] != "a" {
			t.Errorf("told of %v", p.finished)
		}
	})
}

func TestPullerBoundsWhatIsInFlight(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		p := startPulling(t, nil)
		for _, reference := range []string{"a", "b", "c", "d", "e"} {
			p.Request(reference)
		}
		pass(3 * time.Second)
		if p.most != 2 || len(p.finished) != 5 {
			t.Errorf("%d in flight, %d finished", p.most, len(p.finished))
		}
	})
}

func TestPullerFetchesWhatWasAskedForBeforeItsStart(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		dockerEngine := fake.New()
		dockerEngine.SetRegistry("a")
		puller := apply.NewPuller(dockerEngine, clock.RealClock{})
		puller.Request("a")
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- puller.Start(ctx) }()
		synctest.Wait()
		if _, err := dockerEngine.ResolveImage(t.Context(), "a"); err != nil {
			t.Error(err)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// TestPullerBacksOff is Scenario 54: what may pass is tried again with growing
// delay, what is final is not tried often, and others are not held up.
func TestPullerBacksOff(t *testing.T) {
	t.Parallel()

	tests := map[string]struct {
		err error
		// want are the attempts within 1, 10 and 60 minutes of steady requests.
		want [3]int
	}{
		"may pass":  {errRegistry, [3]int{4, 7, 17}},
		"not found": {fmt.Errorf("pull: %w", engine.ErrNotFound), [3]int{1, 2, 12}},
		"denied":    {fmt.Errorf("pull: %w", engine.ErrDenied), [3]int{1, 2, 12}},
		"malformed": {fmt.Errorf("pull: %w", engine.ErrInvalid), [3]int{1, 2, 12}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := startPulling(t, tc.err)
				var have [3]int
				minutes := 0
				for i, until := range []int{1, 10, 60} {
					for ; minutes < until; minutes++ {
						for range 60 {
							p.Request("a")
							pass(time.Second)
						}
					}
					have[i] = p.attemptsAt("a")
				}
				if have != tc.want {
					t.Errorf("attempts %v, want %v", have, tc.want)
				}
				state := p.State("a")
				if !errors.Is(state.Err, tc.err) {
					t.Errorf("state %+v", state)
				}
			})
		})
	}
}

// TestPullerRecovers holds that a failure is forgotten with the success after it.
func TestPullerRecovers(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		p := startPulling(t, errRegistry)
		p.Request("a")
		pass(2 * time.Second)
		if state := p.State("a"); state.Phase != apply.PullFailed || !errors.Is(state.Err, errRegistry) || state.RetryAt.IsZero() {
			t.Errorf("state after failure %+v", state)
		}
		p.mutex.Lock()
		p.outcome = nil
		p.mutex.Unlock()
		pass(5 * time.Second)
		p.Request("a")
		if state := p.State("a"); state.Phase != apply.PullRunning || state.Err == nil {
			t.Errorf("state while trying again %+v", state)
		}
		pass(2 * time.Second)
		if state := p.State("a"); state != (apply.PullState{}) {
			t.Errorf("state after success %+v", state)
		}
	})
}

// TestPullerForgetsOldFailures holds that what nobody asks for takes no memory
// and starts afresh.
func TestPullerForgetsOldFailures(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		p := startPulling(t, errRegistry)
		p.Request("a")
		pass(time.Hour)
		p.Request("b")
		if state := p.State("a"); state != (apply.PullState{}) {
			t.Errorf("state %+v", state)
		}
		pass(time.Minute)
	})
}
