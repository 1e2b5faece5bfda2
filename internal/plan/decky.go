// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"cmp"
	"slices"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/model"
)

// Decky plans the containers and interfaces of a decky.
func Decky(desired model.DeckySpec, observed model.Observed) Plan {
	d := deckyPlan{
		desired: desired,
		state:   Assess(desired, observed),
		vacated: map[string][]int{},
	}
	for _, obstacle := range d.state.obstacles {
		d.block(obstacle.object, &obstacle.block)
	}
	d.plan.RecreatePending = d.state.RecreatePending
	d.plan.Findings = append(d.plan.Findings, d.state.Findings...)

	d.removeContainers()
	d.planMarks()
	d.clearRoutes()
	d.planBase()
	d.planSysctls()
	d.planRoutes()
	d.planServices()
	return d.plan
}

// RemoveDecky plans the end of a decky: all that is proven to be the owner's
// goes, services first, under whatever name.
func RemoveDecky(owner model.Owner, observed model.Observed) Plan {
	b := &builder{}
	b.plan.KeepGoing = true
	b.removeAll(owner.Owns, why{reason: v1alpha1.ReasonDeleting}, inOrder(observed))
	return b.plan
}

// deckyPlan is a decky's plan in the making.
type deckyPlan struct {
	builder
	desired model.DeckySpec
	state   DeckyState
	// vacated are the ids of the actions after which a name is free, and nothing is
	// left of the container that should have had it.
	vacated map[string][]int
	// cleared are the actions that remove routes.
	cleared []int
	// baseUp is the action after which the base runs; 0 if it does already.
	baseUp int
	// wired are the actions after which the base has its interfaces.
	wired []int
}

// base refers to the base that the plan leads to.
func (d *deckyPlan) base() Ref {
	if kept := d.state.Base.Container; kept != nil && d.state.Base.repair != repairReplace {
		return Ref{ID: kept.ID, Name: d.desired.Base.Name}
	}
	return Ref{Name: d.desired.Base.Name}
}

// removeContainers removes what is extra and what has to be replaced: services
// before the container whose namespace they share.
func (d *deckyPlan) removeContainers() {
	sharers := map[string][]int{}
	remove := func(name string, container model.Container, why why) {
		id := d.removeContainer(d.desired.Owner, container, why, sharers[container.ID]...)
		d.vacate(id, container.Name, name)
		sharers[container.NamespaceOf] = append(sharers[container.NamespaceOf], id)
	}
	for _, service := range d.state.Services {
		if service.repair == repairReplace {
			remove(service.spec.Name, *service.Container, service.why)
		}
	}
	for _, container := range d.state.Extra {
		if container.State != model.StateRemoving {
			remove(container.Name, container, why{v1alpha1.ReasonContainerExtra, "is not desired"})
		}
	}
	switch base := d.state.Base; {
	case base.repair == repairReplace:
		remove(d.desired.Base.Name, *base.Container, base.why)
	case base.Container != nil && base.Container.State == model.StateDead:
		// A dead base may have to wait for a network that is rebuilt, which waits until
		// everybody has left the old one. The engine disconnects none that is dead.
		remove(d.desired.Base.Name, *base.Container, why{v1alpha1.ReasonContainerMissing, "is dead"})
	}
}

// vacate notes that an action makes names free.
func (d *deckyPlan) vacate(id int, names ...string) {
	for _, name := range names {
		d.vacated[name] = append(d.vacated[name], id)
	}
}

// planBase brings up the base with its interfaces. A base that does not run yet
// is connected before its start: the window in which it would lack interfaces
// does not arise, a stale network id cannot keep it from starting, and an
// address that is taken shows at the start, which fails as a connect would.
func (d *deckyPlan) planBase() {
	base := d.state.Base
	ref := d.base()
	created := 0
	switch base.repair {
	case repairCreate, repairReplace:
		created = d.add(&CreateContainer{Spec: d.desired.Base}, base.why, d.vacated[ref.Name]...)
	default:
		if base.Container == nil {
			return
		}
	}
	d.wired = append(d.planEndpoints(ref, created), created)
	switch base.repair {
	case repairCreate, repairReplace, repairStart:
		d.baseUp = d.add(&StartContainer{Container: ref}, base.why, d.wired...)
	case repairNone, repairRestart, repairAwait:
	}
}

