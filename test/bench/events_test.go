//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bufio"
	"context"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// engineEvent is one event as the engine tells it, with the engine's time.
type engineEvent struct {
	at     time.Time
	action string
	// id is the container's; on an event about an endpoint network is set, too.
	id, network string
}

// eventFormat prints an event on one line.
const eventFormat = `{{.TimeNano}} {{.Type}} {{.Action}} {{.Actor.ID}} {{index .Actor.Attributes "container"}}`

// engineEvents follows the engine's events through the Docker command line.
type engineEvents struct {
	events chan engineEvent
}

// followEvents follows events until the benchmark's end.
func followEvents(b *testing.B) *engineEvents {
	b.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	command := exec.CommandContext(ctx, "docker", "events", "--filter", "type=network", "--filter", "type=container", "--format", eventFormat)
	output, err := command.StdoutPipe()
	check(b, err)
	check(b, command.Start())
	e := &engineEvents{events: make(chan engineEvent, 4096)}
	go func() {
		for lines := bufio.NewScanner(output); lines.Scan(); {
			if event, ok := parseEvent(lines.Text()); ok {
				e.keep(event)
			}
		}
		close(e.events)
	}()
	b.Cleanup(func() {
		cancel()
		_ = command.Wait()
	})
	return e
}

func parseEvent(line string) (engineEvent, bool) {
	fields := strings.Fields(line)
	if len(fields) < 4 {
		return engineEvent{}, false
	}
	nanoseconds, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil {
		return engineEvent{}, false
	}
	event := engineEvent{at: time.Unix(0, nanoseconds), action: fields[2], id: fields[3]}
	if fields[1] == "network" {
		event.network, event.id = fields[3], ""
		if len(fields) > 4 {
			event.id = fields[4]
		}
	}
	return event, true
}

// keep holds an event for await, unless there are too many that nobody waited for.
func (e *engineEvents) keep(event engineEvent) {
	select {
	case e.events <- event:
	default:
	}
}

// drain forgets what was told until now.
func (e *engineEvents) drain() {
	for {
		select {
		case <-e.events:
		default:
			return
		}
	}
}

// awaitStart returns the time at which the next container that is created starts.
func (e *engineEvents) awaitStart(b *testing.B) time.Time {
	b.Helper()
	created := e.await(b, "a creation", func(event engineEvent) bool { return event.action == "create" && event.network == "" })
	return e.await(b, "the start", func(event engineEvent) bool { return event.action == "start" && event.id == created.id }).at
}

// await returns the next event that matches.
func (e *engineEvents) await(b *testing.B, what string, matches func(engineEvent) bool) engineEvent {
	b.Helper()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for {
		select {
		case event, ok := <-e.events:
			if !ok {
				b.Fatal("docker events has ended")
			}
			if matches(event) {
				return event
			}
		case <-timeout.C:
			b.Fatalf("waited for %s", what)
		}
	}
}
