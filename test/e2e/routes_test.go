//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// A decky of an internal LAN has no way out, whatever the engine gave it; one of
// the DMZ keeps the engine's. What is changed by hand, or lost with the
// namespace, is repaired on the running base.
func TestRoutesAreKept(t *testing.T) {
	w := newWorld(t)
	topo, edge := topology("acme"), inSubnet(dmz("acme", "edge"), "10.230.1.0/24")
	office := inSubnet(lan("acme", "office"), "10.230.2.0/24")
	web, pc := attachedTo(decky("acme", "web", "edge", "ssh"), "office"), decky("acme", "pc", "office", "ssh")
	w.create(topo, edge, office, web, pc)
	w.waitReady(topo)
	before := w.containers()
	w.wantRoutes("web", "default via 10.230.1.1")
	w.wantRoutes("pc")

	for name, change := range map[string][]string{
		"web": {"ip route del default", "ip route add 10.240.0.0/16 via 10.230.2.77", "ip route add blackhole 10.241.0.0/16"},
		"pc":  {"ip route add default via 10.230.2.1", "ip route add default via 10.230.2.1 metric 7", "ip route add 10.242.0.0/16 dev eth0"},
	} {
		for _, command := range change {
			w.mustInside(name, strings.Fields(command)...)
		}
	}
	w.requestPasses(web, pc)
	w.eventuallyRoutes("web", "default via 10.230.1.1")
	w.eventuallyRoutes("pc")
	w.waitReady(topo)
	w.assertUntouched(before, "web", "web_ssh", "pc", "pc_ssh")

	w.docker("restart", "--time", "0", before["pc"].Name)
	w.eventuallyRoutes("pc")
	w.docker("network", "disconnect", before["web"].HomeNetwork, before["web"].Name)
	w.eventuallyRoutes("web", "default via 10.230.1.1")
	w.waitReady(topo)
	w.steady()
}

// checkRoutes compares the routes inside a container, without those of the kernel.
func (w *world) checkRoutes(container string, want ...string) error {
	w.t.Helper()
	listed, err := w.inside(container, "ip", "-4", "route")
	if err != nil {
		return err
	}
	var have []string
	for line := range strings.Lines(listed) {
		if strings.Contains(line, "proto kernel") {
			continue
		}
		route, attributes, _ := strings.Cut(strings.TrimSpace(line), " dev ")
		if _, metric, found := strings.Cut(attributes, " metric "); found {
			route += " metric " + metric
		}
		have = append(have, route)
	}
	slices.Sort(have)
	if !slices.Equal(have, want) {
		return fmt.Errorf("%s has the routes %q, want %q", container, have, want)
	}
	return nil
}

func (w *world) wantRoutes(container string, want ...string) {
	w.t.Helper()
	if err := w.checkRoutes(container, want...); err != nil {
		w.t.Error(err)
	}
}

func (w *world) eventuallyRoutes(container string, want ...string) {
	w.t.Helper()
	w.eventually("the routes of "+container, func() error { return w.checkRoutes(container, want...) })
}
