// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package guard keeps connections within limits before a protocol sees them.
//
// It owns the listener and the connection that services use: how many at once
// (in all and per source), how long a peer may be silent, how long a write may
// block, how long a connection may last, and what happens when the process is
// near its memory limit (the connection that asks for more is closed). A panic
// in a handler ends its connection only. Each connection leaves "connect" and
// "close" lines in the evidence, a turned-away one a "refused" line.
//
// It imports the evidence and the standard library. Start reading at Listener.
package guard
