// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime/debug"
	"sync"
	"time"

	"github.com/deckyard/deckyard/internal/decoy/evidence"
)

const (
	// acceptPause is the wait after a failed accept, such as for want of file
	// descriptors.
	acceptPause = 100 * time.Millisecond
	// closeGrace is how long handlers may take to end when the service stops.
	closeGrace = 2 * time.Second
	// maxStack bounds what is kept of a panic's stack.
	maxStack = 2000
)

// Listener accepts connections within limits. It is a net.Listener, so that
// servers of the standard library can run on it.
type Listener struct {
	net.Listener

	protocol string
	log      *evidence.Log
	limits   Limits
	memory   *memory

	mu      sync.Mutex
	open    map[*Conn]struct{}
	sources map[string]int
}

// NewListener guards inner, and owns it from then on.
func NewListener(inner net.Listener, protocol string, log *evidence.Log, limits Limits) *Listener {
	return &Listener{
		Listener: inner,
		protocol: protocol,
		log:      log,
		limits:   limits,
		memory:   newMemory(),
		open:     make(map[*Conn]struct{}),
		sources:  make(map[string]int),
	}
}

// Accept returns the next connection that is within the limits, as a *Conn.
// Those that are not are closed at once. Its errors are final.
func (l *Listener) Accept() (net.Conn, error) {
	for {
		inner, err := l.Listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil, fmt.Errorf("accept: %w", err)
		}
		if err != nil {
			<-time.After(acceptPause)
			continue
		}
		if conn := l.admit(inner); conn != nil {
			return conn, nil
		}
	}
}

// Serve gives each connection to handle in a goroutine of its own and closes
// it afterwards, until the context ends. It then closes the listener and all
// connections, and waits a moment for the handlers.
func (l *Listener) Serve(ctx context.Context, handle func(context.Context, *Conn)) error {
	stop := context.AfterFunc(ctx, func() { l.CloseAll() })
	defer stop()
	var handlers sync.WaitGroup
	for {
		accepted, err := l.Accept()
		if err != nil {
			if ctx.Err() == nil {
				return err
			}
			waitBriefly(&handlers)
			return nil
		}
		conn, ok := accepted.(*Conn)
		if !ok {
			return errors.New("accept: connection is not guarded")
		}
		handlers.Go(func() {
			defer func() { _ = conn.Close() }()
			defer Recover(conn.session)
			handle(ctx, conn)
		})
	}
}

// CloseAll closes the listener and every connection it accepted.
func (l *Listener) CloseAll() {
	_ = l.Close()
	l.mu.Lock()
	conns := make([]*Conn, 0, len(l.open))
	for conn := range l.open {
		conns = append(conns, conn)
	}
	l.mu.Unlock()
	for _, conn := range conns {
		_ = conn.Close()
	}
}

// Recover ends a panic of the goroutine that defers it and records it as a
// "fault", so that one connection's bad luck is not that of the others.
func Recover(session *evidence.Session) {
	if reason := recover(); reason != nil {
		stack := debug.Stack()
		session.Record("fault",
			evidence.Text("reason", fmt.Sprint(reason)),
			evidence.Text("stack", string(stack[:min(len(stack), maxStack)])))
	}
}

func (l *Listener) admit(inner net.Conn) *Conn {
	session := l.log.Session(l.protocol, inner.RemoteAddr(), inner.LocalAddr())
	host := evidence.Host(inner.RemoteAddr())
	conn := newConn(inner, l, session, host)

	reason := l.reserve(conn, host)
	if reason != "" {
		session.Record("refused", evidence.Text("reason", reason))
		_ = inner.Close()
		return nil
	}
	session.Record("connect")
	return conn
}

func (l *Listener) reserve(conn *Conn, host string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case len(l.open) >= l.limits.Connections:
		return "too many connections"
	case l.sources[host] >= l.limits.PerSource:
		return "too many connections of this source"
	}
	l.open[conn] = struct{}{}
	l.sources[host]++
	return ""
}

func (l *Listener) release(conn *Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, conn)
	l.sources[conn.host]--
	if l.sources[conn.host] <= 0 {
		delete(l.sources, conn.host)
	}
}

func waitBriefly(handlers *sync.WaitGroup) {
	ended := make(chan struct{})
	go func() {
		handlers.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(closeGrace):
	}
}
