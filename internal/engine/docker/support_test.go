// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package docker_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/deckyard/deckyard/internal/engine/docker"
)

// roundTripper makes a http.RoundTripper of a function.
type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }

// withoutCancel returns a context for cleaning up after a test.
func withoutCancel(ctx context.Context) context.Context { return context.WithoutCancel(ctx) }

// server is an engine that answers as a test tells it.
type server struct {
	host string

	mutex       sync.Mutex
	requests    []string
	bodies      []string
	connections int
}

// answer is what the server says to a request.
type answer struct {
	status int
	body   string
}

// answers are what the server says, by method and path without version. What is
// not among them is a test's mistake.
type answers map[string]answer

// serve starts an engine of an API version on a unix socket.
func serve(t *testing.T, apiVersion string, say answers) *server {
	t.Helper()
	return serveWith(t, apiVersion, func(w http.ResponseWriter, r *http.Request, operation string) {
		said, ok := say[operation]
		if !ok {
			t.Errorf("unexpected request %s", operation)
			said = answer{http.StatusTeapot, ""}
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(said.status)
		if _, err := io.WriteString(w, said.body); err != nil {
			t.Errorf("answer %s: %v", operation, err)
		}
	})
}

// serveWith starts an engine whose answers, but that to a ping, a function gives.
func serveWith(t *testing.T, apiVersion string, handle func(http.ResponseWriter, *http.Request, string)) *server {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "docker.sock")
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	s := &server{host: "unix://" + socket}
	httpServer := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/_ping" {
			w.Header().Set("Api-Version", apiVersion)
			return
		}
		operation := r.Method + " " + strings.TrimPrefix(r.URL.Path, "/v"+apiVersion)
		s.record(operation, r.Body)
		handle(w, r, operation)
	}))
	httpServer.Listener = listener
	httpServer.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			s.mutex.Lock()
			defer s.mutex.Unlock()
			s.connections++
		}
	}
	httpServer.Start()
	t.Cleanup(httpServer.Close)
	return s
}

func (s *server) record(operation string, body io.Reader) {
	contents, err := io.ReadAll(body)
	if err != nil {
		contents = []byte(err.Error())
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.requests = append(s.requests, operation)
	s.bodies = append(s.bodies, string(contents))
}

// sent returns the operations that were asked for, apart from pings.
func (s *server) sent() []string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return slices.Clone(s.requests)
}

// body returns the last body that was sent for an operation.
func (s *server) body(t *testing.T, operation string) map[string]any {
	t.Helper()
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for i, request := range slices.Backward(s.requests) {
		if request == operation {
			var decoded map[string]any
			if err := json.Unmarshal([]byte(s.bodies[i]), &decoded); err != nil {
				t.Fatal(err)
			}
			return decoded
		}
	}
	t.Fatalf("%s was not sent", operation)
	return nil
}

// engine returns the adapter to the server.
func (s *server) engine(t *testing.T) *docker.Engine {
	t.Helper()
	return connect(t, s.host)
}

// connect returns the adapter to an engine until the test ends.
func connect(t *testing.T, dockerHost string) *docker.Engine {
	t.Helper()
	dockerEngine, err := docker.New(dockerHost)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dockerEngine.Close() })
	return dockerEngine
}

// at returns what is at a path of keys in decoded JSON.
func at(t *testing.T, decoded any, keys ...string) any {
	t.Helper()
	for _, key := range keys {
		object, ok := decoded.(map[string]any)
		if !ok {
			t.Fatalf("no object to find %q in: %v", key, decoded)
		}
		decoded = object[key]
	}
	return decoded
}
