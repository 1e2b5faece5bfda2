// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/model"
	"github.com/deckyard/deckyard/internal/pass"
)

// Scenarios 2, 19, 33 and 34: what cannot be built is refused before any write,
// by the field's name, and holds nobody back.
func TestInvalidDecky(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	other := decky("other", "dmz", address("172.16.0.2"), services("telnet"))
	l.create(topology("acme"), lan("dmz", dmz), other)
	l.converge()
	l.engine.ForgetWrites()
	cases := map[string]struct {
		change func(*v1alpha1.Decky)
		reason string
		words  []string
	}{
		"unknown service":      {services("gopher"), "UnknownService", []string{"spec.services[0]", "gopher", "ssh"}},
		"service not built":    {services("rdp"), "NotSupported", []string{"spec.services[0]", "rdp"}},
		"unknown archetype":    {func(o *v1alpha1.Decky) { o.Spec.Archetype = "toaster" }, "UnknownArchetype", []string{"spec.archetype", "toaster"}},
		"archetype not built":  {func(o *v1alpha1.Decky) { o.Spec.Archetype = "domain-controller" }, "NotSupported", []string{"domain-controller", "ldap"}},
		"unknown key":          {both(services("ssh"), config("ssh", map[string]string{"bannner": "x"})), "InvalidConfig", []string{"bannner", "banner"}},
		"bad value":            {both(services("ssh"), config("ssh", map[string]string{"acceptAfter": "often"})), "InvalidConfig", []string{"acceptAfter", "often"}},
		"two claims on a port": {both(services("http"), custom("erp", "acme/erp:1", 80)), "PortConflict", []string{"80", "http", "erp"}},
		"gateway address":      {address("172.16.0.1"), "AddressInvalid", []string{"spec.home.address", "172.16.0.1", "gateway"}},
		"network address":      {address("172.16.0.0"), "AddressInvalid", []string{"spec.home.address", "172.16.0.0"}},
		"broadcast address":    {address("172.16.0.255"), "AddressInvalid", []string{"spec.home.address", "172.16.0.255"}},
		"address outside":      {address("10.0.0.9"), "AddressInvalid", []string{"spec.home.address", "10.0.0.9", "172.16.0.0/24"}},
		"malformed address":    {address("172.16.0.300"), "AddressInvalid", []string{"spec.home.address", "172.16.0.300"}},
		"taken address":        {address("172.16.0.2"), "AddressConflict", []string{"spec.home.address", "172.16.0.2", "other"}},
		"publishes no port":    {both(services("ssh"), publish(80, 8080)), "InvalidSpec", []string{"spec.publish.ports[0].containerPort", "80"}},
		"home among visits":    {visiting("dmz"), "InvalidSpec", []string{"spec.attachments[0].lan", "dmz"}},
		"malformed image":      {custom("erp", "Acme/ERP"), "InvalidSpec", []string{"spec.services[0].image", "Acme/ERP"}},
	}
	refused := map[string]*v1alpha1.Decky{}
	for name, tc := range cases {
		refused[name] = decky(strings.ReplaceAll(name, " ", "-"), "dmz", tc.change)
		l.create(refused[name])
	}
	l.converge()
	l.wantWrites()
	l.wantConditions(other, v1alpha1.ConditionReady, "True Succeeded")
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			l := l.in(t)
			l.wantConditions(refused[name], v1alpha1.ConditionReady, "False "+tc.reason, v1alpha1.ConditionStalled, "True "+tc.reason,
				v1alpha1.ConditionAccepted, "False "+tc.reason)
			l.wantMessage(refused[name], v1alpha1.ConditionReady, tc.words...)
		})
	}
	l.assertSteadyState()
	for _, web := range refused {
		edit(l, web, func(o *v1alpha1.Decky) { o.Spec = decky(web.Name, "dmz", services("ssh")).Spec })
	}
	l.wantReady()
}

func both(first, second func(*v1alpha1.Decky)) func(*v1alpha1.Decky) {
	return func(decky *v1alpha1.Decky) {
		first(decky)
		second(decky)
	}
}

