// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package render turns API objects into what should be on the engine:
// model.NetworkSpec, model.DeckySpec, and the same as a Compose project.
//
// Everything is pure and deterministic. A mistake in a spec is a *fault.Fault;
// ValidateLAN and ValidateDecky are the whole truth about one object alone,
// package graph about objects in relation. What the operator chose (subnets,
// addresses, MACs) is an input.
//
// Beside the catalogue it is the only package that knows compose-go. Start
// reading at decky.go.
package render
