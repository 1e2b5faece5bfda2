// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package bench measures what docs/performance.md reports, on a real Docker
// Engine and with both sides of a comparison in one run. It is built with the
// tag e2e; "make bench" runs it. A figure is for a person to judge; a run fails where
// something must not happen at all, such as a Docker write with nothing to do.
//
// Start reading at main_test.go, then live_test.go.
package bench
