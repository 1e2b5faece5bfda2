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

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/model"
)

// Scenarios 5 and 12: a network of somebody else keeps its subnet, is never
// touched, and the LAN comes up by itself once it is gone.
func TestForeignNetworkKeepsItsSubnet(t *testing.T) {
	w := newWorld(t)
	foreign := "foreign-" + w.namespace
	id := w.docker("network", "create", "--subnet", "10.203.5.0/24", foreign)
	gone := false
	defer func() {
		if !gone {
			w.docker("network", "rm", foreign)
		}
	}()
	writes := w.proxy.WriteCount()
	topo, edge := topology("acme"), inSubnet(dmz("acme", "edge"), "10.203.5.128/25")
	// Suspended until the operator has heard of the network that was just created.
	topo.Spec.Suspend = true
	w.create(topo, edge)
	want := fmt.Sprintf(`subnet 10.203.5.128/25 of network "%s_edge" overlaps 10.203.5.0/24 of the foreign Docker network %q (%.12s); `+
		"set spec.subnet to a free block, or remove that one if it is not needed: docker network rm %[3]s", w.project("acme"), foreign, id[:12])
	w.eventually("the foreign network to be named", func() error {
		w.requestPasses(edge)
		return w.says(edge, v1alpha1.ReasonSubnetConflict, want)
	})
	if has(edge, v1alpha1.ConditionStalled) {
		t.Error("the LAN is stalled, though the network may go")
	}
	w.resume(topo)
	w.steady()
	w.remove(edge)
	w.assertNoWrites(writes, "a subnet of somebody else")
	if kept := w.docker("network", "inspect", "--format", "{{.ID}}", foreign); kept != id {
		t.Errorf("the foreign network is %s, want %s", kept, id)
	}

	edge = inSubnet(dmz("acme", "edge"), "10.203.5.0/24")
	w.create(edge)
	w.waitCondition(edge, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonSubnetConflict)
	w.docker("network", "rm", foreign)
	gone = true
	w.waitReady(edge)
}

// Scenario 5: a LAN that overlaps one of another topology is refused, the one
// that is built keeps its subnet whatever their names, and the refused one comes
// up once that is gone.
func TestLANOfAnotherTopologyKeepsItsSubnet(t *testing.T) {
	w := newWorld(t)
	built, refused := inSubnet(dmz("acme", "zz"), "10.220.0.0/24"), inSubnet(dmz("other", "aa"), "10.220.0.0/16")
	w.create(topology("acme"), topology("other"), built)
	w.waitReady(built)
	writes := w.proxy.WriteCount()
	w.create(refused)
	w.waitMessage(refused, v1alpha1.ConditionReady, v1alpha1.ReasonSubnetOverlap,
		"spec.subnet: subnet 10.220.0.0/16 of LAN aa overlaps 10.220.0.0/24 of LAN zz of Topology acme: choose another, or leave subnet out to get a free one")
	w.steady()
	w.waitReady(built)
	w.assertNoWrites(writes, "a subnet of another topology")

	w.remove(built)
	w.waitReady(refused)
}

// Scenario 5: a subnet to which the host has a route is refused.
func TestHostRouteKeepsItsSubnet(t *testing.T) {
	w := newWorld(t)
	w.host("ip", "route", "add", "10.203.64.0/20", "dev", "lo")
	routed := true
	unroute := func() {
		if routed {
			w.host("ip", "route", "del", "10.203.64.0/20", "dev", "lo")
		}
		routed = false
	}
	defer unroute()
	writes := w.proxy.WriteCount()
	topo, edge := topology("acme"), inSubnet(dmz("acme", "edge"), "10.203.70.0/24")
	w.create(topo, edge)
	w.waitMessage(edge, v1alpha1.ConditionReady, v1alpha1.ReasonSubnetConflict, fmt.Sprintf(
		`subnet 10.203.70.0/24 of network "%s_edge" overlaps the host's route to 10.203.64.0/20; `+
			"set spec.subnet to a free block, or remove the route", w.project("acme")))
	w.assertNoWrites(writes, "a subnet that the host routes")

	unroute()
	w.eventually("the LAN to be ready without the route", func() error {
		w.requestPasses(edge)
		if !has(edge, v1alpha1.ConditionReady) {
			return w.kube.Get(t.Context(), client.ObjectKeyFromObject(edge), edge)
		}
		return nil
	})
	w.waitReady(edge)
}

