// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package ipam

import (
	"encoding/binary"
	"net/netip"
	"slices"
)

// FirstFreeBlock returns the lowest block of the given prefix length, in bits,
// of the first pool that has one which overlaps none of taken. The pools are
// tried in their order. It reports false if there is no such block. Anything
// but IPv4 is passed over.
func FirstFreeBlock(pools []netip.Prefix, bits int, taken []netip.Prefix) (netip.Prefix, bool) {
	spans := spansOf(taken)
	for _, pool := range pools {
		if block, free := firstFree(pool, bits, spans); free {
			return block, true
		}
	}
	return netip.Prefix{}, false
}

// firstFree walks the taken spans upwards and leaps over each, so that its
// cost is that of the spans and not of the blocks.
func firstFree(pool netip.Prefix, bits int, spans []span) (netip.Prefix, bool) {
	if !isIPv4(pool) || bits < pool.Bits() || bits > 32 {
		return netip.Prefix{}, false
	}
	size := uint64(1) << (32 - bits)
	whole := spanOf(pool)
	candidate := whole.first
	for _, taken := range spans {
		if taken.last < candidate {
			continue
		}
		if taken.first >= candidate+size {
			break
		}
		candidate = (taken.last/size + 1) * size
	}
	if candidate+size-1 > whole.last {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(addressOf(candidate), bits), true
}

// span is a run of addresses, both ends included. The numbers are 64 bits wide
// so that the one after 255.255.255.255 is no special case.
type span struct{ first, last uint64 }

func spanOf(prefix netip.Prefix) span {
	first := numberOf(prefix.Masked().Addr())
	return span{first: first, last: first + uint64(1)<<(32-prefix.Bits()) - 1}
}

// spansOf returns the IPv4 spans, sorted by their first address.
func spansOf(prefixes []netip.Prefix) []span {
	spans := make([]span, 0, len(prefixes))
	for _, prefix := range prefixes {
		if isIPv4(prefix) {
			spans = append(spans, spanOf(prefix))
		}
	}
	slices.SortFunc(spans, func(a, b span) int {
		switch {
		case a.first < b.first:
			return -1
		case a.first > b.first:
			return 1
		default:
			return 0
		}
	})
	return spans
}

func isIPv4(prefix netip.Prefix) bool {
	return prefix.IsValid() && prefix.Addr().Is4()
}

func numberOf(address netip.Addr) uint64 {
	bytes := address.As4()
	return uint64(binary.BigEndian.Uint32(bytes[:]))
}

func addressOf(number uint64) netip.Addr {
	var bytes [4]byte
	binary.BigEndian.PutUint32(bytes[:], uint32(number)) //nolint:gosec // callers stay within 32 bits
	return netip.AddrFrom4(bytes)
}
