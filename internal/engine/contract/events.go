// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/deckyard/deckyard/internal/engine"
)

func eventRules() map[string]func(*testing.T, suite) {
	return map[string]func(*testing.T, suite){
		"what happens to containers and networks is told": func(t *testing.T, s suite) {
			events := s.subscribe(t, time.Time{})
			home := s.network(t)
			base := s.base(t, home)
			events.want(t, "the network", func(event engine.Event) bool {
				return event.Type == engine.ObjectNetwork && event.ID == home.ID && event.ContainerID == ""
			})
			events.want(t, "the container", func(event engine.Event) bool {
				return event.Type == engine.ObjectContainer && event.ID == base.ID && event.ContainerID == ""
			})
			events.want(t, "the connection", func(event engine.Event) bool {
				return event.Type == engine.ObjectNetwork && event.ID == home.ID && event.ContainerID == base.ID
			})
		},
		"what happened since a time is told": func(t *testing.T, s suite) {
			marker := s.subscribe(t, time.Time{})
			home := s.network(t)
			created := marker.want(t, "the network", func(event engine.Event) bool { return event.ID == home.ID })
			if created.Time.IsZero() {
				t.Fatal("the event has no time")
			}
			late := s.subscribe(t, created.Time.Add(-time.Millisecond))
			late.want(t, "the network again", func(event engine.Event) bool { return event.ID == home.ID })
		},
		"a subscription ends with its context": func(t *testing.T, s suite) {
			ctx, cancel := context.WithCancel(t.Context())
			err := s.Events.Subscribe(ctx, time.Time{}, cancel, func(engine.Event) {})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("error %v", err)
			}
			if isKind(err, engine.ErrUnavailable) {
				t.Errorf("error %v is ErrUnavailable", err)
			}
		},
	}
}

// recorder keeps the events of a subscription.
type recorder struct {
	mutex  sync.Mutex
	events []engine.Event
}

// subscribe records events for the time of the test.
func (s suite) subscribe(t *testing.T, since time.Time) *recorder {
	t.Helper()
	r := &recorder{}
	ctx, cancel := context.WithCancel(t.Context())
	subscribed, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- s.Events.Subscribe(ctx, since, func() { close(subscribed) }, r.record)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended //nolint:errcheck // the context's own
	})
	select {
	case <-subscribed:
	case err := <-ended:
		ended <- err
		t.Fatalf("subscribe: %v", err)
	}
	return r
}

func (r *recorder) record(event engine.Event) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.events = append(r.events, event)
}

// want waits for an event.
func (r *recorder) want(t *testing.T, what string, matches func(engine.Event) bool) engine.Event {
	t.Helper()
	var found engine.Event
	eventually(t, "an event tells of "+what, func() bool {
		r.mutex.Lock()
		defer r.mutex.Unlock()
		for _, event := range r.events {
			if matches(event) {
				found = event
				return true
			}
		}
		return false
	})
	return found
}

// isKind reports whether an error is of a kind.
func isKind(err, kind error) bool { return errors.Is(err, kind) }
