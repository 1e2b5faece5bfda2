//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/model"
)

// Scenario 59: containers and networks without our labels, with our names, on
// our networks or with Compose's labels of our project, are named and never touched.
func TestForeignObjectsAreNeverTouched(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	project := w.project("acme")
	foreign := map[string]string{
		"stranger": w.foreign("stranger-" + w.namespace),
		"namesake of a base": w.foreign(project+"_web",
			"--label", "com.docker.compose.project="+project, "--label", "com.docker.compose.service=web"),
		"namesake of a service": w.foreign(project+"_files_ftp", "--label", v1alpha1.DockerLabelInstance+"=forged"),
	}
	networkID := w.foreignNetwork(project+"_office", "10.213.7.0/24")
	strangers := func() string { return w.inspect(networkID, foreign) }
	before := strangers()

	topo, office := pooled("acme", "10.213.0.0/16"), lan("acme", "office")
	web, files, good := decky("acme", "web", "dmz", "ssh"), decky("acme", "files", "dmz", "ftp"), decky("acme", "good", "dmz", "ssh")
	visitor := attachedTo(decky("acme", "visitor", "dmz", "ssh"), "office")
	w.create(topo, dmz("acme", "dmz"), office, web, files, good, visitor)
	w.waitReady(good)
	for object, want := range map[reporter]v1alpha1.Reason{
		web: v1alpha1.ReasonForeignContainer, files: v1alpha1.ReasonForeignContainer,
		office: v1alpha1.ReasonForeignNetwork, visitor: v1alpha1.ReasonLANNotReady,
	} {
		message := w.waitCondition(object, v1alpha1.ConditionReady, metav1.ConditionFalse, want)
		if want != v1alpha1.ReasonLANNotReady && !strings.Contains(message, project+"_") {
			t.Errorf("%s does not name the foreign object: %s", object.GetName(), message)
		}
	}
	// A foreign guest on a network of ours.
	foreign["guest"] = w.foreign("guest-"+w.namespace, "--network", w.networks()["dmz"].ID)
	w.requestPasses(w.members()...)
	w.waitReady(good)
	w.removeByHand("guest-" + w.namespace)
	delete(foreign, "guest")
	if difference := cmp.Diff(before, strangers()); difference != "" {
		t.Errorf("what is foreign (-before +after):\n%s", difference)
	}

	// Each waits no longer than the foreign object is there.
	w.removeByHand(project+"_web", project+"_files_ftp")
	w.docker("network", "rm", networkID)
	w.waitReady(web, files, office, visitor, topo)
	w.deleteAll(topo)
	for _, id := range foreign {
		for _, write := range w.proxy.WritesSince(0) {
			if strings.Contains(write, id) {
				t.Errorf("the operator asked the engine for %s", write)
			}
		}
	}
	if !strings.Contains(w.docker("ps", "--format", "{{.Names}}"), "stranger-"+w.namespace) {
		t.Error("the stranger does not run any more")
	}
}

// Scenario 59: who keeps a decky's file system as evidence, in an image, and runs that,
// has containers with the labels of ours. They are not taken for ours, and stay.
func TestCopiesOfDeckiesAreLeft(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topo, web := topology("acme"), decky("acme", "web", "dmz", "ssh")
	w.create(topo, dmz("acme", "dmz"), web)
	w.waitReady(topo)
	before := w.containers()
	var copies []string
	for _, name := range []string{"web", "web_ssh"} {
		image := "evidence-" + w.namespace + ":" + name
		w.docker("commit", before[name].ID, image)
		t.Cleanup(func() { cleanUpDocker(t, "image", "rm", image) })
		id := w.docker("run", "--detach", image)
		t.Cleanup(func() { cleanUpDocker(t, "rm", "-f", id) })
		copies = append(copies, id)
	}
	for range 2 {
		w.requestPasses(w.members()...)
	}
	w.waitReady(topo)
	w.deleteAll(topo)
	for _, id := range copies {
		if left := w.docker("ps", "--all", "--quiet", "--no-trunc", "--filter", "id="+id); left != id {
			t.Errorf("the copy %.12s is gone: %q", id, left)
		}
	}
}

