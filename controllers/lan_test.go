// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/engine"
	enginefake "github.com/deckyard/deckyard/internal/engine/fake"
	"github.com/deckyard/deckyard/internal/model"
	"github.com/deckyard/deckyard/internal/pass"
)

// newLANs returns a lab with a topology and these LANs, of which the topology
// has made its own, and nothing else has been done.
func newLANs(t *testing.T, lans ...*v1alpha1.LAN) *lab {
	t.Helper()
	l := newLab(t)
	topo := topology("acme")
	l.create(topo)
	for _, lan := range lans {
		l.create(lan)
	}
	l.mustPass(topo)
	l.relist()
	return l
}

// settle runs passes over objects until one changes nothing.
func (l *lab) settle(objects ...pass.Object) {
	l.t.Helper()
	for range maxRounds {
		before := l.written()
		for _, object := range objects {
			l.relist()
			l.mustPass(object)
			l.read(object)
			checkConditionRules(l.t, object)
		}
		if before == l.written() {
			return
		}
	}
	l.t.Fatalf("no end:%s", l.describe())
}

// Scenario 6: a free block is stored in status before it is used.
func TestSubnetIsInStatusBeforeTheNetworkIs(t *testing.T) {
	t.Parallel()
	office := lan("office", dmz)
	l := newLANs(t, office)
	l.engine.Fail(enginefake.Fault{Operation: enginefake.OpCreateNetwork, Err: engine.ErrConflict})
	if _, err := l.pass(office); err == nil {
		t.Error("the refused creation is not retried")
	}
	l.wantConditions(office, v1alpha1.ConditionReady, "False EngineRefused", v1alpha1.ConditionReconciling, "True ProgressingWithRetry",
		v1alpha1.ConditionAccepted, "True Succeeded")
	if office.Status.Subnet != "172.16.0.0/24" || office.Status.Gateway != "172.16.0.1" || office.Status.NetworkID != "" {
		t.Errorf("status %+v", office.Status)
	}
}

// Scenario 6: a subnet that was chosen never changes, also when a lower one
// becomes free.
func TestChosenSubnetStays(t *testing.T) {
	t.Parallel()
	first, second := lan("first", dmz), lan("second")
	l := newLANs(t, first, second)
	l.settle(first, second)
	l.remove(first)
	l.converge()
	l.create(lan("third", dmz))
	l.hand.RemoveNetwork("lab_acme_second")
	l.restart()
	l.converge()
	l.read(second)
	if !isReady(second) || second.Status.Subnet != "172.16.1.0/24" {
		t.Errorf("subnet %s:%s", second.Status.Subnet, l.describe())
	}
	want := []string{"network lab_acme_second 172.16.1.0/24", "network lab_acme_third 172.16.0.0/24"}
	if diff := cmp.Diff(want, l.docker()); diff != "" {
		t.Errorf("on the engine (-want +have):\n%s", diff)
	}
}

// Scenario 7: LANs that are looked at at the same moment, by a cache that knows
// of none of their subnets, get different ones.
func TestSubnetsAreUnique(t *testing.T) {
	t.Parallel()
	lans := []*v1alpha1.LAN{lan("a", dmz), lan("b"), lan("c"), lan("d"), lan("e"), lan("f")}
	l := newLANs(t, lans...)
	if err := l.cache.freeze(t.Context(), &v1alpha1.LANList{}); err != nil {
		t.Fatal(err)
	}
	var passes sync.WaitGroup
	for _, lan := range lans {
		passes.Go(func() {
			if _, err := l.pass(lan); err != nil {
				t.Errorf("pass over %s: %v", lan.Name, err)
			}
		})
	}
	passes.Wait()
	l.cache.thaw()
	seen := map[string]string{}
	for _, lan := range lans {
		l.read(lan)
		if other, taken := seen[lan.Status.Subnet]; taken || lan.Status.Subnet == "" {
			t.Errorf("%s has %q, as %q", lan.Name, lan.Status.Subnet, other)
		}
		seen[lan.Status.Subnet] = lan.Name
	}
	l.settle(lans[0], lans[1], lans[2], lans[3], lans[4], lans[5])
	if have := len(l.docker()); have != len(lans) {
		t.Errorf("%d networks for %d LANs", have, len(lans))
	}
}

