// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package admission has no code of its own. Its tests put objects through the gates of
// internal/admission, and what is admitted before the operator's own judgement.
package admission