// removeByHand removes foreign containers.
func (w *world) removeByHand(names ...string) {
	w.t.Helper()
	w.docker(append([]string{"rm", "-f"}, names...)...)
}

// foreignNetwork creates a network that is not the operator's, which the test
// removes, and returns its id.
func (w *world) foreignNetwork(name, subnet string) string {
	w.t.Helper()
	id := w.docker("network", "create", "--subnet", subnet, name)
	w.t.Cleanup(func() {
		if w.t.Failed() {
			cleanUpDocker(w.t, "network", "rm", id)
		}
	})
	return id
}

// inspect returns all that the engine tells of foreign objects.
func (w *world) inspect(networkID string, containers map[string]string) string {
	w.t.Helper()
	ids := []string{networkID}
	for _, id := range containers {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return w.docker(append([]string{"inspect"}, ids...)...)
}

// Scenario 59: a foreign container that takes our address is named and left,
// and so is one that shares the namespace of a base.
func TestForeignGuestsAreLeft(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topo, entry := topology("acme"), dmz("acme", "dmz")
	w.create(topo, entry)
	w.waitReady(entry)
	address := hostOf(t, entry.Status.Subnet, 40)
	guest := w.foreign("guest-"+w.namespace, "--network", w.networks()["dmz"].ID, "--ip", address)

	web := decky("acme", "web", "dmz", "ssh")
	web.Spec.Home.Address = address
	w.create(web)
	message := w.waitCondition(web, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonAddressConflict)
	for _, word := range []string{address, "guest-" + w.namespace} {
		if !strings.Contains(message, word) {
			t.Errorf("%q is not in the message: %s", word, message)
		}
	}
	w.removeByHand("guest-" + w.namespace)
	w.waitReady(web)

	before := w.containers()
	sharer := w.foreign("sharer-"+w.namespace, "--network", "container:"+before["web"].ID)
	recorded := w.record()
	w.requestPasses(w.members()...)
	w.waitReady(web)
	recorded.want()
	w.assertUntouched(before, "web", "web_ssh")
	state := w.docker("inspect", "-f", "{{.State.Status}}", sharer)
	if state != string(model.StateRunning) {
		t.Errorf("the sharer is %s", state)
	}
	for _, write := range w.proxy.WritesSince(0) {
		if strings.Contains(write, guest) || strings.Contains(write, sharer) {
			t.Errorf("the operator asked the engine for %s", write)
		}
	}
	w.removeByHand("sharer-" + w.namespace)
}

// Scenario 59: an address that a foreign container has on a LAN is not chosen for
// a decky, whether the container was started there or connected later.
func TestAddressesOfForeignGuestsAreNotChosen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topo, entry, office := topology("acme"), dmz("acme", "dmz"), lan("acme", "office")
	w.create(topo, entry, office)
	w.waitReady(entry, office)
	networks := w.networks()
	w.foreign("started-"+w.namespace, "--network", networks["dmz"].ID)
	w.foreign("connected-" + w.namespace)
	w.docker("network", "connect", networks["office"].ID, "connected-"+w.namespace)

	web := attachedTo(decky("acme", "web", "dmz", "ssh"), "office")
	w.create(web)
	w.waitReady(web)
	for _, lan := range []*v1alpha1.LAN{entry, office} {
		// The engine gives its guests the lowest address, which would be ours.
		if have, want := w.addressOn(web, lan.Name), hostOf(t, lan.Status.Subnet, 3); have != want {
			t.Errorf("on %s the decky has %s, want %s", lan.Name, have, want)
		}
	}
}

// Scenario 59: a network of ours that somebody else recreated is not ours.
func TestNetworkRecreatedByHandIsForeign(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topo, office := pooled("acme", "10.213.16.0/20"), lan("acme", "office")
	w.create(topo, dmz("acme", "dmz"), office)
	w.waitReady(office)
	w.suspend(topo)
	w.docker("network", "rm", w.networks()["office"].ID)
	w.waitCondition(office, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonSuspended)
	id := w.foreignNetwork(fmt.Sprintf("%s_office", w.project("acme")), office.Status.Subnet)
	w.resume(topo)
	w.waitCondition(office, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonForeignNetwork)
	w.docker("network", "rm", id)
	w.waitReady(office)
}
