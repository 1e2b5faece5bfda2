// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package privateengine gives tests a whole Docker Engine of their own, to
// restart, to kill, to starve, or to be the engine of one more node. It runs in a
// network namespace of its own, with its own bridges, firewall, images and
// containers; process ids are the host's. What is to see the engine's network as
// its host does, such as an operator, runs by Command.
//
// It promises that nothing of the engine is left when the test ends: no process,
// mount, cgroup, network namespace or file. It is built with the tag e2e, and needs
// dockerd and the rights of root.
package privateengine
