// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package fake is a Docker Engine and its host in memory, for tests. It keeps the
// engine's rules as the contract suite has them, tells events in order, and can
// be made to fail.
//
// Its clock moves with each change and nothing waits, so that tests are fast and
// repeatable. Faults and hooks are in faults.go; what somebody else than the
// operator does to the engine is in hand.go. It is safe for concurrent use.
//
// Start reading at engine.go.
package fake
