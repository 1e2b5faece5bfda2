//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/model"
)

// Scenario 60: passes over what is as desired make no write, neither to the
// engine nor to the objects, and the spec hashes stay.
func TestNothingIsWrittenWhenNothingChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topo := topology("acme")
	web := attachedTo(decky("acme", "web", "dmz", "ssh", "http"), "office")
	web.Spec.Publish = publishing(22, 22060)
	w.create(topo, dmz("acme", "dmz"), lan("acme", "office"), web, decky("acme", "files", "office", "ftp"))
	w.waitReady(topo)
	before, networks := w.containers(), w.networks()

	recorded, changes, members := w.record(), w.recordChanges(), w.members()
	for range 5 {
		w.requestPasses(members...)
	}
	recorded.want()
	for _, object := range members {
		for _, difference := range changes.since(object) {
			t.Errorf("%s was written (-before +after):\n%s", object.GetName(), difference)
		}
	}
	hashes := func(containers map[string]model.Container, networks map[string]model.Network) map[string]string {
		found := map[string]string{}
		for name, container := range containers {
			found["container "+name] = container.ID + container.Identity.SpecHash
		}
		for name, network := range networks {
			found["network "+name] = network.ID + network.Identity.SpecHash
		}
		return found
	}
	if difference := cmp.Diff(hashes(before, networks), hashes(w.containers(), w.networks())); difference != "" {
		t.Errorf("ids and hashes (-before +after):\n%s", difference)
	}
}

// Scenario 61: labels, annotations and status are no reason for a Docker write,
// and a forged status is put right.
func TestMetadataAndStatusCauseNoDockerWrite(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topo, office := topology("acme"), lan("acme", "office")
	web := attachedTo(decky("acme", "web", "dmz", "ssh"), "office")
	w.create(topo, dmz("acme", "dmz"), office, web)
	w.waitReady(topo, office, web)
	before, known, networkID := w.containers(), web.Status, office.Status.NetworkID
	recorded := w.record()

	for _, object := range w.members() {
		patch := []byte(`{"metadata":{"labels":{"team":"blue"},"annotations":{"example.com/note":"seen"}}}`)
		if err := w.kube.Patch(t.Context(), object, client.RawPatch(types.MergePatchType, patch)); err != nil {
			t.Fatal(err)
		}
	}
	forge := func(object client.Object, status string) {
		t.Helper()
		patch := client.RawPatch(types.MergePatchType, []byte(`{"status":`+status+`}`))
		if err := w.kube.Status().Patch(t.Context(), object, patch); err != nil {
			t.Fatal(err)
		}
	}
	forge(web, `{"base":{"containerID":"forged"},"services":[],"servicesSummary":"0/9","osFamily":"cisco","conditions":[]}`)
	forge(office, `{"networkName":"forged","attached":9}`)
	w.requestPasses(w.members()...)
	w.requestPasses(w.members()...)
	w.waitReady(topo, office, web)

	recorded.want()
	w.assertUntouched(before, "web", "web_ssh")
	facts := func(status v1alpha1.DeckyStatus) []any {
		return []any{status.Base, status.Interfaces, status.Services, status.ServicesSummary, status.OSFamily}
	}
	if difference := cmp.Diff(facts(known), facts(web.Status)); difference != "" {
		t.Errorf("status (-before +after):\n%s", difference)
	}
	if office.Status.Attached != 1 || office.Status.NetworkID != networkID || office.Status.NetworkName != w.project("acme")+"_office" {
		t.Errorf("status: %+v", office.Status)
	}
}

