// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package engineproxy

import (
	"bytes"
	"context"
	"io"
	"log"
	"maps"
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

	"github.com/deckyard/deckyard/internal/engine/docker"
)

// Proxy stands between an operator and the engine. It is safe for concurrent use.
type Proxy struct {
	directory, socket, engine string

	mutex  sync.Mutex
	server *http.Server
	writes []string
	counts map[docker.Endpoint]int
	// fatal is the write after which the engine is taken away; 0 is none.
	fatal int
	cut   chan struct{}
	// refused is what a request must contain to be refused; empty is none.
	refused string
}

// Start returns a proxy before the engine at a local socket, such as
// docker.DefaultHost. It answers until Close.
func Start(dockerHost string) (*Proxy, error) {
	directory, err := os.MkdirTemp("", "engine")
	if err != nil {
		return nil, err
	}
	p := &Proxy{
		directory: directory, socket: filepath.Join(directory, "s"), engine: strings.TrimPrefix(dockerHost, "unix://"),
		counts: map[docker.Endpoint]int{},
	}
	return p, p.Connect()
}

// Address is the docker host to give to an operator.
func (p *Proxy) Address() string { return "unix://" + p.socket }

// Connect makes the engine reachable.
func (p *Proxy) Connect() error {
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
			p.Disconnect()
			close(p.cut)
			return
		}
		if p.refuses(r) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = io.WriteString(w, `{"message":"refused by the proxy"}`)
			return
		}
		forward.ServeHTTP(w, r)
	})}
	go func(server *http.Server) { _ = server.Serve(listener) }(p.server)
	return nil
}

// Disconnect takes the engine away, as if it had stopped.
func (p *Proxy) Disconnect() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	_ = p.server.Close()
}

// IsConnected reports whether the engine is reachable.
func (p *Proxy) IsConnected() bool {
	_, err := os.Stat(p.socket)
	return err == nil
}

// Close ends the proxy for good.
func (p *Proxy) Close() {
	p.Disconnect()
	_ = os.RemoveAll(p.directory)
}

// CutAfter takes the engine away in the midst of the nth write from now. The
// returned channel is closed then.
func (p *Proxy) CutAfter(n int) <-chan struct{} {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.fatal, p.cut = len(p.writes)+n, make(chan struct{})
	return p.cut
}

// Refuse lets every request fail from now on whose body contains a text, such as
// the creation of an object by that name; with an empty text none any more.
func (p *Proxy) Refuse(text string) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.refused = text
}

// refuses reports whether a request is to be refused. Its body stays readable.
func (p *Proxy) refuses(r *http.Request) bool {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.refused == "" || r.Method == http.MethodGet {
		return false
	}
	body, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	return err == nil && strings.Contains(string(body), p.refused)
}

// record notes a request, and reports whether it is the fatal write.
func (p *Proxy) record(r *http.Request) (fatal bool) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if endpoint, ok := docker.EndpointOf(r); ok {
		p.counts[endpoint]++
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return false
	}
	p.writes = append(p.writes, r.Method+" "+r.URL.String())
	return len(p.writes) == p.fatal
}

// WritesSince returns the mutating requests after the first n.
func (p *Proxy) WritesSince(n int) []string {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return append([]string(nil), p.writes[n:]...)
}

// WriteCount returns the number of mutating requests until now.
func (p *Proxy) WriteCount() int {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return len(p.writes)
}

// Counts returns how many requests of each kind there were until now.
func (p *Proxy) Counts() map[docker.Endpoint]int {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return maps.Clone(p.counts)
}
