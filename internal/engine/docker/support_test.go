// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package docker_test

import (
	"context"
	"net/http"
)

// roundTripper makes a http.RoundTripper of a function.
type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }

// withoutCancel returns a context for cleaning up after a test.
func withoutCancel(ctx context.Context) context.Context { return context.WithoutCancel(ctx) }
