// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package ipam_test

import (
	"net"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/deckyard/deckyard/internal/ipam"
)

func vendors() []string { return []string{"00:0C:29", "d4:ae:52", "3c:d9:2b"} }

func none(string) bool { return false }

func TestMACIsThatOfAVendor(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		machine, network := rapid.String().Draw(t, "machine"), rapid.String().Draw(t, "network")
		have := ipam.MAC(vendors(), machine, network, none)
		parsed, err := net.ParseMAC(have)
		if err != nil || parsed.String() != have || len(parsed) != 6 {
			t.Fatalf("%q is not a MAC in lower case: %v", have, err)
		}
		if parsed[0]&1 != 0 {
			t.Fatalf("%s is not unicast", have)
		}
		if !slices.Contains([]string{"00:0c:29", "d4:ae:52", "3c:d9:2b"}, have[:8]) {
			t.Fatalf("%s has none of the vendors' prefixes", have)
		}
		if again := ipam.MAC(vendors(), machine, network, none); again != have {
			t.Fatalf("have %s, then %s", have, again)
		}
	})
}

func TestInterfacesOfOneMachineHaveOneVendor(t *testing.T) {
	t.Parallel()
	first := ipam.MAC(vendors(), "lab/acme/web", "dmz", none)
	second := ipam.MAC(vendors(), "lab/acme/web", "office", none)
	if first == second || first[:8] != second[:8] {
		t.Errorf("have %s and %s, want two addresses of one vendor", first, second)
	}
}

func TestOrderOfVendorsDoesNotMatter(t *testing.T) {
	t.Parallel()
	reversed := vendors()
	slices.Reverse(reversed)
	if have, want := ipam.MAC(reversed, "a", "b", none), ipam.MAC(vendors(), "a", "b", none); have != want {
		t.Errorf("have %s, want %s", have, want)
	}
}

func TestTakenMACIsAvoided(t *testing.T) {
	t.Parallel()
	first := ipam.MAC(vendors(), "a", "b", none)
	second := ipam.MAC(vendors(), "a", "b", func(mac string) bool { return mac == first })
	if second == first || second[:8] != first[:8] {
		t.Errorf("have %s after %s was taken", second, first)
	}
}

func TestUnusablePrefixesArePassedOver(t *testing.T) {
	t.Parallel()
	for _, prefix := range []string{"", "00:0c", "01:00:5e", "02:42:ac", "00:0c:29:00", "zz:zz:zz"} {
		if ipam.IsVendorPrefix(prefix) {
			t.Errorf("IsVendorPrefix(%q) = true", prefix)
		}
		if have := ipam.MAC([]string{prefix}, "a", "b", none); !strings.HasPrefix(have, "00:50:56:") {
			t.Errorf("MAC with prefix %q = %s, want the fallback's", prefix, have)
		}
	}
}
