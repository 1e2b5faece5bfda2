// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package host reads and sets what belongs to the host of a Docker Engine rather
// than to the engine: the sockets, routes and kernel settings inside a
// container's network namespace, the host's routes, who holds a port, what the
// host can do (profile.go), and the filter rules of LANs' bridges (filters.go, policy.go).
//
// It must run in the host's process and network namespaces, with the right to
// enter others. A decoy's processes are taken to be an intruder's: a process is
// proven to be the container's before anything is done with it (process.go), no
// path is followed inside a container, and nothing is run there.
//
// Start reading at host.go.
package host
