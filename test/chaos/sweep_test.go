//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package chaos

import (
	"math/rand/v2"
	"testing"

	"github.com/deckyard/deckyard/api/v1alpha1"
)

// Scenario 56: an operator that is killed at any action of a plan that builds, or
// of one that tears down, before or after it is done, converges when it returns,
// with nothing twice.
// Scenario 57: a topology that is deleted then leaves nothing.
func TestOperatorIsKilledAtEveryAction(t *testing.T) {
	w := newWorld(t)
	for _, moment := range []ailment{killedBefore, killedAfter} {
		if !*every {
			w.killAt(fault{ailment: moment, n: 1 + rand.IntN(actions)})
			continue
		}
		for n := 1; w.killAt(fault{ailment: moment, n: n}); n++ {
			t.Logf("it converged")
		}
	}
}

// killAt builds a small topology and tears it down, and has the operator killed at
// the nth action of each. It reports whether either had so many.
func (w *world) killAt(f fault) (happened bool) {
	w.t.Helper()
	w.want = small()
	w.saboteur.arm(f)
	w.t.Logf("building: %s", f)
	w.converge()
	happened = w.saboteur.outstanding() == 0
	w.saboteur.disarm()

	w.saboteur.arm(f)
	w.t.Logf("tearing down: %s", f)
	w.vanish()
	happened = happened || w.saboteur.outstanding() == 0
	w.saboteur.disarm()
	return happened
}

// actions is how many it takes to build the small topology: two networks, five
// actions for each decky that has them, and one connection.
const actions = 11

// small is a topology whose building is one of each action.
func small() *wanted {
	want := newWanted()
	want.topology = newTopology()
	want.addLAN("dmz")
	want.addLAN("office")
	gateway := want.addDecky("gw", "dmz", "ssh")
	gateway.Spec.Attachments = []v1alpha1.Attachment{{LAN: "office"}}
	gateway.Spec.Publish = publishing()
	want.addDecky("pc", "office", "redis")
	return want
}
