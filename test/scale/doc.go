// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Scale measures what the operator costs with many deckies, on a simulated engine.
//
// The engine, the control plane and the operator are processes of their own, so
// that memory and processor time are those of each: the program starts itself again
// in these roles. It brings a topology up, leaves it alone, changes one decky after
// another, and prints a table. It judges nothing: a figure is for a person.
//
// Start reading at main.go.
package main
