// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package dryrun says what the operator would do, and does nothing.
//
// It runs the passes of package controllers themselves, over objects in memory: those
// of the API server, with manifests that may be applied laid over them. What they
// write to status is kept in memory; in place of the executor they have one that notes
// the plan and ends the pass. The package is given ways to read only, none to write:
// neither the API server nor the engine can be changed. Without any of them, from
// manifests alone, nothing is asked, and the engine is taken to be empty.
//
// The plan of an object is that of its next pass, given that the networks of its LANs
// are there. Start reading at Run.
package dryrun
