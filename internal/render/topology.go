// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/catalogue"
	"github.com/deckyard/deckyard/internal/fault"
	"github.com/deckyard/deckyard/internal/graph"
	"github.com/deckyard/deckyard/internal/ipam"
	"github.com/deckyard/deckyard/internal/model"
)

// TopologyInput is what a whole topology is made of.
type TopologyInput struct {
	// Instance is the UID of the control plane.
	Instance string
	Topology *v1alpha1.Topology
	// LANs and Deckies are the members of the topology.
	LANs    []v1alpha1.LAN
	Deckies []v1alpha1.Decky
	// Engine is what the engine can do.
	Engine    Engine
	Catalogue *catalogue.Catalogue
	// BuiltIn is the reference of the built-in image.
	BuiltIn string
}

// TopologySpec is a topology as it should be: networks and deckies by name. The
// deckies have no routes here: a Compose project, which is made of this, has none.
type TopologySpec struct {
	// Project is the name of the Compose project.
	Project  string
	Networks []model.NetworkSpec
	Deckies  []model.DeckySpec
}

// Omission is a member that is not part of the result, and why.
type Omission struct {
	// Kind is LAN or Decky.
	Kind model.OwnerKind
	Name string
	// Fault is what keeps the member from being used.
	Fault *fault.Fault
}

// Topology returns all of a topology that can be used, and what cannot. It
// takes what was chosen from the members' status, and chooses the addresses
// that are not there yet as the operator would; a LAN without a subnet is left
// out, since that choice needs the engine. Members being deleted are not part
// of it.
func Topology(input TopologyInput) (TopologySpec, []Omission) {
	spec := TopologySpec{Project: model.ProjectName(input.Topology.Namespace, input.Topology.Name)}
	var omitted []Omission
	for _, lan := range byName(input.LANs, func(lan *v1alpha1.LAN) string { return lan.Name }) {
		if !lan.DeletionTimestamp.IsZero() {
			continue
		}
		network, mistake := input.network(lan)
		if mistake != nil {
			omitted = append(omitted, Omission{Kind: model.OwnerLAN, Name: lan.Name, Fault: mistake})
			continue
		}
		spec.Networks = append(spec.Networks, network)
	}
	for _, decky := range byName(input.Deckies, func(decky *v1alpha1.Decky) string { return decky.Name }) {
		if !decky.DeletionTimestamp.IsZero() {
			continue
		}
		rendered, mistake := input.decky(decky, spec.Networks)
		if mistake != nil {
			omitted = append(omitted, Omission{Kind: model.OwnerDecky, Name: decky.Name, Fault: mistake})
			continue
		}
		spec.Deckies = append(spec.Deckies, rendered)
	}
	return spec, omitted
}

// byName returns pointers to objects, sorted by name, so that the result does
// not depend on the order of the list.
func byName[T any](objects []T, name func(*T) string) []*T {
	sorted := make([]*T, 0, len(objects))
	for i := range objects {
		sorted = append(sorted, &objects[i])
	}
	slices.SortFunc(sorted, func(a, b *T) int { return cmp.Compare(name(a), name(b)) })
	return sorted
}

func (i TopologyInput) network(lan *v1alpha1.LAN) (model.NetworkSpec, *fault.Fault) {
	if mistake := ValidateLAN(lan); mistake != nil {
		return model.NetworkSpec{}, mistake
	}
	if mistake := graph.CheckDMZ(lan, i.LANs); mistake != nil {
		return model.NetworkSpec{}, mistake
	}
	if mistake := graph.CheckSubnet(lan, i.LANs); mistake != nil {
		return model.NetworkSpec{}, mistake
	}
	subnet, chosen := graph.Subnet(lan)
	if !chosen {
		return model.NetworkSpec{}, fault.New(v1alpha1.ReasonLANNotReady, "status.subnet", "LAN %s has no subnet yet", lan.Name)
	}
	gateway, err := netip.ParseAddr(lan.Spec.Gateway)
	if err != nil {
		gateway = ipam.DefaultGateway(subnet)
	}
	return Network(i.Instance, lan, subnet, gateway), nil
}

func (i TopologyInput) decky(decky *v1alpha1.Decky, networks []model.NetworkSpec) (model.DeckySpec, *fault.Fault) {
	if mistake := ValidateDecky(decky, i.Catalogue, i.Engine); mistake != nil {
		return model.DeckySpec{}, mistake
	}
	lans, mistake := graph.ResolveLANs(decky, i.LANs)
	if mistake == nil {
		mistake = graph.CheckPublish(decky, lans[0])
	}
	if mistake == nil {
		mistake = graph.CheckHostPorts(decky, i.Deckies, i.LANs, i.Catalogue)
	}
	if mistake != nil {
		return model.DeckySpec{}, mistake
	}
	choices := graph.Choices{MACPrefixes: i.Catalogue.MACPrefixes(decky), EndpointMAC: i.Engine.EndpointMAC}
	allocated, mistake := graph.Allocate(decky, lans, i.Deckies, choices)
	if mistake != nil {
		return model.DeckySpec{}, mistake
	}
	interfaces, mistake := connect(allocated, lans, networks)
	if mistake != nil {
		return model.DeckySpec{}, mistake
	}
	return Decky(DeckyInput{
		Instance: i.Instance, Topology: i.Topology, Decky: decky, Home: lans[0],
		Interfaces: interfaces, Catalogue: i.Catalogue, BuiltIn: i.BuiltIn,
	})
}

// connect finds the network of each interface.
func connect(allocated []graph.Interface, lans []*v1alpha1.LAN, networks []model.NetworkSpec) ([]model.EndpointSpec, *fault.Fault) {
	endpoints := make([]model.EndpointSpec, 0, len(allocated))
	for i, lan := range lans {
		index := slices.IndexFunc(networks, func(network model.NetworkSpec) bool { return network.Identity.Owner.Name == lan.Name })
		if index < 0 || i >= len(allocated) {
			return nil, fault.New(v1alpha1.ReasonLANNotReady, interfaceField(i)+".lan", "LAN %s is not part of the topology yet, for a reason of its own", lan.Name)
		}
		endpoints = append(endpoints, model.EndpointSpec{
			NetworkName: networks[index].Name, LAN: lan.Name, Address: allocated[i].Address, MAC: allocated[i].MAC,
		})
	}
	return endpoints, nil
}
