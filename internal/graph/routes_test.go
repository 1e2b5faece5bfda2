// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package graph_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/graph"
	"github.com/deckyard/deckyard/internal/model"
)

func forwarding(d *v1alpha1.Decky) { d.Spec.Forwarding = true }

// at gives a decky interfaces on LANs, home first, with recorded addresses.
func at(addresses ...string) func(*v1alpha1.Decky) {
	return func(d *v1alpha1.Decky) {
		var names []string
		for _, text := range addresses {
			address := netip.MustParseAddr(text)
			name := lanOf(address)
			names = append(names, name)
			d.Status.Interfaces = append(d.Status.Interfaces, v1alpha1.InterfaceStatus{LAN: name, Address: text})
		}
		on(names...)(d)
	}
}

// lanOf names the LAN of an address: dmz is 10.0.0.0/24, lan-N is 10.0.N.0/24.
func lanOf(address netip.Addr) string {
	if n := address.As4()[2]; n != 0 {
		return "lan-" + strconv.Itoa(int(n))
	}
	return "dmz"
}

// segments returns the DMZ and n more LANs with their subnets.
func segments(n int) []v1alpha1.LAN {
	lans := []v1alpha1.LAN{lan("dmz", 0, dmz, allocatedSubnet("10.0.0.0/24"))}
	for i := range n {
		lans = append(lans, lan("lan-"+strconv.Itoa(i+1), i+1, allocatedSubnet(fmt.Sprintf("10.0.%d.0/24", i+1))))
	}
	return lans
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		lans    []v1alpha1.LAN
		decky   v1alpha1.Decky
		deckies []v1alpha1.Decky
		want    []string
	}{
		"nobody forwards": {
			lans: segments(2), decky: decky("web", 1, at("10.0.1.9")),
			deckies: []v1alpha1.Decky{decky("jump", 1, at("10.0.1.5", "10.0.2.5"))},
		},
		"the DMZ has a default route": {
			lans: segments(1), decky: decky("web", 1, at("10.0.0.9")), want: []string{"0.0.0.0/0 via 10.0.0.1"},
		},
		"so has a visitor of the DMZ": {
			lans: segments(1), decky: decky("web", 1, at("10.0.1.9", "10.0.0.9")), want: []string{"0.0.0.0/0 via 10.0.0.1"},
		},
		"the gateway is the LAN's": {
			lans:  []v1alpha1.LAN{lan("dmz", 0, dmz, allocatedSubnet("10.0.0.0/24"), func(l *v1alpha1.LAN) { l.Status.Gateway = "10.0.0.254" })},
			decky: decky("web", 1, at("10.0.0.9")), want: []string{"0.0.0.0/0 via 10.0.0.254"},
		},
		"there and back": {
			lans: segments(1), decky: decky("db", 1, at("10.0.1.9")),
			deckies: []v1alpha1.Decky{decky("jump", 1, forwarding, at("10.0.0.5", "10.0.1.5"))},
			want:    []string{"10.0.0.0/24 via 10.0.1.5"},
		},
		"a chain": {
			lans: segments(3), decky: decky("web", 1, at("10.0.0.9")),
			deckies: []v1alpha1.Decky{
				decky("a", 1, forwarding, at("10.0.0.5", "10.0.1.5")),
				decky("b", 1, forwarding, at("10.0.1.6", "10.0.2.6")),
				decky("c", 1, forwarding, at("10.0.2.7", "10.0.3.7")),
			},
			want: []string{"0.0.0.0/0 via 10.0.0.1", "10.0.1.0/24 via 10.0.0.5", "10.0.2.0/24 via 10.0.0.5", "10.0.3.0/24 via 10.0.0.5"},
		},
		"of a forwarding decky itself": {
			lans: segments(3), decky: decky("b", 1, forwarding, at("10.0.1.6", "10.0.2.6")),
			deckies: []v1alpha1.Decky{
				decky("a", 1, forwarding, at("10.0.0.5", "10.0.1.5")),
				decky("b", 1, forwarding, at("10.0.1.6", "10.0.2.6")),
				decky("c", 1, forwarding, at("10.0.2.7", "10.0.3.7")),
			},
			want: []string{"10.0.0.0/24 via 10.0.1.5", "10.0.3.0/24 via 10.0.2.7"},
		},
		"the shortest path wins over the lowest name": {
			lans: segments(2), decky: decky("web", 1, at("10.0.0.9")),
			deckies: []v1alpha1.Decky{
				decky("a", 1, forwarding, at("10.0.0.5", "10.0.1.5")),
				decky("b", 1, forwarding, at("10.0.1.6", "10.0.2.6")),
				decky("z", 1, forwarding, at("10.0.0.7", "10.0.2.7")),
			},
			want: []string{"0.0.0.0/0 via 10.0.0.1", "10.0.1.0/24 via 10.0.0.5", "10.0.2.0/24 via 10.0.0.7"},
		},
		"the lowest name decides a tie": {
			lans: segments(1), decky: decky("web", 1, at("10.0.0.9")),
			deckies: []v1alpha1.Decky{
				decky("b", 1, forwarding, at("10.0.0.5", "10.0.1.5")),
				decky("a", 2, forwarding, at("10.0.0.6", "10.0.1.6")),
			},
			want: []string{"0.0.0.0/0 via 10.0.0.1", "10.0.1.0/24 via 10.0.0.6"},
		},
		"a router that is met twice": {
			lans: segments(3), decky: decky("web", 1, at("10.0.2.9", "10.0.1.9")),
			deckies: []v1alpha1.Decky{decky("a", 1, forwarding, at("10.0.2.5", "10.0.1.5", "10.0.3.5"))},
			want:    []string{"10.0.3.0/24 via 10.0.1.5"},
		},
		"a decky that is being deleted forwards no more": {
			lans: segments(1), decky: decky("db", 1, at("10.0.1.9")),
			deckies: []v1alpha1.Decky{decky("jump", 1, forwarding, deckyDeleting, at("10.0.0.5", "10.0.1.5"))},
		},
		"an address that is not decided": {
			lans: segments(1), decky: decky("db", 1, at("10.0.1.9")),
			deckies: []v1alpha1.Decky{decky("jump", 1, forwarding, on("dmz", "lan-1"), pinned("10.0.0.5"), allocated("10.0.0.5"))},
		},
		"an address of a LAN that the spec does not name any more": {
			lans: segments(1), decky: decky("db", 1, at("10.0.1.9")),
			deckies: []v1alpha1.Decky{decky("jump", 1, forwarding, at("10.0.0.5", "10.0.1.5"), func(d *v1alpha1.Decky) { d.Spec.Attachments = nil })},
		},
		"an address of a subnet that the LAN had before": {
			lans:  []v1alpha1.LAN{lan("dmz", 0, dmz, allocatedSubnet("10.0.0.0/24")), lan("lan-1", 1, allocatedSubnet("10.9.1.0/24"))},
			decky: decky("web", 1, at("10.0.0.9")), want: []string{"0.0.0.0/0 via 10.0.0.1"},
			deckies: []v1alpha1.Decky{decky("jump", 1, forwarding, at("10.0.0.5", "10.0.1.5"))},
		},
		"a subnet that is only asked for": {
			lans:  []v1alpha1.LAN{lan("dmz", 0, dmz, allocatedSubnet("10.0.0.0/24")), lan("lan-1", 1, pinnedSubnet("10.0.1.0/24"))},
			decky: decky("web", 1, at("10.0.0.9")), want: []string{"0.0.0.0/0 via 10.0.0.1"},
			deckies: []v1alpha1.Decky{decky("jump", 1, forwarding, at("10.0.0.5", "10.0.1.5"))},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var have []string
			for _, route := range graph.Routes(&tc.decky, tc.lans, append(tc.deckies, tc.decky)) {
				have = append(have, route.String())
			}
			if diff := cmp.Diff(tc.want, have); diff != "" {
				t.Errorf("routes (-want +have):\n%s", diff)
			}
		})
	}
}