// Scenario 6: a LAN without a subnet gets the first free block of the pool and
// keeps it, whatever becomes free later, also through a restart of the operator.
func TestAllocatedSubnetNeverChanges(t *testing.T) {
	w := newWorld(t)
	topo, edge, one, two := pooled("acme", "10.204.0.0/16"), dmz("acme", "edge"), lan("acme", "one"), lan("acme", "two")
	pinned := inSubnet(lan("acme", "pinned"), "10.204.0.0/24")
	w.create(topo, pinned, edge)
	w.waitReady(edge)
	w.create(one)
	w.waitReady(one)
	w.create(two)
	w.waitReady(two, pinned)
	got := []string{edge.Status.Subnet, one.Status.Subnet, two.Status.Subnet}
	if want := []string{"10.204.1.0/24", "10.204.2.0/24", "10.204.3.0/24"}; !slices.Equal(got, want) {
		t.Fatalf("got subnets %v, want %v", got, want)
	}
	if got := w.networks()["two"]; got.Subnets[0].String() != "10.204.3.0/24" || got.Gateway.String() != two.Status.Gateway {
		t.Errorf("the network is %+v, the status says %s", got, two.Status.Subnet)
	}
	before := w.networks()

	w.remove(one)
	if err := w.restartOperator(); err != nil {
		t.Fatal(err)
	}
	w.steady()
	w.waitReady(edge, two, pinned)
	if two.Status.Subnet != "10.204.3.0/24" || w.networks()["two"].ID != before["two"].ID {
		t.Errorf("the LAN has subnet %s and network %s, before it had %s", two.Status.Subnet, w.networks()["two"].ID, before["two"].ID)
	}
	three := lan("acme", "three")
	w.create(three)
	w.waitReady(three)
	if three.Status.Subnet != "10.204.2.0/24" {
		t.Errorf("a new LAN got %s, want the block that became free", three.Status.Subnet)
	}
}

// Scenario 6: a block that somebody else takes before the LAN has its network is
// not used, and another is chosen.
func TestBlockTakenMeanwhileIsNotUsed(t *testing.T) {
	w := newWorld(t)
	topo, edge := pooled("acme", "10.222.0.0/16"), dmz("acme", "edge")
	topo.Spec.Suspend = true
	w.create(topo, edge)
	w.waitCondition(edge, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonSuspended)
	if edge.Status.Subnet != "10.222.0.0/24" {
		t.Fatalf("the LAN chose %s", edge.Status.Subnet)
	}
	foreign := "foreign-" + w.namespace
	w.docker("network", "create", "--subnet", "10.222.0.0/23", foreign)
	defer w.docker("network", "rm", foreign)
	w.resume(topo)
	w.waitReady(edge)
	if got := w.networks()["edge"].Subnets[0].String(); got != "10.222.2.0/24" || edge.Status.Subnet != got {
		t.Errorf("the network has %s, the status %s", got, edge.Status.Subnet)
	}
}

