//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/model"
)

// Scenarios 17 and 18: a decky gets the lowest free address after the gateway,
// and keeps it when its containers or the operator restart and peers go.
func TestChosenAddressIsKept(t *testing.T) {
	w := newWorld(t)
	topo, edge := pooled("acme", "10.212.0.0/16"), dmz("acme", "edge")
	office := inSubnet(lan("acme", "office"), "10.212.200.0/24")
	office.Spec.Gateway = "10.212.200.100"
	a := attachedTo(decky("acme", "a", "edge"), "office")
	b, c, late := decky("acme", "b", "office", "ssh"), decky("acme", "c", "office"), decky("acme", "late", "office")
	w.create(topo, edge, office)
	for want, each := range []*v1alpha1.Decky{a, b, c} {
		w.create(each)
		w.waitReady(each)
		if got, want := w.addressOn(each, "office"), fmt.Sprintf("10.212.200.%d", 101+want); got != want {
			t.Errorf("%s got %s, want %s", each.Name, got, want)
		}
	}
	edge2 := w.addressOn(a, "edge")
	if edge2 != "10.212.0.2" {
		t.Errorf("a got %s on the LAN edge, want 10.212.0.2", edge2)
	}
	before, networks := w.containers(), w.networks()

	w.docker("restart", "--time", "0", before["b"].Name)
	w.remove(a)
	if err := w.restartOperator(); err != nil {
		t.Fatal(err)
	}
	w.eventually("b to have restarted", func() error {
		if !w.containers()["b"].StartedAt.After(before["b"].StartedAt) {
			return fmt.Errorf("it runs since %s", before["b"].StartedAt)
		}
		return nil
	})
	w.requestPasses(b, c)
	w.waitReady(b, c)
	w.assertUntouched(before, "c")
	for _, each := range []*v1alpha1.Decky{b, c} {
		w.assertSameEndpoints(before, each.Name, networks["office"].ID)
		was, _ := before[each.Name].EndpointOn(networks["office"].ID)
		if got := w.addressOn(each, "office"); got != was.Address.String() {
			t.Errorf("%s has %s in its status, before it had %s", each.Name, got, was.Address)
		}
	}
	w.create(late)
	w.waitReady(late)
	if got := w.addressOn(late, "office"); got != "10.212.200.101" {
		t.Errorf("the late decky got %s, want the address that became free", got)
	}
}

// Scenario 19: a pinned address beats one that was chosen for a decky whose base
// does not exist yet, and not that of one that runs.
func TestPinnedAddressOfARunningDeckyIsRefused(t *testing.T) {
	w := newWorld(t)
	topo, edge := topology("acme"), inSubnet(dmz("acme", "edge"), "10.214.1.0/24")
	running, pinning := decky("acme", "running", "edge"), decky("acme", "pinning", "edge")
	w.create(topo, edge, running)
	w.waitReady(running)
	writes := w.proxy.WriteCount()
	pinning.Spec.Home.Address = w.addressOn(running, "edge")
	w.create(pinning)
	w.waitMessage(pinning, v1alpha1.ConditionReady, v1alpha1.ReasonAddressConflict,
		"spec.home.address: 10.214.1.2 of LAN edge is the address of Decky running: use 10.214.1.3, the nearest free one, or leave address out")
	w.assertNoWrites(writes, "a taken address")

	w.remove(running)
	w.waitReady(topo)
	if got := w.addressOn(pinning, "edge"); got != "10.214.1.2" {
		t.Errorf("the pinning decky has %s", got)
	}
}

// Scenario 19: an address stays with the decky that has
// it, also where the names would decide between two of the same second.
func TestClaimOfWhatADeckyHasIsRefused(t *testing.T) {
	w := newWorld(t)
	topo, edge := topology("acme"), inSubnet(dmz("acme", "edge"), "10.221.1.0/24")
	holder, late := decky("acme", "zz", "edge"), decky("acme", "aa", "edge", "ssh")
	holder.Spec.Home.Address, late.Spec.Home.Address = "10.221.1.50", "10.221.1.50"
	w.create(topo, edge, holder)
	w.eventually("the holder's base to be seen", func() error {
		if err := w.kube.Get(t.Context(), client.ObjectKeyFromObject(holder), holder); err != nil {
			return err
		}
		if holder.Status.Base.ContainerID == "" {
			return errors.New("there is none")
		}
		return nil
	})
	w.create(late)
	w.waitMessage(late, v1alpha1.ConditionReady, v1alpha1.ReasonAddressConflict,
		"spec.home.address: 10.221.1.50 of LAN edge is the address of Decky zz: use 10.221.1.51, the nearest free one, or leave address out")
	w.waitReady(holder)
	w.remove(holder)
	w.waitReady(late)
}

