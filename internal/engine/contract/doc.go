// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package contract is the one suite that every implementation of the engine's
// ports passes: the fake and the simulated engine in every run of the tests, the
// adapter on a real Docker Engine with the build tag e2e. It keeps the fake honest.
//
// Each rule that is written on the ports in package engine is one subtest of
// Run. Objects get names and subnets of their own, so that runs can overlap, and
// are removed at the end, also after a failure. Other tests on a real engine use
// its image, see LoadImage.
//
// Start reading at contract.go.
package contract
