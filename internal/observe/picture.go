// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"cmp"
	"net/netip"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/deckyard/deckyard/internal/model"
)

// A full relist inspects this fraction of our containers although the list
// shows no change, the longest not inspected first. A list cannot tell that a
// container was restarted, so that this bounds how long a lost event can hide it.
const rotation = 8

// A scrutiny says which of our containers are inspected after a list.
type scrutiny int

const (
	// scrutinyOfDoubts inspects those about which the list does not tell enough.
	scrutinyOfDoubts scrutiny = iota
	// scrutinyOfAll inspects all.
	scrutinyOfAll
)

// A listing is what one list of everything gave.
type listing struct {
	// seq is that of the list, takenAt a time before it.
	seq        uint64
	takenAt    time.Time
	scrutiny   scrutiny
	networks   []model.Network
	containers []model.Container
	// inspected are the looks at containers made after the list, by id.
	inspected map[string]look[model.Container]
	routes    []netip.Prefix
	firewall  filterLook
}

// changes are what some looks made different.
type changes struct {
	containers []change[model.Container]
	networks   []change[model.Network]
	// filters are those that came, went or are different.
	filters []model.Filter
	// images and routes say that something about them changed, firewall that it
	// can be read or cannot any more.
	images, routes, firewall bool
}

func (c changes) none() bool {
	return len(c.containers) == 0 && len(c.networks) == 0 && len(c.filters) == 0 && !c.images && !c.routes && !c.firewall
}

// A picture is all that is known about the engine. It is safe for concurrent use.
type picture struct {
	mu         sync.Mutex
	seq        uint64
	containers table[model.Container]
	networks   table[model.Network]
	routes     []netip.Prefix
	firewall   filterLook
	takenAt    time.Time
	// inspectedSeq is the sequence number of the last list after which all our
	// containers were inspected.
	inspectedSeq uint64
}

func newPicture() *picture {
	return &picture{
		containers: newTable(model.Container.Compare, containerKeys),
		networks:   newTable(model.Network.Compare, networkKeys),
	}
}

// nextSeq returns the sequence number for a look that is about to begin.
func (p *picture) nextSeq() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seq++
	return p.seq
}

// lastSeq returns the sequence number of the look that began last.
func (p *picture) lastSeq() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seq
}

// listedSince reports whether everything was listed and inspected after a look.
func (p *picture) listedSince(seq uint64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.inspectedSeq > seq
}

// lastRoutes returns the known routes.
func (p *picture) lastRoutes() []netip.Prefix {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.routes
}

// observed returns the picture as it is now.
func (p *picture) observed() model.Observed {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.with(p.containers.values())
}

// concerning returns the picture as it is now, with those containers that are of
// concern.
func (p *picture) concerning(concern model.Concern) model.Observed {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.with(p.containers.some(keysOf(concern, p.networks.index)))
}

// with needs the lock.
func (p *picture) with(containers []model.Container) model.Observed {
	return model.Observed{
		TakenAt:    p.takenAt,
		Networks:   p.networks.values(),
		Containers: containers,
		Routes:     p.routes,

		Filters:       p.firewall.filters,
		FirewallFault: p.firewall.fault,
	}
}

// owners returns the owners of all objects that have one.
func (p *picture) owners() map[key]struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	keys := map[key]struct{}{}
	for _, known := range p.containers.entries {
		addOwner(keys, known.value.Identity)
	}
	for _, known := range p.networks.entries {
		addOwner(keys, known.value.Identity)
	}
	return keys
}

// unseen returns the marked ids whose object nobody has looked at since they
// were marked.
func (p *picture) unseen(marked batch) (containerIDs, networkIDs []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, seq := range marked.containers {
		if p.containers.admits(id, seq+1) {
			containerIDs = append(containerIDs, id)
		}
	}
	for id, seq := range marked.networks {
		if p.networks.admits(id, seq+1) {
			networkIDs = append(networkIDs, id)
		}
	}
	slices.Sort(containerIDs)
	slices.Sort(networkIDs)
	return containerIDs, networkIDs
}

// doubtful returns the ids of our containers among the listed about which the
// list does not tell enough, not inspected yet or listed differently than when
// they were, and of those whose turn it is to be inspected anyway.
func (p *picture) doubtful(listed []model.Container, how scrutiny) (doubtful, due []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	type aged struct {
		id  string
		seq uint64
	}
	var settled []aged
	for _, container := range listed {
		if container.Identity.IsForeign() {
			continue
		}
		known := p.containers.entries[container.ID]
		if how == scrutinyOfAll || known.listed == nil || !reflect.DeepEqual(*known.listed, container) {
			doubtful = append(doubtful, container.ID)
			continue
		}
		settled = append(settled, aged{id: container.ID, seq: known.seq})
	}
	slices.SortFunc(settled, func(a, b aged) int { return cmp.Compare(a.seq, b.seq) })
	for _, container := range settled[:(len(settled)+rotation-1)/rotation] {
		due = append(due, container.id)
	}
	return doubtful, due
}

// mergeList merges a list and returns what changed.
func (p *picture) mergeList(list listing) changes {
	p.mu.Lock()
	defer p.mu.Unlock()
	changed := p.putFilters(list.firewall)
	ids := map[string]struct{}{}
	for _, network := range list.networks {
		ids[network.ID] = struct{}{}
		seen := look[model.Network]{id: network.ID, seq: list.seq, found: true, value: network}
		if difference, ok := p.networks.put(seen); ok {
			changed.networks = append(changed.networks, difference)
		}
	}
	changed.networks = append(changed.networks, p.networks.keepOnly(ids, list.seq)...)

	ids = map[string]struct{}{}
	for _, container := range list.containers {
		ids[container.ID] = struct{}{}
		if difference, ok := p.mergeListed(container, list); ok {
			changed.containers = append(changed.containers, difference)
		}
	}
	changed.containers = append(changed.containers, p.containers.keepOnly(ids, list.seq)...)

	changed.routes = !slices.Equal(p.routes, list.routes)
	p.routes = list.routes
	p.takenAt = list.takenAt
	if list.scrutiny == scrutinyOfAll {
		p.inspectedSeq = list.seq
	}
	return changed
}

// mergeListed merges what a list and the inspection after it say of a container.
func (p *picture) mergeListed(container model.Container, list listing) (change[model.Container], bool) {
	seen, inspected := list.inspected[container.ID]
	switch {
	case inspected:
		difference, ok := p.containers.put(seen)
		p.containers.confirm(seen, container)
		return difference, ok
	case container.Identity.IsForeign():
		return p.containers.put(look[model.Container]{id: container.ID, seq: list.seq, found: true, value: container})
	}
	return change[model.Container]{}, false
}

// merge merges looks at single objects and returns what changed.
func (p *picture) merge(containers []look[model.Container], networks []look[model.Network]) changes {
	p.mu.Lock()
	defer p.mu.Unlock()
	var changed changes
	for _, seen := range containers {
		if difference, ok := p.containers.put(seen); ok {
			changed.containers = append(changed.containers, difference)
		}
	}
	for _, seen := range networks {
		if difference, ok := p.networks.put(seen); ok {
			changed.networks = append(changed.networks, difference)
		}
	}
	return changed
}

// networkIdentity returns the identity of a network, zero if it is not known.
func (p *picture) networkIdentity(id string) model.Identity {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.networks.entries[id].value.Identity
}
