// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/deckyard/deckyard/internal/model"
	"github.com/deckyard/deckyard/internal/plan"
)

// This file checks what must hold of every plan, whatever is desired and
// whatever was seen. That a plan, once applied, leaves nothing to do is checked
// where it can be applied: in package apply.

// drawDecky draws a desired decky and an engine on which much may have happened.
func drawDecky(t *rapid.T) (model.DeckySpec, model.Observed) {
	desired := web()
	observed := converged(desired)
	w := world{&observed}
	for range rapid.IntRange(0, 6).Draw(t, "accidents") {
		drawAccident(t, w)
	}
	for range rapid.IntRange(0, 4).Draw(t, "edits") {
		drawEdit(t, &desired)
	}
	desired.MayRecreateBase = rapid.Bool().Draw(t, "consent")
	seal(&desired)
	return desired, w.sorted()
}

func drawEdit(t *rapid.T, desired *model.DeckySpec) {
	edits := []func(*model.DeckySpec){
		hostname, homeAddress, newerBuiltIn,
		withoutOffice,
		func(d *model.DeckySpec) { d.Endpoints = d.Endpoints[:1] },
		func(d *model.DeckySpec) { d.Routes = d.Routes[:1] },
		func(d *model.DeckySpec) {
			d.Routes = []model.Route{{Destination: toLab().Destination, Via: defaultRoute().Via}}
		},
		func(d *model.DeckySpec) { d.Endpoints = append(d.Endpoints[:1:1], endpoint("lab", 3, 9)) },
		func(d *model.DeckySpec) { d.Services = d.Services[:1] },
		func(d *model.DeckySpec) { d.Services = append(d.Services[:1:1], service("telnet", 23)) },
		func(d *model.DeckySpec) { d.Services[0].Env = []string{"OTHER=1"} },
		func(d *model.DeckySpec) { d.Endpoints[0].NetworkID, d.Base.Home.NetworkID = "", "" },
	}
	index := rapid.IntRange(0, len(edits)-1).Draw(t, "edit")
	if len(desired.Services) < 2 && index == 2 {
		return
	}
	edits[index](desired)
}

var identities = []model.Identity{
	{},
	strangeIdentity("instance-b"),
	strangeIdentity(instance),
	{Owner: owner(model.OwnerDecky, "web"), Role: model.RoleBase},
	{Owner: owner(model.OwnerDecky, "web"), Role: model.RoleService, Service: "ssh"},
	{Owner: owner(model.OwnerLAN, "dmz"), Role: model.RoleNetwork},
}

var states = []model.State{
	model.StateCreated, model.StateRunning, model.StateRestarting, model.StatePaused,
	model.StateExited, model.StateDead, model.StateRemoving,
}

var endpoints = []model.Endpoint{
	seenEndpoint(endpoint("dmz", 1, 9)), seenEndpoint(endpoint("dmz", 1, 200)),
	seenEndpoint(endpoint("office", 2, 9)), seenEndpoint(endpoint("office", 2, 200)),
	seenEndpoint(endpoint("lab", 3, 9)),
	{NetworkID: "id-bridge", NetworkName: "bridge"},
	{NetworkID: "id-old-office", NetworkName: "lab_acme_office", Address: netip.MustParseAddr("10.0.2.9")},
}

