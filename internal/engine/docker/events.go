// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/filters"

	"github.com/deckyard/deckyard/internal/engine"
)

// Subscribe implements engine.Events. The engine starts to collect events just
// after it accepted the request, so that a gap of microseconds is covered only
// by a since that lies before the call.
func (e *Engine) Subscribe(ctx context.Context, since time.Time, subscribed func(), handle func(engine.Event)) error {
	// Before the announcement, so that it tells of the subscription and not of this.
	if err := e.negotiate(ctx); err != nil {
		return fmt.Errorf("subscribe to events: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	established := make(chan struct{})
	announced := context.WithValue(ctx, announcement{}, func() { close(established) })
	messages, failures := e.dockerClient.Events(announced, eventOptions(since))
	select {
	case <-established:
		subscribed()
	case err := <-failures:
		return failure(err, "subscribe to events")
	}
	for {
		select {
		case message := <-messages:
			if event, ok := eventOf(message); ok {
				handle(event)
			}
		case err := <-failures:
			return failure(err, "receive events")
		}
	}
}

// eventOptions asks for the events of the object types that we know.
func eventOptions(since time.Time) events.ListOptions {
	options := events.ListOptions{Filters: filters.NewArgs(
		filters.Arg("type", string(events.ContainerEventType)),
		filters.Arg("type", string(events.NetworkEventType)),
		filters.Arg("type", string(events.ImageEventType)),
	)}
	if !since.IsZero() {
		options.Since = fmt.Sprintf("%d.%09d", since.Unix(), since.Nanosecond())
	}
	return options
}

// eventOf returns the engine's message as an event; false for a type that we do
// not know, and for what cannot change anything that we observe.
func eventOf(message events.Message) (engine.Event, bool) {
	event := engine.Event{ID: message.Actor.ID, Time: time.Unix(0, message.TimeNano)}
	switch message.Type {
	case events.ContainerEventType:
		event.Type = engine.ObjectContainer
		return event, mayChangeContainer(message.Action)
	case events.NetworkEventType:
		event.Type = engine.ObjectNetwork
		event.ContainerID = message.Actor.Attributes["container"]
	case events.ImageEventType:
		event.Type = engine.ObjectImage
	default:
		return engine.Event{}, false
	}
	return event, true
}

// mayChangeContainer reports whether an action may change what an inspection
// shows. A foreign container with a health check alone tells of four harmless
// ones every few seconds, each of which would cost an inspection. These are
// denied by name: an action that an engine adds later is looked at once too
// often, and never missed.
func mayChangeContainer(action events.Action) bool {
	// Some carry a text: "exec_create: /bin/sh -c ...".
	name, _, _ := strings.Cut(string(action), ":")
	switch events.Action(name) {
	case events.ActionExecCreate, events.ActionExecStart, events.ActionExecDetach, events.ActionExecDie,
		events.ActionHealthStatus, events.ActionAttach, events.ActionDetach, events.ActionResize, events.ActionTop,
		events.ActionCopy, events.ActionArchivePath, events.ActionExtractToDir, events.ActionExport:
		return false
	default:
		return true
	}
}
