// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package plan decides what to change in Docker. It compares what should be
// (model.NetworkSpec, model.DeckySpec) with what was seen (model.Observed) and
// returns a Plan: actions in an order that must hold, each one engine call.
//
// It is pure: no context, clock, logger or client, and the same input gives the
// same plan. A plan never touches an object that is not proven to be the
// owner's, and planning after a faithful application is empty. It must import
// nothing but model and the API's list of reasons. Start reading at plan.go.
package plan
