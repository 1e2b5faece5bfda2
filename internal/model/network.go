// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package model

import "net/netip"

// NetworkSpec is a network as it should be.
type NetworkSpec struct {
	// Name is the Docker network's name.
	Name string
	// Identity goes into the labels. Its SpecHash is that of the spec.
	Identity Identity
	// Driver is the Docker network driver.
	Driver string
	// Subnet and Gateway are the IPv4 addressing; Gateway is an address of Subnet.
	Subnet  netip.Prefix
	Gateway netip.Addr
	// Internal networks have no way out of the host.
	Internal bool
	// Masquerade lets the host hide the network's sources behind its own address.
	Masquerade bool
	// MTU is in bytes; 0 is the engine's default.
	MTU int
	// ExtraLabels are further labels (Compose's), not part of the identity.
	ExtraLabels map[string]string
}

// Network is a network as it was seen on the engine.
type Network struct {
	ID, Name string
	// Identity is what the labels say; zero for a network that is not ours.
	Identity Identity
	Driver   string
	// Subnets and Gateway are the IPv4 addressing. Networks of others may have
	// several subnets or none.
	Subnets    []netip.Prefix
	Gateway    netip.Addr
	Internal   bool
	Masquerade bool
	// MTU is in bytes; 0 is the engine's default.
	MTU int
}

// Endpoint is an interface of a container on a network, as it was seen.
type Endpoint struct {
	// NetworkID is the id by which the engine finds the endpoint: also that of a
	// network that is gone, while a stopped container is still to join it.
	NetworkID, NetworkName string
	// Address is the live address, or the configured one while the container
	// does not run. Invalid if there is none.
	Address netip.Addr
	// MAC is in lower case with colons; empty if unknown, as it mostly is while
	// the container does not run.
	MAC string
	// Aliases are the names under which the network's DNS knows the container.
	Aliases []string
}

// EndpointSpec is an interface as it should be.
type EndpointSpec struct {
	// NetworkName and NetworkID identify the network; both are known, because
	// no endpoint is planned before its network exists.
	NetworkName, NetworkID string
	// LAN is the API object's name, for messages.
	LAN     string
	Address netip.Addr
	// MAC is in lower case with colons; empty lets the engine choose.
	MAC string
}
