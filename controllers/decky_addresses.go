// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/ipam"
	"github.com/deckyard/deckyard/internal/model"
	"github.com/deckyard/deckyard/internal/pass"
	"github.com/deckyard/deckyard/internal/render"
)

// allocate decides address and MAC of each interface once and writes them to
// status before they are used. Sets Accepted when a LAN is full.
func (s *deckyScope) allocate(ctx context.Context) pass.Outcome {
	wanted := s.availableInterfaces()
	for _, attachment := range wanted {
		if s.lans[attachment.LAN].Status.Subnet == "" {
			message := fmt.Sprintf("LAN %s has no subnet yet", attachment.LAN)
			s.pass.Conditions().False(v1alpha1.ConditionEndpointsInSync, v1alpha1.ReasonLANNotReady, message)
			return pass.Wait(v1alpha1.ReasonLANNotReady, message)
		}
	}
	kept := s.decky.Status.Interfaces
	if !s.isAllocated(wanted, kept) {
		var outcome pass.Outcome
		if kept, outcome = s.allocateAddresses(ctx, wanted); !outcome.IsContinue() {
			return outcome
		}
	}
	for i, attachment := range wanted {
		address, err := netip.ParseAddr(kept[i].Address)
		if err != nil {
			return pass.Retry(fmt.Errorf("read the address of LAN %s in status: %w", attachment.LAN, err))
		}
		s.interfaces = append(s.interfaces, render.Interface{LAN: attachment.LAN, Address: address, MAC: s.desiredMAC(i, attachment, kept[i])})
	}
	return pass.Continue()
}

// availableInterfaces returns the interfaces whose LAN exists, home first.
func (s *deckyScope) availableInterfaces() []v1alpha1.Attachment {
	return slices.DeleteFunc(s.decky.Interfaces(), func(attachment v1alpha1.Attachment) bool { return s.lans[attachment.LAN] == nil })
}

// isAllocated reports whether status holds a usable address for every interface.
func (s *deckyScope) isAllocated(wanted []v1alpha1.Attachment, kept []v1alpha1.InterfaceStatus) bool {
	if len(wanted) != len(kept) {
		return false
	}
	for i, attachment := range wanted {
		usable := kept[i].LAN == attachment.LAN && s.isHost(attachment.LAN, kept[i].Address) &&
			(attachment.Address == "" || attachment.Address == kept[i].Address)
		if !usable || (s.base == nil && s.isPinnedByOther(attachment.LAN, kept[i].Address, s.deckies)) {
			return false
		}
	}
	return true
}

// isHost reports whether address can be a host of the LAN as it is now.
func (s *deckyScope) isHost(lan, address string) bool {
	subnet, gateway, err := addressing(s.lans[lan])
	if err != nil {
		return false
	}
	parsed, err := netip.ParseAddr(address)
	return err == nil && ipam.CheckHost(subnet, gateway, parsed) == nil
}

// isPinnedByOther reports whether another decky asks for the address in its spec.
func (s *deckyScope) isPinnedByOther(lan, address string, deckies []v1alpha1.Decky) bool {
	for i := range deckies {
		if deckies[i].UID == s.decky.UID {
			continue
		}
		for _, attachment := range deckies[i].Interfaces() {
			if attachment.LAN == lan && attachment.Address == address {
				return true
			}
		}
	}
	return false
}

func addressing(lan *v1alpha1.LAN) (netip.Prefix, netip.Addr, error) {
	subnet, err := netip.ParsePrefix(lan.Status.Subnet)
	if err != nil {
		return netip.Prefix{}, netip.Addr{}, fmt.Errorf("read the subnet of LAN %s: %w", lan.Name, err)
	}
	gateway, err := netip.ParseAddr(lan.Status.Gateway)
	if err != nil {
		return netip.Prefix{}, netip.Addr{}, fmt.Errorf("read the gateway of LAN %s: %w", lan.Name, err)
	}
	return subnet, gateway, nil
}

// allocateAddresses decides, one decky at a time on each LAN, on what the API
// server has now, and saves the decision.
func (s *deckyScope) allocateAddresses(ctx context.Context, wanted []v1alpha1.Attachment) ([]v1alpha1.InterfaceStatus, pass.Outcome) {
	defer s.lockLANs(wanted)()
	var live v1alpha1.DeckyList
	if err := s.Live.List(ctx, &live, client.InNamespace(s.decky.Namespace)); err != nil {
		return nil, pass.Retry(err)
	}
	others := slices.DeleteFunc(live.Items, func(decky v1alpha1.Decky) bool {
		return decky.Spec.TopologyRef.Name != s.topology.Name
	})
	interfaces := make([]v1alpha1.InterfaceStatus, 0, len(wanted))
	for _, attachment := range wanted {
		address, outcome := s.chooseAddress(attachment, others)
		if !outcome.IsContinue() {
			return nil, outcome
		}
		interfaces = append(interfaces, v1alpha1.InterfaceStatus{LAN: attachment.LAN, Address: address.String()})
	}
	for i := range interfaces {
		previous := interfaceOn(s.decky.Status.Interfaces, interfaces[i].LAN)
		interfaces[i].MACAddress = s.chooseMAC(i, wanted[i], previous)
		interfaces[i].Connected = previous.Connected && previous.Address == interfaces[i].Address
	}
	s.decky.Status.Interfaces = interfaces
	s.decky.Status.LANs = joinLANs(interfaces)
	if err := s.pass.Save(ctx); err != nil {
		return nil, pass.Retry(err)
	}
	return interfaces, pass.Continue()
}

