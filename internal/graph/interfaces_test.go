// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package graph_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/fault"
	"github.com/deckyard/deckyard/internal/graph"
)

func addressed(subnet string) func(*v1alpha1.LAN) {
	return func(l *v1alpha1.LAN) { l.Spec.Subnet, l.Status.Subnet = subnet, subnet }
}

// Scenarios 13 and 14.
func TestResolveLANs(t *testing.T) {
	t.Parallel()
	lans := []v1alpha1.LAN{lan("dmz", 1, dmz), lan("office", 1), lan("old", 1, lanDeleting)}
	cases := map[string]struct {
		decky v1alpha1.Decky
		want  []string
		fault fault.Fault
	}{
		"all there, home first": {decky: decky("a", 1, on("office", "dmz")), want: []string{"office", "dmz"}},
		"no home": {
			decky: decky("a", 1, on("ghost", "dmz")),
			fault: fault.Fault{
				Reason: v1alpha1.ReasonLANNotFound, Field: "spec.home.lan",
				Message: `LAN "ghost" does not exist in Topology acme: create it, or name another`,
			},
		},
		"a missing attachment leaves the others": {
			decky: decky("a", 1, on("dmz", "ghost", "office")), want: []string{"dmz", "office"},
			fault: fault.Fault{
				Reason: v1alpha1.ReasonLANNotFound, Field: "spec.attachments[0].lan",
				Message: `LAN "ghost" does not exist in Topology acme: create it, or name another`,
			},
		},
		"an attachment being deleted leaves the others": {
			decky: decky("a", 1, on("dmz", "office", "old"), running), want: []string{"dmz", "office"},
			fault: fault.Fault{
				Reason: v1alpha1.ReasonLANNotFound, Field: "spec.attachments[1].lan",
				Message: `LAN "old" is being deleted: remove it from attachments`,
			},
		},
		"a home being deleted stays that of a running decky": {decky: decky("a", 1, on("old", "dmz"), running), want: []string{"old", "dmz"}},
		"a home being deleted is none for a new decky": {
			decky: decky("a", 1, on("old")),
			fault: fault.Fault{
				Reason: v1alpha1.ReasonLANNotFound, Field: "spec.home.lan",
				Message: `LAN "old" is being deleted and cannot be a home: delete this Decky and create it on another LAN`,
			},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resolved, mistake := graph.ResolveLANs(&tc.decky, lans)
			var have []string
			for _, each := range resolved {
				have = append(have, each.Name)
			}
			if diff := cmp.Diff(tc.want, have); diff != "" {
				t.Errorf("(-want +have):\n%s", diff)
			}
			expect(t, tc.fault, mistake)
		})
	}
}

