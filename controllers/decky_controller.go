// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"maps"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/catalogue"
	"github.com/deckyard/deckyard/internal/graph"
	"github.com/deckyard/deckyard/internal/model"
	"github.com/deckyard/deckyard/internal/pass"
)

// DeckyReconciler keeps the containers of each Decky and their endpoints. It is
// the only writer of containers.
type DeckyReconciler struct {
	*Node
	// Concurrency is the number of passes at once.
	Concurrency int
	Catalogue   *catalogue.Catalogue
	Images      *ImageStore
}

// SetupWithManager registers the controller. Every node runs it for its own Deckies.
func (r *DeckyReconciler) SetupWithManager(manager ctrl.Manager) error {
	members := func(keep func(changed, member client.Object) bool) handler.EventHandler {
		return toMembers(r.Kube, newDeckies, deckyObjects, keep)
	}
	noLeader := false
	return ctrl.NewControllerManagedBy(manager).
		Named("decky").
		For(&v1alpha1.Decky{}, builder.WithPredicates(onNode(r.Name), askedForWork())).
		Watches(&v1alpha1.Topology{}, members(always), builder.WithPredicates(askedForWork())).
		Watches(&v1alpha1.LAN{}, r.toInhabitants(), builder.WithPredicates(onNode(r.Name), addressingChanged())).
		Watches(&v1alpha1.LAN{}, members(always), builder.WithPredicates(onNode(r.Name), subnetMoved())).
		Watches(&v1alpha1.Decky{}, members(isAnother), builder.WithPredicates(onNode(r.Name), linksChanged())).
		Watches(&v1alpha1.Decky{}, r.toClashing(), builder.WithPredicates(onNode(r.Name), claimsChanged())).
		WatchesRawSource(r.Observer.Source(model.OwnerDecky)).
		WithOptions(controller.Options{MaxConcurrentReconciles: r.Concurrency, RateLimiter: newRateLimiter(), NeedLeaderElection: &noLeader}).
		Complete(r)
}

// toInhabitants wakes the deckies that ask for the changed LAN or have an interface there.
func (r *DeckyReconciler) toInhabitants() handler.EventHandler {
	return handler.EnqueueRequestsFromMapFunc(func(ctx context.Context, changed client.Object) []ctrl.Request {
		deckies, err := neighbours(ctx, r.Kube, fromCache, changed.GetNamespace(), topologyName(changed), changed.GetName())
		if err != nil {
			return nil
		}
		requests := make([]ctrl.Request, 0, len(deckies))
		for i := range deckies {
			requests = append(requests, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(&deckies[i])})
		}
		return requests
	})
}

// addressingChanged lets through what a decky on a LAN depends on.
func addressingChanged() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		before, okBefore := e.ObjectOld.(*v1alpha1.LAN)
		after, okAfter := e.ObjectNew.(*v1alpha1.LAN)
		if !okBefore || !okAfter {
			return false
		}
		return before.Generation != after.Generation ||
			before.DeletionTimestamp.IsZero() != after.DeletionTimestamp.IsZero() ||
			before.Status.NetworkID != after.Status.NetworkID ||
			before.Status.Subnet != after.Status.Subnet ||
			before.Status.Gateway != after.Status.Gateway ||
			readiness(before).ready != readiness(after).ready
	}}
}

// linksChanged lets through what can change the routes of other deckies: that one
// forwards between other LANs, or has other addresses there. One that is created
// has no addresses yet.
func linksChanged() predicate.Predicate {
	return predicate.Funcs{
		CreateFunc: func(event.CreateEvent) bool { return false },
		UpdateFunc: func(e event.UpdateEvent) bool {
			before, okBefore := e.ObjectOld.(*v1alpha1.Decky)
			after, okAfter := e.ObjectNew.(*v1alpha1.Decky)
			return okBefore && okAfter && !maps.Equal(graph.Links(before), graph.Links(after))
		},
		DeleteFunc: func(e event.DeleteEvent) bool {
			gone, ok := e.Object.(*v1alpha1.Decky)
			return ok && len(graph.Links(gone)) > 0
		},
	}
}

// subnetMoved lets through that a LAN has another subnet than before. The first
// one changes no route: no decky has an address there yet.
func subnetMoved() predicate.Predicate {
	return predicate.Funcs{
		CreateFunc: func(event.CreateEvent) bool { return false },
		UpdateFunc: func(e event.UpdateEvent) bool {
			before, okBefore := e.ObjectOld.(*v1alpha1.LAN)
			after, okAfter := e.ObjectNew.(*v1alpha1.LAN)
			return okBefore && okAfter && before.Status.Subnet != "" && before.Status.Subnet != after.Status.Subnet
		},
		DeleteFunc: func(event.DeleteEvent) bool { return false },
	}
}

// claimsChanged lets through the end of a decky and changes of its spec: what
// may free, or take, an address or a host port.
func claimsChanged() predicate.Predicate {
	return predicate.Funcs{
		CreateFunc: func(event.CreateEvent) bool { return false },
		UpdateFunc: func(e event.UpdateEvent) bool { return e.ObjectOld.GetGeneration() != e.ObjectNew.GetGeneration() },
	}
}

// toClashing wakes the deckies of this node whose spec could not be accepted:
// what they clash with may be gone.
func (r *DeckyReconciler) toClashing() handler.EventHandler {
	return handler.EnqueueRequestsFromMapFunc(func(ctx context.Context, changed client.Object) []ctrl.Request {
		var deckies v1alpha1.DeckyList
		if err := listFrom(ctx, r.Kube, fromCache, &deckies, client.MatchingFields{indexUnaccepted: r.Name}); err != nil {
			return nil
		}
		var requests []ctrl.Request
		for i := range deckies.Items {
			decky := &deckies.Items[i]
			if decky.UID != changed.GetUID() {
				requests = append(requests, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(decky)})
			}
		}
		return requests
	})
}

// Reconcile implements reconcile.Reconciler.
func (r *DeckyReconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	decky := &v1alpha1.Decky{}
	return r.reconcileMember(ctx, model.OwnerDecky, request.NamespacedName, decky, func(opened *pass.Pass) []pass.Step {
		scope := &deckyScope{DeckyReconciler: r, decky: decky, pass: opened}
		return scope.steps()
	})
}
