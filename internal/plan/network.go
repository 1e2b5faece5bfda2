// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/model"
)

// Network plans the one network of a LAN.
func Network(desired model.NetworkSpec, observed model.Observed) Plan {
	b := &builder{}
	observed = inOrder(observed)
	owner := desired.Identity.Owner
	current, others := sortOut(desired, observed)

	b.block(desired.Name, networkNamesake(desired, observed))
	b.block(desired.Name, firewallFault(desired, observed))
	if current != nil {
		b.setFilter(desired, observed)
		for _, network := range others {
			b.retireNetwork(owner, network, why{v1alpha1.ReasonNetworkExtra, "a second network of the LAN"}, observed)
		}
		b.findStrangers(owner, *current, observed)
		if len(others) == 0 {
			b.removeFilters(owner, desired.Bridge, why{v1alpha1.ReasonFilterDrifted, "another bridge than the LAN's"}, observed)
		}
		return b.plan
	}

	if b.plan.Blocked == nil {
		b.block(desired.Name, subnetConflict(desired, observed))
	}
	if b.plan.Blocked != nil {
		return b.plan
	}
	// The rules are there before the bridge is.
	preparations := []int{b.setFilter(desired, observed)}
	for _, network := range others {
		removal := b.retireNetwork(owner, network, divergence(desired, network), observed)
		preparations = append(preparations, removal)
	}
	if b.plan.Blocked == nil {
		create := why{v1alpha1.ReasonNetworkMissing, wantText("is", absent, desired.Subnet)}
		if len(others) > 0 {
			create = divergence(desired, others[0])
		}
		b.add(&CreateNetwork{Spec: desired}, create, preparations...)
	}
	return b.plan
}

// RemoveNetworks plans the end of a LAN: all that is proven to be the owner's
// goes, under whatever name, the filter rules last.
func RemoveNetworks(owner model.Owner, observed model.Observed) Plan {
	b := &builder{}
	observed = inOrder(observed)
	var removals []int
	for _, network := range observed.Networks {
		if owner.Owns(network.Identity) {
			removals = append(removals, b.retireNetwork(owner, network, why{reason: v1alpha1.ReasonDeleting}, observed))
		}
	}
	if b.plan.Blocked == nil {
		b.removeFilters(owner, "", why{reason: v1alpha1.ReasonDeleting}, observed, removals...)
	}
	return b.plan
}

// CurrentNetwork returns the network that is the LAN's and as desired, to which
// deckies connect. There is none while it is missing or has to be recreated:
// deckies then leave the one that is there.
func CurrentNetwork(desired model.NetworkSpec, observed model.Observed) (model.Network, bool) {
	current, _ := sortOut(desired, inOrder(observed))
	if current == nil {
		return model.Network{}, false
	}
	return *current, true
}

// sortOut parts the owner's networks into the one to keep and the others. Of
// several that are as desired, the one with the most endpoints is kept.
func sortOut(desired model.NetworkSpec, observed model.Observed) (current *model.Network, others []model.Network) {
	attached := -1
	var owned []model.Network
	for _, network := range observed.Networks {
		if desired.Identity.Owner.Owns(network.Identity) {
			owned = append(owned, network)
		}
	}
	for i, network := range owned {
		if divergence(desired, network).reason != "" {
			continue
		}
		if count := len(observed.Attached(network.ID)); count > attached {
			current, attached = &owned[i], count
		}
	}
	for _, network := range owned {
		if current == nil || network.ID != current.ID {
			others = append(others, network)
		}
	}
	return current, others
}

// divergence says how a network of the owner differs from what is desired in
// what Docker can only set at creation. The reason is empty if it does not.
func divergence(desired model.NetworkSpec, network model.Network) why {
	drifted := func(detail string) why { return why{v1alpha1.ReasonNetworkDrifted, detail} }
	switch {
	case network.Name != desired.Name:
		return drifted(wantText("name", network.Name, desired.Name))
	case network.Driver != desired.Driver:
		return drifted(wantText("driver", network.Driver, desired.Driver))
	case !slices.Equal(network.Subnets, []netip.Prefix{desired.Subnet}):
		return drifted(wantText("subnet", network.Subnets, desired.Subnet))
	case network.Gateway != desired.Gateway:
		return drifted(wantText("gateway", network.Gateway, desired.Gateway))
	case network.Internal != desired.Internal:
		return drifted(wantText("internal", network.Internal, desired.Internal))
	case network.Masquerade != desired.Masquerade:
		return drifted(wantText("masquerade", network.Masquerade, desired.Masquerade))
	case network.MTU != desired.MTU:
		return drifted(wantText("mtu", network.MTU, desired.MTU))
	case network.Bridge != desired.Bridge:
		return drifted(wantText("bridge", cmp.Or(network.Bridge, "of the engine"), cmp.Or(desired.Bridge, "of the engine")))
	case network.HostAbsent != desired.HostAbsent:
		return drifted(wantText("hostAbsent", network.HostAbsent, desired.HostAbsent))
	case model.HashesDiffer(network.Identity.SpecHash, desired.Identity.SpecHash):
		return why{v1alpha1.ReasonSpecChanged, hashText(network.Identity, desired.Identity)}
	}
	return why{}
}

