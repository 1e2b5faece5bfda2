// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package operator

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/model"
)

// acme creates a topology of two LANs and two deckies and waits until it is Ready.
func (w *world) acme() (topology *v1alpha1.Topology, office *v1alpha1.LAN, web, files *v1alpha1.Decky) {
	w.t.Helper()
	topology, office = w.topology("acme", "10.1.0.0/16"), lan("acme", "office")
	web, files = decky("acme", "web", "dmz", visiting("office")), decky("acme", "files", "office")
	w.create(topology, lan("acme", "dmz", dmz), office, web, files)
	w.waitFor(v1alpha1.ReasonSucceeded, topology)
	return topology, office, web, files
}

// states returns the namespace's containers by name: their state, id and start.
func (w *world) states() map[string]string {
	w.t.Helper()
	containers, err := w.engine.Containers(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	states := map[string]string{}
	for _, listed := range containers {
		if listed.Identity.Owner.Namespace != w.namespace {
			continue
		}
		container, err := w.engine.Container(w.t.Context(), listed.ID)
		if err != nil {
			w.t.Fatal(err)
		}
		states[container.Name] = fmt.Sprint(container.State, container.ID, container.StartedAt)
	}
	return states
}

// waitHandled asks for a pass over each object and waits until it has ended.
func (w *world) waitHandled(request string, objects ...reporter) {
	w.t.Helper()
	for _, object := range objects {
		edit(w, object, func(o reporter) {
			o.SetAnnotations(map[string]string{v1alpha1.AnnotationReconcileRequestedAt: request})
		})
		w.eventually("the request to be handled", func() error {
			err := w.kube.Get(w.t.Context(), client.ObjectKeyFromObject(object), object)
			if err == nil && *object.Progress().LastHandledReconcileAt != request {
				err = errors.New("it is not")
			}
			return err
		})
	}
}

// Scenario 52: while the engine is away nothing is known, nothing is changed,
// and work goes on when it is back.
func TestEngineGoesAwayAndComesBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topology, office, web, files := w.acme()
	before := w.states()
	w.engine.ForgetWrites()
	w.engine.SetDown(true)
	w.waitFor(v1alpha1.ReasonEngineUnavailable, office, web, files, topology)
	w.engine.SetDown(false)
	w.waitFor(v1alpha1.ReasonSucceeded, office, web, files, topology)
	if writes := w.engine.Writes(); len(writes) > 0 || !maps.Equal(before, w.states()) {
		t.Errorf("written: %q", writes)
	}
}

// A topology says so of its engine at once, and what it can do once it is back, also
// if that is something else than before.
func TestTopologyFollowsItsEngine(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *Options) { o.RelistInterval = time.Second })
	topology, office, _, _ := w.acme()
	w.waitForEngine(topology, "True Succeeded: Docker Engine 20.10.24, API 1.41; off: attachment MACs, live restore")
	w.engine.SetDown(true)
	w.waitForEngine(topology, "Unknown EngineUnavailable: ")
	w.waitFor(v1alpha1.ReasonEngineUnavailable, topology)
	w.hand.SetProfile(func(profile *model.Profile) { profile.Engine.Version, profile.Engine.LiveRestore = "20.10.25", true })
	w.engine.SetDown(false)
	w.waitForEngine(topology, "True Succeeded: Docker Engine 20.10.25, API 1.41; off: attachment MACs")
	w.waitFor(v1alpha1.ReasonSucceeded, topology)
	w.hand.SetProfile(func(profile *model.Profile) { profile.Engine.Rootless = true })
	w.waitForEngine(topology, "False EngineUnsuitable: ")
	w.waitFor(v1alpha1.ReasonEngineUnsuitable, topology)
	w.hand.SetProfile(func(profile *model.Profile) { profile.Engine.Rootless = false })
	w.waitForEngine(topology, "True Succeeded: ")
	w.waitFor(v1alpha1.ReasonSucceeded, topology, office)
	for _, entry := range topology.ManagedFields {
		fields := entry.FieldsV1.GetRawString()
		if owns := strings.Contains(fields, `k:{\"type\":\"EngineSuitable\"}`); owns != (entry.Manager == "deckyard-node") {
			t.Errorf("fields of %s: %s", entry.Manager, fields)
		}
	}
}