// Scenarios 17, 18, 19 and 20, for a decky whose home is 10.0.0.0/29.
func TestAllocateAddress(t *testing.T) {
	t.Parallel()
	conflict := func(message string) fault.Fault {
		return fault.Fault{Reason: v1alpha1.ReasonAddressConflict, Field: "spec.home.address", Message: message}
	}
	invalid := func(message string) fault.Fault {
		return fault.Fault{Reason: v1alpha1.ReasonAddressInvalid, Field: "spec.home.address", Message: message}
	}
	cases := map[string]struct {
		decky  v1alpha1.Decky
		others []v1alpha1.Decky
		want   string
		fault  fault.Fault
	}{
		"the lowest after the gateway": {decky: decky("me", 2), want: "10.0.0.2"},
		"past those of others": {
			decky:  decky("me", 2),
			others: []v1alpha1.Decky{decky("a", 1, pinned("10.0.0.2")), decky("b", 3, allocated("10.0.0.3"))}, want: "10.0.0.4",
		},
		"not that of one that is leaving": {
			decky: decky("me", 2), others: []v1alpha1.Decky{decky("a", 1, allocated("10.0.0.2"), deckyDeleting)}, want: "10.0.0.3",
		},
		"the one it has": {
			decky: decky("me", 2, allocated("10.0.0.5")), others: []v1alpha1.Decky{decky("a", 1, allocated("10.0.0.3"))}, want: "10.0.0.5",
		},
		"a new one if the one it has is not of the LAN": {decky: decky("me", 2, allocated("10.9.0.5")), want: "10.0.0.2"},
		"the pinned one": {decky: decky("me", 2, pinned("10.0.0.6"), allocated("10.0.0.2")), want: "10.0.0.6"},
		"pinned beats chosen": {
			decky:  decky("me", 2, pinned("10.0.0.2")),
			others: []v1alpha1.Decky{decky("a", 1, allocated("10.0.0.2"))}, want: "10.0.0.2",
		},
		"chosen gives way to pinned": {
			decky:  decky("me", 1, allocated("10.0.0.2")),
			others: []v1alpha1.Decky{decky("a", 2, pinned("10.0.0.2"))}, want: "10.0.0.3",
		},
		"chosen does not give way once the base runs": {
			decky:  decky("me", 2, allocated("10.0.0.2"), running),
			others: []v1alpha1.Decky{decky("a", 1, pinned("10.0.0.2"))}, want: "10.0.0.2",
		},
		"pinned by one that is leaving": {
			decky:  decky("me", 2, pinned("10.0.0.2")),
			others: []v1alpha1.Decky{decky("a", 1, pinned("10.0.0.2"), deckyDeleting)}, want: "10.0.0.2",
		},
		"pinned and that of a running decky": {
			decky:  decky("me", 1, pinned("10.0.0.2")),
			others: []v1alpha1.Decky{decky("a", 2, allocated("10.0.0.2"), running)},
			fault:  conflict("10.0.0.2 of LAN dmz is the address of Decky a: use 10.0.0.3, the nearest free one, or leave address out"),
		},
		"pinned by an earlier one": {
			decky:  decky("me", 2, pinned("10.0.0.3")),
			others: []v1alpha1.Decky{decky("b", 3, pinned("10.0.0.3")), decky("a", 1, pinned("10.0.0.3")), decky("c", 1, pinned("10.0.0.4"))},
			fault:  conflict("10.0.0.3 of LAN dmz is the address of Decky a: use 10.0.0.2, the nearest free one, or leave address out"),
		},
		"pinned by a later one": {
			decky: decky("me", 2, pinned("10.0.0.3")), others: []v1alpha1.Decky{decky("a", 3, pinned("10.0.0.3"))}, want: "10.0.0.3",
		},
		"pinned by a later one that has it": {
			decky: decky("me", 2, pinned("10.0.0.3"), allocated("10.0.0.2")), others: []v1alpha1.Decky{decky("a", 3, pinned("10.0.0.3"), allocated("10.0.0.3"))},
			fault: conflict("10.0.0.3 of LAN dmz is the address of Decky a: use 10.0.0.4, the nearest free one, or leave address out"),
		},
		"pinned by an earlier one that has another": {
			decky:  decky("me", 2, pinned("10.0.0.3"), allocated("10.0.0.3")),
			others: []v1alpha1.Decky{decky("a", 1, pinned("10.0.0.3"), allocated("10.0.0.4"))}, want: "10.0.0.3",
		},
		"two chosen alike, the earlier stays": {
			decky: decky("me", 1, allocated("10.0.0.3")), others: []v1alpha1.Decky{decky("a", 2, allocated("10.0.0.3"))}, want: "10.0.0.3",
		},
		"two chosen alike, the later moves": {
			decky: decky("me", 2, allocated("10.0.0.3")), others: []v1alpha1.Decky{decky("a", 1, allocated("10.0.0.3"))}, want: "10.0.0.2",
		},
		"the same address on another LAN is no clash": {
			decky: decky("me", 2, pinned("10.0.0.3")), others: []v1alpha1.Decky{decky("a", 1, on("office"), pinned("10.0.0.3"))}, want: "10.0.0.3",
		},
		"the gateway": {
			decky: decky("me", 1, pinned("10.0.0.1")),
			fault: invalid("10.0.0.1 is the gateway of the subnet of LAN dmz (10.0.0.0/29, gateway 10.0.0.1): use 10.0.0.2, the nearest free one, or leave address out"),
		},
		"the network address": {
			decky: decky("me", 1, pinned("10.0.0.0")),
			fault: invalid("10.0.0.0 is the network address of the subnet of LAN dmz (10.0.0.0/29, gateway 10.0.0.1): use 10.0.0.2, the nearest free one, or leave address out"),
		},
		"the broadcast address": {
			decky: decky("me", 1, pinned("10.0.0.7")),
			fault: invalid("10.0.0.7 is the broadcast address of the subnet of LAN dmz (10.0.0.0/29, gateway 10.0.0.1): use 10.0.0.6, the nearest free one, or leave address out"),
		},
		"outside": {
			decky: decky("me", 1, pinned("10.0.1.9")),
			fault: invalid("10.0.1.9 is outside the subnet of LAN dmz (10.0.0.0/29, gateway 10.0.0.1): use 10.0.0.6, the nearest free one, or leave address out"),
		},
		"malformed": {
			decky: decky("me", 1, pinned("10.0.0.299")),
			fault: invalid(`"10.0.0.299" is not an IPv4 address: use 10.0.0.2, the nearest free one, or leave address out`),
		},
		"a full LAN": {
			decky: decky("me", 9), others: fullLAN(),
			fault: fault.Fault{
				Reason: v1alpha1.ReasonLANFull, Field: "spec.home",
				Message: "LAN dmz has no free address in 10.0.0.0/29: remove a decky from it, or put this one on another LAN",
			},
		},
		"pinned on a full LAN": {
			decky: decky("me", 9, pinned("10.0.0.4")), others: fullLAN(),
			fault: conflict("10.0.0.4 of LAN dmz is the address of Decky d4: the LAN has no free address, so remove a decky from it"),
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			home := lan("dmz", 1, dmz, addressed("10.0.0.0/29"))
			inBothOrders(append(tc.others, tc.decky), func(deckies []v1alpha1.Decky) {
				have, mistake := graph.Allocate(&tc.decky, []*v1alpha1.LAN{&home}, deckies, graph.Choices{})
				expect(t, tc.fault, mistake)
				if mistake == nil && have[0].Address.String() != tc.want {
					t.Errorf("have %s, want %s", have[0].Address, tc.want)
				}
			})
		})
	}
}

