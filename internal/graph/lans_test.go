// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package graph_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/fault"
	"github.com/deckyard/deckyard/internal/graph"
)

func TestEarlier(t *testing.T) {
	t.Parallel()
	inOrder := []v1alpha1.LAN{
		lan("z", 1, elsewhere), lan("a", 2), lan("b", 2), lan("a", 2, elsewhere), lan("a", 3),
	}
	for i := range inOrder {
		for j := range inOrder {
			if have, want := graph.Earlier(&inOrder[i], &inOrder[j]), i < j; have != want {
				t.Errorf("Earlier(%d, %d) = %v", i, j, have)
			}
		}
	}
}

// Scenario 3.
func TestCheckDMZ(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		lans []v1alpha1.LAN
		dmz  string
		// want is by the LAN at fault.
		want map[string]fault.Fault
	}{
		"none": {lans: []v1alpha1.LAN{lan("a", 1), lan("b", 2)}},
		"one":  {lans: []v1alpha1.LAN{lan("a", 1), lan("b", 2, dmz)}, dmz: "b"},
		"two": {
			lans: []v1alpha1.LAN{lan("a", 2, dmz), lan("b", 1, dmz)}, dmz: "b",
			want: map[string]fault.Fault{"a": {
				Reason: v1alpha1.ReasonDMZMultiple, Field: "spec.dmz",
				Message: "LAN a cannot be a DMZ, since LAN b, created earlier, is that of Topology acme: set dmz to false on one of them",
			}},
		},
		"two of one second": {
			lans: []v1alpha1.LAN{lan("b", 1, dmz), lan("a", 1, dmz)}, dmz: "a",
			want: map[string]fault.Fault{"b": {
				Reason: v1alpha1.ReasonDMZMultiple, Field: "spec.dmz",
				Message: "LAN b cannot be a DMZ, since LAN a, created earlier, is that of Topology acme: set dmz to false on one of them",
			}},
		},
		"two of one second, one with a network": {
			lans: []v1alpha1.LAN{lan("b", 1, dmz, built), lan("a", 1, dmz)}, dmz: "b",
			want: map[string]fault.Fault{"a": {
				Reason: v1alpha1.ReasonDMZMultiple, Field: "spec.dmz",
				Message: "LAN a cannot be a DMZ, since LAN b, created earlier, is that of Topology acme: set dmz to false on one of them",
			}},
		},
		"an earlier one being deleted": {lans: []v1alpha1.LAN{lan("a", 1, dmz, lanDeleting), lan("b", 2, dmz)}, dmz: "b"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBothOrders(tc.lans, func(lans []v1alpha1.LAN) {
				name := ""
				if found := graph.DMZ(lans); found != nil {
					name = found.Name
				}
				if name != tc.dmz {
					t.Errorf("have DMZ %q, want %q", name, tc.dmz)
				}
				for i := range lans {
					expect(t, tc.want[lans[i].Name], graph.CheckDMZ(&lans[i], lans))
				}
			})
		})
	}
}

// inBothOrders calls check with a list and its reverse: no answer depends on
// the order.
func inBothOrders[T any](list []T, check func([]T)) {
	check(list)
	reversed := slices.Clone(list)
	slices.Reverse(reversed)
	check(reversed)
}