// Scenario 62: of two edits of one version the stale one is rejected.
func TestStaleEditIsRejected(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	web := decky("acme", "web", "dmz", "ssh")
	w.create(topology("acme"), dmz("acme", "dmz"), web)
	w.waitReady(web)
	first, second := web.DeepCopy(), web.DeepCopy()
	first.Spec.Services = append(first.Spec.Services, v1alpha1.Service{Name: "redis"})
	second.Spec.Services = append(second.Spec.Services, v1alpha1.Service{Name: "ftp"})
	if err := w.kube.Update(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	if err := w.kube.Update(t.Context(), second); !apierrors.IsConflict(err) {
		t.Errorf("the stale edit was answered with %v", err)
	}
	w.waitReady(web)
	if difference := cmp.Diff([]string{"web", "web_redis", "web_ssh"}, sortedNames(t, w)); difference != "" {
		t.Errorf("containers (-want +have):\n%s", difference)
	}
}

// Scenario 63: many edits of one update converge to the final spec, and those
// that wait for something do not hold back the others.
func TestManyEditsOfOneUpdateConverge(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	web := attachedTo(decky("acme", "web", "dmz", "ssh", "http", "ftp"), "office", "lab")
	topo := topology("acme")
	w.create(topo, dmz("acme", "dmz"), lan("acme", "office"), lan("acme", "lab"), lan("acme", "plant"), lan("acme", "store"),
		attachedTo(decky("acme", "link", "dmz", "ssh"), "plant", "store"), web)
	w.waitReady(topo, web)
	before, recorded := w.containers(), w.record()

	edit(w, web, func(web *v1alpha1.Decky) {
		web.Spec.Attachments = []v1alpha1.Attachment{{LAN: "store"}, {LAN: "plant"}, {LAN: "lab"}, {LAN: "nowhere"}}
		web.Spec.Services = []v1alpha1.Service{
			{Name: "redis"},
			{Name: "http", Config: map[string]string{"app": "tomcat"}},
			{Name: "ssh"},
			{Name: "probe", Image: "localhost:1/absent:1"},
			{Name: "telnet"},
		}
		web.Spec.Hostname = "mail01"
		web.Labels["edited"] = "yes"
	})
	// The LAN that is missing and the image that is missing wait, the host name
	// waits for consent; all else is done.
	w.waitCondition(web, v1alpha1.ConditionAccepted, metav1.ConditionFalse, v1alpha1.ReasonLANNotFound)
	w.waitCondition(web, v1alpha1.ConditionImagesPresent, metav1.ConditionFalse, v1alpha1.ReasonPullFailed)
	w.waitCondition(web, v1alpha1.ConditionRecreatePending, metav1.ConditionTrue, v1alpha1.ReasonRecreatePending)
	w.requestPasses(web)
	recorded.want("disconnect office", "connect plant", "connect store",
		"remove web_ftp", "remove web_http", "create web_http", "start web_http",
		"create web_redis", "start web_redis", "create web_telnet", "start web_telnet")
	w.assertUntouched(before, "web", "web_ssh")

	edit(w, web, func(web *v1alpha1.Decky) {
		web.Spec.Attachments = web.Spec.Attachments[:3]
		web.Spec.Services = append(web.Spec.Services[:3], web.Spec.Services[4])
		web.Spec.Hostname = ""
	})
	w.waitReady(web)
	w.assertUntouched(before, "web", "web_ssh")
	if want := "dmz,store,plant,lab"; web.Status.LANs != want || web.Status.ServicesSummary != "4/4" {
		t.Errorf("LANs %s, services %s", web.Status.LANs, web.Status.ServicesSummary)
	}
}

// Scenario 63: one bad object among many that are edited at once does not
// block the good ones.
func TestBadEditDoesNotBlockGoodOnes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	names := []string{"a", "b", "c", "d"}
	deckies := map[string]*v1alpha1.Decky{}
	w.create(topology("acme"), dmz("acme", "dmz"))
	for _, name := range names {
		deckies[name] = decky("acme", name, "dmz", "ssh")
		w.create(deckies[name])
	}
	for _, name := range names {
		w.waitReady(deckies[name])
	}
	before, recorded := w.containers(), w.record()
	for _, name := range names {
		edit(w, deckies[name], func(decky *v1alpha1.Decky) {
			service := v1alpha1.Service{Name: "redis"}
			if name == "b" {
				service.Name = "reddis"
			}
			decky.Spec.Services = append(decky.Spec.Services, service)
		})
	}
	w.waitReady(deckies["a"], deckies["c"], deckies["d"])
	message := w.waitCondition(deckies["b"], v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonUnknownService)
	if !strings.Contains(message, "did you mean redis?") {
		t.Errorf("the message is: %s", message)
	}
	recorded.want("create a_redis", "start a_redis", "create c_redis", "start c_redis", "create d_redis", "start d_redis")
	w.assertUntouched(before, "a", "a_ssh", "b", "b_ssh", "c", "c_ssh", "d", "d_ssh")
}
