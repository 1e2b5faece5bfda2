//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"

	"github.com/deckyard/deckyard/internal/builtin"
	"github.com/deckyard/deckyard/internal/catalogue"
	"github.com/deckyard/deckyard/internal/dryrun"
	"github.com/deckyard/deckyard/internal/engine/docker"
	"github.com/deckyard/deckyard/internal/engine/host"
	"github.com/deckyard/deckyard/internal/plan"
	"github.com/deckyard/deckyard/test/engineproxy"
)

// dryRun plans the topology "acme" through a proxy of its own, and makes sure that no
// request to the engine was one that changes something.
func (w *world) dryRun() dryrun.Report {
	w.t.Helper()
	proxy, err := engineproxy.Start(docker.DefaultHost)
	if err != nil {
		w.t.Fatal(err)
	}
	defer proxy.Close()
	engine, err := docker.New(proxy.Address())
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = engine.Close() }()
	known, err := catalogue.Load(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	image, err := builtin.Load()
	if err != nil {
		w.t.Fatal(err)
	}
	report, err := dryrun.Run(w.t.Context(), dryrun.Sources{API: w.kube, Engine: engine, Host: host.New()}, dryrun.Request{
		Topology: types.NamespacedName{Namespace: w.namespace, Name: "acme"}, NodeName: nodeName,
		Catalogue: known, BuiltIn: image.Reference, Clock: clock.RealClock{},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	if made := proxy.WritesSince(0); len(made) > 0 {
		w.t.Errorf("a dry run asked the engine for changes: %v", made)
	}
	return report
}

// Scenario 65: on a real engine a dry run changes neither it nor an object, plans
// exactly the containers and endpoints that are made once the topology goes on, and
// nothing once it is Ready.
func TestDryRunPlansWhatIsDone(t *testing.T) {
	w := newWorld(t)
	acme := topology("acme")
	acme.Spec.Suspend = true
	bridge := attachedTo(decky("acme", "bridge", "office", "ssh"), "edge")
	bridge.Spec.Forwarding = true
	w.create(acme, inSubnet(dmz("acme", "edge"), "10.216.0.0/24"), inSubnet(lan("acme", "office"), "10.216.1.0/24"), bridge,
		decky("acme", "gw", "edge", "ssh", "http"))
	before := w.settled()
	report := w.dryRun()
	for _, object := range before {
		version := object.GetResourceVersion()
		for _, now := range w.members() {
			if now.GetUID() == object.GetUID() && now.GetResourceVersion() != version {
				t.Errorf("a dry run changed %s", object.GetName())
			}
		}
	}
	recorded := w.record()
	w.resume(acme)
	w.waitReady(acme)
	recorded.want(w.plannedWrites(report)...)

	for _, object := range w.dryRun().Objects {
		if !object.IsQuiet() {
			t.Errorf("planned for what is Ready: %s", object)
		}
	}
}

// plannedWrites returns what a report plans for containers and endpoints, in the words
// of a recording.
func (w *world) plannedWrites(report dryrun.Report) []string {
	var words []string
	for _, object := range report.Objects {
		for _, action := range object.Plan.Actions {
			switch action := action.(type) {
			case *plan.CreateContainer, *plan.StartContainer:
				_, target := action.Target()
				words = append(words, action.Verb()+" "+w.short(target))
			case *plan.Connect:
				words = append(words, "connect "+action.Endpoint.LAN)
			}
		}
	}
	if len(words) == 0 {
		w.t.Fatalf("nothing is planned: %s", strings.TrimSpace(w.describe(w.t.Context())))
	}
	return words
}
