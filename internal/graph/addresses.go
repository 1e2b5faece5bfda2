// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/fault"
	"github.com/deckyard/deckyard/internal/ipam"
)

// CheckAddresses returns the first mistake in the addresses and MACs that the
// spec of a decky pins: not a host of its LAN, or another decky's. lans are
// those that ResolveLANs gave, deckies those of the topology. A LAN that has no
// subnet yet is passed over.
//
// Of two deckies that pin one address, the one that status gives it to keeps it,
// else the later is at fault. A pinned address beats one chosen for a decky whose
// base does not exist yet; where the base exists, the pinning decky is at fault.
// That others hold it is no mistake of the spec: the planner waits for them.
// What is proposed instead is not held by them either.
func CheckAddresses(decky *v1alpha1.Decky, lans []*v1alpha1.LAN, deckies []v1alpha1.Decky, held Held) *fault.Fault {
	for _, lan := range lans {
		asked, field := askedOn(decky, lan.Name)
		if mistake := checkMAC(decky, asked, field, deckies); mistake != nil {
			return mistake
		}
		addressing, ready := segmentOf(lan, held)
		if !ready || asked.Address == "" {
			continue
		}
		if mistake := addressing.checkPinned(decky, asked.Address, field+".address", deckies); mistake != nil {
			return mistake
		}
	}
	return nil
}

// segment is a LAN whose addressing is known.
type segment struct {
	lan     *v1alpha1.LAN
	subnet  netip.Prefix
	gateway netip.Addr
	// held are the addresses that nobody of the topology can have.
	held []netip.Addr
}

func segmentOf(lan *v1alpha1.LAN, held Held) (segment, bool) {
	subnet, known := Subnet(lan)
	if !known {
		return segment{}, false
	}
	s := segment{lan: lan, subnet: subnet, gateway: ipam.DefaultGateway(subnet), held: held[lan.Name]}
	for _, text := range []string{lan.Status.Gateway, lan.Spec.Gateway} {
		if gateway, err := netip.ParseAddr(text); err == nil {
			s.gateway = gateway
		}
	}
	return s, true
}

func (s segment) checkPinned(decky *v1alpha1.Decky, text, field string, deckies []v1alpha1.Decky) *fault.Fault {
	address, err := netip.ParseAddr(text)
	if err != nil || !address.Is4() {
		return fault.New(v1alpha1.ReasonAddressInvalid, field,
			"%q is not an IPv4 address%s", text, s.proposal(decky, netip.Addr{}, deckies))
	}
	if err := ipam.CheckHost(s.subnet, s.gateway, address); err != nil {
		return fault.New(v1alpha1.ReasonAddressInvalid, field,
			"%s %v of LAN %s (%s, gateway %s)%s", address, err, s.lan.Name, s.subnet, s.gateway, s.proposal(decky, address, deckies))
	}
	own, _ := claimOn(decky, s.lan.Name)
	holder := s.winner(own, deckies)
	if holder == nil {
		return nil
	}
	return fault.New(v1alpha1.ReasonAddressConflict, field,
		"%s of LAN %s is the address of Decky %s%s", address, s.lan.Name, holder.Name, s.proposal(decky, address, deckies))
}

// proposal ends a message with the nearest free value.
func (s segment) proposal(decky *v1alpha1.Decky, near netip.Addr, deckies []v1alpha1.Decky) string {
	free, found := ipam.NearestFreeHost(s.subnet, s.gateway, near, s.taken(decky, deckies))
	if !found {
		return ": the LAN has no free address, so remove a decky from it"
	}
	return fmt.Sprintf(": use %s, the nearest free one, or leave address out", free)
}

// claim is a decky's claim to an address of a LAN.
type claim struct {
	decky   *v1alpha1.Decky
	address netip.Addr
	// pinned addresses are in the spec, others were chosen.
	pinned bool
	// recorded addresses are in the status: the decky has them, or is about to.
	recorded bool
}

