// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package setting reads a service's configuration from its environment.
//
// It owns the syntax of values (text, numbers, choices, lists) and their
// bounds. A bad value is never replaced by a default: the first one is kept
// as an error that names the variable, what it may hold, and what it held.
// A variable that is unset or empty means the default.
//
// It imports nothing but the standard library. Start reading at Reader.
package setting
