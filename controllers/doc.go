// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package controllers reconciles the three kinds. A pass over an object is a
// list of steps, the same in spirit for all: resolve what it refers to,
// validate, allocate, observe, plan, apply, report. The steps of a kind stand in
// one literal slice in its <kind>_steps.go; how a pass ends is in internal/pass.
//
// Each Docker object has one writer: networks the LAN controller, containers
// and their endpoints the Decky controller. The Topology controller touches no
// Docker; it labels its LANs and Deckies with their node, validates the graph
// and counts. LAN and Decky controllers act only on objects of their own node.
//
// The package knows neither the Docker client nor Compose. Start reading at
// topology_controller.go, then decky_steps.go.
package controllers
