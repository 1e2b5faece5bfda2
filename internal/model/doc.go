// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package model holds the plain values that the packages around Docker speak
// in: networks, containers, endpoints, and who owns them.
//
// A Desired value says what should be, an observed one (Network, Container,
// Namespace, Observed) what is. Values are deterministic: lists are sorted,
// maps are never iterated unsorted, and Hash of equal values is equal.
//
// It imports the standard library only. Start reading at identity.go.
package model
