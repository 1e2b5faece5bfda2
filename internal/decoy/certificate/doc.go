// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package certificate makes the self-signed TLS certificate of a service.
//
// Key and certificate come from the service's seed and stay in memory, so that a
// restart changes neither. The certificate looks like the one a Debian
// installation makes for itself: subject and issuer are the host's name, and it
// is valid for ten years from a day in the past. A service that starts more than
// two years after that day has a new one for the same key, so that none expires.
//
// It imports the standard library and the package identity. Start reading at
// SelfSigned.
package certificate
