// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package generate makes topologies by chance: a tree of LANs below a DMZ, with
// deckies on each and a bridge from each to its parent.
//
// It is pure: parameters, a seed and a catalogue give the same objects at any
// time and on any machine, and the same bytes as manifests. Nothing in it chooses
// what the operator chooses better, since it sees the engine: subnets, addresses,
// MACs. Names are such as machines have; none says what they are.
//
// It must not import anything that talks to the API or to Docker. Start reading at
// Topology.
package generate