// Scenario 8: an exhausted pool is waited for.
func TestPoolExhausted(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	topo, first, second := topology("acme"), lan("first", dmz), lan("second")
	topo.Spec.AddressPools = []string{"10.9.0.0/24"}
	l.create(topo, first)
	l.converge()
	l.create(second)
	l.converge()
	l.wantConditions(first, v1alpha1.ConditionReady, "True Succeeded")
	l.wantConditions(second, v1alpha1.ConditionReady, "False PoolExhausted", v1alpha1.ConditionAccepted, "False PoolExhausted",
		v1alpha1.ConditionReconciling, "True DependencyNotReady", v1alpha1.ConditionStalled, "absent")
	l.wantMessage(second, v1alpha1.ConditionReady, "/24", "10.9.0.0/24", "spec.addressPools")
	if !l.observer.isBlocked("LAN second") {
		t.Error("nobody would wake the LAN when a foreign network frees a block")
	}
	l.assertSteadyState()
	edit(l, first, func(o *v1alpha1.LAN) { o.Finalizers = nil })
	l.remove(first)
	l.hand.RemoveNetwork("lab_acme_first")
	edit(l, second, dmz)
	l.converge()
	l.wantConditions(second, v1alpha1.ConditionReady, "True Succeeded")
	if l.observer.isBlocked("LAN second") {
		t.Error("the LAN is woken by what does not concern it any more")
	}
}

// Scenario 9: an owned network that is as desired is adopted with no write.
func TestNetworkIsAdopted(t *testing.T) {
	t.Parallel()
	office := lan("office", dmz, subnet("10.1.0.0/24"))
	l := newLANs(t, office)
	l.settle(office)
	networkID := office.Status.NetworkID
	office.Status = v1alpha1.LANStatus{ObservedGeneration: -1}
	if err := l.api.Status().Update(t.Context(), office); err != nil {
		t.Fatal(err)
	}
	l.engine.ForgetWrites()
	l.restart()
	l.settle(office)
	l.wantWrites()
	if !isReady(office) || office.Status.NetworkID != networkID || networkID == "" {
		t.Errorf("network %q, was %q:%s", office.Status.NetworkID, networkID, l.describe())
	}
}

// Scenarios 12 and 59: what is not ours stops us, is never touched, and is
// waited for.
func TestForeignObstaclesOfANetwork(t *testing.T) {
	t.Parallel()
	foreign := func(name, prefix string) model.NetworkSpec {
		return model.NetworkSpec{Name: name, Driver: "bridge", Subnet: netip.MustParsePrefix(prefix)}
	}
	for name, tc := range map[string]struct {
		obstruct, clear func(enginefake.Hand)
		reason          string
		words           []string
	}{
		"subnet": {
			obstruct: func(hand enginefake.Hand) { hand.AddNetwork(foreign("corp", "10.1.0.128/25")) },
			clear:    func(hand enginefake.Hand) { hand.RemoveNetwork("corp") },
			reason:   "False SubnetConflict",
			words:    []string{"10.1.0.0/24", "corp", "10.1.0.128/25", "spec.subnet"},
		},
		"name": {
			obstruct: func(hand enginefake.Hand) { hand.AddNetwork(foreign("lab_acme_office", "192.168.7.0/24")) },
			clear:    func(hand enginefake.Hand) { hand.RemoveNetwork("lab_acme_office") },
			reason:   "False ForeignNetwork",
			words:    []string{"lab_acme_office"},
		},
		"route of the host": {
			obstruct: func(hand enginefake.Hand) { hand.SetRoutes(netip.MustParsePrefix("10.0.0.0/8")) },
			clear:    func(hand enginefake.Hand) { hand.SetRoutes() },
			reason:   "False SubnetConflict",
			words:    []string{"10.1.0.0/24", "10.0.0.0/8", "route"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			office := lan("office", dmz, subnet("10.1.0.0/24"))
			l := newLANs(t, office)
			tc.obstruct(l.hand)
			before := l.ids()
			l.settle(office)
			l.wantWrites()
			l.wantConditions(office, v1alpha1.ConditionReady, tc.reason, v1alpha1.ConditionNetworkInSync, tc.reason,
				v1alpha1.ConditionReconciling, "True DependencyNotReady", v1alpha1.ConditionStalled, "absent")
			l.wantMessage(office, v1alpha1.ConditionReady, tc.words...)
			l.wantUntouched(before)
			if !l.observer.isBlocked("LAN office") {
				t.Error("nobody would wake the LAN when the obstacle goes")
			}
			tc.clear(l.hand)
			l.settle(office)
			if !isReady(office) || l.observer.isBlocked("LAN office") {
				t.Errorf("blocked still:%s", l.describe())
			}
		})
	}
}

