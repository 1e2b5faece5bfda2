// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package ipam_test

import (
	"errors"
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/deckyard/deckyard/internal/ipam"
)

func addresses(texts ...string) []netip.Addr {
	out := make([]netip.Addr, 0, len(texts))
	for _, text := range texts {
		out = append(out, netip.MustParseAddr(text))
	}
	return out
}

// Scenario 17.
func TestLowestFreeHost(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		subnet, gateway string
		taken           []netip.Addr
		want            string
	}{
		"after the gateway":                     {"10.0.0.0/24", "10.0.0.1", nil, "10.0.0.2"},
		"past taken ones":                       {"10.0.0.0/24", "10.0.0.1", addresses("10.0.0.2", "10.0.0.3"), "10.0.0.4"},
		"after a gateway in the middle":         {"10.0.0.0/29", "10.0.0.4", nil, "10.0.0.5"},
		"before the gateway when after is full": {"10.0.0.0/29", "10.0.0.4", addresses("10.0.0.5", "10.0.0.6"), "10.0.0.1"},
		"before a gateway at the end":           {"10.0.0.0/24", "10.0.0.254", nil, "10.0.0.1"},
		"nothing when full":                     {"10.0.0.0/30", "10.0.0.1", addresses("10.0.0.2"), ""},
		"nothing in a subnet without hosts":     {"10.0.0.0/31", "10.0.0.0", nil, ""},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			have, found := ipam.LowestFreeHost(netip.MustParsePrefix(tc.subnet), netip.MustParseAddr(tc.gateway), tc.taken)
			if found != (tc.want != "") || found && have.String() != tc.want {
				t.Errorf("have %v %v, want %q", have, found, tc.want)
			}
		})
	}
}

// Scenario 19.
func TestCheckHost(t *testing.T) {
	t.Parallel()
	subnet, gateway := netip.MustParsePrefix("10.0.0.0/24"), netip.MustParseAddr("10.0.0.1")
	for text, want := range map[string]error{
		"10.0.0.2": nil, "10.0.0.254": nil,
		"10.0.0.0": ipam.ErrNetwork, "10.0.0.255": ipam.ErrBroadcast, "10.0.0.1": ipam.ErrGateway,
		"10.0.1.1": ipam.ErrOutside, "::1": ipam.ErrOutside,
	} {
		if have := ipam.CheckHost(subnet, gateway, netip.MustParseAddr(text)); !errors.Is(have, want) {
			t.Errorf("CheckHost(%s) = %v, want %v", text, have, want)
		}
	}
	if have := ipam.CheckHost(subnet, gateway, netip.Addr{}); !errors.Is(have, ipam.ErrOutside) {
		t.Errorf("CheckHost of no address = %v, want ErrOutside", have)
	}
}

func TestDefaultGatewayIsTheFirstHost(t *testing.T) {
	t.Parallel()
	for subnet, want := range map[string]string{"10.0.0.0/24": "10.0.0.1", "10.0.0.8/29": "10.0.0.9", "10.0.0.9/24": "10.0.0.1"} {
		if have := ipam.DefaultGateway(netip.MustParsePrefix(subnet)); have.String() != want {
			t.Errorf("DefaultGateway(%s) = %s, want %s", subnet, have, want)
		}
	}
	if have := ipam.DefaultGateway(netip.MustParsePrefix("10.0.0.0/32")); have.IsValid() {
		t.Errorf("DefaultGateway of one address = %s, want none", have)
	}
}

func TestNearestFreeHost(t *testing.T) {
	t.Parallel()
	subnet, gateway := netip.MustParsePrefix("10.0.0.0/24"), netip.MustParseAddr("10.0.0.1")
	cases := map[string]struct {
		near  string
		taken []netip.Addr
		want  string
	}{
		"itself when free":                        {"10.0.0.9", nil, "10.0.0.9"},
		"the higher neighbour":                    {"10.0.0.9", addresses("10.0.0.9"), "10.0.0.10"},
		"the lower one if higher taken":           {"10.0.0.9", addresses("10.0.0.9", "10.0.0.10"), "10.0.0.8"},
		"never the gateway":                       {"10.0.0.1", nil, "10.0.0.2"},
		"the last host for the broadcast address": {"10.0.0.255", nil, "10.0.0.254"},
		"the first host from below":               {"9.0.0.0", nil, "10.0.0.2"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			have, found := ipam.NearestFreeHost(subnet, gateway, netip.MustParseAddr(tc.near), tc.taken)
			if !found || have.String() != tc.want {
				t.Errorf("have %v %v, want %s", have, found, tc.want)
			}
		})
	}
}

func TestNearestFreePort(t *testing.T) {
	t.Parallel()
	taken := map[uint16]bool{65535: true, 80: true, 81: true, 1: true}
	isTaken := func(port uint16) bool { return taken[port] }
	for near, want := range map[uint16]uint16{8080: 8080, 80: 79, 65535: 65534, 1: 2} {
		if have, found := ipam.NearestFreePort(near, isTaken); !found || have != want {
			t.Errorf("NearestFreePort(%d) = %d %v, want %d", near, have, found, want)
		}
	}
	if have, found := ipam.NearestFreePort(80, func(uint16) bool { return true }); found {
		t.Errorf("NearestFreePort of none = %d, want nothing", have)
	}
}

// Scenarios 17, 18 and 20.
func TestAllocatingUntilFullGivesEveryHostOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		subnet := drawPrefix(t, "subnet", 26, 30)
		hosts := hostsOf(subnet)
		gateway := rapid.SampledFrom(hosts).Draw(t, "gateway")
		var taken []netip.Addr
		for {
			host, free := ipam.LowestFreeHost(subnet, gateway, taken)
			if !free {
				break
			}
			if err := ipam.CheckHost(subnet, gateway, host); err != nil {
				t.Fatalf("%s %v", host, err)
			}
			if slices.Contains(taken, host) {
				t.Fatalf("%s was given twice", host)
			}
			taken = append(taken, host)
		}
		if have, want := len(taken), len(hosts)-1; have != want {
			t.Fatalf("have %d hosts, want %d", have, want)
		}
	})
}

func TestNearestFreeHostIsFreeAndNearest(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		subnet := drawPrefix(t, "subnet", 27, 30)
		hosts := hostsOf(subnet)
		gateway := rapid.SampledFrom(hosts).Draw(t, "gateway")
		near := rapid.IntRange(0, len(hosts)-1).Draw(t, "near")
		taken := rapid.SliceOf(rapid.SampledFrom(hosts)).Draw(t, "taken")
		have, found := ipam.NearestFreeHost(subnet, gateway, hosts[near], taken)
		nearest := len(hosts)
		for i, host := range hosts {
			if host != gateway && !slices.Contains(taken, host) {
				nearest = min(nearest, max(i-near, near-i))
			}
		}
		if !found {
			if nearest != len(hosts) {
				t.Fatal("found none, though one is free")
			}
			return
		}
		index := slices.Index(hosts, have)
		if have == gateway || slices.Contains(taken, have) || max(index-near, near-index) != nearest {
			t.Fatalf("have %s at distance %d, want distance %d", have, max(index-near, near-index), nearest)
		}
	})
}

func hostsOf(subnet netip.Prefix) []netip.Addr {
	var all []netip.Addr
	for address := subnet.Addr(); subnet.Contains(address); address = address.Next() {
		all = append(all, address)
	}
	return all[1 : len(all)-1]
}
