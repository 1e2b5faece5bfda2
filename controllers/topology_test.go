// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/pass"
)

// acme is a topology of two LANs: web bridges them, files lives on the inner one.
func acme() (topo *v1alpha1.Topology, dmzLAN, office *v1alpha1.LAN, web, files *v1alpha1.Decky) {
	return topology("acme"), lan("dmz", dmz), lan("office"),
		decky("web", "dmz", services("ssh", "http"), visiting("office")), decky("files", "office", services("ftp"))
}

// acmeOnDocker is what acme is on the engine.
func acmeOnDocker() []string {
	return []string{
		"container lab_acme_files running lab_acme_office=172.16.1.2",
		"container lab_acme_files_ftp running",
		"container lab_acme_web running lab_acme_dmz=172.16.0.2 lab_acme_office=172.16.1.3",
		"container lab_acme_web_http running",
		"container lab_acme_web_ssh running",
		"network lab_acme_dmz 172.16.0.0/24",
		"network lab_acme_office 172.16.1.0/24",
	}
}

// newAcme returns a lab in which acme has come up.
func newAcme(t *testing.T) *lab {
	t.Helper()
	l := newLab(t)
	topo, dmzLAN, office, web, files := acme()
	l.create(topo, dmzLAN, office, web, files)
	l.converge()
	l.engine.ForgetWrites()
	return l
}

// Each object costs few writes until it is ready: the node's label, the
// decisions, and what was found at the end.
func TestCreationCostsFewWrites(t *testing.T) {
	t.Parallel()
	l := newAcme(t)
	writes := map[string]int{}
	for _, write := range l.cache.writes() {
		writes[strings.Fields(write)[1]]++
	}
	topo, dmzLAN, office, web, files := acme()
	for _, object := range []pass.Object{topo, dmzLAN, office, web, files} {
		if count := writes[object.GetName()]; count == 0 || count > 4 {
			t.Errorf("%d writes of %s:\n%s", count, object.GetName(), strings.Join(l.cache.writes(), "\n"))
		}
	}
}

// Scenarios 60 and 73: nothing is written once all is as desired, also by an
// operator that has just been started.
func TestTopologyBecomesReadyAndSteady(t *testing.T) {
	t.Parallel()
	l := newAcme(t)
	l.wantReady()
	if diff := cmp.Diff(acmeOnDocker(), l.docker()); diff != "" {
		t.Errorf("on the engine (-want +have):\n%s", diff)
	}
	topo := topology("acme")
	topo.Namespace = namespace
	l.read(topo)
	if topo.Status.NodeName != node || topo.Status.ObservedGeneration != 1 {
		t.Errorf("node %q, observedGeneration %d", topo.Status.NodeName, topo.Status.ObservedGeneration)
	}
	want := v1alpha1.Count{Total: 2, Ready: 2, Summary: "2/2"}
	if topo.Status.LANs != want || topo.Status.Deckies != want {
		t.Errorf("LANs %v, deckies %v, want %v", topo.Status.LANs, topo.Status.Deckies, want)
	}
}

// Scenario 79: the order in which objects arrive, and in which their passes
// run, changes nothing but which free subnet and address each gets.
func TestOrderOfArrivalDoesNotMatter(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			random := rand.New(rand.NewPCG(seed, 0))
			topo, dmzLAN, office, web, files := acme()
			dmzLAN.Spec.Subnet, office.Spec.Subnet = "172.16.0.0/24", "172.16.1.0/24"
			web.Spec.Attachments[0].Address, files.Spec.Home.Address = "172.16.1.3", "172.16.1.2"
			objects := []pass.Object{topo, dmzLAN, office, web, files}
			random.Shuffle(len(objects), func(i, j int) { objects[i], objects[j] = objects[j], objects[i] })
			for i := range objects {
				l.create(objects[i])
				l.relist()
				_, _ = l.pass(objects[random.IntN(i+1)])
			}
			l.wantReady()
			if diff := cmp.Diff(acmeOnDocker(), l.docker()); diff != "" {
				t.Errorf("on the engine (-want +have):\n%s", diff)
			}
		})
	}
}

