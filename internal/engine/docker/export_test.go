// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import "context"

// Explain exposes the advice that Profile gives.
func Explain(e *Engine, err error) error { return e.explain(err) }

// Negotiate exposes the agreement on an API version.
func Negotiate(ctx context.Context, e *Engine) error { return e.negotiate(ctx) }
