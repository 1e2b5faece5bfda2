// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package apply_test

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/deckyard/deckyard/internal/engine/fake"
	"github.com/deckyard/deckyard/internal/model"
)

// TestWorldsConverge is Scenarios 22, 48, 53, 59, 60, 63 and 83 in any
// combination: whatever the LANs and deckies are, and whatever is edited or done
// by hand, what was planned and applied leaves an empty plan, the engine refuses
// no action for its place in the order, no foreign object is changed, and no
// base that runs is replaced or restarted without consent.
func TestWorldsConverge(t *testing.T) {
	t.Parallel()

	rapid.Check(t, func(rt *rapid.T) {
		l := drawLab(rt)
		hand := l.engine.ByHand(rt)
		addStrangers(hand)
		l.convergeAlone()

		for range rapid.IntRange(1, 2).Draw(rt, "rounds") {
			for range rapid.IntRange(0, 3).Draw(rt, "accidents") {
				l.drawAccident(rt, hand)
			}
			for range rapid.IntRange(0, 3).Draw(rt, "edits") {
				l.drawDeckyEdit(rt)
			}
			l.convergeAlone()
		}
		l.engine.ForgetWrites()
		l.exhaust()
		if writes := l.engine.Writes(); len(writes) > 0 {
			rt.Errorf("writes on what has converged: %v", writes)
		}
	})
}

// drawLab draws one to four LANs and one to three deckies on some of them.
func drawLab(rt *rapid.T) *lab {
	l := &lab{t: rt, engine: fake.New(fake.WithImages(builtIn), fake.WithEndpointMAC())}
	for n, name := range []string{"dmz", "office", "lab", "plant"}[:rapid.IntRange(1, 4).Draw(rt, "LANs")] {
		l.networks = append(l.networks, network(name, byte(n+1)))
	}
	names := []string{"web", "files", "web-ssh"}
	for i, name := range names[:rapid.IntRange(1, len(names)).Draw(rt, "deckies")] {
		l.neighbours = append(l.neighbours, l.drawDecky(rt, name, byte(i+9)))
	}
	l.decky, l.neighbours = l.neighbours[0], l.neighbours[1:]
	return l
}

// drawDecky draws a decky with its LANs, its services and whether it may be
// recreated.
func (l *lab) drawDecky(rt *rapid.T, name string, host byte) model.DeckySpec {
	desired := decky(name, host)
	desired.Endpoints = nil
	places := rapid.Permutation(l.networks).Draw(rt, "LANs of "+name)
	for _, place := range places[:rapid.IntRange(1, len(places)).Draw(rt, "interfaces")] {
		desired.Endpoints = append(desired.Endpoints, endpointOn(place, host))
	}
	if rapid.Bool().Draw(rt, "MAC address") {
		desired.Endpoints[0].MAC = fmt.Sprintf("02:1a:4b:00:00:%02x", host)
	}
	desired.Base.Home = desired.Endpoints[0]
	desired.Services = desired.Services[:rapid.IntRange(0, len(desired.Services)).Draw(rt, "services")]
	desired.MayRecreateBase = rapid.Bool().Draw(rt, "consent")
	desired.Base.Sysctls = map[string]string{model.SysctlIPForward: rapid.SampledFrom([]string{"0", "1"}).Draw(rt, "forwarding")}
	drawRoutes(rt, &desired)
	seal(&desired)
	return desired
}

func endpointOn(place model.NetworkSpec, host byte) model.EndpointSpec {
	address := place.Subnet.Addr().As4()
	address[3] = host
	return model.EndpointSpec{NetworkName: place.Name, LAN: place.Identity.Owner.Name, Address: netip.AddrFrom4(address)}
}

// drawRoutes gives a decky the engine's way out or none, and a route to a LAN
// that is not its own.
func drawRoutes(rt *rapid.T, desired *model.DeckySpec) {
	desired.Routes = nil
	for _, endpoint := range desired.Endpoints {
		if endpoint.LAN == "dmz" && rapid.Bool().Draw(rt, "way out") {
			desired.Routes = append(desired.Routes, model.Route{Destination: netip.MustParsePrefix("0.0.0.0/0"), Via: netip.MustParseAddr("10.0.1.1")})
		}
	}
	if rapid.Bool().Draw(rt, "route") {
		via := rapid.SampledFrom(desired.Endpoints).Draw(rt, "over").Address.As4()
		via[3] = 77
		desired.Routes = append(desired.Routes, model.Route{Destination: netip.MustParsePrefix("10.0.9.0/24"), Via: netip.AddrFrom4(via)})
	}
}

