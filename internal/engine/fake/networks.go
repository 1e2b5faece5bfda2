// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/model"
)

// network is a network and which live endpoint has which address.
type network struct {
	model.Network
	users map[netip.Addr]*container
}

// Networks implements engine.Reader.
func (e *Engine) Networks(ctx context.Context) ([]model.Network, error) {
	var networks []model.Network
	err := e.call(ctx, OpNetworks, "", func() error {
		for _, found := range e.networks {
			networks = append(networks, found.seen())
		}
		return nil
	})
	slices.SortFunc(networks, func(a, b model.Network) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	return networks, err
}

// Network implements engine.Reader.
func (e *Engine) Network(ctx context.Context, id string) (model.Network, error) {
	var seen model.Network
	err := e.call(ctx, OpNetwork, id, func() error {
		found, err := e.findNetwork(id)
		if err == nil {
			seen = found.seen()
		}
		return err
	})
	return seen, err
}

// CreateNetwork implements engine.NetworkWriter.
func (e *Engine) CreateNetwork(ctx context.Context, spec model.NetworkSpec) (string, error) {
	var id string
	err := e.call(ctx, OpCreateNetwork, spec.Name, func() error {
		if err := e.validateNetwork(spec); err != nil {
			return err
		}
		id = e.addNetwork(spec).ID
		return nil
	})
	if err != nil {
		return "", err
	}
	return id, nil
}

func (e *Engine) validateNetwork(spec model.NetworkSpec) error {
	if !spec.Subnet.Contains(spec.Gateway) {
		return fmt.Errorf("gateway %s is not in %s: %w", spec.Gateway, spec.Subnet, engine.ErrInvalid)
	}
	if len(e.networksNamed[spec.Name]) > 0 {
		return fmt.Errorf("network with name %s: %w", spec.Name, engine.ErrExists)
	}
	for _, other := range e.networks {
		if spec.Bridge != "" && other.Bridge == spec.Bridge {
			return fmt.Errorf("bridge name %s is in use: %w", spec.Bridge, engine.ErrConflict)
		}
		for _, subnet := range other.Subnets {
			if subnet.Overlaps(spec.Subnet) {
				return fmt.Errorf("pool %s overlaps with another one: %w", spec.Subnet, engine.ErrConflict)
			}
		}
	}
	return nil
}

func (e *Engine) addNetwork(spec model.NetworkSpec) *network {
	created := &network{
		Network: model.Network{
			ID: e.newID(), Name: spec.Name, Identity: spec.Identity, Driver: spec.Driver, Gateway: spec.Gateway,
			Internal: spec.Internal, Masquerade: spec.Masquerade, MTU: spec.MTU,
			Bridge: spec.Bridge, HostAbsent: spec.HostAbsent,
		},
		users: map[netip.Addr]*container{},
	}
	if spec.Subnet.IsValid() {
		created.Subnets = []netip.Prefix{spec.Subnet.Masked()}
	}
	e.networks[created.ID] = created
	e.networksNamed[created.Name] = append(e.networksNamed[created.Name], created)
	e.emit(engine.ObjectNetwork, created.ID, "")
	return created
}

// RemoveNetwork implements engine.NetworkWriter.
func (e *Engine) RemoveNetwork(ctx context.Context, id string) error {
	return e.call(ctx, OpRemoveNetwork, id, func() error {
		if err := validateID(id); err != nil {
			return err
		}
		return e.dropNetwork(id)
	})
}

// dropNetwork removes a network, if there is one. Stopped containers do not hold it.
func (e *Engine) dropNetwork(id string) error {
	found, ok := e.networks[id]
	if !ok {
		return nil
	}
	if len(found.users) > 0 {
		return fmt.Errorf("network %s has active endpoints: %w", found.Name, engine.ErrInUse)
	}
	delete(e.networks, id)
	e.networksNamed[found.Name] = slices.DeleteFunc(e.networksNamed[found.Name], func(other *network) bool { return other == found })
	e.emit(engine.ObjectNetwork, id, "")
	return nil
}

// Connect implements engine.NetworkWriter.
func (e *Engine) Connect(ctx context.Context, containerID string, endpoint model.EndpointSpec) error {
	target := e.nameOf(containerID) + " to " + endpoint.NetworkName
	return e.call(ctx, OpConnect, target, func() error {
		return e.connect(containerID, endpoint)
	})
}

func (e *Engine) connect(containerID string, endpoint model.EndpointSpec) error {
	target, err := e.findContainer(containerID)
	if err != nil {
		return err
	}
	if target.namespaceOf != "" {
		return fmt.Errorf("container %s shares a network namespace: %w", target.spec.Name, engine.ErrConflict)
	}
	if existing, ok := e.endpointOn(target, endpoint); ok {
		return compare(existing, endpoint)
	}
	if err := e.validateMAC(target, endpoint); err != nil {
		return err
	}
	joined, err := e.findNetwork(endpoint.NetworkID)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(joined.Subnets, func(subnet netip.Prefix) bool { return subnet.Contains(endpoint.Address) }) {
		return fmt.Errorf("address %s is not of network %s: %w", endpoint.Address, joined.Name, engine.ErrInvalid)
	}
	settings := &endpointSettings{address: endpoint.Address, mac: endpoint.MAC}
	// A failed connection leaves the setting behind, as the engine does.
	target.endpoints[joined.Name] = settings
	if !target.holdsNetworks() {
		// The engine tells nobody.
		return nil
	}
	return e.join(target, joined, settings)
}

// compare returns ErrConflict if an existing endpoint is not the wanted one.
func compare(existing model.Endpoint, wanted model.EndpointSpec) error {
	if existing.Address != wanted.Address || wanted.MAC != "" && existing.MAC != "" && existing.MAC != wanted.MAC {
		return fmt.Errorf("connected with %s %s instead of %s %s: %w",
			existing.Address, existing.MAC, wanted.Address, wanted.MAC, engine.ErrConflict)
	}
	return nil
}

// validateMAC refuses a MAC that the engine would not set.
func (e *Engine) validateMAC(target *container, endpoint model.EndpointSpec) error {
	if endpoint.MAC == "" || e.profile.EndpointMAC {
		return nil
	}
	if home := target.spec.Home; endpoint.NetworkName == home.NetworkName && endpoint.MAC == home.MAC {
		return nil
	}
	return fmt.Errorf("MAC %s of an attachment: %w", endpoint.MAC, engine.ErrInvalid)
}

// join makes a live endpoint of a setting.
func (e *Engine) join(joining *container, joined *network, settings *endpointSettings) error {
	address := settings.address
	if !address.IsValid() {
		address = joined.freeAddress()
	}
	if address.IsValid() && (address == joined.Gateway || joined.users[address] != nil) {
		return fmt.Errorf("address %s is in use: %w", address, engine.ErrConflict)
	}
	if route, found := joining.routeTo(joined); found {
		return fmt.Errorf("network %s conflicts with the route to %s: %w", joined.Name, route, engine.ErrConflict)
	}
	joined.users[address] = joining
	settings.live = true
	settings.networkID = joined.ID
	settings.liveAddress = address
	settings.liveMAC = cmp.Or(settings.mac, joining.homeMAC(joined.Name), derivedMAC(address))
	e.rewire(joining)
	e.emit(engine.ObjectNetwork, joined.ID, joining.id)
	return nil
}

// leave ends a live endpoint; its setting stays.
func (e *Engine) leave(leaving *container, settings *endpointSettings) {
	if !settings.live {
		return
	}
	if left, ok := e.networks[settings.networkID]; ok {
		delete(left.users, settings.liveAddress)
	}
	settings.live = false
	e.rewire(leaving)
	e.emit(engine.ObjectNetwork, settings.networkID, leaving.id)
}

// Disconnect implements engine.NetworkWriter.
func (e *Engine) Disconnect(ctx context.Context, containerID, networkID string) error {
	target := e.nameOf(containerID) + " from " + e.nameOf(networkID)
	return e.call(ctx, OpDisconnect, target, func() error {
		if err := cmp.Or(validateID(containerID), validateID(networkID)); err != nil {
			return err
		}
		e.disconnect(containerID, networkID)
		return nil
	})
}

// disconnect takes away the endpoint, if there is one.
func (e *Engine) disconnect(containerID, networkID string) {
	target, ok := e.containers[containerID]
	if !ok {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(target.endpoints)) {
		settings := target.endpoints[name]
		if cmp.Or(settings.networkID, e.networkOf(name, settings), name) != networkID {
			continue
		}
		if settings.live {
			e.leave(target, settings)
		} else {
			e.emit(engine.ObjectNetwork, networkID, containerID)
		}
		delete(target.endpoints, name)
	}
}

// networkOf returns the id of the network that a setting leads to; empty if it
// is gone. A container that never ran knows its networks by name alone.
func (e *Engine) networkOf(name string, settings *endpointSettings) string {
	if settings.networkID != "" {
		if _, ok := e.networks[settings.networkID]; ok {
			return settings.networkID
		}
		return ""
	}
	if named := e.networksNamed[name]; len(named) > 0 {
		return named[0].ID
	}
	return ""
}

func (e *Engine) findNetwork(id string) (*network, error) {
	if err := validateID(id); err != nil {
		return nil, err
	}
	found, ok := e.networks[id]
	if !ok {
		return nil, notFound("network", id)
	}
	return found, nil
}

func (n *network) seen() model.Network {
	seen := n.Network
	seen.Subnets = slices.Clone(seen.Subnets)
	return seen
}

// freeAddress returns the lowest free address; the invalid one if there is none.
func (n *network) freeAddress() netip.Addr {
	for _, subnet := range n.Subnets {
		for address := subnet.Addr().Next(); subnet.Contains(address.Next()); address = address.Next() {
			if address != n.Gateway && n.users[address] == nil {
				return address
			}
		}
	}
	return netip.Addr{}
}

// derivedMAC returns the MAC that the engine makes of an address.
func derivedMAC(address netip.Addr) string {
	if !address.Is4() {
		return ""
	}
	octets := address.As4()
	return fmt.Sprintf("02:42:%02x:%02x:%02x:%02x", octets[0], octets[1], octets[2], octets[3])
}
