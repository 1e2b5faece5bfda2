// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Command decoy is the one program inside decoy machines.
//
// Like busybox it is many programs in one file, chosen by the name it is called
// by: "init" is the first process of a machine's base, the others are services
// (see internal/decoy). It must not look like what it is: its image calls it
// /sbin/init, may execute but not read it, and nothing it prints names it.
//
// Start reading at main.
package main