// Scenario 44: only a decky whose home is the DMZ is published.
func TestPublishOutsideTheDMZ(t *testing.T) {
	t.Parallel()
	l := newAcme(t)
	db := decky("db", "office", services("redis"), publish(6379, 6379))
	l.create(db)
	l.converge()
	l.wantWrites()
	l.wantConditions(db, v1alpha1.ConditionReady, "False PublishOutsideDMZ", v1alpha1.ConditionStalled, "True PublishOutsideDMZ")
	l.wantMessage(db, v1alpha1.ConditionReady, "spec.publish", "office")
}

// Scenario 2: a running decky that becomes invalid keeps what it has.
func TestDeckyThatBecomesInvalidKeepsRunning(t *testing.T) {
	t.Parallel()
	l := newAcme(t)
	web := at(decky("web", "dmz"))
	before := l.ids()
	edit(l, web, services("gopher"))
	l.converge()
	l.wantWrites()
	l.wantUntouched(before)
	l.wantConditions(web, v1alpha1.ConditionReady, "False UnknownService", v1alpha1.ConditionStalled, "True UnknownService")
	edit(l, web, func(o *v1alpha1.Decky) { o.Spec.Services = o.Spec.Services[:2] })
	l.wantReady()
	l.wantUntouched(before)
}

// Scenario 46: of two deckies that want one port of the host, the later is at
// fault, in whatever topology; it comes up once the port is free.
func TestHostPortOfAnotherDecky(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	first, second := decky("first", "dmz", services("http"), publish(80, 8080)), decky("second", "outer", deckyOf("globex"), services("http"), publish(80, 8080))
	l.create(topology("acme"), topology("globex"), lan("dmz", dmz), lan("outer", dmz, lanOf("globex")), first, second)
	l.converge()
	l.wantConditions(first, v1alpha1.ConditionReady, "True Succeeded")
	l.wantConditions(second, v1alpha1.ConditionReady, "False PortConflict", v1alpha1.ConditionStalled, "True PortConflict")
	l.wantMessage(second, v1alpha1.ConditionReady, "8080", "Decky first", "8081")
	l.remove(first)
	l.converge()
	l.wantConditions(second, v1alpha1.ConditionReady, "True Succeeded")
}

// Scenario 47: a port of the host that another process or container holds is
// named before the attempt, and waited for.
func TestHostPortOfSomebodyElse(t *testing.T) {
	t.Parallel()
	held := model.PublishedPort{HostIP: addr("0.0.0.0"), HostPort: 8080, Port: model.Port{Number: 80, Protocol: model.TCP}}
	for name, tc := range map[string]struct {
		take, give func(*lab)
		word       string
	}{
		"a process": {
			func(l *lab) { l.hand.HoldPort(held, "nginx (pid 4711)") }, func(l *lab) { l.hand.HoldPort(held, "") }, "nginx (pid 4711)",
		},
		"a container": {
			func(l *lab) {
				l.hand.AddContainer(model.ContainerSpec{Name: "proxy", Image: "nginx:1", Published: []model.PublishedPort{held}})
			},
			func(l *lab) { l.hand.Remove("proxy") }, "proxy",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			tc.take(l)
			web := decky("web", "dmz", services("http"), publish(80, 8080))
			l.create(topology("acme"), lan("dmz", dmz), web)
			l.converge()
			l.wantConditions(web, v1alpha1.ConditionReady, "False HostPortTaken", v1alpha1.ConditionContainersRunning, "False HostPortTaken",
				v1alpha1.ConditionReconciling, "True DependencyNotReady", v1alpha1.ConditionStalled, "absent")
			l.wantMessage(web, v1alpha1.ConditionReady, "8080/tcp", tc.word)
			if count := l.writes("start container lab_acme_web"); count > 0 {
				t.Errorf("%d attempts: %q", count, l.engine.Writes())
			}
			// The engine tells of a container that lets go of a port, nobody of a process.
			if result := l.mustPass(web); name == "a process" && result.RequeueAfter > 10*time.Second {
				t.Errorf("it is looked at again after %s", result.RequeueAfter)
			}
			tc.give(l)
			l.wantReady()
		})
	}
}

