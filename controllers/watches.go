// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"
	"maps"
	"slices"
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

// The indexes by which the controllers list. What a pass reads must not grow with
// what does not concern its object.
const (
	// indexTopology finds LANs and Deckies by the Topology that they name.
	indexTopology = "spec.topologyRef.name"
	// indexLAN finds Deckies by what lanKey makes of each LAN that they ask for, or
	// have an interface on.
	indexLAN = "interfaces.lan"
	// indexReach finds the LANs whose deckies reach another one by its name.
	indexReach = "status.reaches"
	// indexDMZ finds the LANs that are to be a DMZ by the Topology that they name.
	indexDMZ = "spec.dmz"
	// indexForwarding finds the Deckies that forward by the Topology that they name.
	indexForwarding = "spec.forwarding"
	// indexUnaccepted finds the Deckies whose spec could not be accepted, and
	// indexUnready the LANs that are not ready, by their node.
	indexUnaccepted = "status.unaccepted"
	indexUnready    = "status.unready"
)

// AddIndexes adds the cache indexes that the controllers list by.
func AddIndexes(ctx context.Context, indexer client.FieldIndexer) error {
	for _, index := range []struct {
		object  client.Object
		name    string
		extract client.IndexerFunc
	}{
		{&v1alpha1.LAN{}, indexTopology, topologyOf},
		{&v1alpha1.LAN{}, indexReach, reachOf},
		{&v1alpha1.LAN{}, indexDMZ, dmzOf},
		{&v1alpha1.LAN{}, indexUnready, unreadyOn},
		{&v1alpha1.Decky{}, indexTopology, topologyOf},
		{&v1alpha1.Decky{}, indexLAN, lansOf},
		{&v1alpha1.Decky{}, indexForwarding, forwardingIn},
		{&v1alpha1.Decky{}, indexUnaccepted, unacceptedOn},
	} {
		if err := indexer.IndexField(ctx, index.object, index.name, index.extract); err != nil {
			return err
		}
	}
	return nil
}

func topologyOf(object client.Object) []string { return []string{topologyName(object)} }

// lanKey names a LAN of a topology. Neither name contains a slash.
func lanKey(topology, lan string) string { return topology + "/" + lan }

func lansOf(object client.Object) []string {
	decky, ok := object.(*v1alpha1.Decky)
	if !ok {
		return nil
	}
	names := lanNames(decky)
	for i, name := range names {
		names[i] = lanKey(topologyName(decky), name)
	}
	return names
}

// lanNames names each LAN that a decky asks for, or has an interface on.
func lanNames(decky *v1alpha1.Decky) []string {
	var names []string
	for _, asked := range decky.Interfaces() {
		names = append(names, asked.LAN)
	}
	for _, recorded := range decky.Status.Interfaces {
		names = append(names, recorded.LAN)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func reachOf(object client.Object) []string {
	lan, ok := object.(*v1alpha1.LAN)
	if !ok {
		return nil
	}
	return lan.Status.Reaches
}

func dmzOf(object client.Object) []string {
	if lan, ok := object.(*v1alpha1.LAN); !ok || !lan.Spec.DMZ {
		return nil
	}
	return topologyOf(object)
}

func forwardingIn(object client.Object) []string {
	if decky, ok := object.(*v1alpha1.Decky); !ok || !decky.Spec.Forwarding {
		return nil
	}
	return topologyOf(object)
}

func unacceptedOn(object client.Object) []string {
	if decky, ok := object.(*v1alpha1.Decky); !ok || isAccepted(decky) {
		return nil
	}
	return []string{object.GetLabels()[v1alpha1.LabelNode]}
}

func unreadyOn(object client.Object) []string {
	if readiness(object).ready {
		return nil
	}
	return []string{object.GetLabels()[v1alpha1.LabelNode]}
}

// freshness is how new a list is.
type freshness int

const (
	// fromCache is as new as the cache: what wakes a pass has reached it.
	fromCache freshness = iota
	// withOwnWrites has also all that this operator has written.
	withOwnWrites
)

// listFrom lists from the cache without copying. Nothing in the list may be changed.
func listFrom(ctx context.Context, kube client.Reader, newAs freshness, into client.ObjectList, options ...client.ListOption) error {
	options = append(options, client.UnsafeDisableDeepCopy)
	if newAs == fromCache {
		options = append(options, client.DisableReadYourWritesConsistency)
	}
	return kube.List(ctx, into, options...)
}

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
// readiness or containment: what a topology counts.
func readinessChanged() predicate.Predicate {
	return predicate.Or(askedForWork(), predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		return readiness(e.ObjectOld) != readiness(e.ObjectNew) || containment(e.ObjectOld) != containment(e.ObjectNew)
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

// toTopology wakes the topology of a LAN or Decky: soon when the last of them is
// gone, which a topology that is being deleted waits for.
func toTopology(kube client.Reader) handler.EventHandler {
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
		DeleteFunc: func(ctx context.Context, e event.DeleteEvent, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) {
			if hasMembers(ctx, kube, e.Object.GetNamespace(), topologyName(e.Object)) {
				enqueue(queue, e.Object, gatherDelay)
				return
			}
			enqueue(queue, e.Object, 0)
		},
	}
}

// hasMembers reports whether a topology has a LAN or Decky.
func hasMembers(ctx context.Context, kube client.Reader, namespace, topology string) bool {
	one := append(inTopology(namespace, topology), client.Limit(1))
	lans, deckies := newLANs(), newDeckies()
	err := errors.Join(listFrom(ctx, kube, fromCache, lans, one...), listFrom(ctx, kube, fromCache, deckies, one...))
	return err != nil || len(lans.Items)+len(deckies.Items) > 0
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
		if err := listFrom(ctx, kube, fromCache, list, inTopology(changed.GetNamespace(), topology)...); err != nil {
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
