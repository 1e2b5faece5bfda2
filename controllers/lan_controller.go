// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"

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
	members := func(keep func(changed, member client.Object) bool) handler.EventHandler {
		return toMembers(r.Kube, newLANs, lanObjects, keep)
	}
	noLeader := false
	return ctrl.NewControllerManagedBy(manager).
		Named("lan").
		For(&v1alpha1.LAN{}, builder.WithPredicates(onNode(r.Name), askedForWork())).
		Watches(&v1alpha1.Topology{}, members(always), builder.WithPredicates(askedForWork())).
		Watches(&v1alpha1.LAN{}, r.toUnready(), builder.WithPredicates(askedForWork())).
		Watches(&v1alpha1.LAN{}, members(reaches), builder.WithPredicates(onNode(r.Name), reachChanged())).
		Watches(&v1alpha1.Decky{}, members(isLinkedBy), builder.WithPredicates(onNode(r.Name), linksChanged())).
		Watches(&v1alpha1.Decky{}, members(always), builder.WithPredicates(onNode(r.Name), forwardingReported())).
		Watches(&v1alpha1.Decky{}, members(isLeftBy), builder.WithPredicates(onNode(r.Name), goneOrGoing())).
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

// isLinkedBy picks the LANs that a decky forwards between: before a change of
// that, and after, since a change is looked at both ways.
func isLinkedBy(changed, member client.Object) bool {
	decky, ok := changed.(*v1alpha1.Decky)
	if !ok {
		return false
	}
	_, isLinked := graph.Links(decky)[member.GetName()]
	return isLinked
}

// isLeftBy wakes the LAN that may have waited for the changed decky, which lives on
// it, to go.
func isLeftBy(changed, member client.Object) bool {
	decky, ok := changed.(*v1alpha1.Decky)
	return ok && decky.Spec.Home.LAN == member.GetName() && !member.GetDeletionTimestamp().IsZero()
}

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