// A running base whose new port of the host is held is not given up for it, and all
// else of its decky is repaired meanwhile.
func TestHostPortThatIsTakenHoldsNothingElse(t *testing.T) {
	t.Parallel()
	held := model.PublishedPort{HostIP: addr("0.0.0.0"), HostPort: 8080, Port: model.Port{Number: 80, Protocol: model.TCP}}
	l := newLab(t)
	web := decky("web", "dmz", services("http", "ssh"), publish(80, 8000), func(o *v1alpha1.Decky) { o.Spec.UpdateStrategy = v1alpha1.UpdateRecreate })
	l.create(topology("acme"), lan("dmz", dmz), web)
	l.wantReady()
	before := l.ids()
	l.hand.HoldPort(held, "nginx (pid 4711)")
	edit(l, web, publish(80, 8080))
	l.converge()
	l.hand.Kill("lab_acme_web_ssh")
	l.converge()
	l.wantUntouched(before, "lab_acme_web_ssh")
	l.wantConditions(web, v1alpha1.ConditionReady, "False HostPortTaken", v1alpha1.ConditionContainersRunning, "False HostPortTaken",
		v1alpha1.ConditionReconciling, "True DependencyNotReady", v1alpha1.ConditionServicesAnswering, "True Succeeded")
	l.wantMessage(web, v1alpha1.ConditionReady, "8080/tcp", "nginx (pid 4711)")
	if result := l.mustPass(web); result.RequeueAfter > 10*time.Second {
		t.Errorf("it is looked at again after %s", result.RequeueAfter)
	}
	l.hand.HoldPort(held, "")
	l.wantReady()
	if l.ids()["lab_acme_web"] == before["lab_acme_web"] {
		t.Error("the base was not replaced")
	}
}

// Scenarios 17 and 18: a decky keeps its address when others come and go.
func TestAddressesStay(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	a, b, c := decky("a", "dmz"), decky("b", "dmz"), decky("c", "dmz")
	l.create(topology("acme"), lan("dmz", dmz), a, b, c)
	l.wantReady()
	l.remove(a)
	l.converge()
	l.restart()
	l.hand.RestartEngine()
	l.wantReady()
	for _, want := range []struct {
		decky   *v1alpha1.Decky
		address string
	}{{b, "172.16.0.3"}, {c, "172.16.0.4"}} {
		l.read(want.decky)
		if have := want.decky.Status.Interfaces[0].Address; have != want.address {
			t.Errorf("%s has %s, want %s", want.decky.Name, have, want.address)
		}
	}
	d := decky("d", "dmz")
	l.create(d)
	l.wantReady()
	l.read(d)
	if have := d.Status.Interfaces[0].Address; have != "172.16.0.2" {
		t.Errorf("the new decky has %s, want the lowest free address", have)
	}
}

// Scenario 17: deckies that are looked at at the same moment, by a cache that
// knows of none of their addresses, get different ones.
func TestAddressesAreUnique(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	topo, home := topology("acme"), lan("dmz", dmz)
	deckies := make([]*v1alpha1.Decky, 0, 8)
	for i := range cap(deckies) {
		deckies = append(deckies, decky("d"+strconv.Itoa(i), "dmz"))
	}
	l.create(topo, home)
	l.converge()
	for _, each := range deckies {
		l.create(each)
	}
	l.mustPass(topo)
	if err := l.cache.freeze(t.Context(), &v1alpha1.DeckyList{}); err != nil {
		t.Fatal(err)
	}
	var passes sync.WaitGroup
	for _, each := range deckies {
		passes.Go(func() {
			if _, err := l.pass(each); err != nil {
				t.Errorf("pass over %s: %v", each.Name, err)
			}
		})
	}
	passes.Wait()
	l.cache.thaw()
	seen := map[string]bool{}
	for _, each := range deckies {
		l.read(each)
		if have := each.Status.Interfaces; len(have) != 1 || seen[have[0].Address] {
			t.Errorf("%s has %v", each.Name, have)
			continue
		}
		seen[each.Status.Interfaces[0].Address] = true
	}
	l.wantReady()
}

// A pinned address beats one that was chosen for a decky without a base.
func TestPinnedAddressBeatsAChosenOne(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	automatic, pinned := decky("automatic", "dmz", custom("erp", "acme/erp:1")), decky("pinned", "dmz", address("172.16.0.2"))
	l.create(topology("acme"), lan("dmz", dmz), automatic)
	l.converge()
	l.read(automatic)
	if have := automatic.Status.Interfaces[0].Address; have != "172.16.0.2" {
		t.Fatalf("automatic has %s", have)
	}
	l.create(pinned)
	l.engine.SetImage("acme/erp:1", "sha256:erp")
	l.wantReady()
	l.read(automatic, pinned)
	if pinned.Status.Interfaces[0].Address != "172.16.0.2" || automatic.Status.Interfaces[0].Address == "172.16.0.2" {
		t.Errorf("pinned has %v, automatic %v", pinned.Status.Interfaces, automatic.Status.Interfaces)
	}
}

