// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package golden compares what a test has with what a file says it has to be. The
// files are in the folder testdata of the test's package, and are written anew by
// "go test -update".
package golden
