// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package bench measures what docs/performance.md reports, on a real Docker
// Engine and with both sides of a comparison in one run. It is built with the
// tag e2e; "make bench" runs it. It judges nothing: a figure is for a person.
package bench