// Scenario 7: LANs that are created at the same moment get different subnets,
// also in different topologies.
func TestLANsCreatedAtOnceGetDifferentSubnets(t *testing.T) {
	w := newWorld(t)
	w.create(pooled("acme", "10.205.0.0/16"), pooled("other", "10.205.0.0/16"))
	var lans []*v1alpha1.LAN
	for _, owner := range []string{"acme", "other"} {
		lans = append(lans, dmz(owner, owner+"-edge"))
		for i := range 4 {
			lans = append(lans, lan(owner, fmt.Sprintf("%s-%d", owner, i)))
		}
	}
	var group errgroup.Group
	for _, each := range lans {
		group.Go(func() error {
			each.Namespace = w.namespace
			return w.kube.Create(t.Context(), each)
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	subnets := map[string]bool{}
	for _, each := range lans {
		w.waitReady(each)
		subnets[each.Status.Subnet] = true
	}
	if len(subnets) != len(lans) {
		t.Errorf("%d LANs got the subnets %v", len(lans), subnets)
	}
}

// Scenario 8: where the pool is exhausted the LAN says so and comes up once a
// block is free.
func TestExhaustedPoolIsTriedAgain(t *testing.T) {
	w := newWorld(t)
	topo, edge, late := pooled("acme", "10.206.0.0/24"), dmz("acme", "edge"), lan("acme", "late")
	first := lan("acme", "first")
	topo.Spec.LANPrefixLength = 25
	w.create(topo, edge, first)
	w.waitReady(edge, first)
	writes := w.proxy.WriteCount()
	w.create(late)
	w.waitMessage(late, v1alpha1.ConditionReady, v1alpha1.ReasonPoolExhausted,
		"No free /25 is left in the pools [10.206.0.0/24] of Topology acme: add a pool to spec.addressPools, or delete a LAN")
	w.assertNoWrites(writes, "an exhausted pool")
	w.remove(first)
	w.waitReady(late)
}

// Scenario 9: a network of ours that is as desired is adopted without a write,
// also when its LAN forgot that it has one.
func TestOwnedNetworkIsAdopted(t *testing.T) {
	w := newWorld(t)
	topo, edge := topology("acme"), inSubnet(dmz("acme", "edge"), "10.207.1.0/24")
	office := inSubnet(lan("acme", "office"), "10.207.2.0/24")
	w.create(topo, edge, office)
	w.waitReady(edge, office)
	before := w.networks()
	writes := w.proxy.WriteCount()
	for _, each := range []*v1alpha1.LAN{edge, office} {
		each.Status = v1alpha1.LANStatus{ObservedGeneration: -1}
		if err := w.kube.Status().Update(t.Context(), each); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.restartOperator(); err != nil {
		t.Fatal(err)
	}
	w.requestPasses(edge, office)
	w.waitReady(edge, office)
	w.assertNoWrites(writes, "an adoption")
	for name, each := range map[string]*v1alpha1.LAN{"edge": edge, "office": office} {
		if each.Status.NetworkID != before[name].ID || w.networks()[name].ID != before[name].ID {
			t.Errorf("LAN %s has network %q, the engine %q, before it was %q", name, each.Status.NetworkID, w.networks()[name].ID, before[name].ID)
		}
	}
}

// Scenarios 11 and 14: a LAN with visitors only goes once each has left it, and
// until its spec drops the LAN such a visitor says so; nothing else of the
// visitor is touched, nor is a LAN whose name begins alike.
func TestVisitedLANGoes(t *testing.T) {
	w := newWorld(t)
	topo, edge := pooled("acme", "10.208.0.0/16"), dmz("acme", "edge")
	going, staying := lan("acme", "lan-1"), lan("acme", "lan-10")
	visitor := attachedTo(decky("acme", "visitor", "edge", "ssh"), "lan-1", "lan-10")
	resident := decky("acme", "resident", "lan-10", "ssh")
	w.create(topo, edge, going, staying, visitor, resident)
	w.waitReady(topo)
	before, networks := w.containers(), w.networks()

	w.remove(going)
	w.waitMessage(visitor, v1alpha1.ConditionAccepted, v1alpha1.ReasonLANNotFound,
		`spec.attachments[0].lan: LAN "lan-1" does not exist in Topology acme: create it, or name another`)
	w.eventually("the address on the LAN to be dropped", func() error {
		if err := w.kube.Get(t.Context(), client.ObjectKeyFromObject(visitor), visitor); err != nil {
			return err
		}
		if got := interfaceLANs(visitor); !slices.Equal(got, []string{"edge", "lan-10"}) {
			return fmt.Errorf("it has interfaces on %v", got)
		}
		return nil
	})
	if after := w.networks(); len(after) != 2 || after["lan-10"].ID != networks["lan-10"].ID {
		t.Errorf("got networks %v, before %v", after, networks)
	}
	w.assertUntouched(before, "visitor", "visitor_ssh", "resident", "resident_ssh")
	w.assertSameEndpoints(before, "visitor", networks["edge"].ID, networks["lan-10"].ID)
	w.assertSameEndpoints(before, "resident", networks["lan-10"].ID)
	w.steady()

	edit(w, visitor, func(decky *v1alpha1.Decky) { decky.Spec.Attachments = decky.Spec.Attachments[1:] })
	w.waitReady(topo)
	w.assertUntouched(before, "visitor", "visitor_ssh", "resident", "resident_ssh")
}

// Scenario 13: a LAN that is a decky's home is not deleted, and names the decky.
func TestHomeIsNotDeletedUnderItsDecky(t *testing.T) {
	w := newWorld(t)
	topo, edge, office := pooled("acme", "10.209.0.0/16"), dmz("acme", "edge"), lan("acme", "office")
	gw, pc := attachedTo(decky("acme", "gw", "edge"), "office"), decky("acme", "pc", "office", "ssh")
	w.create(topo, edge, office, gw, pc)
	w.waitReady(topo)
	before, writes := w.containers(), w.proxy.WriteCount()
	if err := w.kube.Delete(t.Context(), office); err != nil {
		t.Fatal(err)
	}
	w.eventually("the LAN to name its decky", func() error {
		return w.says(office, v1alpha1.ReasonLANInUse,
			"LAN office is the home of Decky pc and goes once that decky is gone: delete it, or create it again with another home")
	})
	w.requestPasses(office, pc)
	w.assertUntouched(before, "pc", "pc_ssh")
	if _, attached := w.containers()["pc"].EndpointOn(office.Status.NetworkID); !attached {
		t.Error("the decky has left its home")
	}
	for _, made := range w.proxy.WritesSince(writes) {
		if !strings.Contains(made, "/disconnect") {
			t.Errorf("the deletion of a home changed the engine: %s", made)
		}
	}

	w.remove(pc)
	w.eventually("the LAN to go", func() error {
		if err := w.kube.Get(t.Context(), client.ObjectKeyFromObject(office), office); !apierrors.IsNotFound(err) {
			return fmt.Errorf("it is still there: %w", err)
		}
		return nil
	})
	if networks := w.networks(); len(networks) != 1 {
		t.Errorf("got networks %v, want edge only", networks)
	}
}

// Scenario 16: a network that was removed by hand is created anew, and every
// member is connected to it as before.
func TestRemovedNetworkComesBack(t *testing.T) {
	w := newWorld(t)
	topo, edge, office := pooled("acme", "10.210.0.0/16"), dmz("acme", "edge"), lan("acme", "office")
	gw := attachedTo(decky("acme", "gw", "edge", "ssh"), "office")
	pc := decky("acme", "pc", "office", "ssh", "telnet")
	w.create(topo, edge, office, gw, pc)
	w.waitReady(topo)
	w.waitReady(office)
	before, name := w.containers(), w.networks()["office"].Name

	// The operator would reconnect at once what somebody has to disconnect first.
	w.proxy.Disconnect()
	for _, member := range []string{"gw", "pc"} {
		w.docker("network", "disconnect", name, before[member].Name)
	}
	w.docker("network", "rm", name)
	if err := w.proxy.Connect(); err != nil {
		t.Fatal(err)
	}
	w.eventually("the network to be another one", func() error {
		if now := w.networks()["office"].ID; now == "" || now == office.Status.NetworkID {
			return fmt.Errorf("it is %q", now)
		}
		return nil
	})
	w.waitReady(topo, office, gw, pc)
	w.assertUntouched(before, "gw", "gw_ssh", "pc", "pc_ssh", "pc_telnet")
	after, now := w.containers(), w.networks()["office"]
	if now.Subnets[0].String() != office.Status.Subnet || office.Status.NetworkID != now.ID {
		t.Errorf("the new network is %+v, the status %+v", now, office.Status)
	}
	for _, member := range []string{"gw", "pc"} {
		w.assertMovedEndpoint(before[member], after[member], name)
	}
	w.steady()
}

// Scenarios 10 and 78: after deployment the API server refuses to change a LAN's
// subnet or DMZ and says why; before, they are free.
func TestDeployedLANKeepsSubnetAndDMZ(t *testing.T) {
	w := newWorld(t)
	edge, office := inSubnet(lan("acme", "edge"), "10.211.1.0/24"), lan("acme", "office")
	w.create(edge, office)
	w.waitCondition(edge, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonTopologyNotFound)
	edit(w, edge, func(lan *v1alpha1.LAN) { lan.Spec.Subnet, lan.Spec.DMZ = "10.211.2.0/24", true })
	w.create(pooled("acme", "10.211.64.0/20"))
	w.waitReady(edge, office)
	if networks := w.networks(); networks["edge"].Subnets[0].String() != "10.211.2.0/24" || networks["edge"].Internal {
		t.Fatalf("networks: %+v", networks)
	}

	const nextStep = "; set it back, or delete the LAN and create it again"
	for want, change := range map[string]func(*v1alpha1.LAN){
		`spec.subnet is immutable after deployment: it is "10.211.2.0/24" and cannot become "10.211.3.0/24"` + nextStep: func(lan *v1alpha1.LAN) {
			lan.Spec.Subnet = "10.211.3.0/24"
		},
		`spec.subnet is immutable after deployment: it is "10.211.2.0/24" and cannot become ""` + nextStep: func(lan *v1alpha1.LAN) {
			lan.Spec.Subnet = ""
		},
		"spec.dmz is immutable after deployment: it is true and cannot become false" + nextStep: func(lan *v1alpha1.LAN) {
			lan.Spec.DMZ = false
		},
	} {
		changed := edge.DeepCopy()
		change(changed)
		err := w.kube.Update(t.Context(), changed)
		if !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want %s", err, want)
		}
	}
	changed := office.DeepCopy()
	changed.Spec.Subnet = "10.211.3.0/24"
	want := `spec.subnet is immutable after deployment: it is "" and cannot become "10.211.3.0/24"`
	if err := w.kube.Update(t.Context(), changed); !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), want) {
		t.Errorf("got error %v, want %s", err, want)
	}
	w.waitReady(edge, office)
}

// host runs a command on the host.
func (w *world) host(name string, arguments ...string) string {
	w.t.Helper()
	output, err := exec.CommandContext(w.t.Context(), name, arguments...).CombinedOutput()
	if err != nil {
		w.t.Fatalf("%s %s: %v: %s", name, strings.Join(arguments, " "), err, output)
	}
	return strings.TrimSpace(string(output))
}

// says returns nil once the object's Ready is False with a reason and a message,
// whatever generation it speaks of: a deletion is one, too.
func (w *world) says(object reporter, reason v1alpha1.Reason, message string) error {
	if err := w.kube.Get(w.t.Context(), client.ObjectKeyFromObject(object), object); err != nil {
		return err
	}
	for _, condition := range *object.Progress().Conditions {
		if condition.Type == v1alpha1.ConditionReady && condition.Reason == string(reason) && condition.Message == message {
			return nil
		}
	}
	return fmt.Errorf("it says %v", *object.Progress().Conditions)
}

// assertSameEndpoints fails the test unless the container has exactly its
// earlier endpoints on these networks.
func (w *world) assertSameEndpoints(before map[string]model.Container, name string, networkIDs ...string) {
	w.t.Helper()
	after := w.containers()[name]
	if len(after.Endpoints) != len(networkIDs) {
		w.t.Errorf("container %s has endpoints %+v, want %d", name, after.Endpoints, len(networkIDs))
	}
	for _, id := range networkIDs {
		was, _ := before[name].EndpointOn(id)
		is, found := after.EndpointOn(id)
		if !found || is.Address != was.Address || is.MAC != was.MAC {
			w.t.Errorf("container %s has endpoint %+v, before it was %+v", name, is, was)
		}
	}
}

// assertMovedEndpoint fails the test unless the container has the same address
// and MAC on the network that now has this name.
func (w *world) assertMovedEndpoint(before, after model.Container, network string) {
	w.t.Helper()
	find := func(container model.Container) model.Endpoint {
		for _, endpoint := range container.Endpoints {
			if endpoint.NetworkName == network {
				return endpoint
			}
		}
		return model.Endpoint{}
	}
	was, is := find(before), find(after)
	if !is.Address.IsValid() || is.Address != was.Address || is.MAC != was.MAC || is.NetworkID == was.NetworkID {
		w.t.Errorf("container %s has endpoint %+v, before it was %+v", after.Name, is, was)
	}
}

// interfaceLANs returns the LANs of a decky's recorded interfaces.
func interfaceLANs(decky *v1alpha1.Decky) []string {
	names := make([]string, 0, len(decky.Status.Interfaces))
	for _, each := range decky.Status.Interfaces {
		names = append(names, each.LAN)
	}
	return names
}