// claimOn returns the claim of a decky on a LAN, if it has one.
func claimOn(decky *v1alpha1.Decky, lan string) (claim, bool) {
	asked, field := askedOn(decky, lan)
	if field == "" {
		return claim{}, false
	}
	recorded := recordedOn(decky, lan).Address
	text, pinned := asked.Address, asked.Address != ""
	if !pinned {
		text = recorded
	}
	address, err := netip.ParseAddr(text)
	return claim{decky: decky, address: address, pinned: pinned, recorded: text == recorded}, err == nil
}

// beats reports whether a keeps the address where both claim it.
func (a claim) beats(b claim) bool {
	switch {
	case a.pinned && !b.pinned:
		return !hasBase(b.decky)
	case !a.pinned && b.pinned:
		return hasBase(a.decky)
	case !a.pinned && hasBase(a.decky) != hasBase(b.decky):
		return hasBase(a.decky)
	case a.pinned && a.recorded != b.recorded:
		return a.recorded
	default:
		return Earlier(a.decky, b.decky)
	}
}

// winner returns the earliest decky whose claim to the same address beats own,
// or nil.
func (s segment) winner(own claim, deckies []v1alpha1.Decky) *v1alpha1.Decky {
	var winner *v1alpha1.Decky
	for i := range deckies {
		other := &deckies[i]
		if same(other, own.decky) || isDeleting(other) {
			continue
		}
		theirs, claimed := claimOn(other, s.lan.Name)
		if !claimed || theirs.address != own.address || !theirs.beats(own) {
			continue
		}
		if winner == nil || Earlier(other, winner) {
			winner = other
		}
	}
	return winner
}

// taken returns the addresses that other deckies have or want on the LAN, also
// those that are leaving and have not let go of theirs yet, and what others hold.
func (s segment) taken(decky *v1alpha1.Decky, deckies []v1alpha1.Decky) []netip.Addr {
	addresses := slices.Clone(s.held)
	for i := range deckies {
		if same(&deckies[i], decky) {
			continue
		}
		asked, _ := askedOn(&deckies[i], s.lan.Name)
		for _, text := range []string{asked.Address, recordedOn(&deckies[i], s.lan.Name).Address} {
			if address, err := netip.ParseAddr(text); err == nil {
				addresses = append(addresses, address)
			}
		}
	}
	return addresses
}

// checkMAC finds an earlier decky that pins the same MAC on the same LAN.
func checkMAC(decky *v1alpha1.Decky, asked v1alpha1.Attachment, field string, deckies []v1alpha1.Decky) *fault.Fault {
	if asked.MACAddress == "" {
		return nil
	}
	var holder *v1alpha1.Decky
	for i := range deckies {
		other := &deckies[i]
		theirs, _ := askedOn(other, asked.LAN)
		if theirs.MACAddress != asked.MACAddress || same(other, decky) || isDeleting(other) || !Earlier(other, decky) {
			continue
		}
		if holder == nil || Earlier(other, holder) {
			holder = other
		}
	}
	if holder == nil {
		return nil
	}
	return fault.New(v1alpha1.ReasonAddressConflict, field+".macAddress",
		"%s is the MAC address of Decky %s on LAN %s: choose another, or leave macAddress out", asked.MACAddress, holder.Name, asked.LAN)
}

// interfaceField returns the JSON path of an interface by its index in
// Decky.Interfaces.
func interfaceField(index int) string {
	if index == 0 {
		return "spec.home"
	}
	return fmt.Sprintf("spec.attachments[%d]", index-1)
}

// askedOn returns what a decky asks for on a LAN, and the JSON path of that; the
// zero values if it is not on the LAN.
func askedOn(decky *v1alpha1.Decky, lan string) (v1alpha1.Attachment, string) {
	for i, asked := range decky.Interfaces() {
		if asked.LAN == lan {
			return asked, interfaceField(i)
		}
	}
	return v1alpha1.Attachment{}, ""
}

// recordedOn returns what the status of a decky records for a LAN.
func recordedOn(decky *v1alpha1.Decky, lan string) v1alpha1.InterfaceStatus {
	for _, recorded := range decky.Status.Interfaces {
		if recorded.LAN == lan {
			return recorded
		}
	}
	return v1alpha1.InterfaceStatus{}
}

func hasBase(decky *v1alpha1.Decky) bool {
	return decky.Status.Base.ContainerID != ""
}