// waitForEngine waits until EngineSuitable begins with "Status Reason: message".
func (w *world) waitForEngine(topology *v1alpha1.Topology, want string) {
	w.t.Helper()
	w.eventually("EngineSuitable to be "+want, func() error {
		if err := w.kube.Get(w.t.Context(), client.ObjectKeyFromObject(topology), topology); err != nil {
			return err
		}
		have := "absent"
		if found := meta.FindStatusCondition(topology.Status.Conditions, v1alpha1.ConditionEngineSuitable); found != nil {
			have = string(found.Status) + " " + found.Reason + ": " + found.Message
		}
		if !strings.HasPrefix(have, want) {
			return fmt.Errorf("it is %s", have)
		}
		return nil
	})
}

// Scenario 74: what happened while the stream of events was broken is found.
func TestLostEventsAreMadeUpFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, _, web, _ := w.acme()
	ssh := model.ServiceName(w.namespace, "acme", "web", "ssh")
	w.engine.DropEvents(true)
	w.hand.Remove(ssh)
	w.engine.DropEvents(false)
	w.engine.BreakStreams()
	w.eventually("the service to be back", func() error {
		if _, found := w.states()[ssh]; !found {
			return errors.New("it is not")
		}
		return nil
	})
	w.waitFor(v1alpha1.ReasonSucceeded, web)
}

// Scenario 84: a label that is forged is restored; nothing is torn down meanwhile.
func TestForgedLabelIsRestored(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, office, web, _ := w.acme()
	before := w.states()
	w.engine.ForgetWrites()
	for _, member := range []reporter{office, web} {
		for _, label := range []string{"", "elsewhere"} {
			edit(w, member, func(o reporter) { o.SetLabels(map[string]string{v1alpha1.LabelNode: label}) })
			w.eventually("the label to be back", func() error {
				err := w.kube.Get(t.Context(), client.ObjectKeyFromObject(member), member)
				if err == nil && member.GetLabels()[v1alpha1.LabelNode] != w.node {
					err = fmt.Errorf("it is %q", member.GetLabels()[v1alpha1.LabelNode])
				}
				return err
			})
		}
	}
	w.waitHandled("1", office, web)
	if writes := w.engine.Writes(); len(writes) > 0 || !maps.Equal(before, w.states()) {
		t.Errorf("written: %q", writes)
	}
}

// Scenarios 67, 68 and 73: an operator that was away converges once, removes what
// was deleted meanwhile, and writes nothing more; nor does one that was away
// while nothing changed.
func TestOperatorWasAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topology, office, web, files := w.acme()
	before := w.states()
	w.stop()
	edit(w, web, func(o *v1alpha1.Decky) { o.Spec.Services = append(o.Spec.Services, v1alpha1.Service{Name: "http"}) })
	w.remove(files)
	w.engine.ForgetWrites()
	w.start()
	w.waitGone(files)
	w.waitFor(v1alpha1.ReasonSucceeded, web, office)
	namespaced := func(name string) string { return w.namespace + "_acme_" + name }
	want := []string{
		"create container " + namespaced("web_http"), "remove container " + namespaced("files"),
		"remove container " + namespaced("files_ssh"), "start container " + namespaced("web_http"),
	}
	if writes := slices.Sorted(slices.Values(w.engine.Writes())); !slices.Equal(writes, want) {
		t.Errorf("written: %q, want %q", writes, want)
	}
	after := w.states()
	for _, name := range []string{namespaced("web"), namespaced("web_ssh")} {
		if before[name] != after[name] {
			t.Errorf("%s was touched", name)
		}
	}
	w.stop()
	w.engine.ForgetWrites()
	w.start()
	w.waitHandled("2", topology, office, web)
	if writes := w.engine.Writes(); len(writes) > 0 {
		t.Errorf("written though nothing changed: %q", writes)
	}
}
