// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package cli is the command line of the deckyard program: up and down, backup and
// restore, kubectl, render, generate, reach, purge and version.
//
// It owns flags, messages, exit codes, the logger and the order in which the control
// plane and the operator start and stop. It promises that every refusal names what
// is wrong and the next step. What it starts comes in through Dependencies, so it
// must not import the operator or the Docker adapter, and it reads no environment
// variable but through them.
//
// Start reading at Main; a new command is a constructor in the list of newRoot.
package cli
