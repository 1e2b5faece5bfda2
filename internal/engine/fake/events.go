// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/deckyard/deckyard/internal/engine"
)

// historyLength is how many events the engine keeps.
const historyLength = 256

// subscriber is one stream of events.
type subscriber struct {
	pending []engine.Event
	broken  bool
	// changed has room for one signal that pending or broken changed.
	changed chan struct{}
}

func (s *subscriber) signal() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// Subscribe implements engine.Events.
func (e *Engine) Subscribe(ctx context.Context, since time.Time, subscribed func(), handle func(engine.Event)) error {
	stream := &subscriber{changed: make(chan struct{}, 1)}
	err := e.call(ctx, OpSubscribe, "", func() error {
		if !since.IsZero() {
			stream.pending = slices.DeleteFunc(slices.Clone(e.history), func(event engine.Event) bool {
				return event.Time.Before(since)
			})
		}
		e.subscribers[stream] = struct{}{}
		return nil
	})
	if err != nil {
		return err
	}
	defer e.unsubscribe(stream)
	subscribed()
	for {
		events, broken := e.takePending(stream)
		for _, event := range events {
			if err := ctx.Err(); err != nil {
				return fmt.Errorf("receive events: %w", err)
			}
			handle(event)
		}
		if broken {
			return fmt.Errorf("receive events: stream broke: %w", engine.ErrUnavailable)
		}
		select {
		case <-stream.changed:
		case <-ctx.Done():
			return fmt.Errorf("receive events: %w", ctx.Err())
		}
	}
}

func (e *Engine) takePending(stream *subscriber) (events []engine.Event, broken bool) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	events, stream.pending = stream.pending, nil
	return events, stream.broken
}

func (e *Engine) unsubscribe(stream *subscriber) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	delete(e.subscribers, stream)
}

func (e *Engine) breakStreams() {
	for stream := range e.subscribers {
		stream.broken = true
		stream.signal()
	}
}

// emit tells of something that happened to an object.
func (e *Engine) emit(objectType engine.ObjectType, id, containerID string) {
	event := engine.Event{Type: objectType, ID: id, ContainerID: containerID, Time: e.tick()}
	if e.muted {
		return
	}
	e.history = append(e.history, event)
	if excess := len(e.history) - historyLength; excess > 0 {
		e.history = e.history[excess:]
	}
	for stream := range e.subscribers {
		stream.pending = append(stream.pending, event)
		stream.signal()
	}
}
