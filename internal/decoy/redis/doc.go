// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package redis answers as a Redis server without a password.
//
// It owns the wire protocol (RESP2 and inline commands), a bounded key space
// and the commands that clients and intruders use. The protocol is read by our
// own parser: the usual library, redcon, buffers a command of any announced size
// before it hands it over, which a stranger must not be able to ask for.
//
// Start reading at Server.
package redis
