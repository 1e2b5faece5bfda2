// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package login decides which passwords a service accepts.
//
// It owns the pairs of user and password that always work and the rule that
// lets a source in with any password after it has failed often enough. What it
// remembers of sources is bounded. It imports the setting package only. Start
// reading at Policy.
package login
