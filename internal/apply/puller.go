// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/utils/clock"

	"github.com/deckyard/deckyard/internal/engine"
)

const (
	// pullsInFlight is small: a pull saturates the way to the registry.
	pullsInFlight = 2
	// pullTimeout ends a pull that hangs.
	pullTimeout = 30 * time.Minute
	// firstRetry, doubled by each failure in a row, is how long to let a
	// registry be, up to lastRetry. What the registry has denied is asked for
	// again at lastRetry only.
	firstRetry = 5 * time.Second
	lastRetry  = 5 * time.Minute
)

// Phase is how far a pull is.
type Phase int

// The phases of a pull.
const (
	// PullIdle: nobody has asked for the image, or it was fetched.
	PullIdle Phase = iota
	// PullRunning: the image is being fetched, or queued for it.
	PullRunning
	// PullFailed: it could not be fetched and is not asked for before RetryAt.
	PullFailed
)

// PullState is what is known of a pull.
type PullState struct {
	Phase Phase
	// Err is why the last attempt failed; it stays while the next one runs.
	Err error
	// RetryAt is when a failed pull may be requested again.
	RetryAt time.Time
}

// Puller fetches images in the background, each once at a time and few at a
// time. It remembers failures only, and only for as long as it lets the
// registry be; whether an image is there is seen on the engine. It is safe for
// concurrent use.
type Puller struct {
	images engine.Images
	clock  clock.PassiveClock

	mutex      sync.Mutex
	pulls      map[string]*pull
	queue      []string
	wake       chan struct{}
	onFinished func(reference string)
}

type pull struct {
	PullState
	failures int
}

// NewPuller returns a Puller, which fetches nothing until it is started.
func NewPuller(images engine.Images, clock clock.PassiveClock) *Puller {
	return &Puller{
		images: images, clock: clock,
		pulls: map[string]*pull{},
		// A token per worker: none sleeps while something is queued.
		wake:       make(chan struct{}, pullsInFlight),
		onFinished: func(string) {},
	}
}

// OnFinished sets what is called after each attempt, whatever its outcome. It
// must be set before Start.
func (p *Puller) OnFinished(callback func(reference string)) { p.onFinished = callback }

// Request asks for an image. It does not wait. It changes nothing while the
// image is being fetched, or a failure is recent.
func (p *Puller) Request(reference string) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.forget()
	asked, known := p.pulls[reference]
	if !known {
		asked = &pull{}
		p.pulls[reference] = asked
	}
	if asked.Phase == PullRunning || asked.Phase == PullFailed && p.clock.Now().Before(asked.RetryAt) {
		return
	}
	asked.Phase = PullRunning
	p.queue = append(p.queue, reference)
	p.signal()
}

// State returns what is known of an image's pull.
func (p *Puller) State(reference string) PullState {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if asked, known := p.pulls[reference]; known {
		return asked.PullState
	}
	return PullState{}
}

// Start fetches what is requested until the context ends. It returns when all
// pulls have ended.
func (p *Puller) Start(ctx context.Context) error {
	var workers sync.WaitGroup
	for range pullsInFlight {
		workers.Go(func() { p.work(ctx) })
	}
	workers.Wait()
	return nil
}

func (p *Puller) work(ctx context.Context) {
	for {
		reference, found := p.take()
		if !found {
			select {
			case <-ctx.Done():
				return
			case <-p.wake:
			}
			continue
		}
		if ctx.Err() != nil {
			return
		}
		p.fetch(ctx, reference)
	}
}

func (p *Puller) fetch(ctx context.Context, reference string) {
	logr.FromContextOrDiscard(ctx).Info("Pulling image", "image", reference)
	pullCtx, cancel := context.WithTimeout(ctx, pullTimeout)
	err := p.images.PullImage(pullCtx, reference)
	cancel()
	p.record(reference, err)
	p.onFinished(reference)
}

// take removes the first image from the queue.
func (p *Puller) take() (reference string, found bool) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if len(p.queue) == 0 {
		return "", false
	}
	reference = p.queue[0]
	p.queue = p.queue[1:]
	if len(p.queue) > 0 {
		p.signal()
	}
	return reference, true
}

// record keeps a failure and forgets a success.
func (p *Puller) record(reference string, err error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if err == nil {
		delete(p.pulls, reference)
		return
	}
	asked := p.pulls[reference]
	asked.Phase, asked.Err = PullFailed, err
	asked.RetryAt = p.clock.Now().Add(retryDelay(err, asked.failures))
	asked.failures++
}

// retryDelay returns how long to wait after a failure that follows others.
func retryDelay(err error, failures int) time.Duration {
	if errors.Is(err, engine.ErrNotFound) || errors.Is(err, engine.ErrDenied) || errors.Is(err, engine.ErrInvalid) {
		return lastRetry
	}
	delay := firstRetry
	for range failures {
		delay = min(2*delay, lastRetry)
	}
	return delay
}

// forget drops failures that nobody has asked about for long.
func (p *Puller) forget() {
	for reference, asked := range p.pulls {
		if asked.Phase == PullFailed && p.clock.Since(asked.RetryAt) > lastRetry {
			delete(p.pulls, reference)
		}
	}
}

// signal wakes one worker. The mutex is held.
func (p *Puller) signal() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}
