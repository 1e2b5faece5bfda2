// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package evidence writes what happened as one JSON line per interaction.
//
// It owns the line format and its limits: every line is valid JSON of bounded
// size, whatever bytes an intruder sent, and no byte of theirs can start a new
// line. Lines go through a bounded queue; when the output is slow or blocked,
// or a source talks faster than its share, lines are dropped and counted
// rather than kept in memory, and the count is written as a line of its own.
//
// It imports nothing but the standard library. Start reading at Log.
package evidence
