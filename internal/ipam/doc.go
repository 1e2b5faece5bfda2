// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package ipam chooses IPv4 subnets, host addresses, host ports and MAC
// addresses.
//
// Every function is pure: the caller says what is taken, and the same input
// gives the same choice. Nothing is remembered; whoever takes a choice writes
// it down before using it, and serialises choices from one space.
//
// It imports the standard library only. Start reading at block.go.
package ipam
