//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"net"
	"net/http"
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
	}
	p.server = &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.record(r)
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

func (p *engineProxy) close() {
	p.disconnect()
	_ = os.RemoveAll(p.directory)
}

func (p *engineProxy) record(r *http.Request) {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.writes = append(p.writes, r.Method+" "+r.URL.String())
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
