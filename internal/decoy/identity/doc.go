// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package identity derives the keys by which clients know a machine again.
//
// A real machine keeps its keys over restarts, but a service keeps nothing: so
// all keys are a function of a seed that the service is given. The same seed
// gives the same keys, for ever: a change of a derivation here is a change of
// identity of every machine. Without a seed the keys are new at each start.
//
// It imports the standard library and the reader of settings. Start reading at
// Seed.
package identity
