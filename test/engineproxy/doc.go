// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package engineproxy stands between an operator and the Docker Engine, for
// tests and benchmarks: it records what is asked of the engine, and can take the
// engine away. It changes no request and no answer.
package engineproxy
