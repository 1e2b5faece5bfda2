// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"time"

	"golang.org/x/time/rate"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/deckyard/deckyard/internal/engine"
)

const (
	// A subscription asks again for this much of what was delivered already,
	// because events are not delivered strictly in the order of their times.
	overlap = time.Second
	// An engine that has not accepted a subscription by then is asked again. It mostly
	// does so within a millisecond, and until then nobody tells of anything.
	subscribePatience = 3 * time.Second
	// A stream that lived this long resets the back-off.
	settledAfter = 10 * time.Second
	// So many batches without a pause between them, and so many more each second, are
	// looked at before the window grows. What is a single act for a person, such as the
	// replacement of a container, is a kill, a death, disconnections, a removal, a
	// creation and a start for the engine, over half a second, and may be followed by
	// another at once.
	patientBatches = 25
	batchRate      = 15
	// The window grows up to this many times its size.
	maxWindowGrowth = 8
	// The first event after a pause waits for this fraction of the window only. It
	// is mostly the one that matters, such as a disconnection, and what follows it
	// finds the window. That it waits at all lets a pass that has just made the
	// change look first, so that nobody looks twice.
	firstFraction = 8
)

// newBackoff returns the delays between attempts to reach the engine.
func newBackoff() *wait.Backoff {
	return &wait.Backoff{Duration: 100 * time.Millisecond, Factor: 2, Jitter: 0.2, Steps: 8, Cap: 3 * time.Second}
}

// pause waits for a time or a wake-up and reports false when the context ended.
func (o *Observer) pause(ctx context.Context, delay time.Duration, wakeUp <-chan struct{}) bool {
	timer := o.options.Clock.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C():
	case <-wakeUp:
	}
	return ctx.Err() == nil
}

// followEvents subscribes again and again, from the last event's time minus an
// overlap. The overlap also covers the moment between the engine's acceptance of
// a subscription and its first event. Each time a subscription is established, what was missed is found by a
// list; when it cannot be, a list finds out whether the engine is there at all.
func (o *Observer) followEvents(ctx context.Context) {
	since := o.options.Clock.Now().Add(-overlap)
	retry := newBackoff()
	for {
		begun := o.options.Clock.Now()
		isEstablished, err := o.subscribe(ctx, since,
			func(event engine.Event) { since = later(since, event.Time.Add(-overlap)); o.note(event) })
		if ctx.Err() != nil {
			return
		}
		log.FromContext(ctx).V(1).Info("Event stream ended", "cause", errorText(err))
		if !isEstablished {
			o.wantRelist()
		}
		if o.options.Clock.Since(begun) > settledAfter {
			retry = newBackoff()
		}
		if !o.pause(ctx, retry.Step(), nil) {
			return
		}
	}
}

// subscribe follows one stream to its end, and reports whether it was established. It
// gives up an engine that does not answer.
func (o *Observer) subscribe(ctx context.Context, since time.Time, handle func(engine.Event)) (isEstablished bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	established := make(chan struct{})
	go func() {
		timer := o.options.Clock.NewTimer(subscribePatience)
		defer timer.Stop()
		select {
		case <-established:
		case <-ctx.Done():
		case <-timer.C():
			cancel()
		}
	}()
	err = o.events.Subscribe(ctx, since, func() { close(established); o.wantRelist() }, handle)
	select {
	case <-established:
		return true, err
	default:
		return false, err
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// note marks what an event speaks of.
func (o *Observer) note(event engine.Event) {
	o.metrics.events.WithLabelValues(string(event.Type)).Inc()
	o.marks.add(event, o.picture.lastSeq())
}

// lookAtMarked inspects what events marked, in batches. The window in which
// events are collected grows while they keep coming.
func (o *Observer) lookAtMarked(ctx context.Context) {
	pace := newPace(o.options.BatchWindow)
	var ended time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-o.marks.signal:
		}
		now := o.options.Clock.Now()
		if !o.pause(ctx, pace.next(now, now.Sub(ended)), nil) {
			return
		}
		o.lookAt(ctx, o.marks.take())
		ended = o.options.Clock.Now()
	}
}

// A pace decides how long events are collected.
type pace struct {
	shortest time.Duration
	window   time.Duration
	// patience are the batches that are looked at without delay.
	patience *rate.Limiter
}

func newPace(shortest time.Duration) *pace {
	return &pace{shortest: shortest, patience: rate.NewLimiter(batchRate, patientBatches)}
}

// next returns the window of the next batch, when nothing had been marked for a
// time since the last one.
func (p *pace) next(now time.Time, idle time.Duration) time.Duration {
	switch {
	case idle >= p.window:
		p.window = p.shortest
		return p.shortest / firstFraction
	case p.patience.AllowN(now, 1):
		return p.shortest
	default:
		p.window = min(2*p.window, maxWindowGrowth*p.shortest)
	}
	return p.window
}

// lookAt inspects a batch.
func (o *Observer) lookAt(ctx context.Context, marked batch) {
	if marked.overflow {
		o.wantRelist()
	}
	containerIDs, networkIDs := o.picture.unseen(marked)
	if err := o.inspect(ctx, containerIDs, networkIDs); err != nil && ctx.Err() == nil {
		log.FromContext(ctx).V(1).Info("Listing, because an object could not be inspected", "cause", err.Error())
		o.wantRelist()
	}
	if marked.images {
		o.wake(changes{images: true})
	}
}
