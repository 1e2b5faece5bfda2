// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"reflect"

	"k8s.io/apimachinery/pkg/types"

	"github.com/deckyard/deckyard/internal/model"
)

// addOwner adds the owner that an identity names, if it names one.
func addOwner(keys map[key]struct{}, identity model.Identity) {
	if identity.IsForeign() {
		return
	}
	owner := identity.Owner
	keys[key{
		kind: owner.Kind,
		name: types.NamespacedName{Namespace: owner.Namespace, Name: owner.Name},
	}] = struct{}{}
}

// affected returns the owners whom changes concern: at once those of what changed,
// filter rules included, and those of networks on which an endpoint of another party
// changed; later those of networks on which one of their own instance did, which is
// only counted.
func affected(changed changes, networkIdentity func(id string) model.Identity) (atOnce, later map[key]struct{}) {
	atOnce, later = map[key]struct{}{}, map[key]struct{}{}
	for _, network := range changed.networks {
		for _, version := range []*model.Network{network.before, network.after} {
			if version != nil {
				addOwner(atOnce, version.Identity)
			}
		}
	}
	for _, filter := range changed.filters {
		addOwner(atOnce, filter.Identity())
	}
	for _, container := range changed.containers {
		for _, version := range []*model.Container{container.before, container.after} {
			if version != nil {
				addOwner(atOnce, version.Identity)
			}
		}
		for _, networkID := range touchedNetworks(container) {
			identity := networkIdentity(networkID)
			if isOwn(container, identity.Owner.Instance) {
				addOwner(later, identity)
			} else {
				addOwner(atOnce, identity)
			}
		}
	}
	for woken := range atOnce {
		delete(later, woken)
	}
	return atOnce, later
}

// isOwn reports whether a container was and is one of an instance.
func isOwn(container change[model.Container], instance string) bool {
	for _, version := range []*model.Container{container.before, container.after} {
		if version != nil && !version.Identity.BelongsTo(instance) {
			return false
		}
	}
	return true
}

// touchedNetworks returns the ids of the networks on which a container's
// endpoint came, went or changed.
func touchedNetworks(container change[model.Container]) []string {
	before, after := endpointsByNetwork(container.before), endpointsByNetwork(container.after)
	var ids []string
	for id, endpoint := range before {
		if other, ok := after[id]; !ok || !reflect.DeepEqual(endpoint, other) {
			ids = append(ids, id)
		}
	}
	for id := range after {
		if _, ok := before[id]; !ok {
			ids = append(ids, id)
		}
	}
	return ids
}

func endpointsByNetwork(container *model.Container) map[string]model.Endpoint {
	endpoints := map[string]model.Endpoint{}
	if container != nil {
		for _, endpoint := range container.Endpoints {
			endpoints[endpoint.NetworkID] = endpoint
		}
	}
	return endpoints
}

// mayUnblock reports whether changes may let somebody go on who is blocked on
// what is not his: a change of a foreign object, of filter rules, or of what an
// owned one occupies. That an owned container starts and stops concerns nobody else.
func mayUnblock(changed changes) bool {
	if changed.images || changed.routes || changed.firewall || len(changed.filters)+len(changed.networks) > 0 {
		return true
	}
	for _, container := range changed.containers {
		before, after := container.before, container.after
		if before == nil || after == nil || before.Identity.IsForeign() ||
			!reflect.DeepEqual(occupied(*before), occupied(*after)) {
			return true
		}
	}
	return false
}

// An occupation is what a container holds that nobody else can have.
type occupation struct {
	name      string
	endpoints []model.Endpoint
	hostPorts []model.PublishedPort
}

func occupied(container model.Container) occupation {
	return occupation{name: container.Name, endpoints: container.Endpoints, hostPorts: container.HostPorts}
}
