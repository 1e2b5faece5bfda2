// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/engine"
	enginefake "github.com/deckyard/deckyard/internal/engine/fake"
	"github.com/deckyard/deckyard/internal/model"
	"github.com/deckyard/deckyard/internal/pass"
)

// wantVerdicts checks Contained of objects, given as object and "Status Reason" in turn.
func (l *lab) wantVerdicts(pairs ...any) {
	l.t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		object, _ := pairs[i].(pass.Object)
		want, _ := pairs[i+1].(string)
		l.wantConditions(object, v1alpha1.ConditionContained, want)
	}
}

// wantReaches checks what a LAN reaches: LANs, then host, outside and metadata.
func (l *lab) wantReaches(lan *v1alpha1.LAN, want ...string) {
	l.t.Helper()
	l.read(lan)
	seen := lan.Status
	have := []string{seen.ReachesSummary, string(seen.ReachesHost), string(seen.ReachesOutside), string(seen.ReachesMetadata)}
	if diff := cmp.Diff(want, have); diff != "" {
		l.t.Errorf("LAN %s reaches (-want +have):\n%s", lan.Name, diff)
	}
	if strings.Join(seen.Reaches, ",") != seen.ReachesSummary {
		l.t.Errorf("LAN %s reaches %v, in short %s", lan.Name, seen.Reaches, seen.ReachesSummary)
	}
}

// wantMetric checks the gauge of a LAN.
func (l *lab) wantMetric(lan string, want float64) {
	l.t.Helper()
	if have := l.counted("deckyard_lan_contained", lan); have != want {
		l.t.Errorf("the metric of LAN %s is %v, want %v", lan, have, want)
	}
}

// wantEvent checks that an event was sent that begins so.
func (l *lab) wantEvent(begin string) {
	l.t.Helper()
	sent := l.events.take()
	if !slices.ContainsFunc(sent, func(event string) bool { return strings.HasPrefix(event, begin) }) {
		l.t.Errorf("no event begins with %q: %q", begin, sent)
	}
}

// Rules that are gone are a LAN that is not contained, until they are back: the
// LAN and its topology say so, and so do an event and a metric.
func TestFlushedRulesAreNotContained(t *testing.T) {
	t.Parallel()
	l := newAcme(t)
	topo, dmzLAN, office := at(topology("acme")), at(lan("dmz")), at(lan("office"))
	l.wantVerdicts(topo, "True Succeeded", dmzLAN, "True Succeeded", office, "True Succeeded")
	l.wantReaches(dmzLAN, "", "No", "No", "No")
	l.wantMetric("dmz", 1)
	l.events.take()

	l.hand.FlushFilters(instance)
	l.engine.Fail(enginefake.Fault{Operation: enginefake.OpSetFilter, Err: engine.ErrInvalid})
	l.relist()
	if _, err := l.pass(dmzLAN); err == nil {
		t.Error("the refused rules are not tried again")
	}
	l.wantVerdicts(dmzLAN, "False FilterMissing")
	l.wantReaches(dmzLAN, "", "Yes", "Yes", "Yes")
	l.wantMetric("dmz", 0)
	l.wantEvent("dmz Warning FilterMissing: Not contained: the filter rules of the bridge of LAN dmz are missing")
	l.mustPass(topo)
	l.wantConditions(topo, v1alpha1.ConditionContained, "False FilterMissing", v1alpha1.ConditionReady, "False FilterMissing")
	l.wantMessage(topo, v1alpha1.ConditionContained, "1 of 2 LANs", "dmz")
	l.wantEvent("acme Warning FilterMissing: Not contained: 1 of 2 LANs not contained: dmz")

	l.converge()
	l.wantVerdicts(topo, "True Succeeded", dmzLAN, "True Succeeded", office, "True Succeeded")
	l.wantMetric("dmz", 1)
	again := slices.DeleteFunc(l.events.take(), func(event string) bool { return !strings.HasSuffix(event, ": Contained again") })
	slices.Sort(again)
	if diff := cmp.Diff([]string{
		"acme Normal Succeeded: Contained again", "dmz Normal Succeeded: Contained again", "office Normal Succeeded: Contained again",
	}, again); diff != "" {
		t.Errorf("events (-want +have):\n%s", diff)
	}
	l.wantReady()
}

