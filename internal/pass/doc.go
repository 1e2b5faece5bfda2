// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package pass runs one reconcile pass of any kind: a list of steps, the first
// step that ends the pass says so with an Outcome, and one finisher turns the
// Outcome into conditions, events, one status patch and the result for the
// workqueue. Steps decide nothing about retries or patches, the finisher
// decides nothing about Docker.
//
// Start reading at outcome.go, then finish.go.
package pass
