// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/model"
)

// comparable values of the model are compared as such.
func modelOptions() cmp.Options {
	return cmp.Options{
		cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{}),
		cmpopts.EquateEmpty(),
	}
}

func networkRules() map[string]func(*testing.T, suite) {
	return map[string]func(*testing.T, suite){
		"a created network has what its spec says, in the list as in the inspection": func(t *testing.T, s suite) {
			for name, change := range map[string]func(*model.NetworkSpec){
				"internal":   func(*model.NetworkSpec) {},
				"routed":     func(spec *model.NetworkSpec) { spec.Internal = false },
				"masquerade": func(spec *model.NetworkSpec) { spec.Internal, spec.Masquerade = false, true },
				"mtu":        func(spec *model.NetworkSpec) { spec.MTU = 1400 },
				"bridge":     func(spec *model.NetworkSpec) { spec.Bridge = s.bridge() },
				"hostAbsent": func(spec *model.NetworkSpec) { spec.HostAbsent = true },
				"gateway":    func(spec *model.NetworkSpec) { spec.Gateway = host(spec.Subnet, 254) },
			} {
				spec := s.networkSpec(t)
				change(&spec)
				inspected := s.createNetwork(t, spec)
				want := model.Network{
					ID: inspected.ID, Name: spec.Name, Identity: spec.Identity, Driver: spec.Driver,
					Subnets: []netip.Prefix{spec.Subnet}, Gateway: spec.Gateway,
					Internal: spec.Internal, Masquerade: spec.Masquerade, MTU: spec.MTU,
					Bridge: spec.Bridge, HostAbsent: spec.HostAbsent,
				}
				if diff := cmp.Diff(want, inspected, modelOptions()); diff != "" {
					t.Errorf("%s: inspection (-want +got):\n%s", name, diff)
				}
				if diff := cmp.Diff(want, s.listedNetwork(t, inspected.ID), modelOptions()); diff != "" {
					t.Errorf("%s: list (-want +got):\n%s", name, diff)
				}
			}
		},
		"a network without our labels has no identity": func(t *testing.T, s suite) {
			spec := s.networkSpec(t)
			spec.Identity = model.Identity{}
			if network := s.createNetwork(t, spec); network.Identity != (model.Identity{}) {
				t.Errorf("identity %+v", network.Identity)
			}
		},
		"networks are listed by name": func(t *testing.T, s suite) {
			s.network(t)
			s.network(t)
			networks, err := s.Reader.Networks(t.Context())
			wantNoError(t, err)
			if !slices.IsSortedFunc(networks, func(a, b model.Network) int {
				return slices.Compare([]string{a.Name, a.ID}, []string{b.Name, b.ID})
			}) {
				t.Error("the list is not sorted")
			}
		},
		"a network is found by its whole id alone": func(t *testing.T, s suite) {
			network := s.network(t)
			for _, id := range []string{network.Name, network.ID[:12], missingID} {
				_, err := s.Reader.Network(t.Context(), id)
				wantKind(t, err, engine.ErrNotFound)
			}
			_, err := s.Reader.Network(t.Context(), "")
			wantKind(t, err, engine.ErrInvalid)
		},
		"a taken network name is refused, whoever holds it": func(t *testing.T, s suite) {
			foreign := s.networkSpec(t)
			foreign.Identity = model.Identity{}
			s.createNetwork(t, foreign)
			spec := s.networkSpec(t)
			spec.Name = foreign.Name
			_, err := s.Networks.CreateNetwork(t.Context(), spec)
			wantKind(t, err, engine.ErrExists)
		},
		"an overlapping subnet is refused": func(t *testing.T, s suite) {
			network := s.network(t)
			spec := s.networkSpec(t)
			spec.Subnet = netip.PrefixFrom(network.Subnets[0].Addr(), 25)
			spec.Gateway = host(spec.Subnet, 1)
			_, err := s.Networks.CreateNetwork(t.Context(), spec)
			wantKind(t, err, engine.ErrConflict)
			s.wantNoNetwork(t, spec.Name)
		},
		"a taken bridge name is refused": func(t *testing.T, s suite) {
			spec := s.networkSpec(t)
			spec.Bridge = s.bridge()
			s.createNetwork(t, spec)
			other := s.networkSpec(t)
			other.Bridge = spec.Bridge
			_, err := s.Networks.CreateNetwork(t.Context(), other)
			wantKind(t, err, engine.ErrConflict)
			s.wantNoNetwork(t, other.Name)
		},
		"a gateway outside the subnet is refused": func(t *testing.T, s suite) {
			spec := s.networkSpec(t)
			spec.Gateway = netip.MustParseAddr("203.0.113.1")
			_, err := s.Networks.CreateNetwork(t.Context(), spec)
			if err == nil {
				t.Error("no error")
			}
			s.wantNoNetwork(t, spec.Name)
		},
		"removing a network again is success": func(t *testing.T, s suite) {
			network := s.network(t)
			for range 2 {
				wantNoError(t, s.Networks.RemoveNetwork(t.Context(), network.ID))
			}
			s.wantNoNetwork(t, network.Name)
			wantNoError(t, s.Networks.RemoveNetwork(t.Context(), missingID))
		},
		"a network with endpoints is not removed": func(t *testing.T, s suite) {
			network := s.network(t)
			base := s.base(t, network)
			wantKind(t, s.Networks.RemoveNetwork(t.Context(), network.ID), engine.ErrInUse)
			wantNoError(t, s.Networks.Disconnect(t.Context(), base.ID, network.ID))
			wantNoError(t, s.Networks.RemoveNetwork(t.Context(), network.ID))
		},
		"a network of stopped containers is removed, and they do not start": func(t *testing.T, s suite) {
			network := s.network(t)
			base := s.base(t, network)
			wantNoError(t, s.Containers.StopContainer(t.Context(), base.ID, grace))
			wantNoError(t, s.Networks.RemoveNetwork(t.Context(), network.ID))
			wantKind(t, s.Containers.StartContainer(t.Context(), base.ID), engine.ErrNotFound)
		},
		// Scenario 11.
		"a network whose name begins with that of a removed one stays": func(t *testing.T, s suite) {
			short, long := s.networkSpec(t), s.networkSpec(t)
			long.Name = short.Name + "0"
			removed, kept := s.createNetwork(t, short), s.createNetwork(t, long)
			base := s.base(t, kept)
			wantNoError(t, s.Networks.RemoveNetwork(t.Context(), removed.ID))
			if got := s.inspect(t, base.ID).Endpoints; len(got) != 1 || got[0].NetworkID != kept.ID {
				t.Errorf("endpoints %+v", got)
			}
			s.listedNetwork(t, kept.ID)
		},
	}
}

func (s suite) listedNetwork(t *testing.T, id string) model.Network {
	t.Helper()
	networks, err := s.Reader.Networks(t.Context())
	wantNoError(t, err)
	for _, network := range networks {
		if network.ID == id {
			return network
		}
	}
	t.Fatalf("network %s is not listed", id)
	return model.Network{}
}

// wantNoNetwork checks that no network has a name.
func (s suite) wantNoNetwork(t *testing.T, name string) {
	t.Helper()
	networks, err := s.Reader.Networks(t.Context())
	wantNoError(t, err)
	if slices.ContainsFunc(networks, func(network model.Network) bool { return network.Name == name }) {
		t.Errorf("network %q exists", name)
	}
}