// drawAccident changes, adds or removes one object.
func drawAccident(t *rapid.T, w world) {
	if rapid.IntRange(0, 5).Draw(t, "filter accident") == 0 {
		drawFilterAccident(t, w)
		return
	}
	if len(w.Containers) == 0 || rapid.IntRange(0, 3).Draw(t, "addition") == 0 {
		drawAddition(t, w)
		return
	}
	index := rapid.IntRange(0, len(w.Containers)-1).Draw(t, "container")
	container := &w.Containers[index]
	switch rapid.IntRange(0, 8).Draw(t, "accident") {
	case 0:
		w.Containers = slices.Delete(w.Containers, index, index+1)
	case 1:
		container.State = rapid.SampledFrom(states).Draw(t, "state")
	case 2:
		container.StartedAt = started.Add(time.Duration(rapid.IntRange(-5, 5).Draw(t, "seconds")) * time.Second)
	case 3:
		container.NamespaceOf = rapid.SampledFrom([]string{"", "id-base", "id-old-base"}).Draw(t, "namespace")
	case 4:
		container.Identity.SpecHash = rapid.SampledFrom([]string{"", "v0:1", "v1:1"}).Draw(t, "hash")
	case 5:
		if name := rapid.SampledFrom([]string{"renamed", "lab_acme_web", "lab_acme_web_ssh"}).Draw(t, "name"); !w.isTaken(name) {
			container.Name = name
		}
	case 6:
		container.Endpoints = drawEndpoints(t)
	case 7:
		drawReroute(t, w)
	case 8:
		container.RestartPolicy = rapid.SampledFrom([]string{"", "no", model.RestartPolicy}).Draw(t, "restart policy")
	}
}

// drawReroute removes the routes of the base, or adds one.
func drawReroute(t *rapid.T, w world) {
	if rapid.Bool().Draw(t, "no routes") {
		delete(w.Namespaces, "id-base")
		w.reroute(isNone)
		return
	}
	w.reroute(isNone, model.Route{
		Destination: rapid.SampledFrom([]netip.Prefix{toLab().Destination, defaultRoute().Destination}).Draw(t, "destination"),
		Via:         rapid.SampledFrom([]netip.Addr{{}, netip.MustParseAddr("10.0.2.1"), netip.MustParseAddr("10.0.9.1")}).Draw(t, "via"),
	})
}

func drawFilterAccident(t *rapid.T, w world) {
	switch rapid.IntRange(0, 2).Draw(t, "kind of filter accident") {
	case 0:
		w.Filters = nil
	case 1:
		for i := range w.Filters {
			w.Filters[i].Intact = false
		}
	case 2:
		w.Filters, w.FirewallFault = nil, "it is not to be had"
	}
}

// drawEndpoints draws at most one endpoint per network.
func drawEndpoints(t *rapid.T) []model.Endpoint {
	return rapid.SliceOfNDistinct(rapid.SampledFrom(endpoints), 0, 3,
		func(endpoint model.Endpoint) string { return endpoint.NetworkName }).Draw(t, "endpoints")
}

func drawAddition(t *rapid.T, w world) {
	identity := rapid.SampledFrom(identities).Draw(t, "identity")
	if rapid.Bool().Draw(t, "of filter rules") {
		added := seenFilter(network("dmz", 1))
		added.Owner, added.Owner.Topology = identity.Owner, ""
		added.Intact = rapid.Bool().Draw(t, "intact")
		added.Bridge = rapid.SampledFrom([]string{added.Bridge, "br-other"}).Draw(t, "bridge")
		// Rules of one owner and bridge are one filter.
		w.Filters = slices.DeleteFunc(w.Filters, func(filter model.Filter) bool {
			return filter.Owner == added.Owner && filter.Bridge == added.Bridge
		})
		w.Filters = append(w.Filters, added)
		return
	}
	if rapid.Bool().Draw(t, "of a network") {
		added := seenNetwork(fmt.Sprintf("id-added-%d", len(w.Networks)), network(rapid.SampledFrom([]string{"dmz", "lab"}).Draw(t, "lan"), 4))
		added.Identity = identity
		w.Networks = append(w.Networks, added)
		return
	}
	name := rapid.SampledFrom([]string{"lab_acme_web", "lab_acme_web_http", "lab_acme_web_telnet", "other"}).Draw(t, "name")
	if w.isTaken(name) {
		return
	}
	w.Containers = append(w.Containers, model.Container{
		ID:        w.freshID(name),
		Name:      name,
		Identity:  identity,
		State:     rapid.SampledFrom(states).Draw(t, "state"),
		Endpoints: drawEndpoints(t),
	})
}

// TestDeckyPlansAreSound is Scenario 59 among others, for any engine.
func TestDeckyPlansAreSound(t *testing.T) {
	t.Parallel()
	rapid.Check(t, checkDeckyPlans)
}

