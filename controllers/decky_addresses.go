// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/fault"
	"github.com/deckyard/deckyard/internal/graph"
	"github.com/deckyard/deckyard/internal/model"
	"github.com/deckyard/deckyard/internal/pass"
	"github.com/deckyard/deckyard/internal/plan"
	"github.com/deckyard/deckyard/internal/render"
)

// allocate decides address and MAC of each interface once and writes them to
// status before they are used. Sets Accepted, and EndpointsInSync while a LAN
// has no subnet yet.
func (s *deckyScope) allocate(ctx context.Context) pass.Outcome {
	for _, lan := range s.resolved {
		if lan.Status.Subnet == "" {
			return s.waitForNetwork(lan)
		}
	}
	choices := graph.Choices{Held: s.heldAddresses(), MACPrefixes: s.Catalogue.MACPrefixes(s.decky), EndpointMAC: s.engine.EndpointMAC}
	allocated, mistake := graph.Allocate(s.decky, s.resolved, s.deckies, choices)
	if mistake != nil {
		return s.rejectAddress(mistake)
	}
	if !isRecorded(s.decky.Status.Interfaces, allocated) {
		var outcome pass.Outcome
		if allocated, outcome = s.allocateAnew(ctx, choices); !outcome.IsContinue() {
			return outcome
		}
	}
	s.pass.Conditions().True(v1alpha1.ConditionAccepted, "")
	for _, each := range allocated {
		s.interfaces = append(s.interfaces, model.EndpointSpec{LAN: each.LAN.Name, Address: each.Address, MAC: each.MAC})
	}
	return pass.Continue()
}

// allocateAnew decides, one decky at a time on each LAN, knowing all that was decided
// before, and saves the decision.
func (s *deckyScope) allocateAnew(ctx context.Context, choices graph.Choices) ([]graph.Interface, pass.Outcome) {
	defer s.lockLANs()()
	deckies, err := neighbours(ctx, s.Kube, withOwnWrites, s.decky.Namespace, s.topology.Name, s.ownLANs()...)
	if err != nil {
		return nil, pass.Retry(err)
	}
	allocated, mistake := graph.Allocate(s.decky, s.resolved, deckies, choices)
	if mistake != nil {
		return nil, s.rejectAddress(mistake)
	}
	s.decky.Status.Interfaces = recordInterfaces(s.decky.Status.Interfaces, allocated)
	s.decky.Status.LANs = joinLANs(s.decky.Status.Interfaces)
	if err := s.pass.Save(ctx); err != nil {
		return nil, pass.Retry(err)
	}
	return allocated, pass.Continue()
}

// heldAddresses returns the addresses that containers of others have on the
// networks of the decky's LANs. One that does not run asks for its address only,
// but to choose that would be to keep it from starting. Another decky may have one
// still that it is to leave, maybe as soon as somebody consents.
func (s *deckyScope) heldAddresses() graph.Held {
	lanOf := map[string]string{}
	for _, lan := range s.resolved {
		owner := s.owner(model.OwnerLAN, lan)
		for _, network := range s.observed.Networks {
			if owner.Owns(network.Identity) {
				lanOf[network.ID] = lan.Name
			}
		}
	}
	held := graph.Held{}
	self := s.owner(model.OwnerDecky, s.decky)
	for _, container := range s.observed.Containers {
		if self.Owns(container.Identity) {
			continue
		}
		for _, endpoint := range container.Endpoints {
			if lan, ours := lanOf[endpoint.NetworkID]; ours && endpoint.Address.IsValid() {
				held[lan] = append(held[lan], endpoint.Address)
			}
		}
	}
	return held
}

// rejectAddress stalls on an address that cannot be had. A full LAN is waited
// for: a decky that goes makes room, and so does a container of others.
func (s *deckyScope) rejectAddress(mistake *fault.Fault) pass.Outcome {
	if mistake.Reason != v1alpha1.ReasonLANFull {
		return s.reject(mistake)
	}
	s.pass.Conditions().False(v1alpha1.ConditionAccepted, mistake.Reason, mistake.Error())
	s.Observer.WakeOnForeign(model.OwnerDecky, client.ObjectKeyFromObject(s.decky))
	return pass.Wait(mistake.Reason, mistake.Error())
}