// An address that a decky is to leave, once somebody consents, is not chosen for
// another; one that pins it says whom it waits for, and asks the engine for nothing.
func TestAddressThatADeckyIsToLeave(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	leaving := decky("leaving", "dmz", address("172.16.0.2"))
	l.create(topology("acme"), lan("dmz", dmz), leaving)
	l.wantReady()
	edit(l, leaving, address("172.16.0.9"))
	l.converge()
	l.wantConditions(leaving, v1alpha1.ConditionReady, "False RecreatePending")
	l.engine.ForgetWrites()

	automatic, pinned := decky("automatic", "dmz"), decky("pinned", "dmz", address("172.16.0.2"))
	l.create(automatic)
	l.converge()
	l.create(pinned)
	l.converge()
	l.wantConditions(automatic, v1alpha1.ConditionReady, "True Succeeded")
	l.wantWrites("create container lab_acme_automatic", "start container lab_acme_automatic")
	l.wantConditions(pinned, v1alpha1.ConditionReady, "False AddressConflict", v1alpha1.ConditionReconciling, "True DependencyNotReady")
	l.wantMessage(pinned, v1alpha1.ConditionReady, "172.16.0.2", "lab_acme_leaving", "Decky lab/leaving")
	if !l.observer.isBlocked("Decky pinned") {
		t.Error("nobody would wake the decky when the address is left")
	}

	edit(l, leaving, func(o *v1alpha1.Decky) { o.Spec.UpdateStrategy = v1alpha1.UpdateRecreate })
	l.wantReady()
}

// Two deckies that swap their home addresses do not wait for each other.
func TestAddressesAreSwapped(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	recreate := func(o *v1alpha1.Decky) { o.Spec.UpdateStrategy = v1alpha1.UpdateRecreate }
	one, two := decky("one", "dmz", address("172.16.0.2"), recreate), decky("two", "dmz", address("172.16.0.3"), recreate)
	l.create(topology("acme"), lan("dmz", dmz), one, two)
	l.wantReady()
	edit(l, one, address("172.16.0.4"))
	edit(l, two, address("172.16.0.2"))
	edit(l, one, address("172.16.0.3"))
	l.wantReady()
}

// Two deckies that swap their ports of the host do not wait for each other. Without
// consent the one waits, and keeps running.
func TestHostPortsAreSwapped(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	recreate := func(o *v1alpha1.Decky) { o.Spec.UpdateStrategy = v1alpha1.UpdateRecreate }
	one, two := decky("one", "dmz", services("ssh"), publish(22, 2201), recreate), decky("two", "dmz", services("ssh"), publish(22, 2202))
	l.create(topology("acme"), lan("dmz", dmz), one, two)
	l.wantReady()
	before := l.ids()
	edit(l, one, publish(22, 2202))
	edit(l, two, publish(22, 2201))
	l.converge()
	l.wantUntouched(before)
	l.wantConditions(one, v1alpha1.ConditionReady, "False HostPortTaken")
	l.wantMessage(one, v1alpha1.ConditionReady, "2202/tcp", "lab_acme_two")
	l.wantConditions(two, v1alpha1.ConditionReady, "False RecreatePending")
	edit(l, two, recreate)
	l.wantReady()
}

// Scenario 20: a full LAN refuses one more decky, and leaves the others alone.
func TestFullLAN(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	objects := []pass.Object{topology("acme"), lan("dmz", dmz, subnet("10.1.0.0/29"))}
	for i := range 5 {
		objects = append(objects, decky("d"+strconv.Itoa(i), "dmz"))
	}
	l.create(objects...)
	l.wantReady()
	l.engine.ForgetWrites()
	late := decky("late", "dmz")
	l.create(late)
	l.converge()
	l.wantWrites()
	l.wantConditions(late, v1alpha1.ConditionReady, "False LANFull", v1alpha1.ConditionAccepted, "False LANFull",
		v1alpha1.ConditionReconciling, "True DependencyNotReady", v1alpha1.ConditionStalled, "absent")
	l.wantMessage(late, v1alpha1.ConditionReady, "dmz", "10.1.0.0/29")
	l.remove(objects[2])
	l.wantReady()
}

