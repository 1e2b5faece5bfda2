// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package docker_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/engine/docker"
)

// compareNetip compares addresses and subnets as values, and nil with empty lists.
func compareNetip() cmp.Options {
	return cmp.Options{cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{}), cmpopts.EquateEmpty()}
}

func TestEventsAreDeliveredInOrderAfterTheSubscription(t *testing.T) {
	t.Parallel()
	s := serveWith(t, "1.41", func(w http.ResponseWriter, r *http.Request, _ string) {
		if since := r.URL.Query().Get("since"); since != "1700000000.000000007" {
			t.Errorf("since %q", since)
		}
		if filters := r.URL.Query().Get("filters"); filters != `{"type":{"container":true,"image":true,"network":true}}` {
			t.Errorf("filters %s", filters)
		}
		_, _ = w.Write([]byte(`
			{"Type":"container","Action":"start","Actor":{"ID":"c1","Attributes":{"name":"x"}},"timeNano":1700000001000000000}
			{"Type":"network","Action":"connect","Actor":{"ID":"n1","Attributes":{"container":"c1"}},"timeNano":1700000002000000000}
			{"Type":"volume","Action":"mount","Actor":{"ID":"v1"},"timeNano":1700000003000000000}
			{"Type":"image","Action":"delete","Actor":{"ID":"i1"},"timeNano":1700000004000000000}`))
	})
	var told []any
	err := s.engine(t).Subscribe(t.Context(), time.Unix(1_700_000_000, 7),
		func() { told = append(told, "subscribed") },
		func(event engine.Event) { told = append(told, event) })
	if !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("a stream that ends gave error %v", err)
	}
	want := []any{
		"subscribed",
		engine.Event{Type: engine.ObjectContainer, ID: "c1", Time: time.Unix(1_700_000_001, 0)},
		engine.Event{Type: engine.ObjectNetwork, ID: "n1", ContainerID: "c1", Time: time.Unix(1_700_000_002, 0)},
		engine.Event{Type: engine.ObjectImage, ID: "i1", Time: time.Unix(1_700_000_004, 0)},
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What cannot change what is observed costs no inspection; an action that
// nobody knows yet is passed on.
func TestEventsWithoutAChangeAreLeftOut(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		actions []string
		want    bool
	}{
		"a process in a container": {
			[]string{"exec_create: /bin/sh -c 'curl a:b'", "exec_start: /bin/sh", "exec_detach", "exec_die"}, false,
		},
		"a health check":       {[]string{"health_status", "health_status: healthy", "health_status: unhealthy"}, false},
		"a look from outside":  {[]string{"attach", "detach", "resize", "top", "copy", "archive-path", "extract-to-dir", "export"}, false},
		"a change of state":    {[]string{"create", "start", "restart", "kill", "die", "oom", "stop", "pause", "unpause", "destroy"}, true},
		"a change of settings": {[]string{"rename", "update"}, true},
		"an unknown action":    {[]string{"exec", "hibernate: deep", ""}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, action := range tc.actions {
				if have := isDelivered(t, "container", action); have != tc.want {
					t.Errorf("%q is delivered: %t, want %t", action, have, tc.want)
				}
			}
		})
	}
	// The names of other types' actions mean something else.
	for _, kind := range []string{"network", "image"} {
		if !isDelivered(t, kind, "export") {
			t.Errorf("an event of a %s is left out", kind)
		}
	}
}

// isDelivered reports whether the adapter passes an event on.
func isDelivered(t *testing.T, kind, action string) bool {
	t.Helper()
	s := serveWith(t, "1.41", func(w http.ResponseWriter, _ *http.Request, _ string) {
		if err := json.NewEncoder(w).Encode(map[string]any{"Type": kind, "Action": action, "Actor": map[string]any{"ID": "1"}}); err != nil {
			t.Error(err)
		}
	})
	delivered := false
	err := s.engine(t).Subscribe(t.Context(), time.Time{}, func() {}, func(engine.Event) { delivered = true })
	if !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("a stream that ends gave error %v", err)
	}
	return delivered
}

