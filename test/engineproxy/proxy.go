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
	// interfere decides what happens to a request; nil lets all pass.
	interfere func(*http.Request) Interference
	// streams end the event streams that are open.
	streams map[*http.Request]context.CancelFunc
}

// Interference is what happens to one request. The zero value lets it pass.
type Interference struct {
	// Before, unless nil, is called before the request is passed on, which it holds
	// until it returns.
	Before func()
	// Status, unless 0, is the answer, and Dropped the end of the connection, of a
	// request that is not passed on.
	Status  int
	Dropped bool
	// After, unless nil, is called when the engine has answered, also if it could not.
	After func()
	// Lost ends the connection in place of the answer.
	Lost bool
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
		counts: map[docker.Endpoint]int{}, streams: map[*http.Request]context.CancelFunc{},
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
		ErrorLog:     log.New(io.Discard, "", 0),
		ErrorHandler: endConnection,
	}
	p.server = &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.serve(w, r, forward)
	})}
	go func(server *http.Server) { _ = server.Serve(listener) }(p.server)
	return nil
}

// endConnection answers nothing: an engine that cannot be reached does not answer
// for itself.
func endConnection(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }

func (p *Proxy) serve(w http.ResponseWriter, r *http.Request, forward http.Handler) {
	fatal, interference := p.record(r)
	if fatal {
		// Done, but the answer is lost.
		forward.ServeHTTP(httptest.NewRecorder(), r)
		p.Disconnect()
		close(p.cut)
		return
	}
	if interference.Before != nil {
		interference.Before()
	}
	if interference.After != nil {
		// Ahead of the end of the connection.
		defer interference.After()
	}
	switch {
	case interference.Dropped:
		endConnection(w, r, nil)
	case interference.Status != 0:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(interference.Status)
		_, _ = io.WriteString(w, `{"message":"refused by the proxy"}`)
	case interference.Lost:
		// The engine goes on with what its client does not wait for any more.
		forward.ServeHTTP(httptest.NewRecorder(), r.WithContext(context.WithoutCancel(r.Context())))
		endConnection(w, r, nil)
	case strings.HasSuffix(r.URL.Path, "/events"):
		stream, end := p.openStream(r)
		defer end()
		forward.ServeHTTP(w, stream)
	default:
		forward.ServeHTTP(w, r)
	}
}

// openStream makes an event stream one that CutStreams ends.
func (p *Proxy) openStream(r *http.Request) (stream *http.Request, end func()) {
	ctx, cancel := context.WithCancel(r.Context())
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.streams[r] = cancel
	return r.WithContext(ctx), func() {
		p.mutex.Lock()
		defer p.mutex.Unlock()
		delete(p.streams, r)
		cancel()
	}
}

// CutStreams ends the event streams that are open.
func (p *Proxy) CutStreams() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for _, cancel := range p.streams {
		cancel()
	}
}

// Interfere has a function decide what happens to each request from now on, until
// it is replaced; nil lets all pass. It is called for one request at a time.
func (p *Proxy) Interfere(decide func(*http.Request) Interference) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.interfere = decide
}

// IsWrite reports whether a request changes something.
func IsWrite(r *http.Request) bool { return r.Method != http.MethodGet && r.Method != http.MethodHead }

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
// the creation of an object by that name; with an empty text none any more. It
// takes the place of Interfere.
func (p *Proxy) Refuse(text string) {
	if text == "" {
		p.Interfere(nil)
		return
	}
	p.Interfere(func(r *http.Request) Interference {
		if !contains(r, text) {
			return Interference{}
		}
		return Interference{Status: http.StatusInternalServerError}
	})
}

// contains reports whether a request's body has a text in it. The body stays
// readable.
func contains(r *http.Request, text string) bool {
	if !IsWrite(r) {
		return false
	}
	body, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	return err == nil && strings.Contains(string(body), text)
}

// record notes a request, and decides what happens to it.
func (p *Proxy) record(r *http.Request) (fatal bool, interference Interference) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if endpoint, ok := docker.EndpointOf(r); ok {
		p.counts[endpoint]++
	}
	if IsWrite(r) {
		p.writes = append(p.writes, r.Method+" "+r.URL.String())
		fatal = len(p.writes) == p.fatal
	}
	if p.interfere != nil {
		interference = p.interfere(r)
	}
	return fatal, interference
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
