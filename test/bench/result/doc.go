// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package result is what a benchmark leaves for docs/performance.md: the figures
// of one case as they were measured, what they are compared with, and the machine.
// It measures nothing and writes no page; hack/perfdocs does the latter.
package result
