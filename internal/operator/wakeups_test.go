// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package operator

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/engine/fake"
	"github.com/deckyard/deckyard/internal/model"
)

// Scenario 64: an object that is not Ready is so again by itself once the cause
// is gone, long before anything is looked at just in case.
func TestCauseIsGone(t *testing.T) {
	t.Parallel()
	shared := newWorld(t)
	number := 0
	for name, tc := range map[string]struct {
		reason v1alpha1.Reason
		// prepare creates a topology on 10.N.0.0/16 and returns what is not ready in
		// it, and how the cause goes.
		prepare func(w *world, n int) (blocked reporter, mend func())
	}{
		"DMZ arrives": {v1alpha1.ReasonDMZMissing, func(w *world, n int) (reporter, func()) {
			office := lan("acme", "office")
			w.create(w.topology("acme", pool(n)), office)
			return office, func() { w.create(lan("acme", "dmz", dmz)) }
		}},
		"other DMZ goes": {v1alpha1.ReasonDMZMultiple, func(w *world, n int) (reporter, func()) {
			first, second := lan("acme", "first", dmz), lan("acme", "second", dmz)
			w.create(w.topology("acme", pool(n)), first)
			w.waitFor(v1alpha1.ReasonSucceeded, first)
			w.create(second)
			return second, func() { w.remove(first) }
		}},
		"topology arrives": {v1alpha1.ReasonTopologyNotFound, func(w *world, n int) (reporter, func()) {
			outer := lan("acme", "dmz", dmz)
			w.create(outer)
			return outer, func() { w.create(w.topology("acme", pool(n))) }
		}},
		"LAN arrives": {v1alpha1.ReasonLANNotFound, func(w *world, n int) (reporter, func()) {
			web := decky("acme", "web", "dmz", visiting("office"))
			w.create(w.topology("acme", pool(n)), lan("acme", "dmz", dmz), web)
			return web, func() { w.create(lan("acme", "office")) }
		}},
		"block is freed": {v1alpha1.ReasonPoolExhausted, func(w *world, n int) (reporter, func()) {
			small := fmt.Sprintf("10.%d.0.0/23", n)
			first, second, third := lan("acme", "first", dmz), lan("acme", "second"), lan("acme", "third")
			w.create(w.topology("acme", small), first, second)
			w.waitFor(v1alpha1.ReasonSucceeded, first, second)
			w.create(third)
			return third, func() { w.remove(second) }
		}},
		"block of another topology is freed": {v1alpha1.ReasonPoolExhausted, func(w *world, n int) (reporter, func()) {
			small := fmt.Sprintf("10.%d.0.0/24", n)
			theirs, ours := lan("globex", "theirs", dmz), lan("acme", "ours", dmz)
			w.create(w.topology("globex", small), theirs)
			w.waitFor(v1alpha1.ReasonSucceeded, theirs)
			w.create(w.topology("acme", small), ours)
			return ours, func() { w.remove(theirs) }
		}},
		"pool grows": {v1alpha1.ReasonPoolExhausted, func(w *world, n int) (reporter, func()) {
			topology, first, second := w.topology("acme", fmt.Sprintf("10.%d.0.0/24", n)), lan("acme", "first", dmz), lan("acme", "second")
			w.create(topology, first)
			w.waitFor(v1alpha1.ReasonSucceeded, first)
			w.create(second)
			return second, func() {
				edit(w, topology, func(o *v1alpha1.Topology) { o.Spec.AddressPools = []string{pool(n)} })
			}
		}},
		"overlapping LAN goes": {v1alpha1.ReasonSubnetOverlap, func(w *world, n int) (reporter, func()) {
			block := fmt.Sprintf("10.%d.7.0/24", n)
			theirs, ours := lan("globex", "theirs", dmz, subnet(block)), lan("acme", "ours", dmz, subnet(block))
			w.create(w.topology("globex", pool(n)), theirs)
			w.waitFor(v1alpha1.ReasonSucceeded, theirs)
			w.create(w.topology("acme", pool(n)), ours)
			return ours, func() { w.remove(theirs) }
		}},
		"foreign network goes": {v1alpha1.ReasonSubnetConflict, func(w *world, n int) (reporter, func()) {
			foreign := fmt.Sprintf("corp-%d", n)
			w.hand.AddNetwork(model.NetworkSpec{Name: foreign, Driver: "bridge", Subnet: prefix(fmt.Sprintf("10.%d.7.128/25", n))})
			ours := lan("acme", "ours", dmz, subnet(fmt.Sprintf("10.%d.7.0/24", n)))
			w.create(w.topology("acme", pool(n)), ours)
			return ours, func() { w.hand.RemoveNetwork(foreign) }
		}},
		"foreign container goes": {v1alpha1.ReasonForeignContainer, func(w *world, n int) (reporter, func()) {
			name := model.BaseName(w.namespace, "acme", "web")
			w.hand.AddContainer(model.ContainerSpec{Name: name, Image: "alpine:3"})
			web := decky("acme", "web", "dmz")
			w.create(w.topology("acme", pool(n)), lan("acme", "dmz", dmz), web)
			return web, func() { w.hand.Remove(name) }
		}},
		"address is let go": {v1alpha1.ReasonAddressConflict, func(w *world, n int) (reporter, func()) {
			pinned := fmt.Sprintf("10.%d.0.9", n)
			first, second := decky("acme", "first", "dmz", address(pinned)), decky("acme", "second", "dmz", address(pinned))
			w.create(w.topology("acme", pool(n)), lan("acme", "dmz", dmz, subnet(fmt.Sprintf("10.%d.0.0/24", n))), first)
			w.waitFor(v1alpha1.ReasonSucceeded, first)
			w.create(second)
			return second, func() { w.remove(first) }
		}},
		"room is made": {v1alpha1.ReasonLANFull, func(w *world, n int) (reporter, func()) {
			first := decky("acme", "first", "dmz")
			w.create(w.topology("acme", pool(n)), lan("acme", "dmz", dmz, subnet(fmt.Sprintf("10.%d.0.0/29", n))), first)
			for i := range 4 {
				w.create(decky("acme", fmt.Sprintf("more-%d", i), "dmz"))
			}
			w.waitFor(v1alpha1.ReasonSucceeded, first)
			w.eventually("five addresses to be taken", func() error { return w.countContainers("acme", 10) })
			late := decky("acme", "late", "dmz")
			w.create(late)
			return late, func() { w.remove(first) }
		}},
		"port of another decky is freed": {v1alpha1.ReasonPortConflict, func(w *world, n int) (reporter, func()) {
			theirs, ours := decky("globex", "theirs", "outer", publish(2200+int32(n))), decky("acme", "ours", "dmz", publish(2200+int32(n)))
			w.create(w.topology("globex", pool(n)), lan("globex", "outer", dmz), theirs)
			w.waitFor(v1alpha1.ReasonSucceeded, theirs)
			w.create(w.topology("acme", pool(n)), lan("acme", "dmz", dmz), ours)
			return ours, func() { w.remove(theirs) }
		}},
		"port of a foreign container is freed": {v1alpha1.ReasonHostPortTaken, func(w *world, n int) (reporter, func()) {
			proxy := fmt.Sprintf("proxy-%d", n)
			held := model.PublishedPort{HostIP: prefix("0.0.0.0/0").Addr(), HostPort: 2200 + uint16(n), Port: model.Port{Number: 22, Protocol: model.TCP}}
			w.hand.AddContainer(model.ContainerSpec{Name: proxy, Image: "nginx:1", Published: []model.PublishedPort{held}})
			web := decky("acme", "web", "dmz", publish(2200+int32(n)))
			w.create(w.topology("acme", pool(n)), lan("acme", "dmz", dmz), web)
			return web, func() { w.hand.Remove(proxy) }
		}},
		"image is loaded": {v1alpha1.ReasonPullFailed, func(w *world, n int) (reporter, func()) {
			reference := fmt.Sprintf("acme/erp:%d", n)
			web := decky("acme", "web", "dmz", image(reference))
			w.create(w.topology("acme", pool(n)), lan("acme", "dmz", dmz), web)
			return web, func() { w.engine.SetImage(reference, "sha256:erp") }
		}},
		"consent is given": {v1alpha1.ReasonRecreatePending, func(w *world, n int) (reporter, func()) {
			web := decky("acme", "web", "dmz")
			w.create(w.topology("acme", pool(n)), lan("acme", "dmz", dmz), web)
			w.waitFor(v1alpha1.ReasonSucceeded, web)
			edit(w, web, func(o *v1alpha1.Decky) { o.Spec.Hostname = "srv-web-01" })
			return web, func() {
				edit(w, web, func(o *v1alpha1.Decky) {
					o.Annotations = map[string]string{v1alpha1.AnnotationRecreateAllowed: fmt.Sprint(o.Generation)}
				})
			}
		}},
		"suspension ends": {v1alpha1.ReasonSuspended, func(w *world, n int) (reporter, func()) {
			topology, outer := w.topology("acme", pool(n)), lan("acme", "dmz", dmz)
			topology.Spec.Suspend = true
			w.create(topology, outer)
			return outer, func() { edit(w, topology, func(o *v1alpha1.Topology) { o.Spec.Suspend = false }) }
		}},
	} {
		number++
		n := number
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := shared.in(t)
			blocked, mend := tc.prepare(w, n)
			w.waitFor(tc.reason, blocked)
			mend()
			w.waitFor(v1alpha1.ReasonSucceeded, blocked)
		})
	}
}

