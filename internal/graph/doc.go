// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package graph answers questions about API objects in relation to each other:
// which LAN is the DMZ, who of two is at fault where they clash, which LANs no
// path leads to, which addresses a Decky gets, and by which routes it reaches the
// LANs behind others.
//
// It is pure, and its answers do not depend on the order of the lists given.
// Where two objects clash the later one is at fault, by Earlier, and the
// earlier stays as it is. Objects that are being deleted claim nothing any
// more, but what they hold is not given to others until they are gone.
//
// A mistake is a *fault.Fault whose field is the JSON path in the object asked
// about. It must not import anything that talks to Docker or the API. Start
// reading at order.go, then lans.go.
package graph
