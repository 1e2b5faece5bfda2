// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package engine holds the ports through which Deckyard reads and changes a
// Docker Engine, and the kinds of error that they return. It implements nothing.
//
// The adapter is in engine/docker, the only package that knows the Docker
// client; engine/host reads and sets what belongs to a network namespace or the firewall;
// engine/fake is an engine in memory; engine/contract is the suite that both
// the fake and the real engine pass. Start reading at ports.go.
package engine