// Scenario 5: of two LANs the later is at fault, in whatever topology.
func TestLaterLANIsAtFaultForAnOverlap(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	first := lan("first", dmz, subnet("10.1.0.0/16"))
	same, other := lan("same", subnet("10.1.2.0/24")), lan("other", dmz, lanOf("globex"), subnet("10.1.3.0/24"))
	l.create(topology("acme"), topology("globex"), first, same, other)
	l.converge()
	l.wantConditions(first, v1alpha1.ConditionReady, "True Succeeded")
	for _, later := range []*v1alpha1.LAN{same, other} {
		l.wantConditions(later, v1alpha1.ConditionReady, "False SubnetOverlap", v1alpha1.ConditionStalled, "True SubnetOverlap",
			v1alpha1.ConditionAccepted, "False SubnetOverlap")
		l.wantMessage(later, v1alpha1.ConditionReady, later.Spec.Subnet, "10.1.0.0/16", "first", "acme")
	}
	l.assertSteadyState()
	edit(l, same, subnet("10.2.0.0/24"))
	l.converge()
	l.wantConditions(same, v1alpha1.ConditionReady, "True Succeeded")
}

// A network that is there keeps its subnet, whoever else says that it is theirs: no
// other can be laid over it.
func TestNetworkThatIsThereKeepsItsSubnet(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	first, second := lan("first", dmz, subnet("10.1.0.0/24")), lan("second", subnet("10.2.0.0/24"))
	l.create(topology("acme"), first, second)
	l.converge()
	// The first is the earlier, and has a network, too: of another subnet.
	edit(l, first, subnet("10.2.0.0/24"))
	l.converge()
	l.wantConditions(second, v1alpha1.ConditionReady, "True Succeeded")
	l.wantConditions(first, v1alpha1.ConditionReady, "False SubnetConflict")
	l.assertSteadyState()
}

// Scenario 2: a LAN that cannot be built causes no write and holds nobody back.
func TestInvalidLAN(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*v1alpha1.LAN)
		reason string
		field  string
	}{
		"gateway outside":        {func(o *v1alpha1.LAN) { o.Spec.Subnet, o.Spec.Gateway = "10.1.0.0/24", "10.2.0.1" }, "InvalidSpec", "spec.gateway"},
		"subnet with host bits":  {func(o *v1alpha1.LAN) { o.Spec.Subnet = "10.1.0.7/24" }, "InvalidSpec", "spec.subnet"},
		"driver not built yet":   {func(o *v1alpha1.LAN) { o.Spec.Driver, o.Spec.Parent = v1alpha1.DriverMacvlan, "eth0" }, "NotSupported", "spec.driver"},
		"egress outside the DMZ": {func(o *v1alpha1.LAN) { o.Spec.Egress = v1alpha1.EgressAllow }, "InvalidSpec", "spec.egress"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			office, outer := lan("office", tc.change), lan("outer", dmz)
			l := newLANs(t, office, outer)
			l.settle(office, outer)
			l.wantWrites("set filter lab/outer", "create network lab_acme_outer")
			l.wantConditions(office, v1alpha1.ConditionReady, "False "+tc.reason, v1alpha1.ConditionStalled, "True "+tc.reason,
				v1alpha1.ConditionAccepted, "False "+tc.reason)
			l.wantMessage(office, v1alpha1.ConditionReady, tc.field)
			if !isReady(outer) {
				t.Errorf("the other LAN is held back:%s", l.describe())
			}
		})
	}
}

