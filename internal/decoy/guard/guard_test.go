// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package guard_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/deckyard/deckyard/internal/decoy/decoytest"
	"github.com/deckyard/deckyard/internal/decoy/evidence"
	"github.com/deckyard/deckyard/internal/decoy/guard"
)

type fixture struct {
	*decoytest.Evidence

	address string
}

// serve runs a guarded listener until the test ends.
func serve(t *testing.T, limits guard.Limits, handle func(context.Context, *guard.Conn)) fixture {
	t.Helper()
	var config net.ListenConfig
	inner, err := config.Listen(t.Context(), "tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	output := decoytest.NewEvidence()
	log := evidence.NewLog(output)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	listener := guard.NewListener(inner, "test", log, limits)
	go func() { ended <- listener.Serve(ctx, handle) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Serve returned %v", err)
		}
		if err := log.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return fixture{Evidence: output, address: inner.Addr().String()}
}

func limits() guard.Limits {
	return guard.Limits{Connections: 4, PerSource: 4, Idle: time.Minute, Write: time.Minute, Total: time.Minute}
}

func echo(_ context.Context, conn *guard.Conn) {
	_, _ = io.Copy(conn, conn)
}

// exchange has a byte come back from echo.
func exchange(conn net.Conn) error {
	if _, err := conn.Write([]byte("x")); err != nil {
		return err
	}
	_, err := io.ReadFull(conn, make([]byte, 1))
	return err
}

// isClosed waits until the server has closed the connection.
func isClosed(t *testing.T, conn net.Conn) bool {
	t.Helper()
	_, err := io.Copy(io.Discard, conn)
	return !errors.Is(err, os.ErrDeadlineExceeded)
}

func TestServeRecordsConnectAndClose(t *testing.T) {
	t.Parallel()
	f := serve(t, limits(), echo)
	conn := decoytest.Dial(t, f.address)
	if _, err := conn.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	where := decoytest.Record{"source": conn.LocalAddr().String(), "destination": f.address, "protocol": "test"}
	f.Find(t, "connect", where)
	f.Find(t, "close", decoytest.Record{"bytesIn": 5, "bytesOut": 5})
}

func TestServeTurnsAwayBeyondTheLimits(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ limits guard.Limits }{
		"in all":     {guard.Limits{Connections: 2, PerSource: 9, Idle: time.Minute, Write: time.Minute, Total: time.Minute}},
		"per source": {guard.Limits{Connections: 9, PerSource: 2, Idle: time.Minute, Write: time.Minute, Total: time.Minute}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := serve(t, test.limits, echo)
			first, second := decoytest.Dial(t, f.address), decoytest.Dial(t, f.address)
			for _, conn := range []net.Conn{first, second} {
				if err := exchange(conn); err != nil {
					t.Fatal(err)
				}
			}
			if !isClosed(t, decoytest.Dial(t, f.address)) {
				t.Error("a third connection is served")
			}
			f.Find(t, "refused", nil)
			_ = first.Close()
			f.Find(t, "close", nil)
			fourth := decoytest.Dial(t, f.address)
			if err := exchange(fourth); err != nil {
				t.Errorf("a freed place is not given away: %v", err)
			}
		})
	}
}

func TestConnEndsAPeer(t *testing.T) {
	t.Parallel()
	short, long := 30*time.Millisecond, time.Minute
	tests := map[string]struct {
		limits guard.Limits
		handle func(context.Context, *guard.Conn)
	}{
		"that says nothing":   {guard.Limits{Connections: 1, PerSource: 1, Idle: short, Write: long, Total: long}, echo},
		"that stays too long": {guard.Limits{Connections: 1, PerSource: 1, Idle: long, Write: long, Total: short}, echo},
		"that does not read": {guard.Limits{Connections: 1, PerSource: 1, Idle: long, Write: short, Total: long}, func(_ context.Context, conn *guard.Conn) {
			for {
				if _, err := conn.Write(make([]byte, 1<<20)); err != nil {
					return
				}
			}
		}},
		"even if a handler sets a later deadline": {guard.Limits{Connections: 1, PerSource: 1, Idle: short, Write: long, Total: long}, func(ctx context.Context, conn *guard.Conn) {
			_ = conn.SetDeadline(time.Now().Add(time.Hour))
			echo(ctx, conn)
		}},
		"at a handler's earlier deadline": {limits(), func(ctx context.Context, conn *guard.Conn) {
			_ = conn.SetDeadline(time.Now().Add(short))
			echo(ctx, conn)
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := serve(t, test.limits, test.handle)
			decoytest.Dial(t, f.address)
			f.Find(t, "close", nil)
		})
	}
}

func TestServeSurvivesAPanic(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	f := serve(t, limits(), func(ctx context.Context, conn *guard.Conn) {
		if calls.Add(1) == 1 {
			panic("on purpose")
		}
		echo(ctx, conn)
	})
	if !isClosed(t, decoytest.Dial(t, f.address)) {
		t.Error("the connection of a panic is left open")
	}
	f.Find(t, "fault", decoytest.Record{"reason": "on purpose"})
	conn := decoytest.Dial(t, f.address)
	if err := exchange(conn); err != nil {
		t.Errorf("no answer after a panic: %v", err)
	}
}

func TestServeEndsOpenConnectionsWithItsContext(t *testing.T) {
	t.Parallel()
	var config net.ListenConfig
	inner, err := config.Listen(t.Context(), "tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	output := decoytest.NewEvidence()
	log := evidence.NewLog(output)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- guard.NewListener(inner, "test", log, limits()).Serve(ctx, echo) }()
	conn := decoytest.Dial(t, inner.Addr().String())
	output.Find(t, "connect", nil)
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Serve returned %v", err)
	}
	if !isClosed(t, conn) {
		t.Error("the connection is left open")
	}
	closeLog(t, log)
}

func closeLog(t *testing.T, log *evidence.Log) {
	t.Helper()
	if err := log.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