// lockLANs locks the LANs in one order, so that two deckies never wait for each
// other, and returns the function that unlocks them.
func (s *deckyScope) lockLANs(wanted []v1alpha1.Attachment) func() {
	spaces := make([]string, 0, len(wanted))
	for _, attachment := range wanted {
		spaces = append(spaces, "addresses of "+string(s.lans[attachment.LAN].UID))
	}
	slices.Sort(spaces)
	unlocks := make([]func(), 0, len(spaces))
	for _, space := range spaces {
		unlocks = append(unlocks, s.lockAllocation(space))
	}
	return func() {
		for _, unlock := range unlocks {
			unlock()
		}
	}
}

// chooseAddress returns the pinned address, else the one that status holds,
// else the lowest free one.
func (s *deckyScope) chooseAddress(attachment v1alpha1.Attachment, live []v1alpha1.Decky) (netip.Addr, pass.Outcome) {
	lan := s.lans[attachment.LAN]
	subnet, gateway, err := addressing(lan)
	if err != nil {
		return netip.Addr{}, pass.Retry(err)
	}
	if attachment.Address != "" {
		address, err := netip.ParseAddr(attachment.Address)
		if err != nil {
			return netip.Addr{}, pass.Retry(fmt.Errorf("read the address on LAN %s: %w", lan.Name, err))
		}
		return address, pass.Continue()
	}
	taken := s.takenAddresses(lan, live)
	for i := range live {
		if live[i].UID != s.decky.UID {
			continue
		}
		kept := interfaceOn(live[i].Status.Interfaces, lan.Name).Address
		if address, err := netip.ParseAddr(kept); err == nil && s.isHost(lan.Name, kept) && !slices.Contains(taken, address) {
			return address, pass.Continue()
		}
	}
	address, free := ipam.LowestFreeHost(subnet, gateway, taken)
	if !free {
		message := fmt.Sprintf("LAN %s (%s) has no free address: delete a decky, or move this one to a larger LAN", lan.Name, subnet)
		s.pass.Conditions().False(v1alpha1.ConditionAccepted, v1alpha1.ReasonLANFull, message)
		return netip.Addr{}, pass.Wait(v1alpha1.ReasonLANFull, message)
	}
	return address, pass.Continue()
}

// takenAddresses returns what other deckies have or ask for on a LAN, and what
// was seen on its network that is not this decky's.
func (s *deckyScope) takenAddresses(lan *v1alpha1.LAN, live []v1alpha1.Decky) []netip.Addr {
	var taken []netip.Addr
	add := func(text string) {
		if address, err := netip.ParseAddr(text); err == nil {
			taken = append(taken, address)
		}
	}
	for i := range live {
		if live[i].UID == s.decky.UID {
			continue
		}
		add(interfaceOn(live[i].Status.Interfaces, lan.Name).Address)
		for _, attachment := range live[i].Interfaces() {
			if attachment.LAN == lan.Name {
				add(attachment.Address)
			}
		}
	}
	for _, container := range s.observed.Containers {
		if container.Identity.Owner.UID == string(s.decky.UID) {
			continue
		}
		for _, endpoint := range container.Endpoints {
			if endpoint.NetworkID == lan.Status.NetworkID && endpoint.Address.IsValid() {
				taken = append(taken, endpoint.Address)
			}
		}
	}
	return taken
}

// chooseMAC returns the MAC that status records before the interface exists:
// the pinned one, or one of ours where the engine can set it.
func (s *deckyScope) chooseMAC(index int, attachment v1alpha1.Attachment, previous v1alpha1.InterfaceStatus) string {
	switch {
	case attachment.MACAddress != "":
		return attachment.MACAddress
	case index > 0 && !s.engine.EndpointMAC:
		return ""
	case previous.MACAddress != "":
		return previous.MACAddress
	}
	return ipam.MAC(string(render.OSFamily(s.decky, s.Catalogue)), string(s.decky.UID)+"/"+attachment.LAN)
}

// desiredMAC returns the MAC that the interface must have; empty where the
// engine chooses.
func (s *deckyScope) desiredMAC(index int, attachment v1alpha1.Attachment, kept v1alpha1.InterfaceStatus) string {
	switch {
	case attachment.MACAddress != "":
		return attachment.MACAddress
	case index > 0 && !s.engine.EndpointMAC:
		return ""
	}
	return kept.MACAddress
}

// interfaceOn returns the interface on a LAN; the zero value if there is none.
func interfaceOn(interfaces []v1alpha1.InterfaceStatus, lan string) v1alpha1.InterfaceStatus {
	for _, candidate := range interfaces {
		if candidate.LAN == lan {
			return candidate
		}
	}
	return v1alpha1.InterfaceStatus{}
}

// locateNetworks finds each interface's network on the engine. A new decky
// waits until all are there; one that runs does without, apart from its home.
// Sets EndpointsInSync.
func (s *deckyScope) locateNetworks(context.Context) pass.Outcome {
	located := make([]render.Interface, 0, len(s.interfaces))
	for i, wanted := range s.interfaces {
		lan := s.lans[wanted.LAN]
		owner := s.owner(model.OwnerLAN, lan)
		index := slices.IndexFunc(s.observed.Networks, func(network model.Network) bool { return owner.Owns(network.Identity) })
		if index >= 0 {
			wanted.NetworkID, wanted.NetworkName = s.observed.Networks[index].ID, s.observed.Networks[index].Name
			located = append(located, wanted)
			continue
		}
		if i == 0 || s.base == nil {
			message := fmt.Sprintf("LAN %s has no network yet", lan.Name)
			s.pass.Conditions().False(v1alpha1.ConditionEndpointsInSync, v1alpha1.ReasonLANNotReady, message)
			return pass.Wait(v1alpha1.ReasonLANNotReady, message)
		}
		s.unready = append(s.unready, lan.Name)
	}
	s.interfaces = located
	return pass.Continue()
}
