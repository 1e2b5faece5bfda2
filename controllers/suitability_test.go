// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/engine"
	enginefake "github.com/deckyard/deckyard/internal/engine/fake"
	"github.com/deckyard/deckyard/internal/model"
)

func TestTopologySaysWhatItsEngineCanDo(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		options []enginefake.Option
		want    string
	}{
		"API 1.41": {nil, "Docker Engine 20.10.24, API 1.41; off: attachment MACs, live restore"},
		"API 1.44": {[]enginefake.Option{enginefake.WithEndpointMAC()}, "Docker Engine 25.0.0, API 1.44; off: live restore"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, tc.options...)
			topo, dmzLAN, office, web, files := acme()
			l.create(topo, dmzLAN, office, web, files)
			l.wantReady()
			l.wantConditions(topo, v1alpha1.ConditionEngineSuitable, "True Succeeded")
			if have := message(topo, v1alpha1.ConditionEngineSuitable); have != tc.want {
				t.Errorf("have %q, want %q", have, tc.want)
			}
		})
	}
}

// On an engine that is not suitable nothing is built, and everything goes on once it is.
func TestNothingIsBuiltOnAnUnsuitableEngine(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.hand.SetProfile(func(profile *model.Profile) { profile.Engine.Rootless = true })
	topo, dmzLAN, office, web, files := acme()
	l.create(topo, dmzLAN, office, web, files)
	l.converge()
	l.wantWrites()
	l.wantConditions(topo, v1alpha1.ConditionEngineSuitable, "False EngineUnsuitable", v1alpha1.ConditionReady, "False EngineUnsuitable",
		v1alpha1.ConditionReconciling, "True DependencyNotReady")
	l.wantMessage(topo, v1alpha1.ConditionReady, "rootless", "--docker-host")
	l.wantConditions(office, v1alpha1.ConditionReady, "False EngineUnsuitable")
	l.hand.SetProfile(func(profile *model.Profile) { profile.Engine.Rootless = false })
	l.wantReady()
	l.wantConditions(topo, v1alpha1.ConditionEngineSuitable, "True Succeeded")
}

// An engine that is no longer suitable keeps what it has, and lets it go when it is
// deleted; what breaks meanwhile is repaired afterwards.
func TestEngineBecomesUnsuitable(t *testing.T) {
	t.Parallel()
	l := newAcme(t)
	topo, web := at(topology("acme")), at(decky("web", "dmz"))
	before := l.ids()
	unsuitable := func(profile *model.Profile) { profile.Host.EngineVisible = model.No }
	l.hand.SetProfile(unsuitable)
	l.converge()
	l.wantConditions(topo, v1alpha1.ConditionEngineSuitable, "False EngineUnsuitable", v1alpha1.ConditionReady, "False EngineUnsuitable")
	l.wantMessage(topo, v1alpha1.ConditionReady, "hostPID: true")
	l.wantUntouched(before)
	l.hand.Remove("lab_acme_web_ssh")
	l.converge()
	l.wantWrites()
	l.wantConditions(web, v1alpha1.ConditionReady, "False EngineUnsuitable")
	l.remove(topo)
	l.wantGone()
}

// Nothing ever happens to a topology of a node that has no operator. The elected one
// says so, once that node's has had the time to speak, and no longer when it speaks.
func TestTopologyOfASilentNodeSaysSo(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	topo, dmzLAN, office, web, files := acme()
	topo.Spec.NodeName = "node-2"
	l.create(topo, dmzLAN, office, web, files)
	l.clock.SetTime(topo.CreationTimestamp.Add(9 * time.Second))
	l.converge()
	l.wantConditions(topo, v1alpha1.ConditionReady, "False Progressing")
	if said := meta.FindStatusCondition(topo.Status.Conditions, v1alpha1.ConditionEngineSuitable); said != nil {
		t.Errorf("the other operator had no time to speak: %+v", said)
	}
	l.clock.Step(time.Second)
	l.mustPass(topo)
	l.converge()
	l.wantConditions(topo, v1alpha1.ConditionEngineSuitable, "Unknown NodeSilent", v1alpha1.ConditionReady, "False NodeSilent",
		v1alpha1.ConditionReconciling, "True DependencyNotReady")
	l.wantMessage(topo, v1alpha1.ConditionReady, "No operator of node node-2 has said anything yet", "start it there", "such as "+node+", in spec.nodeName")
	before := l.written()
	l.mustPass(topo)
	if after := l.written(); before != after {
		t.Errorf("said again: %q", l.cache.writes())
	}
	l.wantWrites()

	l.read(topo)
	said := meta.FindStatusCondition(topo.Status.Conditions, v1alpha1.ConditionEngineSuitable)
	said.Status, said.Reason, said.Message = metav1.ConditionTrue, string(v1alpha1.ReasonSucceeded), "the engine of node-2"
	if err := l.api.Status().Update(t.Context(), topo); err != nil {
		t.Fatal(err)
	}
	l.mustPass(topo)
	l.wantConditions(topo, v1alpha1.ConditionEngineSuitable, "True Succeeded", v1alpha1.ConditionReady, "False Progressing")
}