// FuzzDeckyPlans looks for such engines by what they make the planner do.
func FuzzDeckyPlans(f *testing.F) { f.Fuzz(rapid.MakeFuzz(checkDeckyPlans)) }

func checkDeckyPlans(t *rapid.T) {
	desired, observed := drawDecky(t)
	planned := plan.Decky(desired, observed)
	isOwner := func(owner model.Owner) bool { return owner == desired.Owner }
	checkSound(t, planned, observed, isOwner)
	checkOrder(t, planned, plan.Decky(desired, shuffled(t, observed)))
	if state := plan.Assess(desired, observed); state.InSync() && !planned.Empty() {
		t.Fatalf("in sync, and yet:\n%s", planned)
	}
	checkSound(t, plan.RemoveDecky(desired.Owner, observed), observed, isOwner)
}

func TestNetworkPlansAreSound(t *testing.T) {
	t.Parallel()
	rapid.Check(t, checkNetworkPlans)
}

// FuzzNetworkPlans looks for such engines by what they make the planner do.
func FuzzNetworkPlans(f *testing.F) { f.Fuzz(rapid.MakeFuzz(checkNetworkPlans)) }

func checkNetworkPlans(t *rapid.T) {
	_, observed := drawDecky(t)
	desired := network("dmz", 1)
	if rapid.Bool().Draw(t, "changed") {
		desired.MTU = 9000
	}
	isOwner := func(owner model.Owner) bool { return owner == desired.Identity.Owner }
	for _, decide := range []func(model.Observed) plan.Plan{
		func(observed model.Observed) plan.Plan { return plan.Network(desired, observed) },
		func(observed model.Observed) plan.Plan { return plan.RemoveNetworks(desired.Identity.Owner, observed) },
	} {
		planned := decide(observed)
		checkSound(t, planned, observed, isOwner)
		checkOrder(t, planned, decide(shuffled(t, observed)))
	}
}

// TestSweepsAreSound is Scenario 75: a sweep touches nothing of another instance
// and nothing of an owner that lives.
func TestSweepsAreSound(t *testing.T) {
	t.Parallel()

	rapid.Check(t, func(t *rapid.T) {
		_, observed := drawDecky(t)
		alive := map[string]bool{"uid-web": rapid.Bool().Draw(t, "web lives"), "uid-dmz": rapid.Bool().Draw(t, "dmz lives")}
		planned := plan.Orphans(observed, instance, alive)
		checkSound(t, planned, observed, func(owner model.Owner) bool { return owner.Instance == instance && !alive[owner.UID] })
		checkOrder(t, planned, plan.Orphans(shuffled(t, observed), instance, alive))
	})
}

// freshID returns an id that no container has: the engine gives none twice.
func (w world) freshID(name string) string {
	for number := 0; ; number++ {
		id := fmt.Sprintf("id-added-%d-%s", number, name)
		if !slices.ContainsFunc(w.Containers, func(container model.Container) bool { return container.ID == id }) {
			return id
		}
	}
}

// isTaken reports whether a container has a name: the engine lets no two have one.
func (w world) isTaken(name string) bool {
	return slices.ContainsFunc(w.Containers, func(container model.Container) bool { return container.Name == name })
}

func shuffled(t *rapid.T, observed model.Observed) model.Observed {
	observed.Containers = rapid.Permutation(observed.Containers).Draw(t, "containers")
	observed.Networks = rapid.Permutation(observed.Networks).Draw(t, "networks")
	observed.Filters = rapid.Permutation(observed.Filters).Draw(t, "filters")
	return observed
}

func checkOrder(t *rapid.T, planned, again plan.Plan) {
	if planned.String() != again.String() {
		t.Fatalf("the plan depends on the order of the observation:\n%s\n%s", planned, again)
	}
}