// Scenario 84: a label that is removed or forged is restored, and nothing is
// torn down meanwhile.
func TestMembersGetTheirNodeBack(t *testing.T) {
	t.Parallel()
	for name, labels := range map[string]map[string]string{
		"removed": {"team": "blue"},
		"forged":  {"team": "blue", v1alpha1.LabelNode: "node-2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newAcme(t)
			office, web := at(lan("office")), at(decky("web", "dmz"))
			edit(l, office, func(o *v1alpha1.LAN) { o.Labels, o.OwnerReferences = labels, nil })
			edit(l, web, func(o *v1alpha1.Decky) { o.Labels, o.OwnerReferences = labels, nil })
			before := l.ids()
			for _, member := range []pass.Object{office, web} {
				l.mustPass(member)
			}
			l.wantReady()
			l.wantUntouched(before)
			for _, member := range []pass.Object{office, web} {
				l.read(member)
				if diff := cmp.Diff(map[string]string{"team": "blue", v1alpha1.LabelNode: node}, member.GetLabels()); diff != "" {
					t.Errorf("labels of %s (-want +have):\n%s", member.GetName(), diff)
				}
				if metav1.GetControllerOf(member) == nil {
					t.Errorf("%s has no owner to display", member.GetName())
				}
			}
		})
	}
}

// at gives an object its namespace, as a key to read it by.
func at[T pass.Object](object T) T {
	object.SetNamespace(namespace)
	return object
}

func TestTopologyStaysOnItsNode(t *testing.T) {
	t.Parallel()
	l := newAcme(t)
	topo := at(topology("acme"))
	before := l.ids()
	edit(l, topo, func(o *v1alpha1.Topology) { o.Spec.NodeName = "node-2" })
	l.converge()
	l.wantConditions(topo, v1alpha1.ConditionReady, "False NodeImmutable", v1alpha1.ConditionStalled, "True NodeImmutable",
		v1alpha1.ConditionAccepted, "False NodeImmutable")
	l.wantMessage(topo, v1alpha1.ConditionReady, `"node-2" is not "node-1"`)
	l.wantUntouched(before)
	edit(l, topo, func(o *v1alpha1.Topology) { o.Spec.NodeName = node })
	l.wantReady()
}

func TestTopologyOfAnotherNodeIsLeftToItsOperator(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	topo, dmzLAN, office, web, files := acme()
	topo.Spec.NodeName = "node-2"
	l.create(topo, dmzLAN, office, web, files)
	l.converge()
	l.wantWrites()
	l.read(topo, office)
	if topo.Status.NodeName != "node-2" || office.Labels[v1alpha1.LabelNode] != "node-2" {
		t.Errorf("topology on %q, LAN labelled %q", topo.Status.NodeName, office.Labels[v1alpha1.LabelNode])
	}
	if len(office.Finalizers)+len(office.Status.Conditions) > 0 {
		t.Errorf("LAN of another node was written to: %v %v", office.Finalizers, office.Status.Conditions)
	}
	l.wantConditions(topo, v1alpha1.ConditionLANsReady, "False Progressing", v1alpha1.ConditionReconciling, "True DependencyNotReady")
}

func TestTopologyNamesWhoIsNotReady(t *testing.T) {
	t.Parallel()
	l := newAcme(t)
	topo := at(topology("acme"))
	edit(l, at(decky("files", "office")), func(o *v1alpha1.Decky) { o.Spec.Services[0].Name = "gopher" })
	l.converge()
	l.wantConditions(topo, v1alpha1.ConditionReady, "False Progressing", v1alpha1.ConditionDeckiesReady, "False Progressing",
		v1alpha1.ConditionLANsReady, "True Succeeded", v1alpha1.ConditionReconciling, "True DependencyNotReady")
	l.wantMessage(topo, v1alpha1.ConditionReady, "files (UnknownService)")
	if want := (v1alpha1.Count{Total: 2, Ready: 1, Summary: "1/2"}); topo.Status.Deckies != want {
		t.Errorf("deckies %v, want %v", topo.Status.Deckies, want)
	}
}

