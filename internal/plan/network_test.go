// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"net/netip"
	"testing"

	"github.com/deckyard/deckyard/internal/model"
	"github.com/deckyard/deckyard/internal/plan"
)

// networkCase is an engine without deckies, changed; the LAN is dmz.
type networkCase struct {
	spec   func(*model.NetworkSpec)
	engine func(world)
}

func (c networkCase) build() (model.NetworkSpec, model.Observed) {
	desired := network("dmz", 1)
	office := network("office", 2)
	observed := model.Observed{
		Networks: []model.Network{seenNetwork("id-dmz", desired), seenNetwork("id-office", office)},
		Filters:  []model.Filter{seenFilter(desired), seenFilter(office)},
	}
	w := world{&observed}
	if c.engine != nil {
		c.engine(w)
	}
	if c.spec != nil {
		c.spec(&desired)
		desired.Identity.SpecHash = model.HashNetwork(desired)
	}
	return desired, w.sorted()
}

func (w world) withoutDMZ() { w.Networks = w.Networks[1:] }

func (w world) withoutDMZFilter() { w.Filters = w.Filters[1:] }

func (w world) withoutFirewall() {
	w.Filters, w.FirewallFault = nil, "the operator lacks the capability NET_ADMIN"
}

// visit connects containers to dmz.
func (w world) visit(identity model.Identity, names ...string) {
	for _, name := range names {
		w.foreign(name, model.Endpoint{NetworkID: "id-dmz", NetworkName: "lab_acme_dmz"}).Identity = identity
	}
}

func corporate(id, name, subnet string) model.Network {
	return model.Network{ID: id, Name: name, Driver: "bridge", Subnets: []netip.Prefix{netip.MustParsePrefix(subnet)}}
}

func ours(decky string) model.Identity {
	return model.Identity{Owner: owner(model.OwnerDecky, decky), Role: model.RoleBase}
}

func lostNetwork(spec model.NetworkSpec) model.Network {
	lost := seenNetwork("id-lost", spec)
	lost.Identity.Owner.Instance, lost.Identity.Owner.UID = "instance-b", "uid-lost"
	return lost
}