// An address that a foreign container holds is named, and waited for.
func TestAddressOfAForeignContainer(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.create(topology("acme"), lan("dmz", dmz))
	l.converge()
	l.hand.AddContainer(foreignOn("lab_acme_dmz", "172.16.0.2"))
	web := decky("web", "dmz", address("172.16.0.2"))
	l.create(web)
	l.converge()
	l.wantConditions(web, v1alpha1.ConditionReady, "False AddressConflict", v1alpha1.ConditionReconciling, "True DependencyNotReady")
	l.wantMessage(web, v1alpha1.ConditionReady, "172.16.0.2", "stranger", "docker network disconnect")
	l.hand.Remove("stranger")
	l.wantReady()
}

// Scenario 59: an address that a foreign container holds is not chosen, one that
// was chosen before the base exists is given up, and a LAN that foreign
// containers fill is waited for.
func TestChosenAddressIsNotThatOfAForeignContainer(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.create(topology("acme"), lan("dmz", dmz, subnet("10.1.0.0/29")))
	l.converge()
	squat := func(name, address string) {
		spec := foreignOn("lab_acme_dmz", address)
		spec.Name = name
		l.hand.AddContainer(spec)
	}
	squat("stranger-2", "10.1.0.2")
	first := decky("first", "dmz")
	l.create(first)
	l.converge()
	l.wantReadyAt(first, "10.1.0.3")

	// Chosen, and taken before the image lets the base be created.
	second := decky("second", "dmz", custom("erp", "acme/erp:1", 8000))
	l.create(second)
	l.converge()
	l.read(second)
	if have := second.Status.Interfaces; len(have) != 1 || have[0].Address != "10.1.0.4" {
		t.Errorf("second has %+v, want 10.1.0.4", have)
	}
	squat("stranger-4", "10.1.0.4")
	l.engine.SetImage("acme/erp:1", "sha256:erp")
	l.converge()
	l.wantReadyAt(second, "10.1.0.5")

	// One that does not run asks for its address all the same.
	squat("stranger-6", "10.1.0.6")
	l.hand.Stop("stranger-6")
	late := decky("late", "dmz")
	l.create(late)
	l.converge()
	l.wantConditions(late, v1alpha1.ConditionReady, "False LANFull", v1alpha1.ConditionReconciling, "True DependencyNotReady")
	if !l.observer.isBlocked("Decky late") {
		t.Error("nobody would wake the decky when a foreign container goes")
	}
	l.hand.Remove("stranger-2")
	l.converge()
	l.wantReadyAt(first, "10.1.0.3")
	l.wantReadyAt(late, "10.1.0.2")
	if l.observer.isBlocked("Decky late") {
		t.Error("the decky is blocked still")
	}
}

// wantReadyAt fails the test unless a decky is Ready, with an address.
func (l *lab) wantReadyAt(decky *v1alpha1.Decky, want string) {
	l.t.Helper()
	l.wantConditions(decky, v1alpha1.ConditionReady, "True Succeeded")
	l.read(decky)
	if have := decky.Status.Interfaces; len(have) != 1 || have[0].Address != want {
		l.t.Errorf("%s has %+v, want %s", decky.Name, have, want)
	}
}

// Scenarios 30 and 64: what a decky was refused for can go by itself.
func TestDeckyIsReadyAgainOnceTheCauseIsGone(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	web := decky("web", "dmz", services("ssh"), visiting("office"))
	l.create(topology("acme"), lan("dmz", dmz), web)
	l.converge()
	l.wantConditions(web, v1alpha1.ConditionReady, "False LANNotFound", v1alpha1.ConditionAccepted, "False LANNotFound",
		v1alpha1.ConditionReconciling, "True DependencyNotReady")
	l.wantMessage(web, v1alpha1.ConditionReady, "spec.attachments[0].lan", "office")
	if diff := cmp.Diff([]string{"network lab_acme_dmz 172.16.0.0/24"}, l.docker()); diff != "" {
		t.Errorf("on the engine (-want +have):\n%s", diff)
	}
	l.create(lan("office"))
	l.wantReady()
}