// checkSound checks numbers, references, ownership, and that nothing is taken
// away from under something else.
func checkSound(t *rapid.T, planned plan.Plan, observed model.Observed, isOwner func(model.Owner) bool) {
	c := soundness{t: t, planned: planned, observed: observed, isOwner: isOwner, created: map[string]int{}, removed: map[string]int{}, renamed: map[string]int{}, filtered: map[string]int{}}
	for i, action := range planned.Actions {
		meta := action.Common()
		if meta.ID != i+1 || meta.Reason == "" {
			t.Fatalf("action %d has number %d and reason %q:\n%s", i+1, meta.ID, meta.Reason, planned)
		}
		for _, id := range meta.After {
			if id < 1 || id >= meta.ID {
				t.Fatalf("action %d follows %d:\n%s", meta.ID, id, planned)
			}
		}
		c.check(action)
	}
}

type soundness struct {
	t                *rapid.T
	planned          plan.Plan
	observed         model.Observed
	isOwner          func(model.Owner) bool
	created, removed map[string]int
	// renamed holds the actions that rename containers, by id.
	renamed map[string]int
	// filtered holds the actions that set filter rules, by bridge.
	filtered map[string]int
}

func (c *soundness) check(action plan.Action) {
	switch action := action.(type) {
	case *plan.CreateContainer:
		c.checkNameIsFree(action.Spec.Name, action.Common())
		c.created[action.Spec.Name] = action.ID
		if action.NamespaceOf != (plan.Ref{}) {
			c.checkContainer(action.NamespaceOf, action.Common())
		}
	case *plan.RemoveContainer:
		c.checkContainer(action.Container, action.Common())
		c.removed[action.Container.ID] = action.ID
	case *plan.StartContainer:
		c.checkContainer(action.Container, action.Common())
	case *plan.RestartContainer:
		c.checkContainer(action.Container, action.Common())
	case *plan.RenameContainer:
		c.checkNameIsFree(action.Container.Name, action.Common())
		c.checkContainer(action.Container, action.Common())
		c.renamed[action.Container.ID] = action.ID
	case *plan.ResetRestartPolicy:
		c.checkContainer(action.Container, action.Common())
	case *plan.Connect:
		c.checkContainer(action.Container, action.Common())
		c.checkCleared(action.Common())
	case *plan.Disconnect:
		c.checkContainer(action.Container, action.Common())
	case *plan.SetSysctl:
		c.checkContainer(action.Container, action.Common())
	case *plan.SetRoute:
		c.checkContainer(action.Container, action.Common())
		c.checkRewired(action.Common())
	case *plan.RemoveRoute:
		c.checkContainer(action.Container, action.Common())
	case *plan.RemoveNetwork:
		c.checkNetworkRemoval(action)
	case *plan.CreateNetwork:
		c.checkFilterIsThere(action)
	case *plan.SetFilter:
		c.filtered[action.Spec.Bridge] = action.ID
		if !c.isOwner(action.Spec.Owner) || c.observed.FirewallFault != "" {
			c.t.Fatalf("action %d sets filter rules that are not the owner's, or cannot be set:\n%s", action.ID, c.planned)
		}
	case *plan.RemoveFilter:
		c.checkFilterRemoval(action)
	}
}

// checkFilterIsThere checks that no bridge is there before its rules are.
func (c *soundness) checkFilterIsThere(action *plan.CreateNetwork) {
	filtered := slices.ContainsFunc(c.observed.Filters, func(filter model.Filter) bool {
		return filter.Intact && filter.Bridge == action.Spec.Bridge && filter.Policy == action.Spec.Filter &&
			action.Spec.Identity.Owner.Owns(filter.Identity())
	})
	if set := c.filtered[action.Spec.Bridge]; !filtered && (set == 0 || !c.follows(action.ID, set)) {
		c.t.Fatalf("action %d creates a network without filter rules:\n%s", action.ID, c.planned)
	}
}

// checkFilterRemoval checks that rules are the owner's, and that no network of
// the owner is left on their bridge.
func (c *soundness) checkFilterRemoval(action *plan.RemoveFilter) {
	seen := slices.ContainsFunc(c.observed.Filters, func(filter model.Filter) bool {
		return filter.Bridge == action.Bridge && action.Owner.Owns(filter.Identity())
	})
	if !seen || !c.isOwnerOfFilter(action.Owner) {
		c.t.Fatalf("action %d removes filter rules that are not the owner's:\n%s", action.ID, c.planned)
	}
	for _, network := range c.observed.Networks {
		if network.Bridge != action.Bridge || !action.Owner.Owns(network.Identity) {
			continue
		}
		if removal := c.removed[network.ID]; removal == 0 || !c.follows(action.ID, removal) {
			c.t.Fatalf("action %d leaves network %s without filter rules:\n%s", action.ID, network.ID, c.planned)
		}
	}
}

