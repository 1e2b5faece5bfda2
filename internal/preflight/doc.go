// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package preflight judges an engine and its host: which features of Deckyard are
// therefore on or off, why, and what to do about it, and whether topologies can be
// built at all. The command line refuses an engine, and the operator withholds
// work from it, by this judgement.
//
// The judgement is a pure function of a profile, which knows what it does not know:
// what nothing tells is unknown, and refuses nobody. The package must not import
// what decides or writes. Start reading at features.go.
package preflight
