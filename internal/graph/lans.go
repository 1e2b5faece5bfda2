// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"net/netip"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/fault"
)

// DMZ returns the DMZ of a topology: the earliest of its LANs with dmz: true, of
// one second one that has its network; nil if there is none.
func DMZ(lans []v1alpha1.LAN) *v1alpha1.LAN {
	var dmz *v1alpha1.LAN
	for i := range lans {
		lan := &lans[i]
		if !lan.Spec.DMZ || isDeleting(lan) {
			continue
		}
		if dmz == nil || precedes(lan, dmz, isBuilt(lan), isBuilt(dmz)) {
			dmz = lan
		}
	}
	return dmz
}

// CheckDMZ returns the mistake of a LAN that wants to be the DMZ of a topology
// that has one already.
func CheckDMZ(lan *v1alpha1.LAN, lans []v1alpha1.LAN) *fault.Fault {
	dmz := DMZ(lans)
	if !lan.Spec.DMZ || isDeleting(lan) || dmz == nil || same(dmz, lan) {
		return nil
	}
	return fault.New(v1alpha1.ReasonDMZMultiple, "spec.dmz",
		"LAN %s cannot be a DMZ, since LAN %s, created earlier, is that of Topology %s: set dmz to false on one of them",
		lan.Name, dmz.Name, lan.Spec.TopologyRef.Name)
}

// CheckSubnet returns the mistake of a LAN whose subnet overlaps that of
// another LAN on the engine. lans are those of all topologies on the engine. A
// LAN that has not said yet which subnet it wants claims none.
//
// Of LANs without a network the later is at fault, but a subnet in the spec
// beats one that the operator chose. A LAN that has its network is beaten only
// by an earlier one that has, too: it cannot change its subnet any more, and
// the other could not come up beside it.
func CheckSubnet(lan *v1alpha1.LAN, lans []v1alpha1.LAN) *fault.Fault {
	subnet, claimed := Subnet(lan)
	if !claimed {
		return nil
	}
	var culprit *v1alpha1.LAN
	for i := range lans {
		other := &lans[i]
		if same(other, lan) || isDeleting(other) || !subnetBeats(other, lan) {
			continue
		}
		if theirs, claimed := Subnet(other); !claimed || !theirs.Overlaps(subnet) {
			continue
		}
		if culprit == nil || Earlier(other, culprit) {
			culprit = other
		}
	}
	if culprit == nil {
		return nil
	}
	theirs, _ := Subnet(culprit)
	return fault.New(v1alpha1.ReasonSubnetOverlap, "spec.subnet",
		"subnet %s of LAN %s overlaps %s of LAN %s of Topology %s: choose another, or leave subnet out to get a free one",
		subnet, lan.Name, theirs, nameFrom(lan, culprit), culprit.Spec.TopologyRef.Name)
}

// Subnet returns the subnet that a LAN claims: that of its spec, else the one
// allocated to it.
func Subnet(lan *v1alpha1.LAN) (netip.Prefix, bool) {
	text := lan.Spec.Subnet
	if text == "" {
		text = lan.Status.Subnet
	}
	subnet, err := netip.ParsePrefix(text)
	return subnet, err == nil && subnet.Addr().Is4()
}

// subnetBeats reports whether a keeps its subnet where it clashes with b.
func subnetBeats(a, b *v1alpha1.LAN) bool {
	aBuilt, bBuilt := isBuilt(a), isBuilt(b)
	aPinned, bPinned := a.Spec.Subnet != "", b.Spec.Subnet != ""
	switch {
	case aBuilt != bBuilt:
		return aBuilt
	case aPinned != bPinned && !aBuilt:
		return aPinned
	default:
		return Earlier(a, b)
	}
}

func isBuilt(lan *v1alpha1.LAN) bool { return lan.Status.NetworkID != "" }
