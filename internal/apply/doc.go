// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package apply carries out plans. It decides nothing: an Executor walks a plan
// in the order of its dependencies, with a bound on what is in flight on the
// engine for all owners together, and reports what was done, what failed and
// what was not run. Before anything destructive it proves ownership again.
//
// A Puller fetches images in the background, since that takes longer than a pass.
//
// It must import nothing of the API or of the controllers. Start reading at
// executor.go.
package apply
