// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package model

import (
	"cmp"
	"net/netip"
)

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
	// Bridge is the name of the host's interface; empty lets the engine choose.
	Bridge string
	// HostAbsent keeps the host from having an address on the network.
	HostAbsent bool
	// Filter is what the host's firewall lets pass at the bridge. It can change
	// while the network exists, so it is not part of the spec hash.
	Filter FilterPolicy
	// ExtraLabels are further labels (Compose's), not part of the identity.
	ExtraLabels map[string]string
}

// FilterSpec returns the filter rules that belong to the network. There are none
// without a bridge of a known name.
func (s NetworkSpec) FilterSpec() (FilterSpec, bool) {
	return FilterSpec{Owner: s.Identity.Owner, Bridge: s.Bridge, Policy: s.Filter}, s.Bridge != ""
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
	// Bridge is the name that the host's interface was given; empty if the engine chose it.
	Bridge string
	// HostAbsent says that the host has no address on the network.
	HostAbsent bool
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

// Compare orders networks by name, then id.
func (n Network) Compare(other Network) int {
	return cmp.Or(cmp.Compare(n.Name, other.Name), cmp.Compare(n.ID, other.ID))
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

// Route is an IPv4 route in the network namespace of a base.
type Route struct {
	// Destination has no host bits; 0.0.0.0/0 is the default route.
	Destination netip.Prefix
	// Via is the next hop. It is invalid where a route that was seen has none, or
	// several.
	Via netip.Addr
}

// IsIPv4 reports whether the destination is an IPv4 one, and the next hop too if
// there is one.
func (r Route) IsIPv4() bool {
	return r.Destination.IsValid() && r.Destination.Addr().Is4() && r.Destination == r.Destination.Masked() &&
		(!r.Via.IsValid() || r.Via.Is4())
}

// IsDefault reports whether the route is taken where no other fits.
func (r Route) IsDefault() bool { return r.Destination.Bits() == 0 }

// Compare orders routes by destination, then by next hop.
func (r Route) Compare(other Route) int {
	return cmp.Or(r.Destination.Compare(other.Destination), r.Via.Compare(other.Via))
}

// String returns "DESTINATION via ADDRESS".
func (r Route) String() string {
	if !r.Via.IsValid() {
		return r.Destination.String() + " without a next hop"
	}
	return r.Destination.String() + " via " + r.Via.String()
}
