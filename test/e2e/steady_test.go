//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"errors"
	"fmt"
	"maps"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/operator"
)

// passRequests numbers the passes that tests ask for.
var passRequests atomic.Int64

// steady fails the test unless the operator has nothing to do: passes that it is
// asked for make no request that changes the engine and no write to an object
// of the test, apart from the answer to the request.
func (w *world) steady() {
	w.t.Helper()
	before := w.settled()
	changes := w.recordChanges()
	writes := w.proxy.WriteCount()
	// A request to one object wakes others too. What those passes would write
	// has been written when a second request is answered.
	w.requestPasses(before...)
	w.requestPasses(before...)
	if made := w.proxy.WritesSince(writes); len(made) > 0 {
		w.t.Errorf("idle passes changed the engine: %v", made)
	}
	for _, object := range before {
		for _, difference := range changes.since(object) {
			w.t.Errorf("an idle pass changed %T %s (-before +after):\n%s", object, object.GetName(), difference)
		}
	}
}

// settled waits until passes no longer change the test's objects, which may take
// a moment where they are not to be Ready, and returns them.
func (w *world) settled() []reporter {
	w.t.Helper()
	before := w.members()
	w.eventually("the objects to settle", func() error {
		w.requestPasses(before...)
		after := w.members()
		difference := cmp.Diff(withoutRequests(before), withoutRequests(after))
		before = after
		if difference != "" {
			return errors.New(difference)
		}
		return nil
	})
	return before
}

// requestPasses makes the operator reconcile the objects, and waits until it has.
func (w *world) requestPasses(objects ...reporter) {
	w.t.Helper()
	requested := strconv.FormatInt(passRequests.Add(1), 10)
	for _, object := range objects {
		patch := fmt.Sprintf(`{"metadata":{"annotations":{%q:%q}}}`, v1alpha1.AnnotationReconcileRequestedAt, requested)
		if err := w.kube.Patch(w.t.Context(), copyOf(object), client.RawPatch("application/merge-patch+json", []byte(patch))); err != nil {
			w.t.Fatalf("request a pass of %s: %v", object.GetName(), err)
		}
	}
	for _, object := range objects {
		w.eventually("the requested pass of "+object.GetName(), func() error {
			seen := copyOf(object)
			if err := w.kube.Get(w.t.Context(), client.ObjectKeyFromObject(object), seen); err != nil {
				return err
			}
			if handled := *seen.Progress().LastHandledReconcileAt; handled != requested {
				return fmt.Errorf("request %s is handled, not %s", handled, requested)
			}
			return nil
		})
	}
}

// members returns all objects of the test's namespace.
func (w *world) members() []reporter {
	w.t.Helper()
	var topologies v1alpha1.TopologyList
	var lans v1alpha1.LANList
	var deckies v1alpha1.DeckyList
	for _, list := range []client.ObjectList{&topologies, &lans, &deckies} {
		if err := w.kube.List(w.t.Context(), list, client.InNamespace(w.namespace)); err != nil {
			w.t.Fatal(err)
		}
	}
	var members []reporter
	for i := range topologies.Items {
		members = append(members, &topologies.Items[i])
	}
	for i := range lans.Items {
		members = append(members, &lans.Items[i])
	}
	for i := range deckies.Items {
		members = append(members, &deckies.Items[i])
	}
	return members
}

// changeRecord holds every version of the namespace's objects that the API
// server announced.
type changeRecord struct {
	mutex    sync.Mutex
	versions []reporter
}

// recordChanges watches the namespace until the test ends.
func (w *world) recordChanges() *changeRecord {
	w.t.Helper()
	scheme, err := operator.Scheme()
	if err != nil {
		w.t.Fatal(err)
	}
	watcher, err := client.NewWithWatch(w.config, client.Options{Scheme: scheme})
	if err != nil {
		w.t.Fatal(err)
	}
	record := &changeRecord{}
	for _, list := range []client.ObjectList{&v1alpha1.TopologyList{}, &v1alpha1.LANList{}, &v1alpha1.DeckyList{}} {
		changes, err := watcher.Watch(w.t.Context(), list, client.InNamespace(w.namespace))
		if err != nil {
			w.t.Fatal(err)
		}
		w.t.Cleanup(changes.Stop)
		go record.follow(changes)
	}
	return record
}

func (c *changeRecord) follow(changes watch.Interface) {
	for change := range changes.ResultChan() {
		if version, ok := change.Object.(reporter); ok {
			c.mutex.Lock()
			c.versions = append(c.versions, version)
			c.mutex.Unlock()
		}
	}
}

// since returns how the recorded versions of an object differ from the given
// one, in more than the request for a pass and its answer.
func (c *changeRecord) since(object reporter) []string {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	var differences []string
	for _, version := range c.versions {
		if version.GetUID() != object.GetUID() {
			continue
		}
		if difference := cmp.Diff(withoutRequest(object), withoutRequest(version)); difference != "" {
			differences = append(differences, difference)
		}
	}
	return differences
}

func withoutRequests(objects []reporter) []reporter {
	bare := make([]reporter, 0, len(objects))
	for _, object := range objects {
		bare = append(bare, withoutRequest(object))
	}
	return bare
}

// withoutRequest removes what a request for a pass changes by itself.
func withoutRequest(object reporter) reporter {
	bare := copyOf(object)
	annotations := maps.Clone(bare.GetAnnotations())
	delete(annotations, v1alpha1.AnnotationReconcileRequestedAt)
	if len(annotations) == 0 {
		annotations = nil
	}
	bare.SetAnnotations(annotations)
	bare.SetManagedFields(nil)
	bare.SetResourceVersion("")
	bare.GetObjectKind().SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(""))
	*bare.Progress().LastHandledReconcileAt = ""
	return bare
}

func copyOf(object reporter) reporter {
	//nolint:forcetypeassert // a deep copy is of the same type
	return object.DeepCopyObject().(reporter)
}

// assertNoWrites fails the test if the engine was changed since a write count.
func (w *world) assertNoWrites(since int, during string) {
	w.t.Helper()
	if made := w.proxy.WritesSince(since); len(made) > 0 {
		w.t.Errorf("%s changed the engine: %v", during, made)
	}
}