// Scenario 20: a full LAN refuses one more decky and leaves the others alone;
// the decky comes up once an address is free.
func TestFullLANRefusesOneMore(t *testing.T) {
	w := newWorld(t)
	topo, edge := topology("acme"), inSubnet(dmz("acme", "edge"), "10.215.1.0/29")
	w.create(topo, edge)
	var deckies []reporter
	for i := range 5 {
		deckies = append(deckies, decky("acme", fmt.Sprintf("d%d", i), "edge"))
		w.create(deckies[i])
	}
	w.waitReady(topo)
	before, writes := w.containers(), w.proxy.WriteCount()
	late := decky("acme", "late", "edge", "ssh")
	w.create(late)
	w.waitMessage(late, v1alpha1.ConditionReady, v1alpha1.ReasonLANFull,
		"spec.home: LAN edge has no free address in 10.215.1.0/29: remove a decky from it, or put this one on another LAN")
	w.waitReady(deckies...)
	w.assertUntouched(before, "d0", "d1", "d2", "d3", "d4")
	w.assertNoWrites(writes, "a full LAN")

	free := w.addressOn(deckies[3].(*v1alpha1.Decky), "edge") //nolint:forcetypeassert // made above
	w.remove(deckies[3])
	w.waitReady(topo)
	w.waitReady(late)
	if got := w.addressOn(late, "edge"); got != free {
		t.Errorf("the late decky got %s, want %s", got, free)
	}
	w.assertUntouched(before, "d0", "d1", "d2", "d4")
}

// Scenario 21: a decky on two LANs has both interfaces with the addresses and
// MACs that its status says, seen from within.
func TestInterfacesAreWhatStatusSays(t *testing.T) {
	w := newWorld(t)
	topo, edge, office := pooled("acme", "10.216.0.0/16"), dmz("acme", "edge"), inSubnet(lan("acme", "office"), "10.216.99.0/24")
	jump := attachedTo(decky("acme", "jump", "edge", "ssh"), "office")
	jump.Spec.Home.MACAddress, jump.Spec.Attachments[0].Address = "02:42:0a:d8:00:63", "10.216.99.77"
	w.create(topo, edge, office, jump)
	w.waitReady(topo)
	w.waitReady(jump)
	if got := interfaceLANs(jump); !slices.Equal(got, []string{"edge", "office"}) {
		t.Fatalf("the status has interfaces on %v", got)
	}
	home, visit := jump.Status.Interfaces[0], jump.Status.Interfaces[1]
	if home.MACAddress != "02:42:0a:d8:00:63" || visit.Address != "10.216.99.77" {
		t.Errorf("pinned values are not in the status: %+v", jump.Status.Interfaces)
	}
	seen := w.mustInside("jump", "ip", "-oneline", "addr")
	links := w.mustInside("jump", "ip", "-oneline", "link")
	for _, each := range []v1alpha1.InterfaceStatus{home, visit} {
		if !each.Connected {
			t.Errorf("%+v is not connected", each)
		}
		if !strings.Contains(seen, "inet "+each.Address+"/24 ") || !strings.Contains(links, "link/ether "+each.MACAddress+" ") {
			t.Errorf("%s %s is not among\n%s\n%s", each.Address, each.MACAddress, seen, links)
		}
	}
	if got := strings.Count(seen, " inet "); got != 3 {
		t.Errorf("the decky has %d IPv4 addresses, want those of lo and two LANs:\n%s", got, seen)
	}
}

// Scenario 81: a multi-homed decky without forwarding does not forward, though a
// new namespace inherits the host's setting; changed by hand, it is repaired.
func TestMultiHomedDeckyDoesNotForward(t *testing.T) {
	w := newWorld(t)
	topo, edge := topology("acme"), inSubnet(dmz("acme", "edge"), "10.217.1.0/24")
	office := inSubnet(lan("acme", "office"), "10.217.2.0/24")
	jump := attachedTo(decky("acme", "jump", "edge", "ssh"), "office")
	web, pc := decky("acme", "web", "edge"), decky("acme", "pc", "office", "ssh")
	jump.Spec.Home.Address, jump.Spec.Attachments[0].Address = "10.217.1.10", "10.217.2.10"
	web.Spec.Home.Address, pc.Spec.Home.Address = "10.217.1.20", "10.217.2.20"
	w.create(topo, edge, office, jump, web, pc)
	w.waitReady(topo)
	for _, name := range []string{"jump", "web", "pc"} {
		if got := w.sysctl(name, model.SysctlIPForward); got != "0" {
			t.Errorf("%s has ip_forward %s", name, got)
		}
	}
	// An intruder with routes of his own, both ways.
	w.mustInside("web", "ip", "route", "add", "10.217.2.0/24", "via", "10.217.1.10")
	w.mustInside("pc", "ip", "route", "add", "10.217.1.0/24", "via", "10.217.2.10")
	w.reaches("jump", "10.217.2.20:22")
	if conn, err := w.dialFrom("web", "10.217.2.20:22", time.Second); err == nil {
		_ = conn.Close()
		t.Error("a connection passed through a decky that does not forward")
	}

	before := w.containers()
	w.mustInside("jump", "sysctl", "-w", model.SysctlIPForward+"=1")
	w.eventually("the setting to be repaired", func() error {
		w.requestPasses(jump)
		if got := w.sysctl("jump", model.SysctlIPForward); got != "0" {
			return fmt.Errorf("it is %s", got)
		}
		return nil
	})
	w.waitReady(topo)
	w.assertUntouched(before, "jump", "jump_ssh")
	w.steady()
}

// addressOn returns the address that a decky's status has for a LAN.
func (w *world) addressOn(decky *v1alpha1.Decky, lan string) string {
	w.t.Helper()
	if err := w.kube.Get(w.t.Context(), client.ObjectKeyFromObject(decky), decky); err != nil {
		w.t.Fatal(err)
	}
	for _, each := range decky.Status.Interfaces {
		if each.LAN == lan {
			return each.Address
		}
	}
	return ""
}