func TestRefusedSubscriptionIsNotEstablished(t *testing.T) {
	t.Parallel()
	s := serve(t, "1.41", answers{"GET /events": {503, `{"message":"shutting down"}`}})
	err := s.engine(t).Subscribe(t.Context(), time.Time{}, func() { t.Error("subscribed") }, func(engine.Event) {})
	if !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("error %v", err)
	}
}

func TestSubscriptionEndsWithItsContext(t *testing.T) {
	t.Parallel()
	s := serveWith(t, "1.41", func(w http.ResponseWriter, r *http.Request, _ string) {
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	err := s.engine(t).Subscribe(ctx, time.Time{}, cancel, func(engine.Event) {})
	if !errors.Is(err, context.Canceled) || errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("error %v", err)
	}
}

func TestParallelCallsKeepTheirConnections(t *testing.T) {
	t.Parallel()
	const inFlight = 8
	// Each answer waits until all calls of its round are there.
	round := make(chan struct{})
	var waiting sync.WaitGroup
	s := serveWith(t, "1.41", func(w http.ResponseWriter, _ *http.Request, _ string) {
		waiting.Done()
		<-round
		_, _ = w.Write([]byte(`[]`))
	})
	dockerEngine := s.engine(t)
	if err := docker.Negotiate(t.Context(), dockerEngine); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		waiting.Add(inFlight)
		var calls sync.WaitGroup
		for range inFlight {
			calls.Go(func() {
				if _, err := dockerEngine.Networks(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		waiting.Wait()
		for range inFlight {
			round <- struct{}{}
		}
		calls.Wait()
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.connections > inFlight+1 {
		t.Errorf("%d connections for %d calls in flight", s.connections, inFlight)
	}
}

// The list of what the adapter asks of the engine is written down for whoever
// grants it, and is the truth: the contract suite fails on any other request.
func TestEndpointsAreDocumented(t *testing.T) {
	t.Parallel()
	contents, err := os.ReadFile("../../../docs/docker-api.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented []string
	for line := range strings.Lines(string(contents)) {
		if strings.HasPrefix(line, "| `") {
			documented = append(documented, strings.TrimSpace(line))
		}
	}
	var want []string
	for _, endpoint := range docker.Endpoints() {
		want = append(want, "| `"+endpoint.Method+"` | `"+endpoint.Path+"` | "+endpoint.Purpose+" |")
	}
	if diff := cmp.Diff(want, documented); diff != "" {
		t.Errorf("docs/docker-api.md (-want +documented):\n%s", diff)
	}
}

func TestEndpointOfFindsTheOperationOfARequest(t *testing.T) {
	t.Parallel()
	for request, want := range map[string]string{
		"HEAD /_ping":                            "/_ping",
		"GET /v1.41/containers/json":             "/containers/json",
		"GET /v1.41/containers/abc/json":         "/containers/{id}/json",
		"DELETE /v1.41/containers/abc":           "/containers/{id}",
		"POST /v1.51/networks/create":            "/networks/create",
		"DELETE /v1.41/networks/abc":             "/networks/{id}",
		"GET /v1.41/images/quay.io/a/b:1/json":   "/images/{name}/json",
		"DELETE /v1.41/images/a/b:1":             "/images/{name}",
		"POST /v1.41/containers/abc/exec":        "",
		"POST /v1.41/networks/prune":             "",
		"GET /v1.41/containers/abc/archive/json": "",
		"PUT /v1.41/containers/abc/archive":      "",
		"GET /v1.41/containers//json":            "",
		"GET /v1.41/volumes":                     "",
		"GET /volumes":                           "",
	} {
		method, path, _ := strings.Cut(request, " ")
		sent, err := http.NewRequestWithContext(t.Context(), method, "http://docker"+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		endpoint, found := docker.EndpointOf(sent)
		if endpoint.Path != want || found != (want != "") {
			t.Errorf("%s: %q, %t, want %q", request, endpoint.Path, found, want)
		}
	}
}
