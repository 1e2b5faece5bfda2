// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package ipam_test

import (
	"net/netip"
	"testing"

	"pgregory.net/rapid"

	"github.com/deckyard/deckyard/internal/ipam"
)

func prefixes(texts ...string) []netip.Prefix {
	out := make([]netip.Prefix, 0, len(texts))
	for _, text := range texts {
		out = append(out, netip.MustParsePrefix(text))
	}
	return out
}

// Scenarios 6, 7 and 8.
func TestFirstFreeBlock(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		pools, taken []netip.Prefix
		bits         int
		want         string
	}{
		"the first block of an empty pool":                  {prefixes("172.16.0.0/12"), nil, 24, "172.16.0.0/24"},
		"the block after the taken one":                     {prefixes("172.16.0.0/12"), prefixes("172.16.0.0/24"), 24, "172.16.1.0/24"},
		"a gap between taken blocks":                        {prefixes("10.0.0.0/16"), prefixes("10.0.2.0/24", "10.0.0.0/24"), 24, "10.0.1.0/24"},
		"past a larger network that holds the pool's start": {prefixes("172.16.0.0/12"), prefixes("172.16.0.0/14"), 24, "172.20.0.0/24"},
		"past a smaller network inside a block":             {prefixes("10.0.0.0/16"), prefixes("10.0.0.128/28"), 24, "10.0.1.0/24"},
		"past a single address":                             {prefixes("10.0.0.0/16"), prefixes("10.0.0.7/32"), 24, "10.0.1.0/24"},
		"the second pool when the first is full":            {prefixes("10.0.0.0/24", "10.9.0.0/24"), prefixes("10.0.0.0/24"), 24, "10.9.0.0/24"},
		"nothing when all pools are full":                   {prefixes("10.0.0.0/23"), prefixes("10.0.0.0/24", "10.0.1.0/24"), 24, ""},
		"nothing from a pool smaller than the block":        {prefixes("10.0.0.0/25"), nil, 24, ""},
		"nothing when a default route is taken":             {prefixes("10.0.0.0/8"), prefixes("0.0.0.0/0"), 24, ""},
		"a pool with host bits counts from its start":       {prefixes("10.0.0.77/16"), nil, 24, "10.0.0.0/24"},
		"the last block of the address space":               {prefixes("255.255.255.0/24"), nil, 24, "255.255.255.0/24"},
		"IPv6 is passed over":                               {prefixes("fd00::/8", "10.0.0.0/24"), prefixes("fd00::/8"), 24, "10.0.0.0/24"},
		"no pools":                                          {nil, nil, 24, ""},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			have, found := ipam.FirstFreeBlock(tc.pools, tc.bits, tc.taken)
			if found != (tc.want != "") || found && have.String() != tc.want {
				t.Errorf("have %v %v, want %q", have, found, tc.want)
			}
		})
	}
}

func drawPrefix(t *rapid.T, label string, low, high int) netip.Prefix {
	// A small space makes clashes likely.
	third := rapid.ByteRange(0, 7).Draw(t, label+"Third")
	fourth := rapid.Byte().Draw(t, label+"Fourth")
	bits := rapid.IntRange(low, high).Draw(t, label+"Bits")
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, third, fourth}), bits).Masked()
}

func TestFirstFreeBlockIsFreeAndTheFirst(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		pool := drawPrefix(t, "pool", 21, 26)
		bits := rapid.IntRange(pool.Bits(), 29).Draw(t, "bits")
		taken := make([]netip.Prefix, rapid.IntRange(0, 6).Draw(t, "takenCount"))
		for i := range taken {
			taken[i] = drawPrefix(t, "taken", 20, 32)
		}
		have, found := ipam.FirstFreeBlock([]netip.Prefix{pool}, bits, taken)
		want, exists := firstByTrying(pool, bits, taken)
		if have != want || found != exists {
			t.Fatalf("have %v %v, want %v %v", have, found, want, exists)
		}
	})
}

// firstByTrying is the obvious way: every block in turn.
func firstByTrying(pool netip.Prefix, bits int, taken []netip.Prefix) (netip.Prefix, bool) {
	for address := pool.Addr(); pool.Contains(address); address = address.Next() {
		block := netip.PrefixFrom(address, bits)
		if block.Masked() != block {
			continue
		}
		free := true
		for _, other := range taken {
			free = free && !other.Overlaps(block)
		}
		if free {
			return block, true
		}
	}
	return netip.Prefix{}, false
}
