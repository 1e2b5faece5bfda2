// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package model

import (
	"maps"
	"net/netip"
	"slices"
	"time"
)

// Socket is a listening or bound socket of a network namespace.
type Socket struct {
	Port Port
	// Address is the local address; unspecified means all.
	Address netip.Addr
}

// Namespace is what was seen inside the network namespace of a base.
type Namespace struct {
	// Listening are TCP sockets in LISTEN and bound UDP sockets, sorted.
	Listening []Socket
	// Sysctls are the kernel settings that were asked for, by dotted name.
	Sysctls map[string]string
	// Routes are the IPv4 routes of the main table, sorted, without those that the
	// kernel makes by itself for the subnets of interfaces.
	Routes []Route
}

// HeldPort is a port of the host that cannot be published now.
type HeldPort struct {
	Port PublishedPort
	// Holder says for a person who has it.
	Holder string
}

// Observed is what was seen of one Docker Engine at one time: everything on
// it, ours or not. It is shared and must not be changed.
type Observed struct {
	// TakenAt is a time before the first read that went into it.
	TakenAt time.Time
	// Networks and Containers are sorted by name, then id.
	Networks   []Network
	Containers []Container
	// Namespaces holds, by id of a running base, what was seen inside.
	Namespaces map[string]Namespace
	// Routes are the host's own IPv4 destinations, apart from those of Docker
	// networks and the default route.
	Routes []netip.Prefix
	// HeldPorts are those ports of the host that a base is to publish and somebody
	// has. They are looked for only when it is about to start.
	HeldPorts []HeldPort
	// Filters are the filter rules of all Deckyard instances' bridges, in order.
	Filters []Filter
	// FirewallFault says, for a person, why the filter rules cannot be known or
	// set; empty if they can. Filters is empty then.
	FirewallFault string
}

// WithNamespace returns a copy that also holds what was seen inside the network
// namespace of a base. The receiver stays as it is.
func (o Observed) WithNamespace(containerID string, namespace Namespace) Observed {
	namespaces := make(map[string]Namespace, len(o.Namespaces)+1)
	maps.Copy(namespaces, o.Namespaces)
	namespaces[containerID] = namespace
	o.Namespaces = namespaces
	return o
}

// WithContainers returns a copy that also holds these containers, without those
// that it has already. The receiver stays as it is.
func (o Observed) WithContainers(containers []Container) Observed {
	known := make(map[string]bool, len(o.Containers))
	for _, container := range o.Containers {
		known[container.ID] = true
	}
	all := slices.Clone(o.Containers)
	for _, container := range containers {
		if !known[container.ID] {
			all = append(all, container)
		}
	}
	slices.SortFunc(all, Container.Compare)
	o.Containers = all
	return o
}

// Attached returns the containers, in any state, that have an endpoint on a
// network, in their order.
func (o Observed) Attached(networkID string) []Container {
	var attached []Container
	for _, container := range o.Containers {
		if _, found := container.EndpointOn(networkID); found {
			attached = append(attached, container)
		}
	}
	return attached
}
