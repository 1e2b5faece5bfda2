// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/deckyard/deckyard/internal/decoy/evidence"
)

// Conn is a connection within its listener's limits. Deadlines set on it can
// shorten what the limits allow, never lengthen it.
type Conn struct {
	net.Conn

	listener *Listener
	session  *evidence.Session
	host     string
	opened   time.Time
	closing  sync.Once
	closeErr error

	read, written atomic.Int64

	mu            sync.Mutex
	readDeadline  time.Time
	writeDeadline time.Time
}

func newConn(inner net.Conn, l *Listener, session *evidence.Session, host string) *Conn {
	return &Conn{Conn: inner, listener: l, session: session, host: host, opened: time.Now()}
}

// Session returns the evidence of the connection.
func (c *Conn) Session() *evidence.Session {
	return c.session
}

// Host returns the address of the peer without its port.
func (c *Conn) Host() string {
	return c.host
}

// Read waits no longer than the limits allow. It fails with ErrMemory, and
// closes the connection, while the process is near its memory limit.
func (c *Conn) Read(buffer []byte) (int, error) {
	if c.listener.memory.exhausted(time.Now()) {
		c.session.Record("refused", evidence.Text("reason", ErrMemory.Error()))
		_ = c.Close()
		return 0, ErrMemory
	}
	if err := c.arm(c.Conn.SetReadDeadline, &c.readDeadline, c.listener.limits.Idle); err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(buffer)
	c.read.Add(int64(n))
	return n, err
}

// Write waits no longer than the limits allow.
func (c *Conn) Write(data []byte) (int, error) {
	if err := c.arm(c.Conn.SetWriteDeadline, &c.writeDeadline, c.listener.limits.Write); err != nil {
		return 0, err
	}
	n, err := c.Conn.Write(data)
	c.written.Add(int64(n))
	return n, err
}

// SetDeadline sets both deadlines.
func (c *Conn) SetDeadline(deadline time.Time) error {
	if err := c.SetReadDeadline(deadline); err != nil {
		return err
	}
	return c.SetWriteDeadline(deadline)
}

// SetReadDeadline applies to a pending Read as well.
func (c *Conn) SetReadDeadline(deadline time.Time) error {
	c.mu.Lock()
	c.readDeadline = deadline
	c.mu.Unlock()
	return c.arm(c.Conn.SetReadDeadline, &c.readDeadline, c.listener.limits.Idle)
}

// SetWriteDeadline applies to a pending Write as well.
func (c *Conn) SetWriteDeadline(deadline time.Time) error {
	c.mu.Lock()
	c.writeDeadline = deadline
	c.mu.Unlock()
	return c.arm(c.Conn.SetWriteDeadline, &c.writeDeadline, c.listener.limits.Write)
}

// Close closes the connection, gives its place free and records it, once.
func (c *Conn) Close() error {
	c.closing.Do(func() {
		c.closeErr = c.Conn.Close()
		c.listener.release(c)
		c.session.Record("close",
			evidence.Number("durationMs", time.Since(c.opened).Milliseconds()),
			evidence.Number("bytesIn", c.read.Load()),
			evidence.Number("bytesOut", c.written.Load()))
	})
	return c.closeErr
}

// arm sets the earliest of the deadlines that apply. It holds the lock
// while it does, so that a deadline set meanwhile is not lost.
func (c *Conn) arm(set func(time.Time) error, wanted *time.Time, allowed time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	deadline := time.Now().Add(allowed)
	if last := c.opened.Add(c.listener.limits.Total); last.Before(deadline) {
		deadline = last
	}
	if !wanted.IsZero() && wanted.Before(deadline) {
		deadline = *wanted
	}
	if err := set(deadline); err != nil {
		return fmt.Errorf("set deadline: %w", err)
	}
	return nil
}
