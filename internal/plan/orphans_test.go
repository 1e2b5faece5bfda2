// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"testing"

	"github.com/deckyard/deckyard/internal/model"
	"github.com/deckyard/deckyard/internal/plan"
)

// TestOrphans is Scenarios 58, 59 and 75: what an owner left goes in order, a
// network in use holds back nothing else, and others' objects stay.
func TestOrphans(t *testing.T) {
	t.Parallel()

	tests := map[string]struct {
		alive  []string
		engine func(world)
	}{
		"all-alive":  {alive: []string{"uid-web", "uid-dmz", "uid-office"}},
		"none-alive": {},
		"decky-gone": {alive: []string{"uid-dmz", "uid-office"}},
		"lan-gone":   {alive: []string{"uid-web", "uid-office"}},
		"among-others": {engine: func(w world) {
			w.foreign("stranger")
			w.foreign("other", seenEndpoint(endpoint("dmz", 1, 50))).Identity = strangeIdentity("instance-b")
			w.Networks = append(w.Networks, lostNetwork(network("lost", 5)))
		}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, observed := deckyCase{engine: tc.engine}.build()
			alive := map[string]bool{}
			for _, uid := range tc.alive {
				alive[uid] = true
			}
			checkGolden(t, "orphans-"+name, plan.Orphans(observed, instance, alive))
		})
	}
}

// TestInstanceRemovesOneInstanceOnly is Scenario 75 for what purges an instance.
func TestInstanceRemovesOneInstanceOnly(t *testing.T) {
	t.Parallel()

	_, observed := deckyCase{engine: func(w world) {
		w.foreign("stranger")
		w.foreign("other").Identity = strangeIdentity("instance-b")
		w.Networks = append(w.Networks, lostNetwork(network("lost", 5)))
	}}.build()
	checkGolden(t, "instance-a", plan.Instance(observed, "instance-a"))
	checkGolden(t, "instance-b", plan.Instance(observed, "instance-b"))
	checkGolden(t, "instance-unknown", plan.Instance(observed, "instance-c"))
	checkGolden(t, "instance-empty", plan.Instance(model.Observed{Containers: observed.Containers}, ""))
}