// TestPlanOfANetwork is Scenarios 9, 10, 11, 12, 16, 59 and 85.
func TestPlanOfANetwork(t *testing.T) {
	t.Parallel()

	mtu := func(spec *model.NetworkSpec) { spec.MTU = 9000 }
	tests := map[string]networkCase{
		"adopted": {},
		"missing": {engine: world.withoutDMZ},
		"missing-is-1-of-10": {engine: func(w world) {
			w.withoutDMZ()
			w.Networks[0] = seenNetwork("id-dmz0", network("dmz0", 9))
		}},
		"driver":                  {spec: func(spec *model.NetworkSpec) { spec.Driver = "macvlan" }},
		"subnet":                  {spec: func(spec *model.NetworkSpec) { *spec = network("dmz", 7) }},
		"gateway":                 {spec: func(spec *model.NetworkSpec) { spec.Gateway = netip.MustParseAddr("10.0.1.254") }},
		"internal":                {spec: func(spec *model.NetworkSpec) { spec.Internal = true }},
		"masquerade":              {spec: func(spec *model.NetworkSpec) { spec.Masquerade = true }},
		"mtu":                     {spec: mtu},
		"changed-by-hand":         {engine: func(w world) { w.Networks[0].Internal = true }},
		"hash":                    {engine: func(w world) { w.Networks[0].Identity.SpecHash = "v1:00000000ff" }},
		"hash-of-another-version": {engine: func(w world) { w.Networks[0].Identity.SpecHash = "v0:00000000ff" }},
		"mtu-draining":            {spec: mtu, engine: func(w world) { w.visit(ours("web"), "lab_acme_web", "lab_acme_db") }},
		"mtu-with-foreign-endpoint": {spec: mtu, engine: func(w world) {
			w.visit(model.Identity{}, "stranger")
			w.visit(ours("web"), "lab_acme_web")
		}},
		"foreign-endpoint-on-a-right-network": {engine: func(w world) { w.visit(model.Identity{}, "stranger") }},
		"renamed-copy":                        {engine: func(w world) { w.Networks[0].Name = "copy" }},
		"duplicate":                           {engine: func(w world) { w.duplicate("id-dmz-2") }},
		"duplicate-with-endpoints": {engine: func(w world) {
			w.duplicate("id-a")
			w.visit(ours("web"), "lab_acme_web")
		}},
		"duplicates-both-used": {engine: func(w world) {
			w.duplicate("id-a")
			w.visit(ours("web"), "lab_acme_web")
			w.visit(ours("db"), "lab_acme_db")
			w.foreign("lab_acme_x", model.Endpoint{NetworkID: "id-a", NetworkName: "lab_acme_dmz"}).Identity = ours("x")
		}},
		"foreign-name": {engine: func(w world) {
			w.withoutDMZ()
			w.Networks = append(w.Networks, corporate("id-foreign", "lab_acme_dmz", "192.168.0.0/24"))
		}},
		"foreign-name-beside-ours": {engine: func(w world) {
			w.Networks = append(w.Networks, corporate("id-foreign", "lab_acme_dmz", "192.168.0.0/24"))
		}},
		"name-of-another-instance": {engine: func(w world) {
			w.withoutDMZ()
			w.Networks = append(w.Networks, lostNetwork(network("dmz", 1)))
		}},
		"overlap-with-a-foreign-network": {engine: func(w world) {
			w.withoutDMZ()
			w.Networks = append(w.Networks, corporate("id-corp", "corp", "10.0.0.0/16"))
		}},
		"overlap-with-another-instance": {engine: func(w world) {
			w.withoutDMZ()
			lost := lostNetwork(network("lost", 1))
			w.Networks = append(w.Networks, lost)
		}},
		"overlap-with-a-sibling": {engine: func(w world) {
			w.withoutDMZ()
			w.Networks = append(w.Networks, seenNetwork("id-old", network("old", 1)))
		}},
		"overlap-with-a-route": {engine: func(w world) {
			w.withoutDMZ()
			w.Routes = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
		}},
		"overlap-after-creation-is-no-reason": {engine: func(w world) {
			w.Routes = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
		}},
		"nothing-is-there": {engine: func(w world) {
			w.withoutDMZ()
			w.withoutDMZFilter()
		}},
		"blocked-and-nothing-is-there": {engine: func(w world) {
			w.withoutDMZ()
			w.withoutDMZFilter()
			w.Networks = append(w.Networks, corporate("id-corp", "corp", "10.0.0.0/16"))
		}},
		"filter-missing": {engine: world.withoutDMZFilter},
		"filter-missing-beside-a-foreign-name": {engine: func(w world) {
			w.withoutDMZFilter()
			w.Networks = append(w.Networks, corporate("id-foreign", "lab_acme_dmz", "192.168.0.0/24"))
		}},
		"filter-damaged":             {engine: func(w world) { w.Filters[0].Intact, w.Filters[0].Policy = false, model.FilterPolicy{} }},
		"filter-policy":              {spec: func(spec *model.NetworkSpec) { spec.Filter.RoutedFrames = true }},
		"filter-of-another-bridge":   {engine: func(w world) { w.Filters[0].Bridge = "br-other" }},
		"filter-of-another-instance": {engine: func(w world) { w.Filters[0].Owner.Instance = "instance-b" }},
		"filter-missing-draining": {spec: mtu, engine: func(w world) {
			w.withoutDMZFilter()
			w.visit(ours("web"), "lab_acme_web")
		}},
		"bridge-of-the-engine": {engine: func(w world) { w.Networks[0].Bridge = "" }},
		"host-is-there":        {spec: func(spec *model.NetworkSpec) { spec.HostAbsent = true }},
		"firewall-unavailable": {engine: world.withoutFirewall},
		"firewall-unavailable-and-nothing-is-there": {engine: func(w world) {
			w.withoutFirewall()
			w.withoutDMZ()
		}},
		"changed-and-new-subnet-is-taken": {spec: func(spec *model.NetworkSpec) { *spec = network("dmz", 2) }},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			desired, observed := tc.build()
			planned := plan.Network(desired, observed)
			checkGolden(t, "network-"+name, planned)
			if _, found := plan.CurrentNetwork(desired, observed); planned.Empty() && !found {
				t.Error("nothing to do, but there is no current network")
			}
		})
	}
}

func (w world) duplicate(id string) {
	duplicate := w.Networks[0]
	duplicate.ID = id
	w.Networks = append(w.Networks, duplicate)
}

// TestRemoveNetworks is Scenarios 11 and 14, and the LAN's part of Scenario 57.
func TestRemoveNetworks(t *testing.T) {
	t.Parallel()

	tests := map[string]func(world){
		"empty":   func(world) {},
		"gone":    world.withoutDMZ,
		"renamed": func(w world) { w.Networks[0].Name = "copy" },
		"gone-with-filter": func(w world) {
			w.withoutDMZ()
			w.withoutDMZFilter()
		},
		"filter-of-another-instance": func(w world) { w.Filters[0].Owner.Instance = "instance-b" },
		"firewall-unavailable":       world.withoutFirewall,
		"duplicate":                  func(w world) { w.duplicate("id-dmz-2") },
		"draining":                   func(w world) { w.visit(ours("web"), "lab_acme_web") },
		"one-draining": func(w world) {
			w.duplicate("id-a")
			w.visit(ours("web"), "lab_acme_web")
		},
		"foreign-endpoint": func(w world) { w.visit(model.Identity{}, "stranger") },
		"among-others": func(w world) {
			w.Networks = append(w.Networks, lostNetwork(network("dmz", 4)), corporate("id-corp", "lab_acme_dmz", "192.168.0.0/24"))
		},
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			desired, observed := networkCase{engine: change}.build()
			checkGolden(t, "remove-network-"+name, plan.RemoveNetworks(desired.Identity.Owner, observed))
		})
	}
}
