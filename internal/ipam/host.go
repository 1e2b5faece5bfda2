// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package ipam

import (
	"errors"
	"net/netip"
)

// Why an address cannot be that of a host of a subnet. The texts continue a
// sentence that begins with the address.
var (
	ErrOutside   = errors.New("is outside the subnet")
	ErrNetwork   = errors.New("is the network address of the subnet")
	ErrBroadcast = errors.New("is the broadcast address of the subnet")
	ErrGateway   = errors.New("is the gateway of the subnet")
)

// DefaultGateway returns the first host address of an IPv4 subnet, and the zero
// Addr if the subnet has none.
func DefaultGateway(subnet netip.Prefix) netip.Addr {
	if !hasHosts(subnet) {
		return netip.Addr{}
	}
	return subnet.Masked().Addr().Next()
}

// CheckGateway returns why address cannot be the gateway of subnet:
// ErrOutside, ErrNetwork or ErrBroadcast; or nil.
func CheckGateway(subnet netip.Prefix, address netip.Addr) error {
	if !isIPv4(subnet) || !subnet.Contains(address) {
		return ErrOutside
	}
	switch number, all := numberOf(address), spanOf(subnet); number {
	case all.first:
		return ErrNetwork
	case all.last:
		return ErrBroadcast
	}
	return nil
}

// CheckHost returns why address cannot be that of a host of subnet: as
// CheckGateway, or ErrGateway; or nil.
func CheckHost(subnet netip.Prefix, gateway, address netip.Addr) error {
	if err := CheckGateway(subnet, address); err != nil {
		return err
	}
	if address == gateway {
		return ErrGateway
	}
	return nil
}

// LowestFreeHost returns the lowest host address after the gateway that is not
// taken; if there is none, the lowest one before the gateway. It reports false
// if the subnet is full.
func LowestFreeHost(subnet netip.Prefix, gateway netip.Addr, taken []netip.Addr) (netip.Addr, bool) {
	if !hasHosts(subnet) {
		return netip.Addr{}, false
	}
	isTaken := among(taken)
	all := spanOf(subnet)
	start := all.first
	if subnet.Contains(gateway) {
		start = numberOf(gateway)
	}
	if host, free := lowestFree(start+1, all.last-1, isTaken); free {
		return host, true
	}
	if start == all.first {
		return netip.Addr{}, false
	}
	return lowestFree(all.first+1, start-1, isTaken)
}

func lowestFree(first, last uint64, taken func(netip.Addr) bool) (netip.Addr, bool) {
	for number := first; number <= last; number++ {
		if host := addressOf(number); !taken(host) {
			return host, true
		}
	}
	return netip.Addr{}, false
}

// NearestFreeHost returns the free host address that is closest to near, the
// higher of two, for messages that propose one. near need not be of the subnet.
// It reports false if the subnet is full.
func NearestFreeHost(subnet netip.Prefix, gateway, near netip.Addr, taken []netip.Addr) (netip.Addr, bool) {
	if !hasHosts(subnet) || !near.Is4() {
		return LowestFreeHost(subnet, gateway, taken)
	}
	isTaken := among(taken)
	all := spanOf(subnet)
	number, found := nearestFree(numberOf(near), all.first+1, all.last-1, func(number uint64) bool {
		host := addressOf(number)
		return host == gateway || isTaken(host)
	})
	return addressOf(number), found
}

// NearestFreePort returns the free port from 1 to 65535 that is closest to
// near, the higher of two. It reports false if all are taken.
func NearestFreePort(near uint16, taken func(uint16) bool) (uint16, bool) {
	number, found := nearestFree(uint64(near), 1, 65535, func(number uint64) bool {
		return taken(uint16(number)) //nolint:gosec // at most 65535
	})
	return uint16(number), found //nolint:gosec // at most 65535
}

// among returns whether an address is one of a list, without walking the list.
func among(addresses []netip.Addr) func(netip.Addr) bool {
	set := make(map[netip.Addr]bool, len(addresses))
	for _, address := range addresses {
		set[address] = true
	}
	return func(address netip.Addr) bool { return set[address] }
}

// nearestFree looks from near outwards within first and last.
func nearestFree(near, first, last uint64, taken func(uint64) bool) (uint64, bool) {
	near = min(max(near, first), last)
	for distance := uint64(0); distance <= last-first; distance++ {
		if up := near + distance; up <= last && !taken(up) {
			return up, true
		}
		if near >= first+distance && !taken(near-distance) {
			return near - distance, true
		}
	}
	return 0, false
}

// hasHosts reports whether a subnet has addresses besides network and broadcast.
func hasHosts(subnet netip.Prefix) bool {
	return isIPv4(subnet) && subnet.Bits() <= 30
}
