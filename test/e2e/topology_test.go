//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"net"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/model"
)

// Scenario 1: one bridge per LAN, only the DMZ not internal, and each decky's
// networks before its containers.
func TestTopologyComesUp(t *testing.T) {
	w := newWorld(t)
	topo := topology("acme")
	web := attachedTo(decky("acme", "web", "dmz", "ssh", "http"), "office")
	files := decky("acme", "files", "office", "ftp")
	w.create(topo, dmz("acme", "dmz"), lan("acme", "office"), web, files)
	w.waitReady(topo)

	networks := w.networks()
	if len(networks) != 2 || networks["dmz"].Internal || !networks["office"].Internal || networks["dmz"].Masquerade {
		t.Fatalf("networks: %+v", networks)
	}
	containers := w.containers()
	if len(containers) != 5 {
		t.Fatalf("containers: %v", containers)
	}
	for name, container := range containers {
		if container.State != model.StateRunning {
			t.Errorf("%s is %s", name, container.State)
		}
	}
	for container, lans := range map[string][]string{"web": {"dmz", "office"}, "files": {"office"}} {
		for _, name := range lans {
			if !w.created(networks[name].ID).Before(w.created(containers[container].ID)) {
				t.Errorf("container %s was created before its network %s", container, name)
			}
		}
	}
	w.waitReady(files, web)
	w.reaches("files", net.JoinHostPort(web.Status.Interfaces[1].Address, "22"))
	w.reaches("web", net.JoinHostPort(files.Status.Interfaces[0].Address, "21"))
	w.steady()
}

// Scenario 2: an invalid object changes nothing on the engine, and the others of
// its topology come up all the same.
func TestInvalidObjectsHoldNothingBack(t *testing.T) {
	w := newWorld(t)
	topo, edge := pooled("acme", "10.201.0.0/16"), dmz("acme", "edge")
	office := inSubnet(lan("acme", "office"), "10.201.50.0/24")
	good := attachedTo(decky("acme", "good", "edge", "ssh"), "office")
	clashing := inSubnet(lan("acme", "office-2"), "10.201.50.64/26")
	lost := decky("acme", "lost", "nowhere", "ssh")
	outside := decky("acme", "outside", "office", "ssh")
	outside.Spec.Home.Address = "10.201.99.9"
	w.create(topo, outside, lost, edge, office, good, clashing)

	w.waitReady(edge, office, good)
	w.waitCondition(clashing, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonSubnetOverlap)
	w.waitCondition(lost, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonLANNotFound)
	w.waitCondition(outside, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonAddressInvalid)
	w.waitMessage(topo, v1alpha1.ConditionDeckiesReady, v1alpha1.ReasonProgressing,
		"1/3 ready, not yet: lost (LANNotFound), outside (AddressInvalid)")
	if owned := w.ownedNames(t.Context()); len(owned) != 4 {
		t.Errorf("got %v on the engine, want two networks, a base and a service", owned)
	}
	w.steady()

	edit(w, clashing, func(lan *v1alpha1.LAN) { lan.Spec.Subnet = "10.201.51.0/24" })
	edit(w, outside, func(decky *v1alpha1.Decky) { decky.Spec.Home.Address = "10.201.50.9" })
	w.remove(lost)
	edit(w, good, func(decky *v1alpha1.Decky) { attachedTo(decky, "office-2") })
	w.waitReady(topo)
}

// Scenario 3: without a DMZ nothing is built and the topology waits for one.
func TestNothingIsBuiltWithoutADMZ(t *testing.T) {
	w := newWorld(t)
	writes := w.proxy.WriteCount()
	topo, office := topology("acme"), lan("acme", "office")
	pc := decky("acme", "pc", "office", "ssh")
	w.create(topo, office, pc)

	w.waitMessage(topo, v1alpha1.ConditionAccepted, v1alpha1.ReasonDMZMissing,
		"Topology acme has no LAN with dmz: true, so nothing is built yet: add one, or set dmz to true on one of its LANs")
	w.waitCondition(office, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonDMZMissing)
	w.waitCondition(pc, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonLANNotReady)
	for _, object := range []reporter{topo, office, pc} {
		w.waitCondition(object, v1alpha1.ConditionReconciling, metav1.ConditionTrue, v1alpha1.ReasonDependencyNotReady)
		if has(object, v1alpha1.ConditionStalled) {
			t.Errorf("%s is stalled, though the next file may bring the DMZ", object.GetName())
		}
	}
	w.steady()
	w.assertNoWrites(writes, "a topology without a DMZ")

	edit(w, office, func(lan *v1alpha1.LAN) { lan.Spec.DMZ = true })
	w.waitReady(topo)
}

// Scenario 3: of two DMZs the later LAN is refused, and the rest goes on.
func TestSecondDMZIsRefused(t *testing.T) {
	w := newWorld(t)
	topo, edge, second := topology("acme"), dmz("acme", "edge"), dmz("acme", "edge-2")
	office := lan("acme", "office")
	web := attachedTo(decky("acme", "web", "edge", "ssh"), "office")
	w.create(topo, edge, second, office, web)

	w.waitReady(edge, office, web)
	w.waitMessage(second, v1alpha1.ConditionReady, v1alpha1.ReasonDMZMultiple,
		"spec.dmz: LAN edge-2 cannot be a DMZ, since LAN edge, created earlier, is that of Topology acme: set dmz to false on one of them")
	if !has(second, v1alpha1.ConditionStalled) {
		t.Error("the second DMZ is not stalled")
	}
	w.waitCondition(topo, v1alpha1.ConditionLANsReady, metav1.ConditionFalse, v1alpha1.ReasonProgressing)
	if networks := w.networks(); len(networks) != 2 {
		t.Errorf("got networks %v, want edge and office", networks)
	}
	w.steady()

	w.remove(second)
	w.waitReady(topo)
}

// Scenario 4: a LAN that no path of deckies links to the DMZ is listed, at once
// and after a live edit, and nothing is torn down or withheld for it.
func TestUnlinkedLANsAreListed(t *testing.T) {
	w := newWorld(t)
	topo := topology("acme")
	bridge := attachedTo(decky("acme", "bridge", "edge", "ssh"), "office")
	pc, hmi := decky("acme", "pc", "office"), decky("acme", "hmi", "plant")
	w.create(topo, dmz("acme", "edge"), lan("acme", "office"), lan("acme", "plant"), bridge, pc, hmi)
	w.waitReady(bridge, pc, hmi)
	w.waitMessage(topo, v1alpha1.ConditionReady, v1alpha1.ReasonLANUnreachable,
		"No path of deckies links LAN plant to the DMZ edge: attach a decky of a LAN that is linked to each")
	before := w.containers()

	edit(w, bridge, func(decky *v1alpha1.Decky) { decky.Spec.Attachments = nil })
	w.waitMessage(topo, v1alpha1.ConditionAccepted, v1alpha1.ReasonLANUnreachable,
		"No path of deckies links LANs office, plant to the DMZ edge: attach a decky of a LAN that is linked to each")
	w.waitReady(bridge, pc, hmi)
	w.assertUntouched(before, "bridge", "bridge_ssh", "pc", "hmi")
	if networks := w.networks(); len(networks) != 3 {
		t.Errorf("got networks %v, want all three", networks)
	}

	edit(w, bridge, func(decky *v1alpha1.Decky) { attachedTo(decky, "office", "plant") })
	w.waitReady(topo)
	w.assertUntouched(before, "bridge", "bridge_ssh", "pc", "hmi")
}
