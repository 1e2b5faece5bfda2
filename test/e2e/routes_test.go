//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/model"
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

// Scenarios 49, 50 and 77: a decky that forwards leads from the DMZ to an inner
// LAN, on an engine as it is, and no longer once it does not; nothing restarts.
func TestForwardingIsToggledOnTheRunningBase(t *testing.T) {
	w := newWorld(t)
	topo, edge := topology("acme"), inSubnet(dmz("acme", "edge"), "10.231.1.0/24")
	office, plant := inSubnet(lan("acme", "office"), "10.231.2.0/24"), inSubnet(lan("acme", "plant"), "10.231.3.0/24")
	web, pc, hmi := decky("acme", "web", "edge", "ssh"), decky("acme", "pc", "office", "ssh"), decky("acme", "hmi", "plant", "ssh")
	jump, inner := attachedTo(decky("acme", "jump", "edge", "ssh"), "office"), attachedTo(decky("acme", "inner", "office", "ssh"), "plant")
	for address, each := range map[string]*v1alpha1.Decky{
		"10.231.1.20": web, "10.231.2.20": pc, "10.231.3.20": hmi, "10.231.1.10": jump, "10.231.2.11": inner,
	} {
		each.Spec.Home.Address = address
	}
	jump.Spec.Attachments[0].Address, inner.Spec.Attachments[0].Address = "10.231.2.10", "10.231.3.11"
	w.create(topo, edge, office, plant, web, pc, hmi, jump, inner)
	w.waitReady(topo)
	before := w.containers()
	w.isOutOfReach("web", "10.231.2.20:22")

	for _, each := range []*v1alpha1.Decky{jump, inner} {
		edit(w, each, func(o *v1alpha1.Decky) { o.Spec.Forwarding = true })
	}
	w.waitReady(jump, inner)
	w.eventuallyRoutes("web", "10.231.2.0/24 via 10.231.1.10", "10.231.3.0/24 via 10.231.1.10", "default via 10.231.1.1")
	w.eventuallyRoutes("pc", "10.231.1.0/24 via 10.231.2.10", "10.231.3.0/24 via 10.231.2.11")
	w.eventuallyRoutes("hmi", "10.231.1.0/24 via 10.231.3.11", "10.231.2.0/24 via 10.231.3.11")
	w.waitReady(topo, edge, office, plant)
	w.reaches("web", "10.231.2.20:22")
	w.reaches("web", "10.231.3.20:22")
	w.reaches("hmi", "10.231.1.20:22")
	w.isOutOfReach("hmi", "10.231.1.1:22")

	w.docker("restart", "--time", "0", before["hmi"].Name)
	w.eventuallyRoutes("hmi", "10.231.1.0/24 via 10.231.3.11", "10.231.2.0/24 via 10.231.3.11")
	w.waitReady(topo)
	w.reaches("web", "10.231.3.20:22")
	edit(w, inner, func(o *v1alpha1.Decky) { o.Spec.Attachments = nil })
	w.eventuallyRoutes("web", "10.231.2.0/24 via 10.231.1.10", "default via 10.231.1.1")
	w.eventuallyRoutes("hmi")

	edit(w, jump, func(o *v1alpha1.Decky) { o.Spec.Forwarding = false })
	w.waitReady(jump)
	w.eventuallyRoutes("web", "default via 10.231.1.1")
	w.eventuallyRoutes("pc")
	if got := w.sysctl("jump", model.SysctlIPForward); got != "0" {
		t.Errorf("jump has ip_forward %s", got)
	}
	// With routes of an intruder's own it is no different.
	w.mustInside("web", "ip", "route", "add", "10.231.2.0/24", "via", "10.231.1.10")
	w.isOutOfReach("web", "10.231.2.20:22")
	w.assertUntouched(before, "web", "web_ssh", "pc", "pc_ssh", "jump", "jump_ssh", "inner", "inner_ssh")
}

// A decky is attached to a LAN to which it has had a route, which the engine refuses
// while that is there. What such a refusal leaves behind, here of somebody's attempt
// by hand, is no interface, and becomes none that stays.
func TestDeckyIsAttachedToWhereARouteLed(t *testing.T) {
	w := newWorld(t)
	topo, edge := topology("acme"), inSubnet(dmz("acme", "edge"), "10.232.1.0/24")
	office := inSubnet(lan("acme", "office"), "10.232.2.0/24")
	web, pc := decky("acme", "web", "edge", "ssh"), decky("acme", "pc", "office", "ssh")
	jump := attachedTo(decky("acme", "jump", "edge", "ssh"), "office")
	jump.Spec.Forwarding, jump.Spec.Home.Address, pc.Spec.Home.Address = true, "10.232.1.10", "10.232.2.20"
	w.create(topo, edge, office, web, pc, jump)
	w.waitReady(topo)
	before := w.containers()
	w.eventuallyRoutes("web", "10.232.2.0/24 via 10.232.1.10", "default via 10.232.1.1")

	attempt := exec.CommandContext(t.Context(), "docker", "network", "connect", "--ip", "10.232.2.99", before["pc"].HomeNetwork, before["web"].Name)
	if output, err := attempt.CombinedOutput(); err == nil || !strings.Contains(string(output), "conflicts with existing route") {
		t.Errorf("the engine connects where a route leads: %s", output)
	}
	w.requestPasses(web)
	w.waitReady(topo)
	w.steady()
	w.wantAddresses("web", "10.232.1.")

	edit(w, web, func(o *v1alpha1.Decky) {
		o.Spec.Attachments = []v1alpha1.Attachment{{LAN: "office", Address: "10.232.2.30"}}
	})
	w.waitReady(web, topo)
	w.wantAddresses("web", "10.232.1.", "10.232.2.30/")
	w.wantRoutes("web", "default via 10.232.1.1")
	w.reaches("web", "10.232.2.20:22")
	edit(w, web, func(o *v1alpha1.Decky) { o.Spec.Attachments = nil })
	w.waitReady(web, topo)
	w.eventuallyRoutes("web", "10.232.2.0/24 via 10.232.1.10", "default via 10.232.1.1")
	w.wantAddresses("web", "10.232.1.")
	w.assertUntouched(before, "web", "web_ssh", "pc", "pc_ssh", "jump", "jump_ssh")

	// At its start the engine tries again.
	_, _ = exec.CommandContext(t.Context(), "docker", "network", "connect", before["pc"].HomeNetwork, before["web"].Name).CombinedOutput()
	w.docker("restart", "--time", "0", before["web"].Name)
	w.eventuallyRoutes("web", "10.232.2.0/24 via 10.232.1.10", "default via 10.232.1.1")
	w.waitReady(topo)
	w.wantAddresses("web", "10.232.1.")
	w.steady()
}

// wantAddresses checks what the addresses inside a container begin with, in their
// order; that of its loopback is left out.
func (w *world) wantAddresses(container string, want ...string) {
	w.t.Helper()
	var have []string
	for line := range strings.Lines(w.mustInside(container, "ip", "-4", "-oneline", "address")) {
		if fields := strings.Fields(line); len(fields) > 3 && fields[1] != "lo" {
			have = append(have, fields[3])
		}
	}
	if !slices.EqualFunc(have, want, strings.HasPrefix) {
		w.t.Errorf("%s has the addresses %q, want %q", container, have, want)
	}
}

// isOutOfReach fails the test if a TCP connection from the container succeeds.
func (w *world) isOutOfReach(container, address string) {
	w.t.Helper()
	if conn, err := w.dialFrom(container, address, time.Second); err == nil {
		_ = conn.Close()
		w.t.Errorf("%s reaches %s", container, address)
	}
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