func fullLAN() []v1alpha1.Decky {
	var deckies []v1alpha1.Decky
	for i := 2; i < 7; i++ {
		deckies = append(deckies, decky(fmt.Sprintf("d%d", i), i, allocated(fmt.Sprintf("10.0.0.%d", i)), running))
	}
	return deckies
}

// Scenario 59: what a foreign container has on a LAN is not chosen. It is waited
// for where there is no choice: a pinned address, and that of a base that exists.
func TestAllocateLeavesWhatOthersHold(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		decky  v1alpha1.Decky
		others []v1alpha1.Decky
		held   []string
		want   string
		fault  fault.Fault
	}{
		"the lowest that nobody holds": {
			decky: decky("me", 2), others: []v1alpha1.Decky{decky("a", 1, allocated("10.0.0.3"))}, held: []string{"10.0.0.2", "10.0.0.4"}, want: "10.0.0.5",
		},
		"a chosen one gives way":                        {decky: decky("me", 1, allocated("10.0.0.2")), held: []string{"10.0.0.2"}, want: "10.0.0.3"},
		"a chosen one stays once the base runs":         {decky: decky("me", 1, allocated("10.0.0.2"), running), held: []string{"10.0.0.2"}, want: "10.0.0.2"},
		"a pinned one stays":                            {decky: decky("me", 1, pinned("10.0.0.2")), held: []string{"10.0.0.2"}, want: "10.0.0.2"},
		"an address of another network changes nothing": {decky: decky("me", 1), held: []string{"10.9.0.2"}, want: "10.0.0.2"},
		"a full LAN": {
			decky: decky("me", 1), held: []string{"10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6"},
			fault: fault.Fault{
				Reason: v1alpha1.ReasonLANFull, Field: "spec.home",
				Message: "LAN dmz has no free address in 10.0.0.0/29: remove a decky from it, or put this one on another LAN",
			},
		},
		"it is not proposed": {
			decky: decky("me", 2, pinned("10.0.0.3")), others: []v1alpha1.Decky{decky("a", 1, pinned("10.0.0.3"))}, held: []string{"10.0.0.4"},
			fault: fault.Fault{
				Reason: v1alpha1.ReasonAddressConflict, Field: "spec.home.address",
				Message: "10.0.0.3 of LAN dmz is the address of Decky a: use 10.0.0.2, the nearest free one, or leave address out",
			},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			home := lan("dmz", 1, dmz, addressed("10.0.0.0/29"))
			held := graph.Held{"office": {netip.MustParseAddr("10.0.0.2")}}
			for _, address := range tc.held {
				held["dmz"] = append(held["dmz"], netip.MustParseAddr(address))
			}
			inBothOrders(append(tc.others, tc.decky), func(deckies []v1alpha1.Decky) {
				have, mistake := graph.Allocate(&tc.decky, []*v1alpha1.LAN{&home}, deckies, graph.Choices{Held: held})
				expect(t, tc.fault, mistake)
				if mistake == nil && have[0].Address.String() != tc.want {
					t.Errorf("have %s, want %s", have[0].Address, tc.want)
				}
			})
		})
	}
}

