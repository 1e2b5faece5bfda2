//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package chaos

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"
)

// foreign is what is on the engine and is not the operator's, as it should stay.
type foreign struct {
	containers, networks []string
	// seen is all that the engine told of them.
	seen string
	// writes is how many of the operator's requests were looked at.
	writes int
}

// newForeign creates a container on a network, and a container and a network that
// look much like the operator's.
func (w *world) newForeign() *foreign {
	w.t.Helper()
	f := &foreign{}
	f.networks = []string{
		w.mustDocker("network", "create", "--subnet", "10.214.0.0/24", "strangers"),
		w.mustDocker("network", "create", "--subnet", "10.214.1.0/24", "--label", "com.docker.compose.project=default_acme", "default_acme_dmz2"),
	}
	f.containers = []string{
		w.mustDocker("run", "--detach", "--name", "stranger", "--network", "strangers", w.image, "/sbin/init"),
		w.mustDocker("run", "--detach", "--name", "default_acme_web_mail", "--network", "default_acme_dmz2",
			"--label", "com.docker.compose.project=default_acme", "--label", "deckyard.dev/instance=forged", w.image, "/sbin/init"),
	}
	w.lookAtForeign(f)
	return f
}

func (w *world) inspectForeign(f *foreign) string {
	w.t.Helper()
	return w.mustDocker(append([]string{"inspect"}, slices.Concat(f.containers, f.networks)...)...)
}

// lookAtForeign notes how what is foreign is now.
func (w *world) lookAtForeign(f *foreign) {
	w.t.Helper()
	f.seen = w.inspectForeign(f)
}

// reviveForeign starts what a restart of the engine has ended.
func (w *world) reviveForeign() {
	w.t.Helper()
	for _, id := range w.foreign.containers {
		w.mustDocker("start", id)
	}
	w.lookAtForeign(w.foreign)
}

// assertForeignUntouched fails the test if anything foreign is not as it was, or
// if the operator has tried.
func (w *world) assertForeignUntouched() {
	w.t.Helper()
	if difference := cmp.Diff(w.foreign.seen, w.inspectForeign(w.foreign)); difference != "" {
		w.t.Errorf("what is foreign (-before +after):\n%s", difference)
	}
	writes := w.proxy.WritesSince(w.foreign.writes)
	w.foreign.writes += len(writes)
	for _, write := range writes {
		for _, id := range w.foreign.containers {
			if strings.Contains(write, id) {
				w.t.Errorf("the operator asked for %s", write)
			}
		}
		for _, id := range w.foreign.networks {
			// A container of the operator's may leave a foreign network.
			if strings.Contains(write, id) && !strings.HasSuffix(write, "/disconnect") {
				w.t.Errorf("the operator asked for %s", write)
			}
		}
	}
}

// guest starts a foreign container until the end of the round.
func (w *world) guest(name string, options ...string) {
	w.relieve = append(w.relieve, func() { w.docker("rm", "--force", name) })
	arguments := append([]string{"run", "--detach", "--name", name}, options...)
	w.docker(append(arguments, w.image, "/sbin/init")...)
}

// fill creates foreign networks on blocks of the pool until the end of the round.
func (w *world) fill() {
	for block := range poolBlocks {
		name := fmt.Sprintf("squatter%d", block)
		if _, err := w.own.Docker(w.t.Context(), "network", "create", "--subnet", blockOf(block), name); err == nil {
			w.relieve = append(w.relieve, func() { w.docker("network", "rm", name) })
		}
	}
}
