// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"context"
	"net/netip"
	"testing"

	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/model"
)

func endpointRules() map[string]func(*testing.T, suite) {
	return map[string]func(*testing.T, suite){
		"a running container is connected with the address asked for": func(t *testing.T, s suite) {
			lan, base := s.network(t), s.base(t, s.network(t))
			wantNoError(t, s.Networks.Connect(t.Context(), base.ID, endpointOf(lan, 20)))
			s.wantEndpoint(t, base.ID, lan, 20)
		},
		// Scenario 25.
		"connecting again is success if nothing differs": func(t *testing.T, s suite) {
			lan, base := s.network(t), s.base(t, s.network(t))
			endpoint := endpointOf(lan, 20)
			for range 2 {
				wantNoError(t, s.Networks.Connect(t.Context(), base.ID, endpoint))
			}
			endpoint.MAC = s.wantEndpoint(t, base.ID, lan, 20).MAC
			wantNoError(t, s.Networks.Connect(t.Context(), base.ID, endpoint))
		},
		"connecting again with another address or MAC is refused": func(t *testing.T, s suite) {
			lan, base := s.network(t), s.base(t, s.network(t))
			wantNoError(t, s.Networks.Connect(t.Context(), base.ID, endpointOf(lan, 20)))
			wantKind(t, s.Networks.Connect(t.Context(), base.ID, endpointOf(lan, 21)), engine.ErrConflict)
			other := endpointOf(lan, 20)
			other.MAC = "02:1a:4b:00:00:99"
			wantKind(t, s.Networks.Connect(t.Context(), base.ID, other), engine.ErrConflict)
			s.wantEndpoint(t, base.ID, lan, 20)
		},
		"connecting to the home again is success if nothing differs": func(t *testing.T, s suite) {
			home := s.network(t)
			base := s.base(t, home)
			wantNoError(t, s.Networks.Connect(t.Context(), base.ID, endpointOf(home, 10)))
			wantKind(t, s.Networks.Connect(t.Context(), base.ID, endpointOf(home, 11)), engine.ErrConflict)
		},
		"connecting a running container with a taken address is refused": func(t *testing.T, s suite) {
			lan := s.network(t)
			s.base(t, lan)
			other := s.base(t, s.network(t))
			wantKind(t, s.Networks.Connect(t.Context(), other.ID, endpointOf(lan, 10)), engine.ErrConflict)
			if endpoints := s.inspect(t, other.ID).Endpoints; len(endpoints) != 1 {
				t.Errorf("endpoints %+v", endpoints)
			}
		},
		"the gateway's address is taken": func(t *testing.T, s suite) {
			lan, base := s.network(t), s.base(t, s.network(t))
			wantKind(t, s.Networks.Connect(t.Context(), base.ID, endpointOf(lan, 1)), engine.ErrConflict)
		},
		"a running container is not connected to where it has a route, until that is gone": func(t *testing.T, s suite) {
			home, lan := s.network(t), s.network(t)
			base, route := s.base(t, home), model.Route{Destination: lan.Subnets[0], Via: host(home.Subnets[0], 20)}
			wantNoError(t, s.Host.SetRoute(t.Context(), base, route))
			wantKind(t, s.Networks.Connect(t.Context(), base.ID, endpointOf(lan, 20)), engine.ErrConflict)
			s.wantHomeAlone(t, base.ID, home)
			wantNoError(t, s.Networks.Disconnect(t.Context(), base.ID, lan.ID))
			s.wantHomeAlone(t, base.ID, home)

			wantNoError(t, s.Host.RemoveRoute(t.Context(), base, route))
			wantNoError(t, s.Networks.Connect(t.Context(), base.ID, endpointOf(lan, 20)))
			s.wantEndpoint(t, base.ID, lan, 20)
			// Only an interface of its own makes the subnet one that no route can have.
			wantKind(t, s.Host.SetRoute(t.Context(), base, route), engine.ErrConflict)
			wantNoError(t, s.Networks.Disconnect(t.Context(), base.ID, lan.ID))
			s.wantHomeAlone(t, base.ID, home)
		},
		"what a refused connection left behind holds neither address nor network": func(t *testing.T, s suite) {
			home, lan := s.network(t), s.network(t)
			base, other := s.base(t, home), s.base(t, s.network(t))
			wantNoError(t, s.Host.SetRoute(t.Context(), base, model.Route{Destination: lan.Subnets[0], Via: host(home.Subnets[0], 20)}))
			wantKind(t, s.Networks.Connect(t.Context(), base.ID, endpointOf(lan, 20)), engine.ErrConflict)
			wantNoError(t, s.Networks.Connect(t.Context(), other.ID, endpointOf(lan, 20)))
			wantNoError(t, s.Networks.Disconnect(t.Context(), other.ID, lan.ID))
			wantNoError(t, s.Networks.RemoveNetwork(t.Context(), lan.ID))
			s.wantHomeAlone(t, base.ID, home)
		},
		"an address outside the subnet is refused": func(t *testing.T, s suite) {
			lan, base := s.network(t), s.base(t, s.network(t))
			endpoint := endpointOf(lan, 20)
			endpoint.Address = netip.MustParseAddr("203.0.113.20")
			wantKind(t, s.Networks.Connect(t.Context(), base.ID, endpoint), engine.ErrInvalid)
		},
		"a stopped container is connected to a taken address and does not start": func(t *testing.T, s suite) {
			lan := s.network(t)
			s.base(t, lan)
			home := s.network(t)
			id := s.create(t, s.baseSpec(home, host(home.Subnets[0], 10)), "")
			wantNoError(t, s.Networks.Connect(t.Context(), id, endpointOf(lan, 10)))
			wantKind(t, s.Containers.StartContainer(t.Context(), id), engine.ErrConflict)
			if s.inspect(t, id).IsRunning() {
				t.Error("it runs")
			}
		},
		"a created container keeps its connection through start, stop and restart": func(t *testing.T, s suite) {
			home, lan := s.network(t), s.network(t)
			id := s.create(t, s.baseSpec(home, host(home.Subnets[0], 10)), "")
			wantNoError(t, s.Networks.Connect(t.Context(), id, endpointOf(lan, 20)))
			wantNoError(t, s.Networks.Connect(t.Context(), id, endpointOf(lan, 20)))
			s.wantEndpoint(t, id, lan, 20)
			wantNoError(t, s.Containers.StartContainer(t.Context(), id))
			s.wantEndpoint(t, id, lan, 20)
			s.wantEndpoint(t, id, home, 10)
			wantNoError(t, s.Containers.RestartContainer(t.Context(), id, grace))
			s.wantEndpoint(t, id, lan, 20)
			wantNoError(t, s.Containers.StopContainer(t.Context(), id, grace))
			s.wantEndpoint(t, id, lan, 20)
			s.wantEndpoint(t, id, home, 10)
			wantNoError(t, s.Networks.Connect(t.Context(), id, endpointOf(lan, 20)))
			wantKind(t, s.Networks.Connect(t.Context(), id, endpointOf(lan, 21)), engine.ErrConflict)
		},
		"a MAC is set on an attachment, or refused by an engine that cannot": func(t *testing.T, s suite) {
			lan, base := s.network(t), s.base(t, s.network(t))
			endpoint := endpointOf(lan, 20)
			endpoint.MAC = "02:1a:4b:00:00:20"
			err := s.Networks.Connect(t.Context(), base.ID, endpoint)
			if !s.endpointMAC {
				wantKind(t, err, engine.ErrInvalid)
				return
			}
			wantNoError(t, err)
			if got := s.wantEndpoint(t, base.ID, lan, 20); got.MAC != endpoint.MAC {
				t.Errorf("MAC %s, want %s", got.MAC, endpoint.MAC)
			}
		},
		"connecting what is missing is refused": func(t *testing.T, s suite) {
			lan := s.network(t)
			base := s.base(t, lan)
			wantKind(t, s.Networks.Connect(t.Context(), missingID, endpointOf(lan, 20)), engine.ErrNotFound)
			nowhere := model.EndpointSpec{NetworkID: missingID, NetworkName: s.name(), Address: host(lan.Subnets[0], 20)}
			wantKind(t, s.Networks.Connect(t.Context(), base.ID, nowhere), engine.ErrNotFound)
		},
		// Scenario 26.
		"disconnecting again is success": func(t *testing.T, s suite) {
			lan, base := s.network(t), s.base(t, s.network(t))
			wantNoError(t, s.Networks.Connect(t.Context(), base.ID, endpointOf(lan, 20)))
			for range 2 {
				wantNoError(t, s.Networks.Disconnect(t.Context(), base.ID, lan.ID))
			}
			if endpoints := s.inspect(t, base.ID).Endpoints; len(endpoints) != 1 {
				t.Errorf("endpoints %+v", endpoints)
			}
		},
		"a stopped container is disconnected, again and again": func(t *testing.T, s suite) {
			home, lan := s.network(t), s.network(t)
			id := s.create(t, s.baseSpec(home, host(home.Subnets[0], 10)), "")
			wantNoError(t, s.Networks.Connect(t.Context(), id, endpointOf(lan, 20)))
			for range 2 {
				wantNoError(t, s.Networks.Disconnect(t.Context(), id, lan.ID))
			}
			if endpoints := s.inspect(t, id).Endpoints; len(endpoints) != 1 {
				t.Errorf("endpoints %+v", endpoints)
			}
		},
		"disconnecting what is missing is success": func(t *testing.T, s suite) {
			lan := s.network(t)
			base := s.base(t, lan)
			wantNoError(t, s.Networks.Disconnect(t.Context(), missingID, lan.ID))
			wantNoError(t, s.Networks.Disconnect(t.Context(), base.ID, missingID))
		},
		"the home is disconnected and connected again with its address and MAC": func(t *testing.T, s suite) {
			home := s.network(t)
			base := s.base(t, home)
			wantNoError(t, s.Networks.Disconnect(t.Context(), base.ID, home.ID))
			endpoint := endpointOf(home, 10)
			endpoint.MAC = homeMAC
			wantNoError(t, s.Networks.Connect(t.Context(), base.ID, endpoint))
			if got := s.wantEndpoint(t, base.ID, home, 10); got.MAC != homeMAC {
				t.Errorf("MAC %s, want %s", got.MAC, homeMAC)
			}
		},
		"a stopped container that lost its home starts without a network": func(t *testing.T, s suite) {
			home := s.network(t)
			base := s.base(t, home)
			wantNoError(t, s.Containers.StopContainer(t.Context(), base.ID, grace))
			wantNoError(t, s.Networks.Disconnect(t.Context(), base.ID, home.ID))
			wantNoError(t, s.Containers.StartContainer(t.Context(), base.ID))
			if started := s.inspect(t, base.ID); !started.IsRunning() || len(started.Endpoints) != 0 {
				t.Errorf("state %s, endpoints %+v", started.State, started.Endpoints)
			}
		},
		"a stopped container does not start on a new network of an old one's name": func(t *testing.T, s suite) {
			base, _ := s.baseOfReplacedNetwork(t)
			wantKind(t, s.Containers.StartContainer(t.Context(), base.ID), engine.ErrNotFound)
		},
		"a stopped container is disconnected from a network that is gone": func(t *testing.T, s suite) {
			base, home := s.baseOfReplacedNetwork(t)
			wantNoError(t, s.Networks.Disconnect(t.Context(), base.ID, base.Endpoints[0].NetworkID))
			if endpoints := s.inspect(t, base.ID).Endpoints; len(endpoints) != 0 {
				t.Errorf("endpoints %+v", endpoints)
			}
			wantNoError(t, s.Networks.Connect(t.Context(), base.ID, endpointOf(home, 10)))
			wantNoError(t, s.Containers.StartContainer(t.Context(), base.ID))
			s.wantEndpoint(t, base.ID, home, 10)
		},
		"a container that never ran is disconnected from a network that is gone": func(t *testing.T, s suite) {
			home := s.network(t)
			id := s.create(t, s.baseSpec(home, host(home.Subnets[0], 10)), "")
			wantNoError(t, s.Networks.RemoveNetwork(t.Context(), home.ID))
			endpoints := s.inspect(t, id).Endpoints
			if len(endpoints) != 1 || endpoints[0].NetworkName != home.Name {
				t.Fatalf("endpoints %+v", endpoints)
			}
			wantNoError(t, s.Networks.Disconnect(t.Context(), id, endpoints[0].NetworkID))
			if endpoints = s.inspect(t, id).Endpoints; len(endpoints) != 0 {
				t.Errorf("endpoints %+v", endpoints)
			}
		},
		"a stopped container is connected to a new network of an old one's name": func(t *testing.T, s suite) {
			base, home := s.baseOfReplacedNetwork(t)
			wantNoError(t, s.Networks.Connect(t.Context(), base.ID, endpointOf(home, 10)))
			wantNoError(t, s.Containers.StartContainer(t.Context(), base.ID))
			s.wantEndpoint(t, base.ID, home, 10)
		},
		"an address is free once its container is disconnected": func(t *testing.T, s suite) {
			lan := s.network(t)
			one, other := s.base(t, lan), s.base(t, s.network(t))
			wantNoError(t, s.Networks.Disconnect(t.Context(), one.ID, lan.ID))
			wantNoError(t, s.Networks.Connect(t.Context(), other.ID, endpointOf(lan, 10)))
		},
	}
}