// Of several operators one speaks for the nodes that have none.
func TestOnlyTheElectedTellsOfASilentNode(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.elected = make(chan struct{})
	l.restart()
	topo := topology("acme")
	topo.Spec.NodeName = "node-2"
	l.create(topo)
	l.converge()
	l.read(topo)
	if said := meta.FindStatusCondition(topo.Status.Conditions, v1alpha1.ConditionEngineSuitable); said != nil {
		t.Errorf("one that is not elected says: %+v", said)
	}
	close(l.elected)
	l.mustPass(topo)
	l.wantConditions(topo, v1alpha1.ConditionEngineSuitable, "Unknown NodeSilent")
}

// The text stays as it is while the engine does, and whatever else is edited.
func TestReportOnTheEngineIsWrittenOnce(t *testing.T) {
	t.Parallel()
	l := newAcme(t)
	topo := at(topology("acme"))
	before := len(l.reportsOnEngine())
	for range 3 {
		l.relist()
		l.mustPass(topo)
	}
	if after := len(l.reportsOnEngine()); before != after {
		t.Errorf("reported %d times, then %d: %q", before, after, l.cache.writes())
	}
	edit(l, topo, func(o *v1alpha1.Topology) { o.Spec.LANPrefixLength = 25 })
	l.wantReady()
	l.read(topo)
	for _, condition := range topo.Status.Conditions {
		if condition.ObservedGeneration != topo.Generation {
			t.Errorf("%s speaks of generation %d of %d", condition.Type, condition.ObservedGeneration, topo.Generation)
		}
	}
}

// reportsOnEngine returns the writes of what only an EngineReporter writes.
func (l *lab) reportsOnEngine() []string {
	var reports []string
	for _, write := range l.cache.writes() {
		if strings.Contains(write, v1alpha1.ConditionEngineSuitable) && !strings.Contains(write, v1alpha1.ConditionLANsReady) {
			reports = append(reports, write)
		}
	}
	return reports
}

// Its own fields are a node's, and what others wrote stays theirs.
func TestReportOnTheEngineChangesNothingElse(t *testing.T) {
	t.Parallel()
	l := newAcme(t)
	topo := at(topology("acme"))
	l.read(topo)
	before := topo.DeepCopy()
	l.engine.SetDown(true)
	l.relist()
	// The reporter is the first of the kind's controllers.
	if _, err := l.reconcilers[0].Reconcile(t.Context(), requestFor(topo)); err != nil {
		t.Fatal(err)
	}
	l.read(topo)
	if have := condition(topo, v1alpha1.ConditionEngineSuitable); have != "Unknown EngineUnavailable" {
		t.Errorf("EngineSuitable is %s", have)
	}
	strip := func(o *v1alpha1.Topology) v1alpha1.TopologyStatus {
		var kept []metav1.Condition
		for _, condition := range o.Status.Conditions {
			if condition.Type != v1alpha1.ConditionEngineSuitable {
				kept = append(kept, condition)
			}
		}
		o.Status.Conditions = kept
		return o.Status
	}
	if diff := cmp.Diff(strip(before), strip(topo)); diff != "" {
		t.Errorf("status besides EngineSuitable (-before +after):\n%s", diff)
	}
}

// Trouble with the firewall that may pass stops nothing that is not the firewall's.
func TestEngineWithoutFirewallIsUnsuitable(t *testing.T) {
	t.Parallel()
	l := newAcme(t)
	topo := at(topology("acme"))
	l.hand.SetFirewallFault(engine.ErrDenied)
	l.converge()
	l.wantConditions(topo, v1alpha1.ConditionEngineSuitable, "False EngineUnsuitable", v1alpha1.ConditionReady, "False EngineUnsuitable")
	l.wantMessage(topo, v1alpha1.ConditionReady, "NET_ADMIN", "as root")
	l.hand.SetFirewallFault(engine.ErrConflict)
	l.converge()
	l.wantConditions(topo, v1alpha1.ConditionEngineSuitable, "True Succeeded")
	l.hand.SetFirewallFault(nil)
	l.wantReady()
}
