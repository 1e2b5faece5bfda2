// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"strings"

	"github.com/deckyard/deckyard/internal/model"
)

// An indexKey is something that objects can have in common.
type indexKey struct {
	by    indexedBy
	value string
}

// indexedBy is what an index finds objects by.
type indexedBy int

const (
	// byOwner finds what has an owner's UID.
	byOwner indexedBy = iota
	// byStem finds containers by what their name has in common with that of a base.
	byStem
	// byNetwork finds containers by the id of a network.
	byNetwork
	// byHostPorts finds all containers that hold ports of the host.
	byHostPorts
)

// An index holds the ids of the objects that have a key.
type index map[indexKey]map[string]struct{}

func (x index) add(id string, keys []indexKey) {
	for _, key := range keys {
		if x[key] == nil {
			x[key] = map[string]struct{}{}
		}
		x[key][id] = struct{}{}
	}
}

func (x index) remove(id string, keys []indexKey) {
	for _, key := range keys {
		delete(x[key], id)
		if len(x[key]) == 0 {
			delete(x, key)
		}
	}
}

// stem returns the first parts of a container's name, as many as the name of a base
// has: NAMESPACE_TOPOLOGY_DECKY, which a service's begins with.
func stem(name string) string {
	const parts = 3
	fields := strings.SplitN(name, "_", parts+1)
	return strings.Join(fields[:min(parts, len(fields))], "_")
}

func containerKeys(container model.Container) []indexKey {
	keys := []indexKey{{byStem, stem(container.Name)}}
	if uid := container.Identity.Owner.UID; uid != "" {
		keys = append(keys, indexKey{byOwner, uid})
	}
	for _, endpoint := range container.Endpoints {
		keys = append(keys, indexKey{byNetwork, endpoint.NetworkID})
	}
	if len(container.HostPorts) > 0 {
		keys = append(keys, indexKey{by: byHostPorts})
	}
	return keys
}

func networkKeys(network model.Network) []indexKey {
	return []indexKey{{byOwner, network.Identity.Owner.UID}}
}

// keysOf returns the keys of the containers that are of concern. networks finds the
// networks of a LAN.
func keysOf(concern model.Concern, networks index) []indexKey {
	keys := []indexKey{{byOwner, concern.Owner.UID}}
	if concern.BaseName != "" {
		keys = append(keys, indexKey{byStem, stem(concern.BaseName)})
	}
	for _, uid := range concern.LANs {
		for id := range networks[indexKey{byOwner, uid}] {
			keys = append(keys, indexKey{byNetwork, id})
		}
	}
	for _, id := range concern.Networks {
		keys = append(keys, indexKey{byNetwork, id})
	}
	if concern.HostPorts {
		keys = append(keys, indexKey{by: byHostPorts})
	}
	return keys
}