func TestLinks(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		decky v1alpha1.Decky
		want  map[string]string
	}{
		"forwards":         {decky("a", 1, forwarding, at("10.0.0.5", "10.0.1.5")), map[string]string{"dmz": "10.0.0.5", "lan-1": "10.0.1.5"}},
		"does not forward": {decky("a", 1, at("10.0.0.5", "10.0.1.5")), nil},
		"is being deleted": {decky("a", 1, forwarding, deckyDeleting, at("10.0.0.5", "10.0.1.5")), nil},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			have := map[string]string{}
			for name, address := range graph.Links(&tc.decky) {
				have[name] = address.String()
			}
			if diff := cmp.Diff(tc.want, have, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("links (-want +have):\n%s", diff)
			}
		})
	}
}

func TestIsCrossed(t *testing.T) {
	t.Parallel()
	lans := segments(3)
	deckies := []v1alpha1.Decky{
		decky("a", 1, forwarding, at("10.0.0.5", "10.0.1.5")),
		decky("b", 1, forwarding, at("10.0.2.6")),
		decky("c", 1, at("10.0.2.7", "10.0.3.7")),
	}
	for i, want := range []bool{true, true, false, false} {
		if have := graph.IsCrossed(&lans[i], lans, deckies); have != want {
			t.Errorf("LAN %s is crossed: %t, want %t", lans[i].Name, have, want)
		}
	}
}

