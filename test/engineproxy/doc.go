// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package engineproxy stands between an operator and the Docker Engine, for
// tests and benchmarks: it records what is asked of the engine, can take the
// engine away, and can refuse, hold or lose single requests. It changes no request
// that it passes on, and no answer.
package engineproxy