// Scenario 13: a LAN that is a home stays until that decky is gone.
func TestHomeIsNotDeleted(t *testing.T) {
	t.Parallel()
	l := newAcme(t)
	office, files := at(lan("office")), at(decky("files", "office"))
	before := l.ids()
	l.remove(office)
	l.converge()
	l.wantConditions(office, v1alpha1.ConditionReady, "False LANInUse")
	l.wantMessage(office, v1alpha1.ConditionReady, "files", "delete it")
	// The visitor has left, which needs no disruption of anything else.
	l.wantWrites("disconnect lab_acme_web from lab_acme_office")
	l.wantUntouched(before)
	l.remove(files)
	l.converge()
	if l.exists(office) || l.exists(files) {
		t.Errorf("objects are left:%s", l.describe())
	}
	l.wantUntouched(before, "lab_acme_office", "lab_acme_files", "lab_acme_files_ftp")
}

// Scenario 14: visitors of a LAN leave before its network goes, and are
// otherwise untouched.
func TestVisitorsLeaveBeforeTheNetworkGoes(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	topo, dmzLAN, office, web, _ := acme()
	l.create(topo, dmzLAN, office, web)
	l.wantReady()
	l.engine.ForgetWrites()
	before := l.ids()
	l.remove(office)
	l.converge()
	l.wantWrites("disconnect lab_acme_web from lab_acme_office", "remove network lab_acme_office", "remove filter lab/office")
	l.wantUntouched(before, "lab_acme_office")
	if l.exists(office) {
		t.Errorf("the LAN is left:%s", l.describe())
	}
	l.wantConditions(web, v1alpha1.ConditionReady, "False LANNotFound", v1alpha1.ConditionAccepted, "False LANNotFound",
		v1alpha1.ConditionContainersRunning, "True Succeeded", v1alpha1.ConditionReconciling, "True DependencyNotReady")
	if len(web.Status.Interfaces) != 1 || web.Status.LANs != "dmz" {
		t.Errorf("the address is not dropped: %v", web.Status.Interfaces)
	}
	l.hand.Kill("lab_acme_web_ssh")
	l.converge()
	if diff := cmp.Diff("container lab_acme_web_ssh running", l.docker()[2]); diff != "" {
		t.Errorf("a decky that lost a LAN is not repaired: %s", diff)
	}
	edit(l, web, func(o *v1alpha1.Decky) { o.Spec.Attachments = nil })
	l.wantReady()
}

// Scenario 11: a name that begins like another one is another name.
func TestNamesAreNotPrefixes(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	first, tenth := lan("lan-1"), lan("lan-10")
	l.create(topology("acme"), lan("dmz", dmz), first, tenth, decky("web", "dmz", services("ssh"), visiting("lan-1", "lan-10")))
	l.wantReady()
	before := l.ids()
	l.remove(first)
	l.converge()
	l.wantUntouched(before, "lab_acme_lan-1")
	want := "container lab_acme_web running lab_acme_dmz=172.16.0.2 lab_acme_lan-10=172.16.2.2"
	if have := l.docker()[0]; have != want {
		t.Errorf("%s, want %s", have, want)
	}
}

// Scenario 16: a network that was removed by hand comes back with everybody on it.
func TestRemovedNetworkComesBack(t *testing.T) {
	t.Parallel()
	l := newAcme(t)
	l.hand.RemoveNetwork("lab_acme_office")
	l.wantReady()
	if diff := cmp.Diff(acmeOnDocker(), l.docker()); diff != "" {
		t.Errorf("on the engine (-want +have):\n%s", diff)
	}
}

