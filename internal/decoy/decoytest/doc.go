// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package decoytest runs a decoy service on loopback for the tests of the
// protocols, and reads its evidence. It is imported by tests only. Start
// reading at Start.
package decoytest