// Scenario 5.
func TestCheckSubnet(t *testing.T) {
	t.Parallel()
	overlap := func(message string) fault.Fault {
		return fault.Fault{Reason: v1alpha1.ReasonSubnetOverlap, Field: "spec.subnet", Message: message}
	}
	cases := map[string]struct {
		lans []v1alpha1.LAN
		want map[string]fault.Fault
	}{
		"neighbours":     {lans: []v1alpha1.LAN{lan("a", 1, pinnedSubnet("10.0.0.0/24")), lan("b", 2, pinnedSubnet("10.0.1.0/24"))}},
		"not chosen yet": {lans: []v1alpha1.LAN{lan("a", 1), lan("b", 2)}},
		"of one topology": {
			lans: []v1alpha1.LAN{lan("a", 1, pinnedSubnet("10.0.0.0/16")), lan("b", 2, pinnedSubnet("10.0.1.0/24"))},
			want: map[string]fault.Fault{"b": overlap("subnet 10.0.1.0/24 of LAN b overlaps 10.0.0.0/16 of LAN a of Topology acme: choose another, or leave subnet out to get a free one")},
		},
		"of another namespace": {
			lans: []v1alpha1.LAN{lan("a", 1, pinnedSubnet("10.0.0.0/24"), elsewhere), lan("a", 2, pinnedSubnet("10.0.0.0/24"))},
			want: map[string]fault.Fault{"a": overlap("subnet 10.0.0.0/24 of LAN a overlaps 10.0.0.0/24 of LAN other/a of Topology acme: choose another, or leave subnet out to get a free one")},
		},
		"pinned over one allocated to no network yet": {
			lans: []v1alpha1.LAN{lan("a", 1, allocatedSubnet("10.0.0.0/24")), lan("b", 2, pinnedSubnet("10.0.0.0/24"))},
			want: map[string]fault.Fault{"a": overlap("subnet 10.0.0.0/24 of LAN a overlaps 10.0.0.0/24 of LAN b of Topology acme: choose another, or leave subnet out to get a free one")},
		},
		"pinned over one allocated to a network": {
			lans: []v1alpha1.LAN{lan("a", 2, allocatedSubnet("10.0.0.0/24"), built), lan("b", 1, pinnedSubnet("10.0.0.0/24"))},
			want: map[string]fault.Fault{"b": overlap("subnet 10.0.0.0/24 of LAN b overlaps 10.0.0.0/24 of LAN a of Topology acme: choose another, or leave subnet out to get a free one")},
		},
		"later, of a network": {
			lans: []v1alpha1.LAN{lan("a", 1, pinnedSubnet("10.0.0.0/24")), lan("b", 2, pinnedSubnet("10.0.0.0/24"), built)},
			want: map[string]fault.Fault{"a": overlap("subnet 10.0.0.0/24 of LAN a overlaps 10.0.0.0/24 of LAN b of Topology acme: choose another, or leave subnet out to get a free one")},
		},
		"one being deleted": {lans: []v1alpha1.LAN{lan("a", 1, pinnedSubnet("10.0.0.0/24"), lanDeleting), lan("b", 2, pinnedSubnet("10.0.0.0/24"))}},
		"the earliest of several is named": {
			lans: []v1alpha1.LAN{lan("c", 3, pinnedSubnet("10.0.0.0/16")), lan("b", 2, pinnedSubnet("10.0.1.0/24")), lan("a", 1, pinnedSubnet("10.0.0.0/24"))},
			want: map[string]fault.Fault{"c": overlap("subnet 10.0.0.0/16 of LAN c overlaps 10.0.0.0/24 of LAN a of Topology acme: choose another, or leave subnet out to get a free one")},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBothOrders(tc.lans, func(lans []v1alpha1.LAN) {
				for i := range lans {
					want := tc.want[lans[i].Name]
					if lans[i].Namespace != "lab" {
						want = fault.Fault{}
					}
					expect(t, want, graph.CheckSubnet(&lans[i], lans))
				}
			})
		})
	}
}

// Scenario 4.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	lans := []v1alpha1.LAN{lan("dmz", 1, dmz), lan("office", 1), lan("lab", 1), lan("vault", 1)}
	cases := map[string]struct {
		lans    []v1alpha1.LAN
		deckies []v1alpha1.Decky
		want    []string
	}{
		"no deckies": {lans, nil, []string{"lab", "office", "vault"}},
		"a chain": {lans, []v1alpha1.Decky{
			decky("c", 1, on("lab", "vault")), decky("b", 1, on("office", "lab")), decky("a", 1, on("dmz", "office")),
		}, nil},
		"one decky on all": {lans, []v1alpha1.Decky{decky("a", 1, on("vault", "lab", "office", "dmz"))}, nil},
		"an island of two": {lans, []v1alpha1.Decky{
			decky("a", 1, on("dmz", "office")), decky("b", 1, on("lab", "vault")),
		}, []string{"lab", "vault"}},
		"a link that is being deleted": {lans, []v1alpha1.Decky{
			decky("a", 1, on("dmz", "office", "lab")), decky("b", 1, on("lab", "vault"), deckyDeleting),
		}, []string{"vault"}},
		"a LAN that does not exist links nothing": {lans, []v1alpha1.Decky{
			decky("a", 1, on("dmz", "ghost")), decky("b", 1, on("ghost", "office", "lab", "vault")),
		}, []string{"lab", "office", "vault"}},
		"a LAN that is being deleted links nothing": {
			[]v1alpha1.LAN{lan("dmz", 1, dmz), lan("office", 1, lanDeleting), lan("lab", 1)},
			[]v1alpha1.Decky{decky("a", 1, on("dmz", "office")), decky("b", 1, on("office", "lab"))},
			[]string{"lab"},
		},
		"no DMZ": {[]v1alpha1.LAN{lan("office", 1)}, nil, nil},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBothOrders(tc.deckies, func(deckies []v1alpha1.Decky) {
				if diff := cmp.Diff(tc.want, graph.Unreachable(tc.lans, deckies)); diff != "" {
					t.Errorf("(-want +have):\n%s", diff)
				}
			})
		})
	}
}

// Scenarios 3 and 4.
func TestCheckTopology(t *testing.T) {
	t.Parallel()
	topology := &v1alpha1.Topology{ObjectMeta: meta("acme", 1)}
	expect(t, fault.Fault{
		Reason:  v1alpha1.ReasonDMZMissing,
		Message: "Topology acme has no LAN with dmz: true, so nothing is built yet: add one, or set dmz to true on one of its LANs",
	}, graph.CheckTopology(topology, []v1alpha1.LAN{lan("office", 1)}, nil))
	expect(t, fault.Fault{
		Reason:  v1alpha1.ReasonLANUnreachable,
		Message: "No path of deckies links LANs lab, office to the DMZ dmz: attach a decky of a LAN that is linked to each",
	}, graph.CheckTopology(topology, []v1alpha1.LAN{lan("office", 1), lan("lab", 1), lan("dmz", 1, dmz)}, nil))
	expect(t, fault.Fault{}, graph.CheckTopology(topology, []v1alpha1.LAN{lan("dmz", 1, dmz)}, nil))
}
