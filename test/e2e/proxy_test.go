//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// engineProxy stands between an operator and the engine: it records the writes
// and can take the engine away.
type engineProxy struct {
	directory, socket, engine string

	mutex  sync.Mutex
	server *http.Server
	writes []string
	// fatal is the write after which the engine is taken away; 0 is none.
	fatal int
	cut   chan struct{}
}

func startEngineProxy(dockerHost string) (*engineProxy, error) {
	directory, err := os.MkdirTemp("", "engine")
	if err != nil {
		return nil, err
	}
	p := &engineProxy{directory: directory, socket: filepath.Join(directory, "s"), engine: strings.TrimPrefix(dockerHost, "unix://")}
	return p, p.connect()
}

func (p *engineProxy) address() string { return "unix://" + p.socket }

// connect makes the engine reachable.
func (p *engineProxy) connect() error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	var config net.ListenConfig
	listener, err := config.Listen(context.Background(), "unix", p.socket)
	if err != nil {
		return err
	}
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var dialer net.Dialer
			return dialer.DialContext(ctx, "unix", p.engine)
		},
		MaxIdleConnsPerHost: 64,
	}
	forward := &httputil.ReverseProxy{
		Rewrite: func(request *httputil.ProxyRequest) {
			request.SetURL(&url.URL{Scheme: "http", Host: "engine"})
		},
		Transport: transport, FlushInterval: -1,
		// A stream that its reader has left is no error.
		ErrorLog: log.New(io.Discard, "", 0),
	}
	p.server = &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.record(r) {
			// Done, but the answer is lost.
			forward.ServeHTTP(httptest.NewRecorder(), r)
			p.disconnect()
			close(p.cut)
			return
		}
		forward.ServeHTTP(w, r)
	})}
	go func(server *http.Server) { _ = server.Serve(listener) }(p.server)
	return nil
}

// disconnect takes the engine away, as if it had stopped.
func (p *engineProxy) disconnect() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	_ = p.server.Close()
}

// isConnected reports whether the engine is reachable.
func (p *engineProxy) isConnected() bool {
	_, err := os.Stat(p.socket)
	return err == nil
}

func (p *engineProxy) close() {
	p.disconnect()
	_ = os.RemoveAll(p.directory)
}

// cutAfter takes the engine away in the midst of the nth write from now. The
// returned channel is closed then.
func (p *engineProxy) cutAfter(n int) <-chan struct{} {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.fatal, p.cut = len(p.writes)+n, make(chan struct{})
	return p.cut
}

// record notes a write, and reports whether it is the fatal one.
func (p *engineProxy) record(r *http.Request) (fatal bool) {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return false
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.writes = append(p.writes, r.Method+" "+r.URL.String())
	return len(p.writes) == p.fatal
}

// writesSince returns the mutating requests after the first n.
func (p *engineProxy) writesSince(n int) []string {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return append([]string(nil), p.writes[n:]...)
}

// writeCount returns the number of mutating requests until now.
func (p *engineProxy) writeCount() int {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return len(p.writes)
}