// Scenario 3: without a DMZ nothing is built and the topology waits.
func TestTopologyWithoutDMZWaits(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	topo, dmzLAN, office, web, files := acme()
	l.create(topo, office, web, files)
	l.converge()
	l.wantWrites()
	l.wantConditions(topo, v1alpha1.ConditionReady, "False DMZMissing", v1alpha1.ConditionAccepted, "False DMZMissing",
		v1alpha1.ConditionReconciling, "True DependencyNotReady", v1alpha1.ConditionStalled, "absent")
	l.wantConditions(office, v1alpha1.ConditionReady, "False DMZMissing", v1alpha1.ConditionStalled, "absent")
	l.create(dmzLAN)
	l.wantReady()
}

// Scenario 3: the later of two DMZs is at fault, and the rest goes on.
func TestSecondDMZIsStalled(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	topo, dmzLAN, office, web, files := acme()
	second := lan("second", dmz)
	l.create(topo, dmzLAN, second, office, web, files)
	l.converge()
	l.wantConditions(second, v1alpha1.ConditionReady, "False DMZMultiple", v1alpha1.ConditionStalled, "True DMZMultiple")
	l.wantMessage(second, v1alpha1.ConditionReady, "spec.dmz", "dmz", "set dmz to false")
	for _, object := range []pass.Object{dmzLAN, office, web, files} {
		l.wantConditions(object, v1alpha1.ConditionReady, "True Succeeded")
	}
	l.remove(second)
	l.wantReady()
}

// Scenario 4: a live edit that cuts a LAN off is reported, and tears nothing down.
func TestUnreachableLANIsReported(t *testing.T) {
	t.Parallel()
	l := newAcme(t)
	topo, web := at(topology("acme")), at(decky("web", "dmz"))
	before := l.ids()
	edit(l, web, func(o *v1alpha1.Decky) { o.Spec.Attachments = nil })
	l.converge()
	l.wantConditions(topo, v1alpha1.ConditionReady, "False LANUnreachable", v1alpha1.ConditionAccepted, "False LANUnreachable",
		v1alpha1.ConditionLANsReady, "True Succeeded", v1alpha1.ConditionDeckiesReady, "True Succeeded")
	l.wantMessage(topo, v1alpha1.ConditionAccepted, "office")
	l.wantUntouched(before)
	l.hand.Kill("lab_acme_files_ftp")
	l.converge()
	if diff := cmp.Diff("container lab_acme_files_ftp running", l.docker()[1]); diff != "" {
		t.Errorf("a topology that is not accepted is not repaired: %s", diff)
	}
}

func TestTopologyWithoutDeckiesIsNotReady(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	topo := topology("acme")
	l.create(topo, lan("dmz", dmz))
	l.converge()
	l.wantConditions(topo, v1alpha1.ConditionReady, "False NoDeckies", v1alpha1.ConditionLANsReady, "True Succeeded",
		v1alpha1.ConditionAccepted, "True Succeeded", v1alpha1.ConditionReconciling, "True DependencyNotReady")
}

func TestOrphansAreAnswered(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	topo, dmzLAN, office, web, files := acme()
	l.create(dmzLAN, office, web, files)
	absent := at(topology("acme"))
	l.mustPass(absent)
	for _, orphan := range []pass.Object{dmzLAN, office, web, files} {
		l.wantConditions(orphan, v1alpha1.ConditionAccepted, "False TopologyNotFound", v1alpha1.ConditionReady, "False TopologyNotFound",
			v1alpha1.ConditionReconciling, "True DependencyNotReady", v1alpha1.ConditionStalled, "absent")
		l.wantMessage(orphan, v1alpha1.ConditionReady, "acme", "spec.topologyRef.name")
		checkConditionRules(t, orphan)
	}
	before := l.written()
	l.mustPass(absent)
	if l.written() != before {
		t.Errorf("orphans were written to again: %q", l.cache.writes())
	}
	l.create(topo)
	l.wantReady()
}

