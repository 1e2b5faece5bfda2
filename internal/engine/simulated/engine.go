// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package simulated

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/utils/clock"

	"github.com/deckyard/deckyard/internal/engine/fake"
)

// Engine is an http.Handler that answers as a Docker Engine does.
type Engine struct {
	fake  *fake.Engine
	clock clock.Clock
	// operations are looked through in order.
	operations []operation
	// version is what may stand in front of a path.
	version *regexp.Regexp
	// workers holds one token for each change under way.
	workers chan struct{}

	mutex sync.Mutex
	calls map[string]int
	// created is what objects were created with and the fake one does not keep, by id.
	created map[string]creation
}

// creation is what an object was created with.
type creation struct {
	labels map[string]string
	mac    string
}

// operation is one call of the API.
type operation struct {
	// name is method and path, with at most one placeholder.
	name string
	path *regexp.Regexp
	// takes is how long it takes a worker, or a read.
	takes  time.Duration
	answer func(w http.ResponseWriter, r *http.Request, id string) error
}

func (o operation) method() string {
	method, _, _ := strings.Cut(o.name, " ")
	return method
}

// New returns an engine whose objects are those of a fake one and whose calls take
// the given times of a clock.
func New(of *fake.Engine, times Times, timer clock.Clock) *Engine {
	e := &Engine{
		fake: of, clock: timer,
		version: regexp.MustCompile(`^/v[0-9.]+/`),
		workers: make(chan struct{}, max(times.Workers, 1)),
		calls:   map[string]int{},
		created: map[string]creation{},
	}
	e.operations = []operation{
		{name: "GET /containers/{id}/json", takes: times.Read, answer: e.inspectContainer},
		{name: "GET /containers/json", takes: times.Read, answer: e.listContainers},
		{name: "POST /containers/create", takes: times.CreateContainer, answer: e.createContainer},
		{name: "POST /containers/{id}/start", takes: times.StartContainer, answer: e.startContainer},
		{name: "POST /containers/{id}/stop", takes: times.StopContainer, answer: e.stopContainer},
		{name: "POST /containers/{id}/restart", takes: times.StopContainer + times.StartContainer, answer: e.restartContainer},
		{name: "POST /containers/{id}/rename", answer: e.renameContainer},
		{name: "POST /containers/{id}/update", answer: e.updateContainer},
		{name: "POST /containers/{id}/unpause", answer: e.unpauseContainer},
		{name: "DELETE /containers/{id}", takes: times.RemoveContainer, answer: e.removeContainer},
		{name: "GET /networks", takes: times.Read, answer: e.listNetworks},
		{name: "GET /networks/{id}", takes: times.Read, answer: e.inspectNetwork},
		{name: "POST /networks/create", takes: times.CreateNetwork, answer: e.createNetwork},
		{name: "DELETE /networks/{id}", takes: times.RemoveNetwork, answer: e.removeNetwork},
		{name: "POST /networks/{id}/connect", takes: times.Connect, answer: e.connect},
		{name: "POST /networks/{id}/disconnect", takes: times.Disconnect, answer: e.disconnect},
		{name: "GET /images/json", takes: times.Read, answer: e.listImages},
		{name: "GET /images/{name}/json", takes: times.Read, answer: e.inspectImage},
		{name: "POST /images/create", answer: e.pullImage},
		{name: "POST /images/load", answer: e.loadImage},
		{name: "DELETE /images/{name}", answer: e.removeImage},
		{name: "GET /events", answer: e.events},
		{name: "GET /info", takes: times.Read, answer: e.info},
		{name: "GET /_ping", answer: e.ping},
		{name: "HEAD /_ping", answer: e.ping},
	}
	for i := range e.operations {
		e.operations[i].path = pathPattern(e.operations[i].name)
	}
	return e
}

// pathPattern matches the paths of an operation. An image's name may contain
// slashes, an id may not.
func pathPattern(name string) *regexp.Regexp {
	_, path, _ := strings.Cut(name, " ")
	return regexp.MustCompile("^" + strings.NewReplacer("{id}", "([^/]+)", "{name}", "(.+)").Replace(path) + "$")
}

// Serve answers on a listener until the context ends.
func (e *Engine) Serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{
		Handler:           e,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: time.Minute,
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(listener); ctx.Err() == nil {
		return fmt.Errorf("serve the engine's API: %w", err)
	}
	return nil
}

// Operations lists what the engine answers, such as "POST /containers/{id}/start", sorted.
func (e *Engine) Operations() []string {
	names := make([]string, 0, len(e.operations))
	for _, each := range e.operations {
		names = append(names, each.name)
	}
	slices.Sort(names)
	return names
}

// Calls returns how often each operation was asked for.
func (e *Engine) Calls() map[string]int {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	return maps.Clone(e.calls)
}

func (e *Engine) count(name string) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.calls[name]++
}

// ServeHTTP implements http.Handler. A version in front of the path is not looked at.
func (e *Engine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := e.version.ReplaceAllString(r.URL.Path, "/")
	for _, each := range e.operations {
		matched := each.path.FindStringSubmatch(path)
		if matched == nil || each.method() != r.Method {
			continue
		}
		e.count(each.name)
		id := ""
		if len(matched) > 1 {
			id = matched[1]
		}
		if err := e.perform(w, r, each, id); err != nil {
			refuse(w, err)
		}
		return
	}
	writeJSON(w, http.StatusNotFound, message{"page not found"})
}

// perform answers once the time that the operation takes has passed.
func (e *Engine) perform(w http.ResponseWriter, r *http.Request, of operation, id string) error {
	if of.takes > 0 {
		if err := e.spend(r, of.takes); err != nil {
			return err
		}
	}
	return of.answer(w, r, id)
}

// spend lets the time of an operation pass. Changes need a worker meanwhile.
func (e *Engine) spend(r *http.Request, takes time.Duration) error {
	if r.Method != http.MethodGet {
		select {
		case e.workers <- struct{}{}:
			defer func() { <-e.workers }()
		case <-r.Context().Done():
			return r.Context().Err()
		}
	}
	timer := e.clock.NewTimer(takes)
	defer timer.Stop()
	select {
	case <-timer.C():
		return nil
	case <-r.Context().Done():
		return r.Context().Err()
	}
}

// remember keeps what an object was created with.
func (e *Engine) remember(id string, with creation) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.created[id] = with
}

func (e *Engine) forget(id string) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	delete(e.created, id)
}

// creationOf returns what an object was created with; nothing for one that was made by hand.
func (e *Engine) creationOf(id string) creation {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	return e.created[id]
}
