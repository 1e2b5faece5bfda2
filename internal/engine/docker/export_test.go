// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"net/http"
)

// NewWithTransport is New with a round tripper around the connection to the engine.
func NewWithTransport(dockerHost string, wrap func(http.RoundTripper) http.RoundTripper) (*Engine, error) {
	socket, err := socketPath(dockerHost)
	if err != nil {
		return nil, err
	}
	return newEngine(dockerHost, socket, wrap(unixTransport(socket)))
}

// Explain exposes the advice that Profile gives.
func Explain(e *Engine, err error) error { return e.explain(err) }

// Negotiate exposes the agreement on an API version.
func Negotiate(ctx context.Context, e *Engine) error { return e.negotiate(ctx) }