// Scenario 57: a topology that is deleted at any phase takes all with it.
func TestTopologyIsTornDownAtAnyPhase(t *testing.T) {
	t.Parallel()
	for rounds := 1; rounds < 6; rounds++ {
		t.Run(fmt.Sprintf("after %d rounds", rounds), func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			topo, dmzLAN, office, web, files := acme()
			l.create(topo, dmzLAN, office, web, files)
			for range rounds {
				_ = l.round()
			}
			l.remove(topo)
			l.wantGone()
		})
	}
}

// Scenario 57: services go before their base, bases before their networks, and
// the object that owned them only then.
func TestTeardownKeepsItsOrder(t *testing.T) {
	t.Parallel()
	l := newAcme(t)
	topo := at(topology("acme"))
	l.remove(topo)
	l.events.take()
	l.wantGone()
	position := map[string]int{}
	for i, write := range l.engine.Writes() {
		position[write] = i + 1
	}
	for _, pair := range [][2]string{
		{"remove container lab_acme_web_ssh", "remove container lab_acme_web"},
		{"remove container lab_acme_web_http", "remove container lab_acme_web"},
		{"remove container lab_acme_files_ftp", "remove container lab_acme_files"},
		{"remove container lab_acme_web", "remove network lab_acme_dmz"},
		{"remove container lab_acme_web", "remove network lab_acme_office"},
		{"remove container lab_acme_files", "remove network lab_acme_office"},
	} {
		if position[pair[0]] == 0 || position[pair[0]] > position[pair[1]] {
			t.Errorf("%q does not precede %q: %q", pair[0], pair[1], l.engine.Writes())
		}
	}
	if sent := l.events.take(); len(sent) > 0 {
		t.Errorf("events of objects that are being deleted: %q", sent)
	}
}

// Scenario 57: what is stuck keeps the finalizer, and the topology names the culprit.
func TestTeardownNamesTheCulprit(t *testing.T) {
	t.Parallel()
	l := newAcme(t)
	topo := at(topology("acme"))
	l.hand.AddContainer(foreignOn("lab_acme_office", "172.16.1.77"))
	l.remove(topo)
	l.converge()
	l.wantConditions(topo, v1alpha1.ConditionReady, "False Deleting", v1alpha1.ConditionReconciling, "True DependencyNotReady")
	l.wantMessage(topo, v1alpha1.ConditionReady, "office", "stranger", "docker network disconnect")
	if diff := cmp.Diff([]string{"network lab_acme_office 172.16.1.0/24"}, l.docker()); diff != "" {
		t.Errorf("on the engine (-want +have):\n%s", diff)
	}
	l.hand.Disconnect("stranger", "lab_acme_office")
	l.wantGone()
}

// While the engine is away objects stay and say so; abandon releases them
// without touching Docker.
func TestTopologyIsAbandoned(t *testing.T) {
	t.Parallel()
	l := newAcme(t)
	topo, web := at(topology("acme")), at(decky("web", "dmz"))
	l.engine.SetDown(true)
	l.remove(topo)
	for range 3 {
		_ = l.round()
	}
	l.wantConditions(web, v1alpha1.ConditionReady, "Unknown EngineUnavailable")
	l.wantMessage(topo, v1alpha1.ConditionReady, "files", "engine unavailable")
	edit(l, topo, annotate[*v1alpha1.Topology](v1alpha1.AnnotationAbandon, "true"))
	l.converge()
	if l.exists(topo) || len(l.objects()) > 0 {
		t.Errorf("objects are left:%s", l.describe())
	}
	l.engine.SetDown(false)
	l.wantWrites()
	if diff := cmp.Diff(acmeOnDocker(), l.docker()); diff != "" {
		t.Errorf("on the engine (-want +have):\n%s", diff)
	}
}