// Scenario 21.
func TestAllocateOnTwoLANs(t *testing.T) {
	t.Parallel()
	home, office, later := lan("dmz", 1, dmz, addressed("10.0.0.0/24")), lan("office", 1, addressed("10.0.1.0/24")), lan("later", 1)
	office.Status.Gateway = "10.0.1.5"
	made := decky("me", 1, on("dmz", "office", "later"))
	have, mistake := graph.Allocate(&made, []*v1alpha1.LAN{&home, &office, &later}, nil, graph.Choices{})
	if mistake != nil {
		t.Fatal(mistake)
	}
	var summary []string
	for _, each := range have {
		summary = append(summary, each.LAN.Name+" "+each.Address.String())
	}
	// A LAN without a subnet is passed over; the other's gateway is not the first host.
	if want := []string{"dmz 10.0.0.2", "office 10.0.1.6"}; !slices.Equal(summary, want) {
		t.Errorf("have %v, want %v", summary, want)
	}
}

func TestAllocateMAC(t *testing.T) {
	t.Parallel()
	const dell = "d4:ae:52"
	home, office := lan("dmz", 1, dmz, addressed("10.0.0.0/24")), lan("office", 1, addressed("10.0.1.0/24"))
	lans := []*v1alpha1.LAN{&home, &office}
	allocate := func(decky v1alpha1.Decky, endpointMAC bool, others ...v1alpha1.Decky) (string, string) {
		have, mistake := graph.Allocate(&decky, lans, others, graph.Choices{MACPrefixes: []string{dell}, EndpointMAC: endpointMAC})
		if mistake != nil {
			t.Fatal(mistake)
		}
		return have[0].MAC, have[1].MAC
	}
	made := decky("me", 1, on("dmz", "office"))

	onHome, onOffice := allocate(made, true)
	if !strings.HasPrefix(onHome, dell) || !strings.HasPrefix(onOffice, dell) || onHome == onOffice {
		t.Errorf("have %q and %q, want two of the vendor %s", onHome, onOffice, dell)
	}
	if first, second := allocate(made, false); first != onHome || second != "" {
		t.Errorf("have %q and %q on an old engine, want %q and the engine's choice", first, second, onHome)
	}
	taken := decky("other", 2, on("dmz"))
	taken.Status.Interfaces = []v1alpha1.InterfaceStatus{{LAN: "dmz", MACAddress: onHome}}
	if first, _ := allocate(made, true, taken); first == onHome {
		t.Errorf("have %q, which another has", first)
	}
	recorded := made
	recorded.Status.Interfaces = []v1alpha1.InterfaceStatus{{LAN: "dmz", MACAddress: "00:11:22:33:44:55"}}
	if first, _ := allocate(recorded, true); first != "00:11:22:33:44:55" {
		t.Errorf("have %q, want the one it has", first)
	}
	recorded.Spec.Home.MACAddress = "00:11:22:33:44:66"
	if first, _ := allocate(recorded, true); first != "00:11:22:33:44:66" {
		t.Errorf("have %q, want the pinned one", first)
	}
}

