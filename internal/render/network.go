// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"net/netip"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/model"
)

// Labels with which the Compose tools find what belongs to a project.
const (
	composeProject         = "com.docker.compose.project"
	composeNetwork         = "com.docker.compose.network"
	composeService         = "com.docker.compose.service"
	composeContainerNumber = "com.docker.compose.container-number"
	composeOneOff          = "com.docker.compose.oneoff"
	composeConfigHash      = "com.docker.compose.config-hash"
)

// Network returns the network of a valid LAN with the addressing chosen for it.
// instance is the UID of the control plane.
func Network(instance string, lan *v1alpha1.LAN, subnet netip.Prefix, gateway netip.Addr) model.NetworkSpec {
	topology := lan.Spec.TopologyRef.Name
	owner := model.Owner{
		Instance: instance, Kind: model.OwnerLAN, Namespace: lan.Namespace, Name: lan.Name,
		Topology: topology, UID: string(lan.UID),
	}
	spec := model.NetworkSpec{
		Name:     model.NetworkName(lan.Namespace, topology, lan.Name),
		Identity: model.Identity{Owner: owner, Role: model.RoleNetwork},
		Driver:   string(v1alpha1.DriverBridge),
		Subnet:   subnet,
		Gateway:  gateway,
		// Published ports lead into the DMZ, which an internal network does not allow.
		Internal:   !lan.Spec.DMZ,
		Masquerade: lan.AllowsEgress(),
		MTU:        int(lan.Spec.MTU),
		Bridge:     model.BridgeName(owner),
		// Published ports hang without an address of the host on the bridge; nothing
		// else needs one.
		HostAbsent: !lan.Spec.DMZ,
		Filter:     filterPolicy(lan, subnet),
		ExtraLabels: map[string]string{
			composeProject: model.ProjectName(lan.Namespace, topology),
			composeNetwork: lan.Name,
		},
	}
	spec.Identity.SpecHash = model.HashNetwork(spec)
	return spec
}

// filterPolicy returns what the host's firewall lets pass at the LAN's bridge.
func filterPolicy(lan *v1alpha1.LAN, subnet netip.Prefix) model.FilterPolicy {
	policy := model.FilterPolicy{Published: lan.Spec.DMZ}
	if lan.AllowsEgress() {
		policy.Egress = subnet
	}
	return policy
}