// baseOfReplacedNetwork returns a stopped base whose home was removed and created
// anew, and the new home.
func (s suite) baseOfReplacedNetwork(t *testing.T) (base model.Container, home model.Network) {
	t.Helper()
	spec := s.networkSpec(t)
	old := s.createNetwork(t, spec)
	base = s.base(t, old)
	wantNoError(t, s.Containers.StopContainer(t.Context(), base.ID, grace))
	wantNoError(t, s.Networks.RemoveNetwork(t.Context(), old.ID))
	home = s.createNetwork(t, spec)
	// After the cleanup of the network was registered, so that it is done before.
	s.cleanUp(t, "container "+base.Name, func(ctx context.Context) error { return s.Containers.RemoveContainer(ctx, base.ID) })
	return base, home
}

// endpointOf returns an interface on a network, with no MAC asked for.
func endpointOf(network model.Network, number byte) model.EndpointSpec {
	return model.EndpointSpec{
		NetworkID: network.ID, NetworkName: network.Name, LAN: "office", Address: host(network.Subnets[0], number),
	}
}

// wantHomeAlone checks that a container is on its home and nowhere else, in the
// list as in the inspection.
func (s suite) wantHomeAlone(t *testing.T, containerID string, home model.Network) {
	t.Helper()
	for source, container := range map[string]model.Container{
		"list": s.listed(t, containerID), "inspection": s.inspect(t, containerID),
	} {
		if _, found := container.EndpointOn(home.ID); !found || len(container.Endpoints) != 1 {
			t.Errorf("%s: endpoints %+v, want one on %s", source, container.Endpoints, home.Name)
		}
	}
}

// wantEndpoint checks that the container has an address on a network, in the
// list as in the inspection.
func (s suite) wantEndpoint(t *testing.T, containerID string, network model.Network, number byte) model.Endpoint {
	t.Helper()
	var found model.Endpoint
	for source, container := range map[string]model.Container{
		"list": s.listed(t, containerID), "inspection": s.inspect(t, containerID),
	} {
		count := 0
		for _, endpoint := range container.Endpoints {
			if endpoint.NetworkName == network.Name {
				found = endpoint
				count++
			}
		}
		if count != 1 || found.Address != host(network.Subnets[0], number) {
			t.Errorf("%s: endpoints %+v, want one on %s with host %d", source, container.Endpoints, network.Name, number)
		}
		if found.NetworkID != network.ID || container.IsRunning() && found.MAC == "" {
			t.Errorf("%s: endpoint %+v lacks the network's id %s, or the MAC of a running container", source, found, network.ID)
		}
	}
	return found
}
