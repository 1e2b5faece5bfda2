// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package simulated serves the Docker Engine API, in the form of 1.41, with an
// engine in memory behind it and the time that a real one takes, so that the
// client, observer and controllers can be run at a size that no machine of a test
// can carry.
//
// It answers what package docker asks, and says nothing else: an operation that it
// does not know is refused. Objects are addressed by id. What a spec says and
// package fake does not keep, such as labels, is kept here and given back as it
// came. It decides nothing about containers and networks, which package fake does.
//
// Start reading at engine.go.
package simulated
