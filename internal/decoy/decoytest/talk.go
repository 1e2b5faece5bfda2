// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package decoytest

import (
	"bytes"
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/deckyard/deckyard/internal/decoy/evidence"
	"github.com/deckyard/deckyard/internal/decoy/setting"
)

// Server is what serves a listener, as those of the protocols do.
type Server interface {
	Serve(context.Context, net.Listener) error
}

// Talk lets a server answer a client that sends all of an input at once and
// hangs up. It fails the test if the server panics, writes evidence that is not
// JSON, or does not end the conversation. The server is made with a log of its
// own, from which nothing may be dropped: an input of a few hundred lines fits.
func Talk(t *testing.T, config map[string]string, input []byte, start func(*setting.Reader, *evidence.Log) (Server, error)) {
	t.Helper()
	written := NewEvidence()
	log := evidence.NewLog(written)
	server, err := start(setting.NewReader(func(name string) (string, bool) {
		value, found := config[name]
		return value, found
	}), log)
	if err != nil {
		t.Fatalf("make server: %v", err)
	}
	ctx, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	client := &monologue{input: bytes.NewReader(input), ended: make(chan struct{})}
	listener := &oneConn{conn: client, closed: make(chan struct{})}
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx, listener) }()
	select {
	case <-client.ended:
	case <-ctx.Done():
		t.Fatalf("the conversation does not end: %q", input)
	}
	stop()
	if err := <-served; err != nil {
		t.Errorf("serve: %v", err)
	}
	if err := log.Close(t.Context()); err != nil {
		t.Errorf("close log: %v", err)
	}
	if broken := written.Broken(); len(broken) > 0 {
		t.Errorf("evidence is not JSON: %q", broken)
	}
	for _, record := range written.All() {
		if record["event"] == "fault" {
			t.Errorf("the server panics: %v", record)
		}
	}
}

// oneConn is a listener to which one client connects.
type oneConn struct {
	mu     sync.Mutex
	conn   net.Conn
	once   sync.Once
	closed chan struct{}
}

// Accept returns the client, and then waits for the end.
func (l *oneConn) Accept() (net.Conn, error) {
	l.mu.Lock()
	conn := l.conn
	l.conn = nil
	l.mu.Unlock()
	if conn != nil {
		return conn, nil
	}
	<-l.closed
	return nil, net.ErrClosed
}

// Close ends the listener.
func (l *oneConn) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr returns an address of loopback.
func (l *oneConn) Addr() net.Addr { return loopback() }

// monologue is a client that reads nothing.
type monologue struct {
	mu    sync.Mutex
	input io.Reader
	once  sync.Once
	ended chan struct{}
}

// Read returns what the client sends.
func (m *monologue) Read(buffer []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.input.Read(buffer)
}

// Write drops an answer.
func (m *monologue) Write(answer []byte) (int, error) { return len(answer), nil }

// Close ends the conversation.
func (m *monologue) Close() error {
	m.once.Do(func() { close(m.ended) })
	return nil
}

// LocalAddr returns an address of loopback.
func (m *monologue) LocalAddr() net.Addr { return loopback() }

// RemoteAddr returns an address of loopback.
func (m *monologue) RemoteAddr() net.Addr { return loopback() }

// SetDeadline does nothing: nobody is waited for.
func (m *monologue) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing: nobody is waited for.
func (m *monologue) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing: nobody is waited for.
func (m *monologue) SetWriteDeadline(time.Time) error { return nil }

func loopback() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }
