//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/engine/host"
	"github.com/deckyard/deckyard/internal/model"
)

// Scenario 52: while the engine cannot be reached, the state is unknown,
// nothing is reported gone or removed, and work goes on when it is back.
// Scenario 74: what was changed while the event stream was broken is found.
func TestUnreachableEngineMakesNothingGone(t *testing.T) {
	t.Parallel()
	own := newNodeOperator(t, "node-52")
	w := own.newWorld()
	topo, entry := own.topology("acme"), dmz("acme", "dmz")
	web, files, old := decky("acme", "web", "dmz", "ssh"), decky("acme", "files", "dmz", "ftp"), decky("acme", "old", "dmz", "ftp")
	w.create(topo, entry, web, files, old)
	w.waitReady(topo, web, files)
	before, known := w.containers(), web.Status

	own.Disconnect()
	w.waitCondition(web, v1alpha1.ConditionReady, metav1.ConditionUnknown, v1alpha1.ReasonEngineUnavailable)
	w.waitCondition(entry, v1alpha1.ConditionReady, metav1.ConditionUnknown, v1alpha1.ReasonEngineUnavailable)
	w.waitCondition(entry, v1alpha1.ConditionNetworkInSync, metav1.ConditionUnknown, v1alpha1.ReasonEngineUnavailable)
	w.waitCondition(topo, v1alpha1.ConditionReady, metav1.ConditionUnknown, v1alpha1.ReasonEngineUnavailable)
	w.requestPasses(web, entry)
	for _, conditionType := range []string{
		v1alpha1.ConditionContainersRunning, v1alpha1.ConditionEndpointsInSync, v1alpha1.ConditionServicesAnswering,
	} {
		w.waitCondition(web, conditionType, metav1.ConditionUnknown, v1alpha1.ReasonEngineUnavailable)
	}
	facts := func(status v1alpha1.DeckyStatus) []any { return []any{status.Base, status.Interfaces, status.Services} }
	if difference := cmp.Diff(facts(known), facts(web.Status)); difference != "" {
		t.Errorf("what was known (-before +after):\n%s", difference)
	}
	w.assertUntouched(before, "web", "web_ssh", "files", "files_ftp", "old", "old_ftp")

	w.docker("kill", before["web_ssh"].ID)
	edit(w, files, func(files *v1alpha1.Decky) {
		files.Spec.Services = append(files.Spec.Services, v1alpha1.Service{Name: "redis"})
	})
	if err := w.kube.Delete(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	w.waitCondition(files, v1alpha1.ConditionReady, metav1.ConditionUnknown, v1alpha1.ReasonEngineUnavailable)
	w.waitCondition(old, v1alpha1.ConditionReady, metav1.ConditionUnknown, v1alpha1.ReasonEngineUnavailable)

	recorded := w.recordAt(own.Proxy)
	if err := own.Connect(); err != nil {
		t.Fatal(err)
	}
	w.waitReady(web, files, entry)
	w.waitGone(old)
	w.waitReady(topo)
	recorded.want("start web_ssh", "create files_redis", "start files_redis", "remove old_ftp", "remove old")
	w.assertUntouched(before, "web", "files", "files_ftp")
}

// waitGone waits until objects do not exist any more.
func (w *world) waitGone(objects ...client.Object) {
	w.t.Helper()
	for _, object := range objects {
		w.eventually(object.GetName()+" to go", func() error {
			err := w.kube.Get(w.t.Context(), client.ObjectKeyFromObject(object), object)
			if apierrors.IsNotFound(err) {
				return nil
			}
			return errors.Join(err, errors.New("it still exists"))
		})
	}
}

// Scenario 56: an operator that is killed in the middle of creating, of
// recreating and of removing converges when it is started again, with nothing
// twice and nothing stuck.
func TestKilledOperatorConvergesWhenItReturns(t *testing.T) {
	t.Parallel()
	own := newNodeOperator(t, "node-56")
	w := own.newWorld()
	topo := own.topology("acme")
	web, files := attachedTo(decky("acme", "web", "dmz", "ssh", "redis"), "office"), decky("acme", "files", "office", "ftp", "http")
	cut := own.CutAfter(1)
	w.create(topo, dmz("acme", "dmz"), lan("acme", "office"), web, files)
	names := []string{"files", "files_ftp", "files_http", "web", "web_redis", "web_ssh"}
	converged := func() {
		t.Helper()
		own.revive()
		w.waitReady(web, files)
		if difference := cmp.Diff(names, sortedNames(t, w)); difference != "" {
			t.Errorf("containers (-want +have):\n%s", difference)
		}
		if networks := w.networks(); len(networks) != 2 {
			t.Errorf("networks: %v", networks)
		}
		w.sharesNamespace("web", "web_ssh", "web_redis")
		w.sharesNamespace("files", "files_ftp", "files_http")
	}

	own.awaitCut(cut)
	own.end()
	own.dieAfter(1, 2)
	converged()

	own.kill()
	for _, decky := range []*v1alpha1.Decky{web, files} {
		edit(w, decky, func(decky *v1alpha1.Decky) {
			decky.Spec.Hostname, decky.Spec.UpdateStrategy = "srv-"+decky.Name, v1alpha1.UpdateRecreate
		})
	}
	own.dieAfter(2, 3, 3)
	converged()
	if hostname := w.containers()["web"].Hostname; hostname != "srv-web" {
		t.Errorf("the host name is %q", hostname)
	}

	own.kill()
	if err := w.kube.Delete(t.Context(), topo); err != nil {
		t.Fatal(err)
	}
	own.dieAfter(1, 1)
	own.revive()
	w.waitGone(topo)
	if left := w.ownedNames(t.Context()); len(left) > 0 {
		t.Errorf("left on the engine: %v", left)
	}
}

// dieAfter starts the operator again and again, and kills it in the midst of
// the given write of each run.
func (o *nodeOperator) dieAfter(writes ...int) {
	o.t.Helper()
	for _, n := range writes {
		cut := o.CutAfter(n)
		o.revive()
		o.awaitCut(cut)
		o.end()
	}
}

func (o *nodeOperator) awaitCut(cut <-chan struct{}) {
	o.t.Helper()
	select {
	case <-cut:
	case <-time.After(patience):
		o.t.Fatalf("the operator did not make so many writes: %v", o.WritesSince(0))
	}
}

// Scenario 57: a topology that is deleted while it comes up leaves nothing.
func TestTopologyDeletedWhileItComesUpLeavesNothing(t *testing.T) {
	t.Parallel()
	for name, arrived := range map[string]func(w *world) bool{
		"at once":            func(w *world) bool { return len(at(w, topology("acme")).GetFinalizers()) > 0 },
		"with its networks":  func(w *world) bool { return len(w.networks()) > 0 },
		"with a container":   func(w *world) bool { return len(w.containers()) > 0 },
		"with some services": func(w *world) bool { return len(w.containers()) > 4 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			topo := topology("acme")
			w.create(topo, dmz("acme", "dmz"), lan("acme", "office"),
				attachedTo(decky("acme", "gw", "dmz", "ssh", "http"), "office"), decky("acme", "pc", "office", "ftp", "redis"))
			w.eventually("the moment of deletion", func() error {
				if arrived(w) {
					return nil
				}
				return errors.New("it has not come")
			})
			w.deleteAll(topo)
		})
	}
}

