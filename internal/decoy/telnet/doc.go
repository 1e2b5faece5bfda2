// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package telnet answers as the telnet daemon of a Linux machine.
//
// It owns the option negotiation and the login prompt; the shell behind it is
// the shell package's. The options are few and the negotiation is a small state
// machine over bytes, so there is nothing to gain from a library.
//
// Start reading at Server.
package telnet
