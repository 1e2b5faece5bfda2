// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package controllers reconciles the three kinds. A pass over an object is a
// list of steps, the same in spirit for all: resolve what it refers to,
// validate, allocate, observe, plan, apply, report. The steps of a kind stand in
// one literal slice in its <kind>_steps.go; how a pass ends is in internal/pass.
// A pass that made changes is followed at once by one that looks at the result.
//
// Each Docker object has one writer: networks, and the filter rules of their
// bridges, the LAN controller; containers, their endpoints and routes the Decky
// controller. The Topology controller touches no Docker; it labels its LANs and Deckies with their node, validates the graph
// and counts. LAN and Decky controllers act only on objects of their own node.
//
// The package knows neither the Docker client nor Compose. Start reading at
// topology_controller.go, then decky_steps.go.
package controllers