// deleteAll deletes a topology, and checks that its objects and all they had on
// the engine are gone before it disappears.
func (w *world) deleteAll(topo *v1alpha1.Topology) {
	w.t.Helper()
	w.remove(topo)
	if left := w.describe(w.t.Context()); left != "" {
		w.t.Errorf("objects are left: %s", left)
	}
	if left := w.ownedNames(w.t.Context()); len(left) > 0 {
		w.t.Errorf("left on the engine: %v", left)
	}
}

// Scenario 57: a topology that has failed can be deleted like any other.
func TestFailedTopologyCanBeDeleted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topo := topology("acme")
	imageless, portless, invalid := decky("acme", "imageless", "dmz", "ssh"), decky("acme", "portless", "dmz", "ssh"), decky("acme", "invalid", "dmz", "sshd")
	broken, lost := decky("acme", "broken", "dmz"), decky("acme", "lost", "nowhere", "ssh")
	imageless.Spec.Image = "localhost:1/absent:1"
	portless.Spec.Publish, broken.Spec.Image = publishing(22, 22057), "broken:"+w.namespace
	w.create(topo, dmz("acme", "dmz"), dmz("acme", "zone"), imageless, invalid, lost)
	w.occupy("22057")
	w.tagBuiltIn(broken.Spec.Image)
	broken.Spec.Services = []v1alpha1.Service{{Name: "probe", Image: broken.Spec.Image, Command: []string{"/absent"}}}
	w.create(portless, broken)
	w.waitCondition(imageless, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonPullFailed)
	w.waitCondition(portless, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonHostPortTaken)
	w.waitCondition(invalid, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonUnknownService)
	w.waitCondition(lost, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonLANNotFound)
	message := w.waitCondition(broken, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonEngineRefused)
	if !strings.Contains(message, "/absent") {
		t.Errorf("the message is: %s", message)
	}
	w.deleteAll(topo)
}

