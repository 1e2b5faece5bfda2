// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package certificate makes the self-signed TLS certificate of a service.
//
// The key is made at start and stays in memory. The certificate looks like the
// one a Debian installation makes for itself: subject and issuer are the host's
// name, and it is valid for ten years from a day in the past. It imports the
// standard library only. Start reading at SelfSigned.
package certificate
