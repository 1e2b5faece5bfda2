// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/model"
)

// Orphans plans the removal of what an instance owns and whose owner is gone:
// services, bases, networks, filter rules, in that order. The keys of alive are the UIDs of
// the owners that exist.
func Orphans(observed model.Observed, instance string, alive map[string]bool) Plan {
	return sweep(observed, why{reason: v1alpha1.ReasonOwnerGone}, func(identity model.Identity) bool {
		return identity.BelongsTo(instance) && !alive[identity.Owner.UID]
	})
}

// Instance plans the removal of all that an instance owns.
func Instance(observed model.Observed, instance string) Plan {
	return sweep(observed, why{reason: v1alpha1.ReasonDeleting}, func(identity model.Identity) bool { return identity.BelongsTo(instance) })
}

// sweep removes the objects that match. A network on which others sit stays and
// is reported: it holds back nothing else.
func sweep(observed model.Observed, why why, matches func(model.Identity) bool) Plan {
	b := &builder{}
	b.plan.KeepGoing = true
	observed = inOrder(observed)
	removals := b.removeAll(matches, why, observed)
	networkRemovals := map[string][]int{}
	staying := map[string]bool{}
	for _, network := range observed.Networks {
		if !matches(network.Identity) {
			continue
		}
		var after []int
		var guests []model.Container
		for _, container := range observed.Attached(network.ID) {
			if removal, going := removals[container.ID]; going {
				after = append(after, removal)
			} else {
				guests = append(guests, container)
			}
		}
		if len(guests) > 0 {
			b.find(v1alpha1.ReasonForeignEndpoint, network.Name, fmt.Sprintf(
				"network %q is to be removed and waits until these containers have left it: %s",
				network.Name, containerNames(guests)))
			staying[network.Identity.Owner.UID] = true
			continue
		}
		removal := b.addDestructive(&RemoveNetwork{Owner: network.Identity.Owner, Network: networkRef(network)}, DisruptsNothing, why, after...)
		networkRemovals[network.Identity.Owner.UID] = append(networkRemovals[network.Identity.Owner.UID], removal)
	}
	for _, filter := range observed.Filters {
		if matches(filter.Identity()) && !staying[filter.Owner.UID] {
			b.add(&RemoveFilter{Owner: filter.Owner, Bridge: filter.Bridge}, why, networkRemovals[filter.Owner.UID]...)
		}
	}
	return b.plan
}