// Scenario 76: a suspended topology whose rules are broken is left so, and says
// that it is not contained for as long.
func TestSuspendedTopologyIsVerified(t *testing.T) {
	t.Parallel()
	l := newAcme(t)
	topo, dmzLAN, office := at(topology("acme")), at(lan("dmz")), at(lan("office"))
	edit(l, topo, func(o *v1alpha1.Topology) { o.Spec.Suspend = true })
	l.wantReady()
	for _, filter := range l.filters() {
		if filter.Owner.Name == office.Name {
			l.hand.DamageFilter(filter.Bridge)
		}
	}
	l.converge()
	for range 3 {
		l.assertSteadyState()
		l.wantConditions(office, v1alpha1.ConditionContained, "False FilterDrifted", v1alpha1.ConditionReady, "False Suspended")
		l.wantConditions(topo, v1alpha1.ConditionContained, "False FilterDrifted", v1alpha1.ConditionReady, "False FilterDrifted")
		l.wantVerdicts(dmzLAN, "True Succeeded")
	}
	l.wantWrites()
	edit(l, topo, func(o *v1alpha1.Topology) { o.Spec.Suspend = false })
	l.wantReady()
	l.wantVerdicts(topo, "True Succeeded", office, "True Succeeded")
}

// What is in the way of containment, and is not the LAN's to repair, keeps LAN and
// topology from being Ready until it is gone.
func TestBreachesOfContainment(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		disturb func(*lab)
		mend    func(*lab)
		reason  string
		words   []string
		reaches []string
	}{
		"foreign container": {
			func(l *lab) { l.hand.AddContainer(foreignOn("lab_acme_office", "172.16.1.77")) },
			func(l *lab) { l.hand.Remove("stranger") },
			"ForeignEndpoint",
			[]string{"stranger"},
			[]string{"", "No", "No", "No"},
		},
		"foreign container that leads out": {
			func(l *lab) {
				l.hand.AddNetwork(model.NetworkSpec{Name: "corp", Driver: "bridge", Subnet: prefix("192.0.2.0/24")})
				l.hand.AddContainer(foreignOn("lab_acme_office", "172.16.1.77"))
				l.hand.Connect("stranger", "corp", addr("192.0.2.7"))
			},
			func(l *lab) { l.hand.Remove("stranger") },
			"ForeignEndpoint",
			[]string{"stranger"},
			[]string{"", "Yes", "Yes", "Yes"},
		},
		"base that forwards": {
			func(l *lab) { l.hand.SetSysctl("lab_acme_web", model.SysctlIPForward, "1") },
			func(*lab) {},
			"SysctlDrifted",
			[]string{"Decky web", "spec.forwarding"},
			[]string{"dmz", "No", "No", "No"},
		},
		"base with an interface that forwards": {
			func(l *lab) { l.hand.SetSysctl("lab_acme_web", "net.ipv4.conf.eth1.forwarding", "1") },
			func(*lab) {},
			"SysctlDrifted",
			[]string{"Decky web", "spec.forwarding"},
			[]string{"dmz", "No", "No", "No"},
		},
		"base on another network": {
			func(l *lab) {
				l.hand.AddNetwork(model.NetworkSpec{Name: "corp", Driver: "bridge", Subnet: prefix("192.0.2.0/24")})
				l.hand.Connect("lab_acme_files", "corp", addr("192.0.2.7"))
			},
			func(*lab) {},
			"EndpointExtra",
			[]string{"Decky files", "corp"},
			[]string{"", "Yes", "Yes", "Yes"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newAcme(t)
			topo, office := at(topology("acme")), at(lan("office"))
			tc.disturb(l)
			l.relist()
			l.mustPass(office)
			l.mustPass(topo)
			l.wantConditions(office, v1alpha1.ConditionContained, "False "+tc.reason, v1alpha1.ConditionReady, "False "+tc.reason)
			l.wantMessage(office, v1alpha1.ConditionContained, tc.words...)
			l.wantReaches(office, tc.reaches...)
			l.wantConditions(topo, v1alpha1.ConditionContained, "False "+tc.reason, v1alpha1.ConditionReady, "False "+tc.reason)
			l.wantMetric("office", 0)
			tc.mend(l)
			l.wantReady()
			l.wantReaches(office, "", "No", "No", "No")
			l.wantVerdicts(topo, "True Succeeded")
		})
	}
}

