// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/controllers"
	"github.com/deckyard/deckyard/internal/engine"
	enginefake "github.com/deckyard/deckyard/internal/engine/fake"
	"github.com/deckyard/deckyard/internal/model"
)

// sweep lists the engine and lets a sweeper look at it.
func (l *lab) sweep(sweeper *controllers.Sweeper) {
	l.t.Helper()
	l.relist()
	observed, err := l.observer.Snapshot(l.t.Context())
	if err != nil {
		l.t.Fatal(err)
	}
	sweeper.Sweep(l.t.Context(), observed)
}

// orphan makes all of a lab's Docker objects leftovers.
func (l *lab) orphan() {
	l.t.Helper()
	for _, object := range l.objects() {
		object.SetFinalizers(nil)
		if err := l.api.Update(l.t.Context(), object); err != nil {
			l.t.Fatal(err)
		}
		l.remove(object)
	}
	l.engine.ForgetWrites()
}

// Scenario 58: what has lost its owner goes: services, bases, networks.
func TestLeftoversAreSwept(t *testing.T) {
	t.Parallel()
	l := newAcme(t)
	sweeper := controllers.NewSweeper(l.node)
	l.sweep(sweeper)
	l.sweep(sweeper)
	l.wantWrites()
	l.orphan()
	l.sweep(sweeper)
	l.wantWrites()
	for range 3 {
		l.sweep(sweeper)
	}
	if diff := cmp.Diff([]string{}, l.docker()); diff != "" {
		t.Errorf("on the engine (-want +have):\n%s", diff)
	}
	if left := l.filters(); len(left) > 0 {
		t.Errorf("left of the firewall: %+v", left)
	}
}

// Filter rules alone are a leftover too; those of other instances are not.
func TestLeftFilterRulesAreSwept(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	ours := model.Owner{Instance: instance, Kind: model.OwnerLAN, Namespace: namespace, Name: "gone", UID: "uid-gone"}
	theirs := ours
	theirs.Instance = "instance-2"
	for _, owner := range []model.Owner{ours, theirs} {
		if err := l.engine.SetFilter(t.Context(), model.FilterSpec{Owner: owner, Bridge: model.BridgeName(owner)}); err != nil {
			t.Fatal(err)
		}
	}
	sweeper := controllers.NewSweeper(l.node)
	for range 3 {
		l.sweep(sweeper)
	}
	if left := l.filters(); len(left) != 1 || left[0].Owner != theirs {
		t.Errorf("left of the firewall: %+v", left)
	}
}

// Scenario 58: one stuck leftover does not hold the others.
func TestStuckLeftoverHoldsNobody(t *testing.T) {
	t.Parallel()
	l := newAcme(t)
	sweeper := controllers.NewSweeper(l.node)
	l.orphan()
	l.engine.Intercept(func(_ context.Context, operation enginefake.Operation, target string) error {
		if operation == enginefake.OpRemoveContainer && target == "lab_acme_files_ftp" {
			return engine.ErrConflict
		}
		return nil
	})
	for range 4 {
		l.sweep(sweeper)
	}
	want := []string{
		"container lab_acme_files running lab_acme_office=172.16.1.2", "container lab_acme_files_ftp running", "network lab_acme_office 172.16.1.0/24",
	}
	if diff := cmp.Diff(want, l.docker()); diff != "" {
		t.Errorf("on the engine (-want +have):\n%s", diff)
	}
}

// Scenarios 59 and 75: what is foreign, or another control plane's, is never swept.
func TestSweepTouchesNothingOfOthers(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	theirs := model.Identity{Role: model.RoleBase, Owner: model.Owner{
		Instance: "instance-2", Kind: model.OwnerDecky, Namespace: namespace, Name: "web", Topology: "acme", UID: "uid-of-theirs",
	}}
	l.hand.AddContainer(model.ContainerSpec{Name: "theirs", Image: "deckyard/decoy:1", Identity: theirs})
	l.hand.AddContainer(model.ContainerSpec{Name: "registry", Image: "registry:2"})
	l.hand.AddNetwork(model.NetworkSpec{Name: "corp", Driver: "bridge", Subnet: prefix("192.168.7.0/24")})
	before := l.ids()
	sweeper := controllers.NewSweeper(l.node)
	for range 3 {
		l.sweep(sweeper)
	}
	l.wantWrites()
	l.wantUntouched(before)
}

// Scenario 68: an object that was deleted and created anew while the operator
// was away has another UID: what the old one left goes, and stands in nobody's way.
func TestNamesakeOfADeletedObject(t *testing.T) {
	t.Parallel()
	l := newAcme(t)
	l.orphan()
	topo, dmzLAN, office, web, files := acme()
	l.create(topo, dmzLAN, office, web, files)
	l.restart()
	sweeper := controllers.NewSweeper(l.node)
	for range 4 {
		l.sweep(sweeper)
		_ = l.round()
	}
	l.wantReady()
	l.read(web)
	if have := len(l.docker()); have != len(acmeOnDocker()) {
		t.Errorf("%d objects on the engine, want %d:%s", have, len(acmeOnDocker()), l.describe())
	}
	if have := condition(web, v1alpha1.ConditionReady); have != "True Succeeded" {
		t.Errorf("web is %s", have)
	}
}
