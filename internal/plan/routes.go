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

// assessRoutes compares the routes in the namespace of a base with the desired
// ones as exact sets: an extra one leads where nobody should get. A base that is
// about to start has none yet but what the engine gives it.
func (a *assessment) assessRoutes() {
	var have []model.Route
	switch a.state.Base.repair {
	case repairCreate, repairReplace, repairStart:
	case repairNone:
		namespace, known := a.observed.Namespaces[a.owned.base.ID]
		if !known {
			return
		}
		have = namespace.Routes
	case repairRestart, repairAwait:
		return
	}
	for _, want := range a.desired.Routes {
		a.assessRoute(want, have)
	}
	for _, seen := range have {
		a.assessSeenRoute(seen)
	}
}

// assessRoute judges a desired route.
func (a *assessment) assessRoute(want model.Route, have []model.Route) {
	link := a.linkTo(want.Via)
	isNew := a.state.Base.repair != repairNone || link.isRewired()
	switch {
	case isNew && want.IsDefault():
		// The engine sets it together with the interface.
	case isNew || !slices.Contains(have, want):
		state := RouteState{
			Route: want, Reason: v1alpha1.ReasonRouteMissing, settable: a.canCarry(link), detail: wantText("is", absent, hopText(want.Via)),
			Message: fmt.Sprintf("%q has no route to %s", a.desired.Base.Name, want),
		}
		for _, seen := range have {
			if seen.Destination == want.Destination && seen != want {
				state.detail = wantText("via", seen.Via, want.Via)
			}
		}
		a.state.Routes = append(a.state.Routes, state)
	}
}

// assessSeenRoute judges a route that is there. One that goes with its interface,
// or gives its place to another, needs no removal.
func (a *assessment) assessSeenRoute(seen model.Route) {
	takesPlace := func(state RouteState) bool { return state.settable && state.Route.Destination == seen.Destination }
	if slices.Contains(a.desired.Routes, seen) || a.linkTo(seen.Via).isRewired() || slices.ContainsFunc(a.state.Routes, takesPlace) {
		return
	}
	a.state.Routes = append(a.state.Routes, RouteState{
		Route: seen, Reason: v1alpha1.ReasonRouteExtra, detail: wantText("is", hopText(seen.Via), absent),
		Message: fmt.Sprintf("%q has a route that it should not have: %s", a.desired.Base.Name, seen),
	})
}

// linkTo returns the interface whose network a next hop is on; nil if there is none.
func (a *assessment) linkTo(via netip.Addr) *EndpointState {
	for i := range a.state.Endpoints {
		endpoint := &a.state.Endpoints[i]
		networkID := cmp.Or(endpoint.want.NetworkID, endpoint.have.NetworkID)
		for _, network := range a.observed.Networks {
			if network.ID == networkID && slices.ContainsFunc(network.Subnets, func(subnet netip.Prefix) bool { return subnet.Contains(via) }) {
				return endpoint
			}
		}
	}
	return nil
}

// canCarry reports whether an interface is there once the plan is carried out.
func (a *assessment) canCarry(link *EndpointState) bool {
	switch {
	case link == nil:
		return false
	case a.baseIsNew():
		return link.want.NetworkID != ""
	default:
		return link.repair != endpointDisconnect && (link.repair != endpointKeep || link.have.NetworkID != "")
	}
}

// isRewired reports whether the plan changes an interface, with which its routes go.
func (s *EndpointState) isRewired() bool { return s != nil && s.repair != endpointKeep }

// clearRoutes removes the routes that should not be there before anything is
// connected: the engine gives no interface on a subnet that a route leads to.
func (d *deckyPlan) clearRoutes() {
	for _, route := range d.state.Routes {
		if route.Reason == v1alpha1.ReasonRouteExtra {
			id := d.add(&RemoveRoute{Container: d.base(), Route: route.Route}, why{route.Reason, route.detail})
			d.cleared = append(d.cleared, id)
		}
	}
}

// planRoutes sets routes once the interfaces are as they should be.
func (d *deckyPlan) planRoutes() {
	after := d.wired
	if d.baseUp != 0 {
		after = []int{d.baseUp}
	}
	for _, route := range d.state.Routes {
		if route.settable {
			d.add(&SetRoute{Container: d.base(), Route: route.Route}, why{route.Reason, route.detail}, after...)
		}
	}
}

func hopText(via netip.Addr) string {
	if !via.IsValid() {
		return "without a next hop"
	}
	return "via " + via.String()
}