func pool(n int) string { return fmt.Sprintf("10.%d.0.0/16", n) }

// countContainers returns an error unless so many containers of a topology run.
func (w *world) countContainers(topology string, want int) error {
	containers, err := w.engine.Containers(w.t.Context())
	if err != nil {
		return err
	}
	count := 0
	for _, container := range containers {
		owner := container.Identity.Owner
		if owner.Namespace == w.namespace && owner.Topology == topology && container.IsRunning() {
			count++
		}
	}
	if count != want {
		return fmt.Errorf("%d containers run, not %d", count, want)
	}
	return nil
}

// A change of what a decky forwards reaches the deckies and LANs that it concerns,
// which no event of theirs tells of.
func TestForwardingWakesWhomItConcerns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	web := decky("acme", "web", "dmz", visiting("office"))
	w.create(w.topology("acme", "10.0.0.0/16"), lan("acme", "dmz", dmz, subnet("10.0.1.0/24")), lan("acme", "office", subnet("10.0.2.0/24")),
		web, decky("acme", "files", "office"))
	w.waitFor(v1alpha1.ReasonSucceeded, web)
	for _, forwards := range []bool{true, false} {
		edit(w, web, func(o *v1alpha1.Decky) { o.Spec.Forwarding = forwards })
		w.eventually("the other decky to follow", func() error { return w.checkRoutes("files", forwards) })
		w.eventually("the LAN to follow", func() error { return w.checkRoutedFrames("office", forwards) })
		w.waitFor(v1alpha1.ReasonSucceeded, web)
	}
}

