//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
)

// begun notes when an operator begins what it does, from its log: it logs before
// it acts.
type begun struct {
	mu    sync.Mutex
	times map[string]time.Time
}

// noting is a log sink that keeps the time of the last line of each message.
type noting struct{ to *begun }

func (noting) Init(logr.RuntimeInfo)             {}
func (noting) Enabled(level int) bool            { return level == 0 }
func (noting) Error(error, string, ...any)       {}
func (n *noting) WithValues(...any) logr.LogSink { return n }
func (n *noting) WithName(string) logr.LogSink   { return n }
func (n *noting) Info(_ int, message string, _ ...any) {
	n.to.mu.Lock()
	defer n.to.mu.Unlock()
	n.to.times[message] = time.Now()
}

// last returns when the message was logged last.
func (n *begun) last(b *testing.B, message string) time.Time {
	b.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	at, ok := n.times[message]
	if !ok {
		b.Fatalf("the operator never logged %q", message)
	}
	return at
}
