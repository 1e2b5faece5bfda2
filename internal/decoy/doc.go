// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package decoy holds the services that run inside decoy machines.
//
// It owns the list of services by program name, and the running of one: its
// configuration, its listeners and its evidence. Each protocol is a package of
// its own below this one; guard and evidence keep all of them within limits.
//
// Whatever connects is hostile. Nothing here imports the operator or acts on
// the network other than by answering. Start reading at Programs, then Run.
package decoy