// checkRoutes returns an error unless a decky of acme has routes, or none.
func (w *world) checkRoutes(name string, want bool) error {
	containers, err := w.engine.Containers(w.t.Context())
	if err != nil {
		return err
	}
	for _, listed := range containers {
		if listed.Name != model.BaseName(w.namespace, "acme", name) {
			continue
		}
		seen, err := w.engine.Container(w.t.Context(), listed.ID)
		if err != nil {
			return err
		}
		namespace, err := w.engine.Namespace(w.t.Context(), seen, nil)
		if err == nil && (len(namespace.Routes) > 0) != want {
			err = fmt.Errorf("%s has the routes %v", name, namespace.Routes)
		}
		return err
	}
	return fmt.Errorf("%s has no base", name)
}

// checkRoutedFrames returns an error unless routed frames pass a LAN, or do not.
func (w *world) checkRoutedFrames(name string, want bool) error {
	filters, err := w.engine.Filters(w.t.Context())
	for _, filter := range filters {
		if filter.Owner.Name == name && filter.Policy.RoutedFrames != want {
			return fmt.Errorf("routed frames pass %s: %t", name, filter.Policy.RoutedFrames)
		}
	}
	return err
}

// What a LAN reaches follows what happens to deckies and LANs far from it, of which
// no event on the engine tells its owner.
func TestReachWakesWhomItConcerns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topology := w.topology("acme", "10.0.0.0/16")
	public, office, plant := lan("acme", "dmz", dmz), lan("acme", "office"), lan("acme", "plant")
	forwards := func(o *v1alpha1.Decky) { o.Spec.Forwarding = true }
	inner := decky("acme", "inner", "office", visiting("plant"), forwards)
	w.create(topology, public, office, plant, decky("acme", "web", "dmz", visiting("office"), forwards), inner)
	w.waitFor(v1alpha1.ReasonSucceeded, topology)
	w.eventually("the DMZ to reach all", func() error { return w.checkReach(public, "office,plant", metav1.ConditionTrue) })

	edit(w, inner, func(o *v1alpha1.Decky) { o.Spec.Forwarding = false })
	w.eventually("the DMZ to reach less", func() error { return w.checkReach(public, "office", metav1.ConditionTrue) })
	edit(w, inner, forwards)
	w.eventually("the DMZ to reach all again", func() error { return w.checkReach(public, "office,plant", metav1.ConditionTrue) })

	w.engine.Intercept(func(_ context.Context, operation fake.Operation, _ string) error {
		if operation == fake.OpSetFilter {
			return engine.ErrDenied
		}
		return nil
	})
	for _, filter := range w.filters() {
		if filter.Owner.Name == plant.Name {
			w.hand.DamageFilter(filter.Bridge)
		}
	}
	for _, each := range []*v1alpha1.LAN{public, office, plant} {
		w.eventually("the breach to be seen from "+each.Name, func() error {
			return w.checkContained(each, each.Progress(), metav1.ConditionFalse)
		})
	}
	w.eventually("the topology to say so", func() error { return w.checkContained(topology, topology.Progress(), metav1.ConditionFalse) })
	w.engine.Intercept(nil)
	w.waitFor(v1alpha1.ReasonSucceeded, topology, public, office, plant)
}

// filters returns the filter rules of the namespace's LANs.
func (w *world) filters() []model.Filter {
	w.t.Helper()
	all, err := w.engine.Filters(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(filter model.Filter) bool { return filter.Owner.Namespace != w.namespace })
}

// checkReach returns an error unless a LAN reaches these LANs, and is contained or not.
func (w *world) checkReach(lan *v1alpha1.LAN, want string, contained metav1.ConditionStatus) error {
	if err := w.checkContained(lan, lan.Progress(), contained); err != nil {
		return err
	}
	if lan.Status.ReachesSummary != want {
		return fmt.Errorf("it reaches %q", lan.Status.ReachesSummary)
	}
	return nil
}

// checkContained reads an object and returns an error unless it says so of itself.
func (w *world) checkContained(object client.Object, progress v1alpha1.Progress, want metav1.ConditionStatus) error {
	if err := w.kube.Get(w.t.Context(), client.ObjectKeyFromObject(object), object); err != nil {
		return err
	}
	if !meta.IsStatusConditionPresentAndEqual(*progress.Conditions, v1alpha1.ConditionContained, want) {
		return fmt.Errorf("conditions %v", *progress.Conditions)
	}
	return nil
}
