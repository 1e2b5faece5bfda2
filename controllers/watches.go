// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"maps"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/status"
)

// indexTopology indexes LANs and Deckies by the Topology that they name.
const indexTopology = "spec.topologyRef.name"

// AddIndexes adds the cache indexes that the controllers list by.
func AddIndexes(ctx context.Context, indexer client.FieldIndexer) error {
	if err := indexer.IndexField(ctx, &v1alpha1.LAN{}, indexTopology, topologyOf); err != nil {
		return err
	}
	return indexer.IndexField(ctx, &v1alpha1.Decky{}, indexTopology, topologyOf)
}

func topologyOf(object client.Object) []string { return []string{topologyName(object)} }

// topologyName returns the name in spec.topologyRef of a LAN or Decky.
func topologyName(object client.Object) string {
	switch member := object.(type) {
	case *v1alpha1.LAN:
		return member.Spec.TopologyRef.Name
	case *v1alpha1.Decky:
		return member.Spec.TopologyRef.Name
	}
	return ""
}

// inTopology selects the LANs or Deckies of a topology.
func inTopology(namespace, name string) []client.ListOption {
	return []client.ListOption{client.InNamespace(namespace), client.MatchingFields{indexTopology: name}}
}

// onNode lets objects pass that the Topology controller has placed on a node.
func onNode(node string) predicate.Predicate {
	return predicate.NewPredicateFuncs(func(object client.Object) bool {
		return object.GetLabels()[v1alpha1.LabelNode] == node
	})
}

// askedForWork lets through what can change what a pass does: the spec, labels,
// annotations and the beginning of a deletion. Status is our own doing.
func askedForWork() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		return e.ObjectOld.GetGeneration() != e.ObjectNew.GetGeneration() ||
			!maps.Equal(e.ObjectOld.GetAnnotations(), e.ObjectNew.GetAnnotations()) ||
			!maps.Equal(e.ObjectOld.GetLabels(), e.ObjectNew.GetLabels()) ||
			e.ObjectOld.GetDeletionTimestamp().IsZero() != e.ObjectNew.GetDeletionTimestamp().IsZero()
	}}
}

// readinessChanged lets through, beside askedForWork, a change of a member's
// readiness: what a topology counts.
func readinessChanged() predicate.Predicate {
	return predicate.Or(askedForWork(), predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		return readiness(e.ObjectOld) != readiness(e.ObjectNew)
	}})
}

// readinessOf is the part of a member's status that its topology reports.
type readinessOf struct {
	ready   bool
	reason  v1alpha1.Reason
	message string
}

func readiness(object client.Object) readinessOf {
	progress := progressOf(object)
	if progress == nil {
		return readinessOf{}
	}
	reason, message := status.Because(*progress.Conditions, v1alpha1.ConditionReady)
	return readinessOf{status.IsReady(*progress.Conditions, object.GetGeneration()), reason, message}
}

func progressOf(object client.Object) *v1alpha1.Progress {
	reporter, ok := object.(interface{ Progress() v1alpha1.Progress })
	if !ok {
		return nil
	}
	progress := reporter.Progress()
	return &progress
}

// gatherDelay collects the changes of a topology's members into one pass: while
// a topology comes up, tens of them change at once.
const gatherDelay = 200 * time.Millisecond

// toTopology wakes the topology of a LAN or Decky.
func toTopology() handler.EventHandler {
	enqueue := func(queue workqueue.TypedRateLimitingInterface[reconcile.Request], object client.Object, after time.Duration) {
		key := types.NamespacedName{Namespace: object.GetNamespace(), Name: topologyName(object)}
		queue.AddAfter(reconcile.Request{NamespacedName: key}, after)
	}
	return handler.Funcs{
		CreateFunc: func(_ context.Context, e event.CreateEvent, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) {
			enqueue(queue, e.Object, createDelay)
		},
		UpdateFunc: func(_ context.Context, e event.UpdateEvent, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) {
			enqueue(queue, e.ObjectNew, gatherDelay)
		},
		DeleteFunc: func(_ context.Context, e event.DeleteEvent, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) {
			enqueue(queue, e.Object, createDelay)
		},
	}
}

// createDelay is shorter than gatherDelay: new members wait for their label.
const createDelay = 20 * time.Millisecond

// toMembers wakes the members of a topology, of the list's kind, that keep selects.
func toMembers[L client.ObjectList](kube client.Reader, newList func() L, items func(L) []client.Object, keep func(changed, member client.Object) bool) handler.EventHandler {
	return handler.EnqueueRequestsFromMapFunc(func(ctx context.Context, changed client.Object) []reconcile.Request {
		topology := topologyName(changed)
		if _, ok := changed.(*v1alpha1.Topology); ok {
			topology = changed.GetName()
		}
		list := newList()
		if err := kube.List(ctx, list, inTopology(changed.GetNamespace(), topology)...); err != nil {
			return nil
		}
		var requests []reconcile.Request
		for _, member := range items(list) {
			if keep(changed, member) {
				requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(member)})
			}
		}
		return requests
	})
}

func newLANs() *v1alpha1.LANList      { return &v1alpha1.LANList{} }
func newDeckies() *v1alpha1.DeckyList { return &v1alpha1.DeckyList{} }

func lanObjects(list *v1alpha1.LANList) []client.Object {
	return objects(list.Items, func(lan *v1alpha1.LAN) client.Object { return lan })
}

func deckyObjects(list *v1alpha1.DeckyList) []client.Object {
	return objects(list.Items, func(decky *v1alpha1.Decky) client.Object { return decky })
}

func objects[T any](items []T, object func(*T) client.Object) []client.Object {
	found := make([]client.Object, 0, len(items))
	for i := range items {
		found = append(found, object(&items[i]))
	}
	return found
}

// always wakes every member.
func always(_, _ client.Object) bool { return true }

// isAnother keeps all members but the changed one.
func isAnother(changed, member client.Object) bool { return changed.GetUID() != member.GetUID() }

// notReadyYet picks others that may have waited for the changed object.
func notReadyYet(changed, member client.Object) bool {
	return changed.GetUID() != member.GetUID() && !readiness(member).ready
}
