// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"maps"
	"slices"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/graph"
	"github.com/deckyard/deckyard/internal/model"
	"github.com/deckyard/deckyard/internal/pass"
)

// LANReconciler keeps one Docker network per LAN. It is the only writer of networks.
type LANReconciler struct {
	*Node
	// Concurrency is the number of passes at once.
	Concurrency int
}

// SetupWithManager registers the controller. Every node runs it for its own LANs.
func (r *LANReconciler) SetupWithManager(manager ctrl.Manager) error {
	noLeader := false
	return ctrl.NewControllerManagedBy(manager).
		Named("lan").
		For(&v1alpha1.LAN{}, builder.WithPredicates(onNode(r.Name), askedForWork())).
		Watches(&v1alpha1.Topology{}, toMembers(r.Kube, newLANs, lanObjects, always), builder.WithPredicates(askedForWork())).
		Watches(&v1alpha1.LAN{}, r.toUnready(), builder.WithPredicates(askedForWork())).
		Watches(&v1alpha1.LAN{}, r.toReaching(), builder.WithPredicates(onNode(r.Name), reachChanged())).
		Watches(&v1alpha1.Decky{}, toLANs(linkedLANs), builder.WithPredicates(onNode(r.Name), linksChanged())).
		Watches(&v1alpha1.Decky{}, toLANs(lanNames), builder.WithPredicates(onNode(r.Name), forwardingReported())).
		Watches(&v1alpha1.Decky{}, toLANs(homeLAN), builder.WithPredicates(onNode(r.Name), goneOrGoing())).
		WatchesRawSource(r.Observer.Source(model.OwnerLAN)).
		WithOptions(controller.Options{MaxConcurrentReconciles: r.Concurrency, RateLimiter: newRateLimiter(), NeedLeaderElection: &noLeader}).
		Complete(r)
}

// toUnready wakes the LANs of the node that may have waited for the changed one:
// for a DMZ, or for a subnet, which a LAN of another topology may have held.
func (r *LANReconciler) toUnready() handler.EventHandler {
	return handler.EnqueueRequestsFromMapFunc(func(ctx context.Context, changed client.Object) []ctrl.Request {
		var lans v1alpha1.LANList
		if err := listFrom(ctx, r.Kube, fromCache, &lans, client.MatchingFields{indexUnready: r.Name}); err != nil {
			return nil
		}
		var requests []ctrl.Request
		for i := range lans.Items {
			if lan := &lans.Items[i]; notReadyYet(changed, lan) {
				requests = append(requests, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(lan)})
			}
		}
		return requests
	})
}

// toReaching wakes the LANs whose deckies reach the changed one, and so what it does.
func (r *LANReconciler) toReaching() handler.EventHandler {
	return handler.EnqueueRequestsFromMapFunc(func(ctx context.Context, changed client.Object) []ctrl.Request {
		var lans v1alpha1.LANList
		if err := listFrom(ctx, r.Kube, fromCache, &lans, client.InNamespace(changed.GetNamespace()), client.MatchingFields{indexReach: changed.GetName()}); err != nil {
			return nil
		}
		var requests []ctrl.Request
		for i := range lans.Items {
			requests = append(requests, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(&lans.Items[i])})
		}
		return requests
	})
}

// toLANs wakes those LANs that a change of a decky concerns: of a decky as it was, and
// as it is. Other LANs learn by way of these what they reach.
func toLANs(concerned func(*v1alpha1.Decky) []string) handler.EventHandler {
	return handler.EnqueueRequestsFromMapFunc(func(_ context.Context, changed client.Object) []ctrl.Request {
		decky, ok := changed.(*v1alpha1.Decky)
		if !ok {
			return nil
		}
		var requests []ctrl.Request
		for _, name := range concerned(decky) {
			requests = append(requests, ctrl.Request{NamespacedName: client.ObjectKey{Namespace: decky.Namespace, Name: name}})
		}
		return requests
	})
}

// linkedLANs names the LANs that a decky forwards between.
func linkedLANs(decky *v1alpha1.Decky) []string {
	return slices.Collect(maps.Keys(graph.Links(decky)))
}

// homeLAN names the LAN that a decky lives on, and that waits for it to go.
func homeLAN(decky *v1alpha1.Decky) []string { return []string{decky.Spec.Home.LAN} }

// goneOrGoing lets through the end and the beginning of the end of an object.
func goneOrGoing() predicate.Predicate {
	return predicate.Funcs{
		CreateFunc: func(event.CreateEvent) bool { return false },
		UpdateFunc: func(e event.UpdateEvent) bool {
			return e.ObjectOld.GetDeletionTimestamp().IsZero() != e.ObjectNew.GetDeletionTimestamp().IsZero()
		},
	}
}

// Reconcile implements reconcile.Reconciler.
func (r *LANReconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	lan := &v1alpha1.LAN{}
	return r.reconcileMember(ctx, model.OwnerLAN, request.NamespacedName, lan, func(opened *pass.Pass) []pass.Step {
		scope := &lanScope{LANReconciler: r, lan: lan, pass: opened}
		return scope.steps()
	})
}
