// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/ipam"
	"github.com/deckyard/deckyard/internal/model"
)

// Routes returns the routes of a decky besides those to its own LANs, sorted:
// one to each LAN of its topology that forwarding deckies lead to, via the next
// of them on the shortest path (of several the one with the lowest name); and
// the default route, if one of its own LANs is the DMZ. lans and deckies are the
// topology's members.
//
// Only what is recorded in status counts, on both sides: an address is decided
// there before it is used.
func Routes(decky *v1alpha1.Decky, lans []v1alpha1.LAN, deckies []v1alpha1.Decky) []model.Route {
	own := knownOnly(recordedAddresses(decky), lans)
	others := slices.DeleteFunc(routersAmong(lans, deckies), func(r router) bool { return r.name == decky.Name })
	var routes []model.Route
	for i := range lans {
		lan := &lans[i]
		subnet, known := decidedSubnet(lan)
		_, isOwn := own[lan.Name]
		switch {
		case !known:
		case isOwn && lan.Spec.DMZ:
			routes = append(routes, model.Route{Destination: netip.PrefixFrom(netip.IPv4Unspecified(), 0), Via: decidedGateway(lan, subnet)})
		case isOwn:
		default:
			if via, found := nextHop(own, lan.Name, others); found {
				routes = append(routes, model.Route{Destination: subnet, Via: via})
			}
		}
	}
	slices.SortFunc(routes, model.Route.Compare)
	return routes
}

// Links returns the LANs between which a decky forwards, each with its address
// there; nil if it does not forward, or not any more.
func Links(decky *v1alpha1.Decky) map[string]netip.Addr {
	if !decky.Spec.Forwarding || isDeleting(decky) {
		return nil
	}
	return recordedAddresses(decky)
}

// IsCrossed reports whether what deckies forward between other LANs and this one
// has to pass it. lans and deckies are the topology's members.
func IsCrossed(lan *v1alpha1.LAN, lans []v1alpha1.LAN, deckies []v1alpha1.Decky) bool {
	return slices.ContainsFunc(routersAmong(lans, deckies), func(r router) bool {
		_, isOn := r.addresses[lan.Name]
		return isOn && len(r.addresses) > 1
	})
}

// router is a forwarding decky with its address on each of its LANs.
type router struct {
	name      string
	addresses map[string]netip.Addr
}

// routersAmong returns the forwarding deckies, sorted by name.
func routersAmong(lans []v1alpha1.LAN, deckies []v1alpha1.Decky) []router {
	var routers []router
	for i := range deckies {
		linked := Links(&deckies[i])
		if len(linked) == 0 {
			continue
		}
		if links := knownOnly(linked, lans); len(links) > 0 {
			routers = append(routers, router{name: deckies[i].Name, addresses: links})
		}
	}
	slices.SortFunc(routers, func(a, b router) int { return cmp.Compare(a.name, b.name) })
	return routers
}

// nextHop returns the address, on one of the decky's own LANs, of the router that
// is next on the shortest path to a LAN. Each router on the way is nearer to the
// LAN than the one before, so no packet comes back.
func nextHop(own map[string]netip.Addr, target string, routers []router) (via netip.Addr, found bool) {
	distances := distancesTo(target, routers)
	nearest := 0
	for _, candidate := range routers {
		distance, leads := candidate.distance(distances)
		if !leads || found && distance >= nearest {
			continue
		}
		for _, lan := range slices.Sorted(maps.Keys(own)) {
			if address, meets := candidate.addresses[lan]; meets {
				via, nearest, found = address, distance, true
				break
			}
		}
	}
	return via, found
}

// distancesTo returns how many routers lie between each LAN and the target, for
// those LANs from which routers lead to it.
func distancesTo(target string, routers []router) map[string]int {
	distances := map[string]int{target: 0}
	for level, isLast := 0, false; !isLast; level++ {
		isLast = true
		for _, each := range routers {
			if distance, leads := each.distance(distances); !leads || distance != level {
				continue
			}
			for lan := range each.addresses {
				if _, known := distances[lan]; !known {
					distances[lan], isLast = level+1, false
				}
			}
		}
	}
	return distances
}

// distance returns how many routers lie between this one and the target.
func (r router) distance(distances map[string]int) (distance int, leads bool) {
	for lan := range r.addresses {
		if each, known := distances[lan]; known && (!leads || each < distance) {
			distance, leads = each, true
		}
	}
	return distance, leads
}

// recordedAddresses returns the addresses that status records for the LANs that
// the spec of a decky still names.
func recordedAddresses(decky *v1alpha1.Decky) map[string]netip.Addr {
	addresses := map[string]netip.Addr{}
	for _, asked := range decky.Interfaces() {
		if address, err := netip.ParseAddr(recordedOn(decky, asked.LAN).Address); err == nil {
			addresses[asked.LAN] = address
		}
	}
	return addresses
}

// knownOnly leaves the addresses that are in the subnet of their LAN: others were
// recorded for one that the LAN had before.
func knownOnly(addresses map[string]netip.Addr, lans []v1alpha1.LAN) map[string]netip.Addr {
	known := make(map[string]netip.Addr, len(addresses))
	for i := range lans {
		address, isOn := addresses[lans[i].Name]
		if subnet, decided := decidedSubnet(&lans[i]); isOn && decided && subnet.Contains(address) {
			known[lans[i].Name] = address
		}
	}
	return known
}

// decidedSubnet returns the subnet that a LAN has: what only its spec says may be
// refused.
func decidedSubnet(lan *v1alpha1.LAN) (netip.Prefix, bool) {
	subnet, err := netip.ParsePrefix(lan.Status.Subnet)
	return subnet, err == nil
}

// decidedGateway returns the gateway that was decided together with the subnet.
func decidedGateway(lan *v1alpha1.LAN, subnet netip.Prefix) netip.Addr {
	if gateway, err := netip.ParseAddr(lan.Status.Gateway); err == nil {
		return gateway
	}
	return ipam.DefaultGateway(subnet)
}