func TestPinnedMACOfAnotherIsRefused(t *testing.T) {
	t.Parallel()
	home := lan("dmz", 1, dmz, addressed("10.0.0.0/24"))
	withMAC := func(d *v1alpha1.Decky) { d.Spec.Home.MACAddress = "00:11:22:33:44:55" }
	deckies := []v1alpha1.Decky{decky("me", 2, withMAC), decky("a", 1, withMAC)}
	expect(t, fault.Fault{
		Reason: v1alpha1.ReasonAddressConflict, Field: "spec.home.macAddress",
		Message: "00:11:22:33:44:55 is the MAC address of Decky a on LAN dmz: choose another, or leave macAddress out",
	}, graph.CheckAddresses(&deckies[0], []*v1alpha1.LAN{&home}, deckies, nil))
	expect(t, fault.Fault{}, graph.CheckAddresses(&deckies[1], []*v1alpha1.LAN{&home}, deckies, nil))
}

// Scenarios 17 and 18: whoever allocates in turn, from what is in status then,
// gets an address of his own, and keeps it.
func TestAllocationInTurnNeverClashes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		home := lan("dmz", 1, dmz, addressed("10.0.0.0/28"))
		lans := []*v1alpha1.LAN{&home}
		deckies := make([]v1alpha1.Decky, rapid.IntRange(1, 12).Draw(t, "deckies"))
		for i := range deckies {
			deckies[i] = decky(fmt.Sprintf("d%d", i), rapid.IntRange(1, 3).Draw(t, "created"))
			if rapid.Bool().Draw(t, "isPinned") {
				deckies[i].Spec.Home.Address = fmt.Sprintf("10.0.0.%d", rapid.IntRange(0, 17).Draw(t, "address"))
			}
		}
		// Two rounds: in the second, those that gave way to a pinned one have moved.
		for range 2 {
			for _, i := range rapid.Permutation(indices(deckies)).Draw(t, "order") {
				interfaces, mistake := graph.Allocate(&deckies[i], lans, deckies, graph.Choices{})
				deckies[i].Status.Interfaces = nil
				if mistake == nil {
					deckies[i].Status.Interfaces = []v1alpha1.InterfaceStatus{{LAN: "dmz", Address: interfaces[0].Address.String()}}
				}
			}
		}
		holders := map[string]string{}
		for i := range deckies {
			interfaces, mistake := graph.Allocate(&deckies[i], lans, deckies, graph.Choices{})
			if mistake != nil {
				continue
			}
			address := interfaces[0].Address.String()
			if holder, taken := holders[address]; taken {
				t.Fatalf("%s and %s both have %s", holder, deckies[i].Name, address)
			}
			holders[address] = deckies[i].Name
			if kept := deckies[i].Status.Interfaces; len(kept) != 1 || kept[0].Address != address {
				t.Fatalf("%s had %v and now has %s", deckies[i].Name, kept, address)
			}
		}
	})
}

func indices[T any](list []T) []int {
	all := make([]int, len(list))
	for i := range all {
		all[i] = i
	}
	return all
}