func hashText(have, want model.Identity) string {
	return wantText("hash", shortHash(have.SpecHash), shortHash(want.SpecHash))
}

// retireNetwork plans a network's removal, or says who still sits on it. It
// returns the removal's id, or 0.
func (b *builder) retireNetwork(owner model.Owner, network model.Network, why why, observed model.Observed) int {
	strangers, ours := guests(owner.Instance, network, observed)
	if len(strangers) > 0 {
		guest := strangeContainer(strangers[0])
		b.block(network.Name, &Block{v1alpha1.ReasonForeignEndpoint, fmt.Sprintf(
			"network %q has to be removed, but %s is connected to it; disconnect it: docker network disconnect %s %s",
			network.Name, guest.describe(owner.Instance), network.Name, guest.name)})
		return 0
	}
	if len(ours) > 0 {
		b.block(network.Name, &Block{v1alpha1.ReasonDraining, fmt.Sprintf(
			"network %q has to be removed (%s) and waits until these containers have left it: %s",
			network.Name, why, containerNames(ours))})
		return 0
	}
	return b.addDestructive(&RemoveNetwork{Owner: owner, Network: networkRef(network)}, DisruptsNothing, why)
}

// String returns the detail, or the reason where there is none.
func (w why) String() string {
	if w.detail == "" {
		return string(w.reason)
	}
	return w.detail
}

// guests parts the containers on a network into those of other parties and
// those of our instance.
func guests(instance string, network model.Network, observed model.Observed) (strangers, ours []model.Container) {
	for _, container := range observed.Attached(network.ID) {
		if !container.Identity.BelongsTo(instance) {
			strangers = append(strangers, container)
		} else {
			ours = append(ours, container)
		}
	}
	return strangers, ours
}

// findStrangers reports containers of others on a network that stays.
func (b *builder) findStrangers(owner model.Owner, network model.Network, observed model.Observed) {
	strangers, _ := guests(owner.Instance, network, observed)
	for _, container := range strangers {
		guest := strangeContainer(container)
		b.find(v1alpha1.ReasonForeignEndpoint, network.Name, fmt.Sprintf(
			"%s is connected to network %q; disconnect it if it does not belong there: docker network disconnect %s %s",
			guest.describe(owner.Instance), network.Name, network.Name, guest.name))
	}
}

// networkNamesake refuses a network of another owner under our name. Docker
// allows it, but finds a container's home by the network's name.
func networkNamesake(desired model.NetworkSpec, observed model.Observed) *Block {
	owner := desired.Identity.Owner
	for _, network := range observed.Networks {
		if network.Name == desired.Name && !owner.Owns(network.Identity) {
			namesake := strangeNetwork(network)
			return &Block{v1alpha1.ReasonForeignNetwork, fmt.Sprintf("the name %q of the LAN's network is taken by %s; give the LAN another name, %s",
				desired.Name, namesake.describe(owner.Instance), namesake.orElse(owner.Instance))}
		}
	}
	return nil
}

// subnetConflict refuses a subnet that overlaps a network of another owner or a
// route of the host. Docker would refuse it too, but names nobody.
func subnetConflict(desired model.NetworkSpec, observed model.Observed) *Block {
	owner := desired.Identity.Owner
	for _, network := range observed.Networks {
		if owner.Owns(network.Identity) {
			continue
		}
		for _, subnet := range network.Subnets {
			if subnet.Overlaps(desired.Subnet) {
				holder := strangeNetwork(network)
				return &Block{v1alpha1.ReasonSubnetConflict, fmt.Sprintf(
					"subnet %s of network %q overlaps %s of %s; set spec.subnet to a free block, %s",
					desired.Subnet, desired.Name, subnet, holder.describe(owner.Instance), holder.orElse(owner.Instance))}
			}
		}
	}
	for _, route := range observed.Routes {
		if route.Overlaps(desired.Subnet) {
			return &Block{v1alpha1.ReasonSubnetConflict, fmt.Sprintf(
				"subnet %s of network %q overlaps the host's route to %s; set spec.subnet to a free block, or remove the route",
				desired.Subnet, desired.Name, route)}
		}
	}
	return nil
}
