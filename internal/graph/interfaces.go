// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"net/netip"
	"slices"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/fault"
	"github.com/deckyard/deckyard/internal/ipam"
)

// Home returns the LAN that a decky lives on, nil if it does not exist.
func Home(decky *v1alpha1.Decky, lans []v1alpha1.LAN) *v1alpha1.LAN {
	return find(decky.Spec.Home.LAN, lans)
}

// ResolveLANs returns the LANs on which a decky has an interface, home first,
// among those of its topology. An attachment whose LAN does not exist or is
// being deleted is not among them, and is the mistake that is returned beside
// the others: those stay as they are. Without a home nothing is returned.
//
// A home that is being deleted stays the home of a decky whose base exists,
// and is no home for a new one.
func ResolveLANs(decky *v1alpha1.Decky, lans []v1alpha1.LAN) ([]*v1alpha1.LAN, *fault.Fault) {
	home := Home(decky, lans)
	switch {
	case home == nil:
		return nil, lanNotFound(decky, interfaceField(0), decky.Spec.Home.LAN)
	case isDeleting(home) && !hasBase(decky):
		return nil, lanDeleting(interfaceField(0), home.Name)
	}
	resolved := []*v1alpha1.LAN{home}
	var mistake *fault.Fault
	for i, attachment := range decky.Spec.Attachments {
		lan := find(attachment.LAN, lans)
		switch {
		case lan != nil && !isDeleting(lan):
			resolved = append(resolved, lan)
		case mistake != nil:
		case lan == nil:
			mistake = lanNotFound(decky, interfaceField(i+1), attachment.LAN)
		default:
			mistake = lanDeleting(interfaceField(i+1), lan.Name)
		}
	}
	return resolved, mistake
}

// Interface is an interface that a decky gets: what its spec says, or was
// chosen for it.
type Interface struct {
	LAN     *v1alpha1.LAN
	Address netip.Addr
	// MAC is in lower case with colons; empty lets the engine choose.
	MAC string
}

// Held are, by LAN, the addresses that containers of others have, or ask for, on
// its network.
type Held map[string][]netip.Addr

// Choices are what Allocate chooses from.
type Choices struct {
	Held Held
	// MACPrefixes are the vendors that fit the decky.
	MACPrefixes []string
	// EndpointMAC says that the engine can set the MAC of an attachment, not
	// only that of a home.
	EndpointMAC bool
}

// Allocate returns an interface on each of the LANs that ResolveLANs gave, in
// their order, or the mistake in an address: invalid, taken, or none left.
// deckies are those of the topology, this one included.
//
// What the spec leaves open is taken from the decky's status, as deckies have
// it, and chosen if it has nothing usable there: the result must be in status
// before it is used, and choices on one LAN must be serialised. An address in status gives way
// only while the base does not exist yet: to who pins it, and to others who hold it. A LAN without a subnet is passed over.
func Allocate(decky *v1alpha1.Decky, lans []*v1alpha1.LAN, deckies []v1alpha1.Decky, choices Choices) ([]Interface, *fault.Fault) {
	decky = withListedStatus(decky, deckies)
	if mistake := CheckAddresses(decky, lans, deckies, choices.Held); mistake != nil {
		return nil, mistake
	}
	interfaces := make([]Interface, 0, len(lans))
	for _, lan := range lans {
		addressing, ready := segmentOf(lan, choices.Held)
		if !ready {
			continue
		}
		asked, field := askedOn(decky, lan.Name)
		address, mistake := addressing.addressFor(decky, asked, field, deckies)
		if mistake != nil {
			return nil, mistake
		}
		settable := choices.EndpointMAC || lan.Name == decky.Spec.Home.LAN
		interfaces = append(interfaces, Interface{
			LAN: lan, Address: address, MAC: macFor(decky, asked, settable, choices.MACPrefixes, deckies),
		})
	}
	return interfaces, nil
}

