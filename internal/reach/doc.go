// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package reach works out, from what was observed, what the deckies of a LAN can
// reach over the network, and what of that the specs do not allow.
//
// It is pure, and takes the worst for true: where nothing that was seen prevents
// something, it is reached. Containers of others forward, since nobody looks into
// them, and the engine's own rules, at which nobody looks either, stop nothing
// that should not be.
//
// It must not import anything that talks to Docker or the API. Start reading at
// reach.go.
package reach
