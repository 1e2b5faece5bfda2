// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"maps"
	"slices"
	"strings"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/fault"
)

// CheckTopology returns what is wrong with a topology as a whole: no DMZ, or
// LANs that no path of deckies links to it. lans and deckies are its members.
func CheckTopology(topology *v1alpha1.Topology, lans []v1alpha1.LAN, deckies []v1alpha1.Decky) *fault.Fault {
	if DMZ(lans) == nil {
		return fault.New(v1alpha1.ReasonDMZMissing, "",
			"Topology %s has no LAN with dmz: true, so nothing is built yet: add one, or set dmz to true on one of its LANs", topology.Name)
	}
	unreachable := Unreachable(lans, deckies)
	if len(unreachable) == 0 {
		return nil
	}
	noun := "LAN "
	if len(unreachable) > 1 {
		noun = "LANs "
	}
	return fault.New(v1alpha1.ReasonLANUnreachable, "",
		"No path of deckies links %s to the DMZ %s: attach a decky of a LAN that is linked to each",
		noun+strings.Join(unreachable, ", "), DMZ(lans).Name)
}

// Unreachable returns the names of the LANs that no path of deckies links to
// the DMZ, sorted. A decky links its home and all its attachments.
func Unreachable(lans []v1alpha1.LAN, deckies []v1alpha1.Decky) []string {
	dmz := DMZ(lans)
	if dmz == nil {
		return nil
	}
	// unreached holds the LANs that exist; a name that no LAN has links nothing.
	unreached := map[string]bool{}
	for i := range lans {
		if !isDeleting(&lans[i]) && !same(&lans[i], dmz) {
			unreached[lans[i].Name] = true
		}
	}
	reached := map[string]bool{dmz.Name: true}
	for grown := true; grown; {
		grown = spread(reached, unreached, deckies)
	}
	return slices.Sorted(maps.Keys(unreached))
}

// spread moves the LANs of every decky that is on a reached one from unreached
// to reached, and reports whether it moved any.
func spread(reached, unreached map[string]bool, deckies []v1alpha1.Decky) bool {
	moved := false
	for i := range deckies {
		asked := deckies[i].Interfaces()
		isReached := func(attachment v1alpha1.Attachment) bool { return reached[attachment.LAN] }
		if isDeleting(&deckies[i]) || !slices.ContainsFunc(asked, isReached) {
			continue
		}
		for _, attachment := range asked {
			if unreached[attachment.LAN] {
				delete(unreached, attachment.LAN)
				reached[attachment.LAN] = true
				moved = true
			}
		}
	}
	return moved
}
