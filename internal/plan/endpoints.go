// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/model"
)

// assessEndpoints compares the base's interfaces with the desired ones as exact
// sets: an extra one joins segments that must be apart.
func (a *assessment) assessEndpoints() {
	base := a.owned.base
	isKept := base != nil && a.state.Base.repair != repairReplace
	for _, want := range a.desired.Endpoints {
		state := EndpointState{LAN: want.LAN, want: want}
		var have model.Endpoint
		found := false
		if base != nil && want.NetworkID != "" {
			have, found = base.EndpointOn(want.NetworkID)
		}
		switch {
		case want.NetworkID == "":
			state.set(endpointKeep, v1alpha1.ReasonLANNotReady, "", "the network of LAN %q is not there", want.LAN)
		case !found:
			state.set(endpointConnect, v1alpha1.ReasonEndpointMissing, "",
				"%q has no interface on LAN %q", a.desired.Base.Name, want.LAN)
		default:
			a.assessEndpoint(&state, have)
		}
		if isKept {
			a.refuseTakenAddress(&state)
		}
		a.state.Endpoints = append(a.state.Endpoints, state)
	}
	if isKept {
		a.assessExtraEndpoints(*base)
	}
	if a.state.Base.repair == repairAwait {
		a.keepEndpoints()
	}
}

// keepEndpoints leaves the interfaces of a base that has to wait. A stopped one
// leaves those that it should not have all the same: it may wait for a network
// that is rebuilt, which waits until everybody has left the old one.
func (a *assessment) keepEndpoints() {
	base := a.owned.base
	for i := range a.state.Endpoints {
		endpoint := &a.state.Endpoints[i]
		if endpoint.repair != endpointDisconnect || !isStopped(*base) {
			endpoint.repair = endpointKeep
		}
	}
}

// assessEndpoint judges an interface that is there.
func (a *assessment) assessEndpoint(state *EndpointState, have model.Endpoint) {
	want, base := state.want, *a.owned.base
	state.have, state.Address, state.MAC = have, have.Address, have.MAC
	if have.Address == want.Address && !macDiffers(want, have) {
		state.Connected = base.IsRunning()
		return
	}
	detail := wantText("is", endpointText(have.Address, have.MAC), endpointText(want.Address, want.MAC))
	state.set(endpointReconnect, v1alpha1.ReasonAddressDrifted, detail,
		"the interface of %q on LAN %q %s", base.Name, want.LAN, detail)
	if want.NetworkID == a.desired.Base.Home.NetworkID && !isHomeDrift(a.desired.Base, base) {
		state.repair = endpointKeep
		if len(a.state.RecreatePending) > 0 {
			state.Reason = v1alpha1.ReasonRecreatePending
		}
	}
}

// assessExtraEndpoints finds the interfaces that are not desired.
func (a *assessment) assessExtraEndpoints(base model.Container) {
	for _, have := range base.Endpoints {
		isDesired := slices.ContainsFunc(a.desired.Endpoints, func(want model.EndpointSpec) bool {
			return want.NetworkID != "" && want.NetworkID == have.NetworkID
		})
		if isDesired {
			continue
		}
		state := EndpointState{LAN: lanOf(have, a.observed), Address: have.Address, MAC: have.MAC, have: have}
		state.set(endpointDisconnect, v1alpha1.ReasonEndpointExtra, wantText("is", endpointText(have.Address, have.MAC), absent),
			"%q has an interface on %q that it should not have", base.Name, state.LAN)
		a.state.Endpoints = append(a.state.Endpoints, state)
	}
}

// refuseTakenAddress holds back a connect that the engine would refuse because
// a container of another party has the address. One of our own leaves it sooner
// or later, and to wait for it could be to wait for each other.
func (a *assessment) refuseTakenAddress(state *EndpointState) {
	if state.repair != endpointConnect && state.repair != endpointReconnect {
		return
	}
	if block := a.addressHolder(state.want); block != nil {
		state.repair, state.Reason, state.Message = endpointKeep, block.Reason, block.Message
		a.state.obstruct(a.desired.Base.Name, block)
	}
}

func (s *EndpointState) set(repair endpointRepair, reason v1alpha1.Reason, detail, message string, args ...any) {
	s.repair, s.Reason, s.detail, s.Message = repair, reason, detail, fmt.Sprintf(message, args...)
}

// lanOf names the LAN of an endpoint, or the network where no LAN is known.
func lanOf(endpoint model.Endpoint, observed model.Observed) string {
	for _, network := range observed.Networks {
		if network.ID == endpoint.NetworkID && network.Identity.Owner.Kind == model.OwnerLAN {
			return network.Identity.Owner.Name
		}
	}
	return endpoint.NetworkName
}

func endpointText(address netip.Addr, mac string) string {
	text := "without address"
	if address.IsValid() {
		text = address.String()
	}
	return strings.TrimSpace(text + " " + mac)
}