// Scenario 10: an owned network that differs is rebuilt in the open: its deckies
// leave first, and come back with the addresses that they had.
func TestDriftedNetworkIsRebuilt(t *testing.T) {
	t.Parallel()
	l := newAcme(t)
	l.hand.Disconnect("lab_acme_web", "lab_acme_office")
	networks, err := l.engine.Networks(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, network := range networks {
		if network.Name != "lab_acme_office" {
			continue
		}
		l.hand.RemoveNetwork(network.Name)
		l.hand.AddNetwork(model.NetworkSpec{
			Name: network.Name, Identity: network.Identity, Driver: network.Driver, Masquerade: true,
			Subnet: network.Subnets[0], Gateway: network.Gateway, Internal: false, MTU: network.MTU,
		})
	}
	l.hand.Connect("lab_acme_files", "lab_acme_office", netip.MustParseAddr("172.16.1.2"))
	l.wantReady()
	if diff := cmp.Diff(acmeOnDocker(), l.docker()); diff != "" {
		t.Errorf("on the engine (-want +have):\n%s", diff)
	}
	networks, err = l.engine.Networks(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, network := range networks {
		if network.Name == "lab_acme_office" && !network.Internal {
			t.Error("the network is not internal")
		}
	}
}

// Scenario 52: while the engine is away nothing is known, and nothing is
// reported missing or removed.
func TestLANWhileTheEngineIsAway(t *testing.T) {
	t.Parallel()
	office := lan("office", dmz)
	l := newLANs(t, office)
	l.settle(office)
	before := office.Status
	l.engine.SetDown(true)
	l.relist()
	if _, err := l.pass(office); err == nil {
		t.Error("the pass is not repeated with back-off")
	}
	l.wantConditions(office, v1alpha1.ConditionReady, "Unknown EngineUnavailable", v1alpha1.ConditionNetworkInSync, "Unknown EngineUnavailable",
		v1alpha1.ConditionAccepted, "True Succeeded", v1alpha1.ConditionReconciling, "True ProgressingWithRetry")
	if office.Status.NetworkID != before.NetworkID || office.Status.Subnet != before.Subnet {
		t.Errorf("facts were forgotten: %+v", office.Status)
	}
	written := l.written()
	if _, err := l.pass(office); err == nil || written != l.written() {
		t.Errorf("the same news is written again, or err is nil: %v", err)
	}
	l.engine.SetDown(false)
	l.settle(office)
	if !isReady(office) {
		t.Errorf("not Ready again:%s", l.describe())
	}
	l.wantWrites("set filter lab/office", "create network lab_acme_office")
}

func TestLANOfAnAbandonedDeletionIsReleased(t *testing.T) {
	t.Parallel()
	office := lan("office", dmz)
	l := newLANs(t, office)
	l.settle(office)
	l.engine.SetDown(true)
	edit(l, office, annotate[*v1alpha1.LAN](v1alpha1.AnnotationAbandon, "true"))
	l.remove(office)
	l.relist()
	l.mustPass(office)
	if l.exists(office) {
		t.Error("the LAN is left")
	}
	l.engine.SetDown(false)
	if diff := cmp.Diff([]string{"network lab_acme_office 172.16.0.0/24"}, l.docker()); diff != "" {
		t.Errorf("on the engine (-want +have):\n%s", diff)
	}
}

// The rules of the firewall come before the network, are put right whatever
// happened to them, and go after it.
func TestFilterRulesAreKept(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		disturb func(*lab, *v1alpha1.LAN)
		reason  string
		writes  []string
	}{
		"flushed": {func(l *lab, _ *v1alpha1.LAN) { l.hand.FlushFilters(instance) }, "FilterMissing", []string{"set filter lab/dmz"}},
		"damaged": {func(l *lab, _ *v1alpha1.LAN) { l.hand.DamageFilter(l.filters()[0].Bridge) }, "FilterDrifted", []string{"set filter lab/dmz"}},
		"gone with the network": {func(l *lab, _ *v1alpha1.LAN) {
			l.hand.FlushFilters(instance)
			l.hand.RemoveNetwork("lab_acme_dmz")
		}, "FilterMissing", []string{"set filter lab/dmz", "create network lab_acme_dmz"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			public := lan("dmz", dmz)
			l := newLANs(t, public)
			l.settle(public)
			l.engine.ForgetWrites()
			l.events.take()
			tc.disturb(l, public)
			l.relist()
			refused := true
			l.engine.Intercept(func(_ context.Context, operation enginefake.Operation, _ string) error {
				if operation == enginefake.OpSetFilter && refused {
					return engine.ErrDenied
				}
				return nil
			})
			if _, err := l.pass(public); err == nil {
				t.Error("the refused rules are not tried again")
			}
			l.wantConditions(public, v1alpha1.ConditionReady, "False FirewallUnavailable")
			refused = false
			l.settle(public)
			l.wantWrites(tc.writes...)
			if sent := l.events.take(); !slices.ContainsFunc(sent, func(event string) bool { return isRepair(event, tc.reason) }) {
				t.Errorf("no event tells of the repair: %q", sent)
			}
			if !isReady(public) {
				t.Errorf("not Ready again:%s", l.describe())
			}
			l.wantContained()
		})
	}
}

// A change of egress changes what may pass.
func TestEgressIsAllowedForTheDMZsOwnSubnet(t *testing.T) {
	t.Parallel()
	public := lan("dmz", dmz, subnet("10.1.0.0/24"), func(o *v1alpha1.LAN) { o.Spec.Egress = v1alpha1.EgressAllow })
	l := newLANs(t, public)
	l.settle(public)
	want := model.FilterPolicy{Published: true, Egress: prefix("10.1.0.0/24")}
	if have := l.filters(); len(have) != 1 || have[0].Policy != want {
		t.Errorf("filters %+v", have)
	}
	edit(l, public, func(o *v1alpha1.LAN) { o.Spec.Egress = v1alpha1.EgressDeny })
	l.settle(public)
	if have := l.filters(); len(have) != 1 || have[0].Policy != (model.FilterPolicy{Published: true}) {
		t.Errorf("filters %+v", have)
	}
}

// A LAN that cannot be contained is not built, and one that cannot be known to
// be contained is not Ready; both say why, and what to do.
func TestFirewallThatCannotBeSet(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault error
		words []string
	}{
		"no right":    {engine.ErrDenied, []string{"NET_ADMIN"}},
		"no firewall": {engine.ErrUnsupported, []string{"nf_tables"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			public := lan("dmz", dmz)
			l := newLANs(t, public)
			l.hand.SetFirewallFault(tc.fault)
			l.settle(public)
			l.wantWrites()
			unavailable := func() {
				t.Helper()
				l.wantConditions(public, v1alpha1.ConditionReady, "False FirewallUnavailable", v1alpha1.ConditionNetworkInSync, "False FirewallUnavailable",
					v1alpha1.ConditionStalled, "absent")
				l.wantMessage(public, v1alpha1.ConditionReady, tc.words...)
				if !l.observer.isBlocked("LAN dmz") {
					t.Error("nobody would wake the LAN when the firewall can be read")
				}
			}
			unavailable()
			l.hand.SetFirewallFault(nil)
			l.settle(public)
			if !isReady(public) {
				t.Errorf("not Ready:%s", l.describe())
			}
			l.engine.ForgetWrites()
			l.hand.SetFirewallFault(tc.fault)
			l.settle(public)
			unavailable()
			l.wantWrites()
			l.hand.SetFirewallFault(nil)
			l.settle(public)
			l.wantContained()
		})
	}
}

// What the firewall refuses when it is set is its own reason, not the engine's.
func TestRefusedFilterRules(t *testing.T) {
	t.Parallel()
	public := lan("dmz", dmz)
	l := newLANs(t, public)
	l.engine.Fail(enginefake.Fault{Operation: enginefake.OpSetFilter, Err: engine.ErrUnsupported})
	if _, err := l.pass(public); err == nil {
		t.Error("the refused rules are not tried again")
	}
	l.wantConditions(public, v1alpha1.ConditionReady, "False FirewallUnavailable", v1alpha1.ConditionNetworkInSync, "False FirewallUnavailable",
		v1alpha1.ConditionReconciling, "True ProgressingWithRetry")
	l.wantWrites("set filter lab/dmz")
	l.settle(public)
	l.wantContained()
}