// drawNetwork draws LANs and deckies on some of them, some of which forward.
func drawNetwork(t *rapid.T) ([]v1alpha1.LAN, []v1alpha1.Decky) {
	lans := segments(rapid.IntRange(0, 5).Draw(t, "LANs"))
	var deckies []v1alpha1.Decky
	for i := range rapid.IntRange(1, 9).Draw(t, "deckies") {
		numbers := rapid.SliceOfNDistinct(rapid.IntRange(0, len(lans)-1), 1, 3, rapid.ID).Draw(t, "interfaces")
		var addresses []string
		for _, number := range numbers {
			addresses = append(addresses, fmt.Sprintf("10.0.%d.%d", number, 10+i))
		}
		made := decky("d"+strconv.Itoa(i), i, at(addresses...))
		made.Spec.Forwarding = rapid.Bool().Draw(t, "forwards")
		deckies = append(deckies, made)
	}
	return lans, deckies
}

// linked returns the LANs that forwarding deckies link to those of a decky.
func linked(decky *v1alpha1.Decky, deckies []v1alpha1.Decky) map[string]bool {
	reached := map[string]bool{}
	for _, each := range decky.Interfaces() {
		reached[each.LAN] = true
	}
	for before := 0; before < len(reached); {
		before = len(reached)
		for i := range deckies {
			asked := deckies[i].Interfaces()
			if !deckies[i].Spec.Forwarding || !slices.ContainsFunc(asked, func(each v1alpha1.Attachment) bool { return reached[each.LAN] }) {
				continue
			}
			for _, each := range asked {
				reached[each.LAN] = true
			}
		}
	}
	return reached
}

// TestRoutesLead holds for any network: a packet that follows the routes arrives
// without meeting a decky twice, every LAN that forwarding deckies link has
// exactly one route and no other has any, and the order of lists does not matter.
func TestRoutesLead(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		lans, deckies := drawNetwork(t)
		routes := map[string][]model.Route{}
		for i := range deckies {
			routes[deckies[i].Name] = graph.Routes(&deckies[i], lans, deckies)
			again := graph.Routes(&deckies[i], rapid.Permutation(lans).Draw(t, "lans"), rapid.Permutation(deckies).Draw(t, "all"))
			if !slices.Equal(routes[deckies[i].Name], again) {
				t.Fatalf("%s: %v or %v", deckies[i].Name, routes[deckies[i].Name], again)
			}
		}
		for i := range deckies {
			checkRoutes(t, &deckies[i], lans, deckies, routes)
		}
	})
}

func checkRoutes(t *rapid.T, decky *v1alpha1.Decky, lans []v1alpha1.LAN, deckies []v1alpha1.Decky, routes map[string][]model.Route) {
	own := map[string]bool{}
	for _, each := range decky.Interfaces() {
		own[each.LAN] = true
	}
	reached := linked(decky, deckies)
	for i := range lans {
		target := netip.MustParsePrefix(lans[i].Status.Subnet)
		count := 0
		for _, route := range routes[decky.Name] {
			if route.Destination == target {
				count++
			}
		}
		want := 0
		if reached[lans[i].Name] && !own[lans[i].Name] {
			want = 1
			follow(t, decky, target, deckies, routes)
		}
		if count != want {
			t.Fatalf("%s has %d routes to %s, want %d: %v", decky.Name, count, target, want, routes[decky.Name])
		}
	}
}

// follow follows the routes from a decky to a LAN.
func follow(t *rapid.T, decky *v1alpha1.Decky, target netip.Prefix, deckies []v1alpha1.Decky, routes map[string][]model.Route) {
	met := map[string]bool{}
	for at := decky; ; {
		if met[at.Name] {
			t.Fatalf("a packet from %s to %s meets %s again", decky.Name, target, at.Name)
		}
		met[at.Name] = true
		if slices.ContainsFunc(at.Status.Interfaces, func(each v1alpha1.InterfaceStatus) bool {
			return target.Contains(netip.MustParseAddr(each.Address))
		}) {
			return
		}
		index := slices.IndexFunc(routes[at.Name], func(route model.Route) bool { return route.Destination == target })
		if index < 0 {
			t.Fatalf("a packet from %s to %s ends at %s", decky.Name, target, at.Name)
		}
		next := holder(routes[at.Name][index].Via, deckies)
		if next == nil || !next.Spec.Forwarding {
			t.Fatalf("a packet from %s to %s is sent to %s", decky.Name, target, routes[at.Name][index].Via)
		}
		at = next
	}
}

// holder returns the decky with an address.
func holder(address netip.Addr, deckies []v1alpha1.Decky) *v1alpha1.Decky {
	for i := range deckies {
		for _, each := range deckies[i].Status.Interfaces {
			if each.Address == address.String() {
				return &deckies[i]
			}
		}
	}
	return nil
}
