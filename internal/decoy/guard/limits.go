// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package guard

import "time"

// Limits bounds the connections of one listener. Every field must be set.
type Limits struct {
	// Connections is how many may be open at once, and PerSource how many
	// of them from one address.
	Connections int
	PerSource   int
	// Idle is how long a peer may send nothing while it is read from, Write
	// how long it may take to accept what is written.
	Idle  time.Duration
	Write time.Duration
	// Total is how long a connection may last.
	Total time.Duration
}

// DefaultLimits suits a line protocol with a person or a script at the other
// end: 64 connections, 32 of them from one source, five minutes of silence and
// half an hour in all.
func DefaultLimits() Limits {
	return Limits{
		Connections: 64,
		PerSource:   32,
		Idle:        5 * time.Minute,
		Write:       20 * time.Second,
		Total:       30 * time.Minute,
	}
}