// lockLANs locks the LANs in one order, so that two deckies never wait for each
// other, and returns the function that unlocks them.
func (s *deckyScope) lockLANs() func() {
	spaces := make([]string, 0, len(s.resolved))
	for _, lan := range s.resolved {
		spaces = append(spaces, "addresses of "+string(lan.UID))
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

// isRecorded reports whether status holds exactly these interfaces. A MAC that
// the engine chooses may be recorded without being asked for.
func isRecorded(recorded []v1alpha1.InterfaceStatus, allocated []graph.Interface) bool {
	return slices.EqualFunc(recorded, allocated, func(have v1alpha1.InterfaceStatus, want graph.Interface) bool {
		return have.LAN == want.LAN.Name && have.Address == want.Address.String() && (want.MAC == "" || have.MACAddress == want.MAC)
	})
}

// recordInterfaces returns the interfaces for status, with what is known of them.
func recordInterfaces(previous []v1alpha1.InterfaceStatus, allocated []graph.Interface) []v1alpha1.InterfaceStatus {
	interfaces := make([]v1alpha1.InterfaceStatus, 0, len(allocated))
	for _, each := range allocated {
		recorded := v1alpha1.InterfaceStatus{LAN: each.LAN.Name, Address: each.Address.String(), MACAddress: each.MAC}
		for _, known := range previous {
			if known.LAN == recorded.LAN && known.Address == recorded.Address {
				recorded.Connected = known.Connected
			}
		}
		interfaces = append(interfaces, recorded)
	}
	return interfaces
}

// locateNetworks finds each interface's network on the engine. A new decky
// waits until all are there. One that runs goes on without: an interface whose
// network is missing, or has to be recreated, is planned without its id. Sets
// EndpointsInSync.
func (s *deckyScope) locateNetworks(context.Context) pass.Outcome {
	allFound := true
	for i := range s.interfaces {
		lan := s.resolved[i]
		subnet, gateway, err := addressing(lan)
		if err != nil {
			return pass.Retry(err)
		}
		wanted := render.Network(s.Instance, lan, subnet, gateway)
		s.interfaces[i].NetworkName = wanted.Name
		network, found := plan.CurrentNetwork(wanted, s.observed)
		if !found && s.base == nil {
			return s.waitForNetwork(lan)
		}
		s.interfaces[i].NetworkID = network.ID
		if s.isBarred(wanted) {
			s.barred = lan.Name
		}
		allFound = allFound && found
	}
	if allFound && s.pass.Condition(v1alpha1.ConditionEndpointsInSync).Reason == string(v1alpha1.ReasonLANNotReady) {
		// The wait is over; what is true now is not known before the comparison.
		s.pass.Conditions().Remove(v1alpha1.ConditionEndpointsInSync)
	}
	return pass.Continue()
}

// addressing returns what the LAN controller chose for a LAN.
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

// isBarred reports whether a LAN keeps from passing what the decky forwards.
func (s *deckyScope) isBarred(network model.NetworkSpec) bool {
	if !s.decky.Spec.Forwarding || !network.Internal || len(s.interfaces) < 2 {
		return false
	}
	network.Filter.RoutedFrames = true
	return !plan.IsFiltered(network, s.observed)
}

// arrival is how long a new decky waits for a LAN that is as new before it is worth a word.
const arrival = 10 * time.Second

// waitForNetwork says that a LAN has not been built yet.
func (s *deckyScope) waitForNetwork(lan *v1alpha1.LAN) pass.Outcome {
	message := fmt.Sprintf("LAN %s has no network yet", lan.Name)
	s.pass.Conditions().False(v1alpha1.ConditionEndpointsInSync, v1alpha1.ReasonLANNotReady, message)
	age := s.Clock.Since(s.decky.CreationTimestamp.Time)
	if age < arrival && isComing(lan) {
		return pass.Settling(v1alpha1.ReasonLANNotReady, message, arrival-age)
	}
	return pass.Wait(v1alpha1.ReasonLANNotReady, message)
}

// isComing reports whether nothing is known that keeps a LAN from being built.
func isComing(lan *v1alpha1.LAN) bool {
	conditions := lan.Status.Conditions
	return lan.Status.NetworkID == "" && !meta.IsStatusConditionTrue(conditions, v1alpha1.ConditionStalled) &&
		!meta.IsStatusConditionFalse(conditions, v1alpha1.ConditionAccepted) && !meta.IsStatusConditionFalse(conditions, v1alpha1.ConditionReady)
}
