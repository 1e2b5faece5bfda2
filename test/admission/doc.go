// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package admission has no code of its own. Its tests do with objects what an
// API server does before it stores them, without the server: prune, default, and
// validate by the definitions of config/crd, their rules included.
package admission