// drawDeckyEdit changes the spec of one decky, or the MTU of a LAN.
func (l *lab) drawDeckyEdit(rt *rapid.T) {
	all := l.deckies()
	index := rapid.IntRange(0, len(all)-1).Draw(rt, "decky")
	desired := &all[index]
	switch rapid.SampledFrom([]string{"hostname", "consent", "home", "interfaces", "routes", "forwarding", "config", "service", "MTU"}).Draw(rt, "edit") {
	case "hostname":
		desired.Base.Hostname = rapid.SampledFrom([]string{"www", "mail"}).Draw(rt, "hostname")
	case "consent":
		desired.MayRecreateBase = !desired.MayRecreateBase
	case "home":
		address := desired.Base.Home.Address.As4()
		address[3] += 100
		desired.Base.Home.Address = netip.AddrFrom4(address)
		desired.Endpoints = append([]model.EndpointSpec{desired.Base.Home}, desired.Endpoints[1:]...)
	case "interfaces":
		desired.Endpoints = desired.Endpoints[:1]
		drawRoutes(rt, desired)
	case "routes":
		drawRoutes(rt, desired)
	case "forwarding":
		desired.Base.Sysctls = map[string]string{model.SysctlIPForward: rapid.SampledFrom([]string{"0", "1"}).Draw(rt, "forwarding")}
	case "config":
		desired.Services = slices.Clone(desired.Services)
		for i := range desired.Services {
			desired.Services[i].Env = []string{rapid.SampledFrom([]string{"BANNER=x", "BANNER=y"}).Draw(rt, "environment")}
		}
	case "service":
		desired.Services = desired.Services[:rapid.IntRange(0, len(desired.Services)).Draw(rt, "services")]
	case "MTU":
		place := &l.networks[rapid.IntRange(0, len(l.networks)-1).Draw(rt, "LAN")]
		place.MTU = rapid.SampledFrom([]int{1400, 9000}).Draw(rt, "MTU")
		place.Identity.SpecHash = model.HashNetwork(*place)
	}
	seal(desired)
	l.decky, l.neighbours = all[0], all[1:]
}

// addStrangers puts on the engine what is not ours: a running container, a
// stopped one, a network, and what bears another instance's labels.
func addStrangers(hand fake.Hand) {
	bridge := model.EndpointSpec{NetworkName: "bridge"}
	hand.AddContainer(model.ContainerSpec{Name: "stranger", Image: "nginx", Home: bridge})
	hand.AddContainer(model.ContainerSpec{Name: "stopped", Image: "nginx", Home: bridge})
	hand.Stop("stopped")
	theirs := network("theirs", 200)
	theirs.Identity = model.Identity{}
	hand.AddNetwork(theirs)
	others := owner(model.OwnerDecky, "web")
	others.Instance = "instance-b"
	hand.AddContainer(model.ContainerSpec{
		Name: "lab_other_web", Image: "nginx", Home: model.EndpointSpec{NetworkName: theirs.Name},
		Identity: model.Identity{Owner: others, Role: model.RoleBase},
	})
}

// convergeAlone converges, and checks that nothing changes which is not ours, and
// no base that runs and may not be recreated.
func (l *lab) convergeAlone() {
	l.t.Helper()
	before := l.outOfReach()
	l.converge()
	after := l.outOfReach()
	if !reflect.DeepEqual(before.strangers, after.strangers) {
		equate := cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{})
		l.t.Errorf("foreign objects changed (-before +after):\n%s", cmp.Diff(before.strangers, after.strangers, equate))
	}
	for id, started := range before.bases {
		if after.bases[id] != started {
			l.t.Errorf("base %s ran since %v, and now since %v", id, started, after.bases[id])
		}
	}
}

// outOfReach is what a plan must leave as it is.
type outOfReach struct {
	strangers model.Observed
	// bases says since when those run that may not be recreated, by id.
	bases map[string]time.Time
}

func (l *lab) outOfReach() outOfReach {
	seen := outOfReach{bases: map[string]time.Time{}}
	mayRecreate := map[model.Owner]bool{}
	for _, decky := range l.deckies() {
		mayRecreate[decky.Owner] = decky.MayRecreateBase
	}
	observed := l.observe()
	for _, container := range observed.Containers {
		switch {
		case !container.Identity.BelongsTo("instance-a"):
			seen.strangers.Containers = append(seen.strangers.Containers, container)
		case container.Identity.Role == model.RoleBase && container.IsRunning() && !mayRecreate[container.Identity.Owner]:
			seen.bases[container.ID] = container.StartedAt
		}
	}
	for _, network := range observed.Networks {
		if !network.Identity.BelongsTo("instance-a") {
			seen.strangers.Networks = append(seen.strangers.Networks, network)
		}
	}
	return seen
}