// planEndpoints disconnects, then connects. It returns the ids of its actions.
func (d *deckyPlan) planEndpoints(base Ref, created int) []int {
	var ids []int
	// Docker keeps a container's endpoints by the network's name, so a new
	// network can be connected only after its namesake has been left.
	left := map[string]int{}
	if created == 0 {
		for _, endpoint := range d.state.Endpoints {
			if endpoint.repair != endpointDisconnect && endpoint.repair != endpointReconnect {
				continue
			}
			id := d.addDestructive(&Disconnect{
				Owner: d.desired.Owner, Container: base, LAN: endpoint.LAN,
				Network: Ref{ID: endpoint.have.NetworkID, Name: endpoint.have.NetworkName},
			}, disruptionOf(*d.state.Base.Container, DisruptsInterfaces), why{endpoint.Reason, endpoint.detail})
			left[endpoint.have.NetworkName] = id
			ids = append(ids, id)
		}
	}
	for _, endpoint := range d.wanted(created) {
		// On a new base each is missing, also one that the old base had.
		because := why{cmp.Or(endpoint.Reason, v1alpha1.ReasonEndpointMissing), endpointText(endpoint.want.Address, endpoint.want.MAC)}
		if because.reason == v1alpha1.ReasonEndpointMissing {
			because.detail = wantText("is", absent, because.detail)
		}
		after := append(slices.Clone(d.cleared), created, left[endpoint.want.NetworkName])
		id := d.add(&Connect{Container: base, Endpoint: endpoint.want}, because, after...)
		ids = append(ids, id)
	}
	return ids
}

// wanted returns the endpoints to connect. A base that is created gets its home
// with that, and needs all others.
func (d *deckyPlan) wanted(created int) []EndpointState {
	var wanted []EndpointState
	for _, endpoint := range d.state.Endpoints {
		isHome := endpoint.want.NetworkID == d.desired.Base.Home.NetworkID
		switch {
		case endpoint.want.NetworkID == "":
		case created != 0 && !isHome:
			wanted = append(wanted, endpoint)
		case created == 0 && (endpoint.repair == endpointConnect || endpoint.repair == endpointReconnect):
			wanted = append(wanted, endpoint)
		}
	}
	return wanted
}

func (d *deckyPlan) planSysctls() {
	for _, sysctl := range d.state.Sysctls {
		d.add(&SetSysctl{Container: d.base(), Name: sysctl.Name, Value: sysctl.Want},
			why{v1alpha1.ReasonSysctlDrifted, wantText("is", sysctl.Have, sysctl.Want)})
	}
}

// planServices creates and starts services, each for itself.
func (d *deckyPlan) planServices() {
	base := d.base()
	for _, service := range d.state.Services {
		switch service.repair {
		case repairCreate, repairReplace:
			created := d.add(&CreateContainer{Spec: service.spec, NamespaceOf: base}, service.why,
				append(d.vacated[service.spec.Name], d.baseUp)...)
			d.add(&StartContainer{Container: Ref{Name: service.spec.Name}}, service.why, created)
		case repairStart:
			d.add(&StartContainer{Container: service.ref()}, service.why, d.baseUp)
		case repairRestart:
			d.addDestructive(&RestartContainer{Owner: d.desired.Owner, Container: service.ref()},
				DisruptsServices, service.why, d.baseUp)
		case repairNone, repairAwait:
		}
	}
}

// ref refers to the container that is there, by the name that it should have.
func (s ServiceState) ref() Ref { return Ref{ID: s.Container.ID, Name: s.spec.Name} }

// removeAll removes the containers that match: services first, then bases. It
// returns the ids of the removals by container id.
func (b *builder) removeAll(matches func(model.Identity) bool, why why, observed model.Observed) map[string]int {
	removals := map[string]int{}
	byOwner := map[model.Owner][]int{}
	remove := func(container model.Container, after ...int) {
		if container.State == model.StateRemoving {
			b.block(container.Name, removalBlock(why.reason, container))
			return
		}
		id := b.removeContainer(container.Identity.Owner, container, why, after...)
		removals[container.ID] = id
		byOwner[container.Identity.Owner] = append(byOwner[container.Identity.Owner], id)
	}
	for _, isBase := range []bool{false, true} {
		for _, container := range observed.Containers {
			if matches(container.Identity) && (container.Identity.Role == model.RoleBase) == isBase {
				var after []int
				if isBase {
					after = append(after, byOwner[container.Identity.Owner]...)
				}
				remove(container, after...)
			}
		}
	}
	return removals
}