// occupy holds a port of the host with a foreign container until the test ends.
func (w *world) occupy(port string) {
	w.t.Helper()
	w.foreign("squatter-"+w.namespace, "-p", port+":22")
}

// Scenario 57: what cannot be removed keeps the finalizer and names the culprit,
// and goes when that is gone.
func TestStuckDeletionNamesTheCulprit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topo, office := topology("acme"), lan("acme", "office")
	w.create(topo, dmz("acme", "dmz"), office, attachedTo(decky("acme", "gw", "dmz", "ssh"), "office"))
	w.waitReady(topo)
	network := w.networks()["office"]
	guest := "guest-" + w.namespace
	w.foreign(guest, "--network", network.ID)

	if err := w.kube.Delete(t.Context(), topo); err != nil {
		t.Fatal(err)
	}
	w.eventually("the topology to name what holds it", func() error {
		for _, object := range []reporter{office, topo} {
			if err := w.kube.Get(t.Context(), client.ObjectKeyFromObject(object), object); err != nil {
				return err
			}
			if message := readyMessage(object); !strings.Contains(message, guest) {
				return fmt.Errorf("%s says %q", object.GetName(), message)
			}
		}
		if names := sortedNames(t, w); len(names) > 0 {
			return fmt.Errorf("containers %v are left", names)
		}
		return nil
	})
	if name := w.docker("inspect", "-f", "{{range .NetworkSettings.Networks}}{{.NetworkID}}{{end}}", guest); name != network.ID {
		t.Errorf("the guest is on %q", name)
	}
	w.docker("network", "disconnect", network.ID, guest)
	w.waitGone(topo)
}

// Scenario 57: while the engine is away, objects that are deleted stay and say
// so; they go when it is back.
func TestDeletionAwaitsTheEngine(t *testing.T) {
	t.Parallel()
	own := newNodeOperator(t, "node-57")
	w := own.newWorld()
	topo, web := own.topology("acme"), decky("acme", "web", "dmz", "ssh")
	w.create(topo, dmz("acme", "dmz"), web)
	w.waitReady(topo)
	own.Disconnect()
	w.waitCondition(web, v1alpha1.ConditionReady, metav1.ConditionUnknown, v1alpha1.ReasonEngineUnavailable)
	if err := w.kube.Delete(t.Context(), topo); err != nil {
		t.Fatal(err)
	}
	w.eventually("the topology to say what it waits for", func() error {
		if err := w.kube.Get(t.Context(), client.ObjectKeyFromObject(topo), topo); err != nil {
			return err
		}
		if message := readyMessage(topo); !strings.Contains(message, "web: ") {
			return errors.New(message)
		}
		return nil
	})
	if err := own.Connect(); err != nil {
		t.Fatal(err)
	}
	w.waitGone(topo)
	if left := w.ownedNames(t.Context()); len(left) > 0 {
		t.Errorf("left on the engine: %v", left)
	}
}