// isOwnerOfFilter knows an owner also by what rules say, which is not the topology.
func (c *soundness) isOwnerOfFilter(owner model.Owner) bool {
	withTopology := owner
	withTopology.Topology = "acme"
	return c.isOwner(owner) || c.isOwner(withTopology)
}

// checkCleared checks that an interface comes after all routes that go: one may
// lead to its subnet.
func (c *soundness) checkCleared(meta *plan.Meta) {
	for _, action := range c.planned.Actions {
		if removal, ok := action.(*plan.RemoveRoute); ok && !c.follows(meta.ID, removal.ID) {
			c.t.Fatalf("action %d does not follow %d:\n%s", meta.ID, removal.ID, c.planned)
		}
	}
}

// checkRewired checks that a route is set after all changes of interfaces.
func (c *soundness) checkRewired(meta *plan.Meta) {
	for _, action := range c.planned.Actions {
		switch action.(type) {
		case *plan.Connect, *plan.Disconnect:
			if !c.follows(meta.ID, action.Common().ID) {
				c.t.Fatalf("action %d does not follow %d:\n%s", meta.ID, action.Common().ID, c.planned)
			}
		}
	}
}

// checkContainer checks that a reference leads to a container of the owner, or
// to one that the plan creates before.
func (c *soundness) checkContainer(ref plan.Ref, meta *plan.Meta) {
	if ref.ID == "" {
		if created := c.created[ref.Name]; created == 0 || !c.follows(meta.ID, created) {
			c.t.Fatalf("action %d does not follow the creation of %s:\n%s", meta.ID, ref.Name, c.planned)
		}
		return
	}
	index := slices.IndexFunc(c.observed.Containers, func(container model.Container) bool { return container.ID == ref.ID })
	if index < 0 || !c.isOwner(c.observed.Containers[index].Identity.Owner) {
		c.t.Fatalf("action %d is on a container that is not the owner's:\n%s", meta.ID, c.planned)
	}
}

// checkNameIsFree checks that whatever bears the name is removed or renamed before.
func (c *soundness) checkNameIsFree(name string, meta *plan.Meta) {
	for _, container := range c.observed.Containers {
		if container.Name != name {
			continue
		}
		if vacated := cmp.Or(c.removed[container.ID], c.renamed[container.ID]); vacated == 0 || !c.follows(meta.ID, vacated) {
			c.t.Fatalf("action %d creates %s, whose name %s has:\n%s", meta.ID, name, container.ID, c.planned)
		}
	}
}

// checkNetworkRemoval checks that a network is the owner's, and left by all.
func (c *soundness) checkNetworkRemoval(action *plan.RemoveNetwork) {
	index := slices.IndexFunc(c.observed.Networks, func(network model.Network) bool { return network.ID == action.Network.ID })
	if index < 0 || !c.isOwner(c.observed.Networks[index].Identity.Owner) {
		c.t.Fatalf("action %d removes a network that is not the owner's:\n%s", action.ID, c.planned)
	}
	c.removed[action.Network.ID] = action.ID
	for _, container := range c.observed.Attached(action.Network.ID) {
		if removal := c.removed[container.ID]; removal == 0 || !c.follows(action.ID, removal) {
			c.t.Fatalf("action %d removes a network that %s is on:\n%s", action.ID, container.ID, c.planned)
		}
	}
}

// follows reports whether an action comes after another by the plan's own rules.
func (c *soundness) follows(id, earlier int) bool {
	after := c.planned.Actions[id-1].Common().After
	return slices.Contains(after, earlier) ||
		slices.ContainsFunc(after, func(between int) bool { return c.follows(between, earlier) })
}
