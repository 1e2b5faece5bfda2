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

func routeRules() map[string]func(*testing.T, suite) {
	return map[string]func(*testing.T, suite){
		"a base on a network that is not internal has its gateway as the default": func(t *testing.T, s suite) {
			spec := s.networkSpec(t)
			spec.Internal = false
			base := s.base(t, s.createNetwork(t, spec))
			namespace, err := s.Host.Namespace(t.Context(), base, nil)
			wantNoError(t, err)
			want := []model.Route{{Destination: netip.PrefixFrom(netip.IPv4Unspecified(), 0), Via: spec.Gateway}}
			if diff := cmp.Diff(want, namespace.Routes, comparePlain()); diff != "" {
				t.Errorf("routes (-want +got):\n%s", diff)
			}
			wantNoError(t, s.Host.RemoveRoute(t.Context(), base, want[0]))
			s.wantRoutes(t, base)
		},
		"a route is set in one namespace alone": func(t *testing.T, s suite) {
			home := s.network(t)
			base, other := s.base(t, home), s.base(t, s.network(t))
			route := s.routeOver(t, home, 20)
			for range 2 {
				wantNoError(t, s.Host.SetRoute(t.Context(), base, route))
			}
			s.wantRoutes(t, base, route)
			s.wantRoutes(t, other)
		},
		"a route takes the place of another to the same destination": func(t *testing.T, s suite) {
			home := s.network(t)
			base, kept := s.base(t, home), s.routeOver(t, home, 20)
			before := s.routeOver(t, home, 21)
			after := model.Route{Destination: before.Destination, Via: host(home.Subnets[0], 22)}
			for _, route := range []model.Route{kept, before, after} {
				wantNoError(t, s.Host.SetRoute(t.Context(), base, route))
			}
			s.wantRoutes(t, base, kept, after)
		},
		"a route is removed, also one that is not there": func(t *testing.T, s suite) {
			home := s.network(t)
			base, kept, removed := s.base(t, home), s.routeOver(t, home, 20), s.routeOver(t, home, 21)
			wantNoError(t, s.Host.SetRoute(t.Context(), base, kept))
			wantNoError(t, s.Host.SetRoute(t.Context(), base, removed))
			for range 2 {
				wantNoError(t, s.Host.RemoveRoute(t.Context(), base, removed))
			}
			wantNoError(t, s.Host.RemoveRoute(t.Context(), base, model.Route{Destination: kept.Destination, Via: removed.Via}))
			s.wantRoutes(t, base, kept)
		},
		"a route to the subnet of an interface is refused": func(t *testing.T, s suite) {
			home, lan := s.network(t), s.network(t)
			base := s.base(t, home)
			wantNoError(t, s.Networks.Connect(t.Context(), base.ID, endpointOf(lan, 20)))
			wantKind(t, s.Host.SetRoute(t.Context(), base, model.Route{Destination: lan.Subnets[0], Via: host(home.Subnets[0], 20)}), engine.ErrConflict)
			wantNoError(t, s.Host.RemoveRoute(t.Context(), base, model.Route{Destination: lan.Subnets[0]}))
			s.wantRoutes(t, base)
		},
		"a next hop that no interface leads to is not found": func(t *testing.T, s suite) {
			base := s.base(t, s.network(t))
			wantKind(t, s.Host.SetRoute(t.Context(), base, model.Route{
				Destination: s.subnet(t), Via: host(s.subnet(t), 20),
			}), engine.ErrNotFound)
		},
		"what is no IPv4 route is refused": func(t *testing.T, s suite) {
			home := s.network(t)
			base, route := s.base(t, home), s.routeOver(t, home, 20)
			for _, wrong := range []model.Route{
				{},
				{Via: route.Via},
				{Destination: route.Destination, Via: netip.MustParseAddr("2001:db8::1")},
				{Destination: netip.MustParsePrefix("2001:db8::/64"), Via: route.Via},
				{Destination: netip.PrefixFrom(host(route.Destination, 9), 24), Via: route.Via},
			} {
				wantKind(t, s.Host.SetRoute(t.Context(), base, wrong), engine.ErrInvalid)
				wantKind(t, s.Host.RemoveRoute(t.Context(), base, wrong), engine.ErrInvalid)
			}
			wantKind(t, s.Host.SetRoute(t.Context(), base, model.Route{Destination: route.Destination}), engine.ErrInvalid)
			s.wantRoutes(t, base)
		},
		"a route goes with its interface": func(t *testing.T, s suite) {
			home, lan := s.network(t), s.network(t)
			base, kept, gone := s.base(t, home), s.routeOver(t, home, 20), s.routeOver(t, lan, 21)
			wantNoError(t, s.Networks.Connect(t.Context(), base.ID, endpointOf(lan, 20)))
			wantNoError(t, s.Host.SetRoute(t.Context(), base, kept))
			wantNoError(t, s.Host.SetRoute(t.Context(), base, gone))
			s.wantRoutes(t, base, kept, gone)
			wantNoError(t, s.Networks.Disconnect(t.Context(), base.ID, lan.ID))
			s.wantRoutes(t, base, kept)
		},
		"a route stays while other interfaces come and go": func(t *testing.T, s suite) {
			home, lan := s.network(t), s.network(t)
			base, route := s.base(t, home), s.routeOver(t, home, 20)
			wantNoError(t, s.Host.SetRoute(t.Context(), base, route))
			wantNoError(t, s.Networks.Connect(t.Context(), base.ID, endpointOf(lan, 20)))
			s.wantRoutes(t, base, route)
			wantNoError(t, s.Networks.Disconnect(t.Context(), base.ID, lan.ID))
			s.wantRoutes(t, base, route)
		},
		"routes go with the namespace": func(t *testing.T, s suite) {
			home := s.network(t)
			base, route := s.base(t, home), s.routeOver(t, home, 20)
			wantNoError(t, s.Host.SetRoute(t.Context(), base, route))
			wantNoError(t, s.Containers.RestartContainer(t.Context(), base.ID, grace))
			wantKind(t, s.Host.SetRoute(t.Context(), base, route), engine.ErrNotFound)
			wantKind(t, s.Host.RemoveRoute(t.Context(), base, route), engine.ErrNotFound)
			s.wantRoutes(t, s.inspect(t, base.ID))
		},
	}
}

// routeOver returns a route to a subnet of nobody's, via a host of a network.
func (s suite) routeOver(t *testing.T, network model.Network, number byte) model.Route {
	t.Helper()
	return model.Route{Destination: s.subnet(t), Via: host(network.Subnets[0], number)}
}

// wantRoutes checks the routes of a base, apart from the default: engines differ
// in whether there is one on an internal network.
func (s suite) wantRoutes(t *testing.T, base model.Container, want ...model.Route) {
	t.Helper()
	namespace, err := s.Host.Namespace(t.Context(), base, nil)
	wantNoError(t, err)
	slices.SortFunc(want, model.Route.Compare)
	have := slices.DeleteFunc(namespace.Routes, model.Route.IsDefault)
	if diff := cmp.Diff(want, have, comparePlain(), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("routes of %s (-want +got):\n%s", base.Name, diff)
	}
}

func comparePlain() cmp.Option {
	return cmp.Comparer(func(a, b model.Route) bool { return a == b })
}
