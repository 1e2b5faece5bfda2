// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deckyard/deckyard/api/v1alpha1"
	enginefake "github.com/deckyard/deckyard/internal/engine/fake"
	"github.com/deckyard/deckyard/internal/model"
)

func forwarding(decky *v1alpha1.Decky) { decky.Spec.Forwarding = true }

// wantRoutes checks the routes of a base, and whether it forwards.
func (l *lab) wantRoutes(container, forwards string, want ...string) {
	l.t.Helper()
	seen := l.container(container)
	namespace, err := l.engine.Namespace(l.t.Context(), seen, []string{model.SysctlIPForward})
	if err != nil {
		l.t.Fatal(err)
	}
	var have []string
	for _, route := range namespace.Routes {
		have = append(have, route.String())
	}
	if diff := cmp.Diff(want, have); diff != "" {
		l.t.Errorf("routes of %s (-want +have):\n%s", container, diff)
	}
	if got := namespace.Sysctls[model.SysctlIPForward]; got != forwards {
		l.t.Errorf("%s has ip_forward %s, want %s", container, got, forwards)
	}
}

// container returns a container by name.
func (l *lab) container(name string) model.Container {
	l.t.Helper()
	containers, err := l.engine.Containers(l.t.Context())
	if err != nil {
		l.t.Fatal(err)
	}
	for _, listed := range containers {
		if listed.Name != name {
			continue
		}
		seen, err := l.engine.Container(l.t.Context(), listed.ID)
		if err != nil {
			l.t.Fatal(err)
		}
		return seen
	}
	l.t.Fatalf("no container %s", name)
	return model.Container{}
}

// routedFrames names the LANs whose bridges let routed frames pass.
func (l *lab) routedFrames() []string {
	l.t.Helper()
	filters, err := l.engine.Filters(l.t.Context())
	if err != nil {
		l.t.Fatal(err)
	}
	var names []string
	for _, filter := range filters {
		if filter.Policy.RoutedFrames {
			names = append(names, filter.Owner.Name)
		}
	}
	return names
}

// Scenarios 49 and 50: forwarding follows the spec on the running base, and so do
// the routes of all others and the rules of the LANs that are crossed.
func TestForwardingIsToggled(t *testing.T) {
	t.Parallel()
	l := newAcme(t)
	web := at(decky("web", "dmz"))
	before := l.ids()
	l.wantRoutes("lab_acme_web", "0", "0.0.0.0/0 via 172.16.0.1")
	l.wantRoutes("lab_acme_files", "0")

	edit(l, web, forwarding)
	l.wantReady()
	l.wantRoutes("lab_acme_web", "1", "0.0.0.0/0 via 172.16.0.1")
	l.wantRoutes("lab_acme_files", "0", "172.16.0.0/24 via 172.16.1.3")
	if diff := cmp.Diff([]string{"office"}, l.routedFrames()); diff != "" {
		t.Errorf("routed frames pass (-want +have):\n%s", diff)
	}

	edit(l, web, func(o *v1alpha1.Decky) { o.Spec.Forwarding = false })
	l.wantReady()
	l.wantRoutes("lab_acme_web", "0", "0.0.0.0/0 via 172.16.0.1")
	l.wantRoutes("lab_acme_files", "0")
	if passing := l.routedFrames(); len(passing) > 0 {
		t.Errorf("routed frames still pass %v", passing)
	}
	l.wantUntouched(before)
}

// An interface takes the place of the route that led to its LAN, without a failure
// in between, and gives it back.
func TestDeckyIsAttachedToWhereARouteLed(t *testing.T) {
	t.Parallel()
	l := newAcme(t)
	edit(l, at(decky("web", "dmz")), forwarding)
	l.wantReady()
	files := at(decky("files", "office"))
	before := l.ids()
	l.wantRoutes("lab_acme_files", "0", "172.16.0.0/24 via 172.16.1.3")

	edit(l, files, func(o *v1alpha1.Decky) { o.Spec.Attachments = []v1alpha1.Attachment{{LAN: "dmz"}} })
	l.mustPass(files)
	l.wantReady()
	l.wantRoutes("lab_acme_files", "0", "0.0.0.0/0 via 172.16.0.1")

	edit(l, files, func(o *v1alpha1.Decky) { o.Spec.Attachments = nil })
	l.mustPass(files)
	l.wantReady()
	l.wantRoutes("lab_acme_files", "0", "172.16.0.0/24 via 172.16.1.3")
	l.wantUntouched(before)
}

// Routes follow the interfaces of the deckies that forward, and their end.
func TestRoutesFollowTheDeckiesThatForward(t *testing.T) {
	t.Parallel()
	l := newAcme(t)
	web := at(decky("web", "dmz"))
	inner := decky("inner", "office", forwarding, visiting("lab"))
	l.create(lan("lab", subnet("172.16.9.0/24")), inner, decky("deep", "lab", address("172.16.9.9")))
	edit(l, web, forwarding)
	l.wantReady()
	before := l.ids()
	l.wantRoutes("lab_acme_deep", "0", "172.16.0.0/24 via 172.16.9.2", "172.16.1.0/24 via 172.16.9.2")
	l.wantRoutes("lab_acme_web", "1", "0.0.0.0/0 via 172.16.0.1", "172.16.9.0/24 via 172.16.1.4")

	edit(l, web, func(o *v1alpha1.Decky) { o.Spec.Attachments[0].Address = "172.16.1.77" })
	l.wantReady()
	l.wantRoutes("lab_acme_files", "0", "172.16.0.0/24 via 172.16.1.77", "172.16.9.0/24 via 172.16.1.4")
	l.wantRoutes("lab_acme_inner", "1", "172.16.0.0/24 via 172.16.1.77")

	edit(l, web, func(o *v1alpha1.Decky) { o.Spec.Attachments = nil })
	l.converge()
	l.wantRoutes("lab_acme_files", "0", "172.16.9.0/24 via 172.16.1.4")
	l.wantUntouched(before)

	l.remove(inner)
	l.converge()
	l.wantRoutes("lab_acme_files", "0")
	l.wantRoutes("lab_acme_deep", "0")
}

// A decky that forwards is not Ready while a bridge drops what it forwards.
func TestForwardingWaitsForTheFilter(t *testing.T) {
	t.Parallel()
	l := newAcme(t)
	web := at(decky("web", "dmz"))
	l.engine.Fail(enginefake.Fault{Operation: enginefake.OpSetFilter})
	edit(l, web, forwarding)
	for range 2 {
		l.mustPass(web)
	}
	l.wantConditions(web, v1alpha1.ConditionReady, "False FilterMissing", v1alpha1.ConditionEndpointsInSync, "False FilterMissing")
	l.wantMessage(web, v1alpha1.ConditionReady, "office")
	if err := l.round(); err == nil {
		t.Error("the failure is not retried")
	}
	l.wantReady()
}
