// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package model

import (
	"cmp"
	"net/netip"
)

// FilterPolicy is what the host's firewall lets pass at the bridge of a LAN.
// Frames between the members of one bridge always pass. The zero policy is that
// of an inner LAN: nothing enters or leaves the bridge by way of the host, and no
// connection from it reaches an address of the host.
type FilterPolicy struct {
	// Published lets connections to published ports in, and their replies out.
	Published bool
	// Egress are the sources that may open connections to the outside, which is
	// neither the host nor another LAN. The zero prefix is none.
	Egress netip.Prefix
	// RoutedFrames accepts frames that cross the bridge with source and
	// destination of other subnets, as deckies that forward send them: on an
	// internal network the engine drops those where bridged frames pass the
	// host's IPv4 filter.
	RoutedFrames bool
}

// FilterSpec is the filter rules of one bridge as they should be.
type FilterSpec struct {
	Owner Owner
	// Bridge is the name of the interface. It need not exist yet.
	Bridge string
	Policy FilterPolicy
}

// Filter is the filter rules of one bridge as they were seen.
type Filter struct {
	// Owner is whom the rules say they belong to; without the topology.
	Owner  Owner
	Bridge string
	// Intact says that the rules are exactly those of Policy. If they are not,
	// Policy says nothing but whether routed frames are accepted.
	Intact bool
	Policy FilterPolicy
}

// Compare orders filters by bridge, then owner.
func (f Filter) Compare(other Filter) int {
	return cmp.Or(cmp.Compare(f.Bridge, other.Bridge), cmp.Compare(f.Owner.Instance, other.Owner.Instance), f.Owner.Compare(other.Owner))
}

// Identity is what the rules say about themselves.
func (f Filter) Identity() Identity { return Identity{Owner: f.Owner, Role: RoleNetwork} }
