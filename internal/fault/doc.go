// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package fault holds the one type for a user's mistake in an object's spec:
// which field, what is wrong with it, and what to do. Pure packages return it,
// the controllers turn it into the Accepted and Stalled conditions.
package fault