// Scenario 57: objects whose engine will not come back can be abandoned, and
// nothing of theirs is touched.
func TestAbandonedTopologyGoesWithoutTheEngine(t *testing.T) {
	t.Parallel()
	own := newNodeOperator(t, "node-58")
	w := own.newWorld()
	topo, web := own.topology("acme"), decky("acme", "web", "dmz", "ssh")
	w.create(topo, dmz("acme", "dmz"), web)
	w.waitReady(topo)
	before, networks := w.containers(), w.networks()
	own.Disconnect()
	w.waitCondition(web, v1alpha1.ConditionReady, metav1.ConditionUnknown, v1alpha1.ReasonEngineUnavailable)
	if err := w.kube.Delete(t.Context(), topo); err != nil {
		t.Fatal(err)
	}
	edit(w, topo, func(topo *v1alpha1.Topology) {
		topo.Annotations = map[string]string{v1alpha1.AnnotationAbandon: "true"}
	})
	w.waitGone(topo)
	w.assertUntouched(before, "web", "web_ssh")
	for _, name := range []string{"web_ssh", "web"} {
		if err := w.engine.RemoveContainer(t.Context(), before[name].ID); err != nil {
			t.Error(err)
		}
	}
	if err := w.engine.RemoveNetwork(t.Context(), networks["dmz"].ID); err != nil {
		t.Error(err)
	}
	for bridge, filter := range w.filters() {
		if err := host.New().RemoveFilter(t.Context(), filter.Owner, bridge); err != nil {
			t.Error(err)
		}
	}
}

// readyMessage is what an object says of its readiness.
func readyMessage(object reporter) string {
	for _, condition := range *object.Progress().Conditions {
		if condition.Type == v1alpha1.ConditionReady {
			return condition.Message
		}
	}
	return ""
}

// foreign runs a container that is not the operator's until the test ends, and
// returns its id.
func (w *world) foreign(name string, options ...string) string {
	w.t.Helper()
	image := builtInImage(w.t)
	arguments := append([]string{"run", "-d", "--name", name}, options...)
	id := w.docker(append(arguments, image, "/sbin/init")...)
	w.t.Cleanup(func() { cleanUpDocker(w.t, "rm", "-f", id) })
	return id
}

// Scenario 53: of five networks the engine refuses one: the error is shown, nothing
// is left that has no owner, and when the engine takes it the rest is done by itself.
func TestRefusedNetworkIsShownAndTriedAgain(t *testing.T) {
	t.Parallel()
	own := newNodeOperator(t, "node-53")
	w := own.newWorld()
	topo, third := own.topology("acme"), lan("acme", "third")
	hub := attachedTo(decky("acme", "hub", "dmz", "ssh"), "second", "third", "fourth", "fifth")
	own.Refuse(`"` + w.project("acme") + `_third"`)
	w.create(topo, dmz("acme", "dmz"), lan("acme", "second"), third, lan("acme", "fourth"), lan("acme", "fifth"),
		hub, decky("acme", "pc", "second", "ssh"))
	message := w.waitCondition(third, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonEngineRefused)
	if !strings.Contains(message, "_third") || !strings.Contains(message, "refused by the proxy") {
		t.Errorf("the message is: %s", message)
	}
	w.eventually("the others to be built", func() error {
		if names := slices.Sorted(maps.Keys(w.networks())); !slices.Equal(names, []string{"dmz", "fifth", "fourth", "second"}) {
			return fmt.Errorf("there are %v", names)
		}
		return nil
	})
	w.waitCondition(hub, v1alpha1.ConditionEndpointsInSync, metav1.ConditionFalse, v1alpha1.ReasonLANNotReady)
	w.wantOwned()

	own.Refuse("")
	w.waitReady(third, hub, topo)
	w.wantOwned()
}

// wantOwned fails the test if the engine has anything under a name of the test
// that does not carry the UID of an object.
func (w *world) wantOwned() {
	w.t.Helper()
	alive := map[string]bool{}
	for _, member := range w.members() {
		alive[string(member.GetUID())] = true
	}
	owners := map[string]model.Identity{}
	containers, err := w.engine.Containers(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, container := range containers {
		owners[container.Name] = container.Identity
	}
	networks, err := w.engine.Networks(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, network := range networks {
		owners[network.Name] = network.Identity
	}
	for name, identity := range owners {
		if strings.HasPrefix(name, w.namespace+"_") && !alive[identity.Owner.UID] {
			w.t.Errorf("%s is nobody's", name)
		}
	}
}
