// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package admission does with objects what an API server does before it stores
// them, without the server: it prunes, sets defaults, and validates by the
// definitions of config/crd, their rules included.
//
// It is for objects of which somebody wants to know before they are applied. What
// the API server itself checks of every object, such as that a name can be one, is
// left to it. Start reading at Gate.
package admission
