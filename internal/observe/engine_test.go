// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package observe_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/model"
)

// A scriptedEngine is what an observer can see of an engine, where the test
// decides what happens, what is told, and when an answer comes.
type scriptedEngine struct {
	mu         sync.Mutex
	containers map[string]model.Container
	networks   map[string]model.Network
	damaged    map[string]bool
	routes     []netip.Prefix
	// failure is what every question is answered with, if set.
	failure error
	// silent keeps answers back until the question's context ends.
	silent bool
	// held are inspections that wait, by id, for their channel to be closed
	// after the engine has looked.
	held map[string]chan struct{}

	inspections map[string]int
	lists       int
	// sinces are the times from which events were asked for.
	sinces []time.Time
	// handle and broken belong to the present subscription.
	handle func(engine.Event)
	broken chan error
}

func newScriptedEngine() *scriptedEngine {
	return &scriptedEngine{
		containers:  map[string]model.Container{},
		networks:    map[string]model.Network{},
		damaged:     map[string]bool{},
		held:        map[string]chan struct{}{},
		inspections: map[string]int{},
	}
}

// Networks implements engine.Reader.
func (e *scriptedEngine) Networks(ctx context.Context) ([]model.Network, error) {
	if err := e.answer(ctx); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.lists++
	return slices.Collect(maps.Values(e.networks)), nil
}

// Containers implements engine.Reader. Like the real engine's list it does not
// tell when a container was started.
func (e *scriptedEngine) Containers(ctx context.Context) ([]model.Container, error) {
	if err := e.answer(ctx); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	var containers []model.Container
	for _, container := range e.containers {
		container.StartedAt, container.PID, container.RestartCount = time.Time{}, 0, 0
		containers = append(containers, container)
	}
	return containers, nil
}

// Network implements engine.Reader.
func (e *scriptedEngine) Network(ctx context.Context, id string) (model.Network, error) {
	if err := e.answer(ctx); err != nil {
		return model.Network{}, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.inspections[id]++
	network, ok := e.networks[id]
	if !ok {
		return model.Network{}, fmt.Errorf("network %s: %w", id, engine.ErrNotFound)
	}
	return network, nil
}

// Container implements engine.Reader.
func (e *scriptedEngine) Container(ctx context.Context, id string) (model.Container, error) {
	if err := e.answer(ctx); err != nil {
		return model.Container{}, err
	}
	e.mu.Lock()
	e.inspections[id]++
	container, ok := e.containers[id]
	damaged, held := e.damaged[id], e.held[id]
	delete(e.held, id)
	e.mu.Unlock()
	if held != nil {
		<-held
	}
	switch {
	case damaged:
		return model.Container{}, errors.New("layer is nil")
	case !ok:
		return model.Container{}, fmt.Errorf("container %s: %w", id, engine.ErrNotFound)
	}
	return container, nil
}

// answer returns the failure of the engine, if it fails.
func (e *scriptedEngine) answer(ctx context.Context) error {
	e.mu.Lock()
	failure, silent := e.failure, e.silent
	e.mu.Unlock()
	if silent {
		<-ctx.Done()
		return ctx.Err()
	}
	return failure
}

// Subscribe implements engine.Events.
func (e *scriptedEngine) Subscribe(ctx context.Context, since time.Time, subscribed func(), handle func(engine.Event)) error {
	e.mu.Lock()
	if e.failure != nil {
		defer e.mu.Unlock()
		return e.failure
	}
	broken := make(chan error, 1)
	e.sinces = append(e.sinces, since)
	e.handle, e.broken = handle, broken
	e.mu.Unlock()
	subscribed()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case err := <-broken:
		return err
	}
}

// change changes the engine without telling anybody.
func (e *scriptedEngine) change(edit func(*scriptedEngine)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	edit(e)
}

// tell sends an event of an object to the subscriber, if there is one.
func (e *scriptedEngine) tell(objectType engine.ObjectType, id string) {
	e.tellEvent(engine.Event{Type: objectType, ID: id, Time: time.Now()})
}

func (e *scriptedEngine) tellEvent(event engine.Event) {
	e.mu.Lock()
	handle := e.handle
	e.mu.Unlock()
	if handle != nil {
		handle(event)
	}
}

// breakStream ends the subscription.
func (e *scriptedEngine) breakStream() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.handle = nil
	e.broken <- fmt.Errorf("receive events: %w", engine.ErrUnavailable)
}

// goDown makes the engine fail and ends the subscription.
func (e *scriptedEngine) goDown(failure error) {
	e.change(func(e *scriptedEngine) { e.failure = failure })
	e.breakStream()
}

// hold keeps the next inspection of a container back, after the engine has
// looked, until release is called.
func (e *scriptedEngine) hold(id string) (release func()) {
	held := make(chan struct{})
	e.change(func(e *scriptedEngine) { e.held[id] = held })
	return func() { close(held) }
}

func (e *scriptedEngine) inspectionsOf(id string) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.inspections[id]
}

func (e *scriptedEngine) totalInspections() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	total := 0
	for _, count := range e.inspections {
		total += count
	}
	return total
}

func (e *scriptedEngine) totalLists() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.lists
}

// A scriptedHost gives the routes of a scriptedEngine.
type scriptedHost struct {
	engine.Host
	of *scriptedEngine
}

// Routes implements engine.Host.
func (h scriptedHost) Routes(context.Context) ([]netip.Prefix, error) {
	h.of.mu.Lock()
	defer h.of.mu.Unlock()
	return slices.Clone(h.of.routes), nil
}