// What a LAN reaches follows the deckies that forward, and is no breach.
func TestReachFollowsForwarding(t *testing.T) {
	t.Parallel()
	l := newAcme(t)
	dmzLAN, office, plant := at(lan("dmz")), at(lan("office")), lan("plant", subnet("172.16.9.0/24"))
	web := at(decky("web", "dmz"))
	l.create(plant, decky("inner", "office", forwarding, visiting("plant")))
	l.wantReady()
	l.wantReaches(dmzLAN, "", "No", "No", "No")
	l.wantReaches(office, "plant", "No", "No", "No")

	edit(l, web, forwarding)
	edit(l, dmzLAN, func(o *v1alpha1.LAN) { o.Spec.Egress = v1alpha1.EgressAllow })
	l.converge()
	l.wantReaches(dmzLAN, "office,plant", "No", "Yes", "No")
	l.wantReaches(plant, "dmz,office", "No", "No", "No")
	l.wantVerdicts(dmzLAN, "True Succeeded", plant, "True Succeeded")

	edit(l, web, func(o *v1alpha1.Decky) { o.Spec.Forwarding = false })
	edit(l, dmzLAN, func(o *v1alpha1.LAN) { o.Spec.Egress = v1alpha1.EgressDeny })
	l.converge()
	l.wantReaches(dmzLAN, "", "No", "No", "No")
	l.wantReaches(plant, "office", "No", "No", "No")
}

// Scenario 52: what cannot be seen is not known, neither contained nor not.
func TestContainmentThatCannotBeTold(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fail   func(*lab)
		mend   func(*lab)
		reason string
	}{
		"engine": {func(l *lab) { l.engine.SetDown(true) }, func(l *lab) { l.engine.SetDown(false) }, "EngineUnavailable"},
		"firewall": {
			func(l *lab) { l.hand.SetFirewallFault(engine.ErrDenied) },
			func(l *lab) { l.hand.SetFirewallFault(nil) }, "FirewallUnavailable",
		},
		"namespace": {
			func(l *lab) {
				l.engine.Fail(enginefake.Fault{Operation: enginefake.OpNamespace, Err: errors.New("the kernel is busy")})
			},
			func(*lab) {}, "EngineRefused",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newAcme(t)
			topo, office := at(topology("acme")), at(lan("office"))
			tc.fail(l)
			l.relist()
			_, _ = l.pass(office)
			l.mustPass(topo)
			l.wantVerdicts(office, "Unknown "+tc.reason, topo, "Unknown "+tc.reason)
			l.wantReaches(office, "", "Unknown", "Unknown", "Unknown")
			l.wantMetric("office", 0)
			if l.read(office, topo); isReady(office) || isReady(topo) {
				t.Errorf("Ready all the same:%s", l.describe())
			}
			tc.mend(l)
			l.wantReady()
			l.wantVerdicts(office, "True Succeeded", topo, "True Succeeded")
		})
	}
}

// That a namespace cannot be read holds no repair up.
func TestRepairsDoNotWaitForTheVerdict(t *testing.T) {
	t.Parallel()
	l := newAcme(t)
	office := at(lan("office"))
	l.hand.FlushFilters(instance)
	l.relist()
	for range 2 {
		l.engine.Fail(enginefake.Fault{Operation: enginefake.OpNamespace, Err: errors.New("the kernel is busy")})
	}
	if _, err := l.pass(office); err == nil {
		t.Error("the namespace is not read again")
	}
	l.wantWrites("set filter lab/office")
	l.wantReady()
}

// A LAN that is gone has no metric.
func TestMetricOfALANGoesWithIt(t *testing.T) {
	t.Parallel()
	l := newAcme(t)
	spare := lan("spare")
	l.create(spare)
	l.converge()
	l.wantMetric("spare", 1)
	l.remove(spare)
	l.converge()
	l.mustPass(spare)
	l.wantMetric("spare", 0)
	families, err := l.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == "deckyard_lan_contained" && len(family.GetMetric()) != 2 {
			t.Errorf("metrics of %d LANs, want 2", len(family.GetMetric()))
		}
	}
}
