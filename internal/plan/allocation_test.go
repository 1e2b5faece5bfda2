// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"fmt"
	"testing"

	"github.com/deckyard/deckyard/internal/model"
	"github.com/deckyard/deckyard/internal/plan"
)

// Planning allocates for what there is to plan, not for what else is on the engine.
//
//nolint:paralleltest // what is counted are the allocations of the whole process
func TestAllocationsDoNotGrowWithTheEngine(t *testing.T) {
	desired, few, many := web(), crowded(10), crowded(1000)
	for name, tc := range map[string]struct {
		plan func(model.Observed)
		most float64
	}{
		"a decky that is as desired": {func(observed model.Observed) { plan.Decky(desired, observed) }, 40},
		"its end":                    {func(observed model.Observed) { plan.RemoveDecky(desired.Owner, observed) }, 40},
	} {
		t.Run(name, func(t *testing.T) {
			const runs = 20
			among10 := testing.AllocsPerRun(runs, func() { tc.plan(few) })
			among1000 := testing.AllocsPerRun(runs, func() { tc.plan(many) })
			if among10 != among1000 || among10 > tc.most {
				t.Errorf("%.0f allocations among 10 containers of others, %.0f among 1,000, want the same and at most %.0f", among10, among1000, tc.most)
			}
		})
	}
}

// crowded is the engine on which the example has converged, with containers of others.
func crowded(others int) model.Observed {
	observed := converged(web())
	w := world{&observed}
	for i := range others {
		w.foreign(fmt.Sprintf("other-%04d", i))
	}
	return w.sorted()
}