// withListedStatus returns the decky with the status that the list has of it,
// since the list may be newer.
func withListedStatus(decky *v1alpha1.Decky, deckies []v1alpha1.Decky) *v1alpha1.Decky {
	for i := range deckies {
		if same(&deckies[i], decky) && deckies[i].UID == decky.UID {
			listed := *decky
			listed.Status = deckies[i].Status
			return &listed
		}
	}
	return decky
}

// addressFor returns the address of a decky: the pinned one, the one that it
// has, or the lowest free one.
func (s segment) addressFor(decky *v1alpha1.Decky, asked v1alpha1.Attachment, field string, deckies []v1alpha1.Decky) (netip.Addr, *fault.Fault) {
	if pinned, err := netip.ParseAddr(asked.Address); err == nil {
		return pinned, nil
	}
	if kept, ok := s.keptAddress(decky, deckies); ok {
		return kept, nil
	}
	address, free := ipam.LowestFreeHost(s.subnet, s.gateway, s.taken(decky, deckies))
	if !free {
		return netip.Addr{}, fault.New(v1alpha1.ReasonLANFull, field,
			"LAN %s has no free address in %s: remove a decky from it, or put this one on another LAN", s.lan.Name, s.subnet)
	}
	return address, nil
}

// keptAddress returns the address that was chosen earlier, unless it cannot be
// used or has to give way.
func (s segment) keptAddress(decky *v1alpha1.Decky, deckies []v1alpha1.Decky) (netip.Addr, bool) {
	own, claimed := claimOn(decky, s.lan.Name)
	switch {
	case !claimed || ipam.CheckHost(s.subnet, s.gateway, own.address) != nil:
		return netip.Addr{}, false
	case !hasBase(decky) && slices.Contains(s.held, own.address):
		return netip.Addr{}, false
	}
	return own.address, s.winner(own, deckies) == nil
}

// macFor returns the MAC of an interface: the pinned one, the one that it has,
// or a chosen one; empty where the engine has to choose.
func macFor(decky *v1alpha1.Decky, asked v1alpha1.Attachment, settable bool, prefixes []string, deckies []v1alpha1.Decky) string {
	switch {
	case asked.MACAddress != "":
		return asked.MACAddress
	case !settable:
		return ""
	}
	if recorded := recordedOn(decky, asked.LAN).MACAddress; recorded != "" {
		return recorded
	}
	taken := takenMACs(decky, asked.LAN, deckies)
	machine := decky.Namespace + "/" + decky.Spec.TopologyRef.Name + "/" + decky.Name
	return ipam.MAC(prefixes, machine, asked.LAN, func(mac string) bool { return taken[mac] })
}

func takenMACs(decky *v1alpha1.Decky, lan string, deckies []v1alpha1.Decky) map[string]bool {
	taken := map[string]bool{}
	for i := range deckies {
		if same(&deckies[i], decky) {
			continue
		}
		asked, _ := askedOn(&deckies[i], lan)
		taken[asked.MACAddress] = true
		taken[recordedOn(&deckies[i], lan).MACAddress] = true
	}
	return taken
}

func find(name string, lans []v1alpha1.LAN) *v1alpha1.LAN {
	for i := range lans {
		if lans[i].Name == name {
			return &lans[i]
		}
	}
	return nil
}

func lanNotFound(decky *v1alpha1.Decky, field, name string) *fault.Fault {
	return fault.New(v1alpha1.ReasonLANNotFound, field+".lan",
		"LAN %q does not exist in Topology %s: create it, or name another", name, decky.Spec.TopologyRef.Name)
}

func lanDeleting(field, name string) *fault.Fault {
	if field == interfaceField(0) {
		return fault.New(v1alpha1.ReasonLANNotFound, field+".lan",
			"LAN %q is being deleted and cannot be a home: delete this Decky and create it on another LAN", name)
	}
	return fault.New(v1alpha1.ReasonLANNotFound, field+".lan",
		"LAN %q is being deleted: remove it from attachments", name)
}
