// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package controlplanetest gives tests a real control plane: the etcd, API server
// and controllers of package controlplane on a free port of 127.0.0.1, with the
// definitions that the test passes. It promises that all of it has stopped when the
// test, or the test binary, ends.
//
// One takes about a second to start, so a package's tests share one: start it in
// TestMain with StartForMain, and let every test work in a namespace of its own.
package controlplanetest
