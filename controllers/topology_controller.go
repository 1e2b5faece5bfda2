// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/pass"
)

// TopologyReconciler places a topology on a node, labels its members, checks
// the graph that they form, and counts them. It touches no Docker.
type TopologyReconciler struct {
	Passes *pass.Runner
	Kube   client.Client
	// NodeName is the node that topologies without a nodeName are placed on.
	NodeName string
}

// +kubebuilder:rbac:groups=deckyard.dev,resources=topologies,verbs=get;list;watch;update;patch
// +kubebuilder:rbac:groups=deckyard.dev,resources=lans;deckies,verbs=get;list;watch;update;patch;delete
// +kubebuilder:rbac:groups=deckyard.dev,resources=topologies/status;lans/status;deckies/status,verbs=get;update;patch
// +kubebuilder:rbac:groups=deckyard.dev,resources=topologies/finalizers;lans/finalizers;deckies/finalizers,verbs=update
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch
// +kubebuilder:rbac:groups="",resources=events,verbs=create;patch
// +kubebuilder:rbac:groups="",resources=namespaces,resourceNames=kube-system,verbs=get

// SetupWithManager registers the controller. It acts on the whole cluster, so
// only the elected leader runs it.
func (r *TopologyReconciler) SetupWithManager(manager ctrl.Manager) error {
	members := builder.WithPredicates(readinessChanged())
	return ctrl.NewControllerManagedBy(manager).
		Named("topology").
		For(&v1alpha1.Topology{}, builder.WithPredicates(predicate.Or(askedForWork(), engineVerdictChanged()))).
		Watches(&v1alpha1.LAN{}, toTopology(r.Kube), members).
		Watches(&v1alpha1.Decky{}, toTopology(r.Kube), members).
		WithOptions(controller.Options{RateLimiter: newRateLimiter()}).
		Complete(r)
}

// Reconcile runs one pass.
func (r *TopologyReconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	topology := &v1alpha1.Topology{}
	switch err := r.Kube.Get(ctx, request.NamespacedName, topology); {
	case apierrors.IsNotFound(err):
		return ctrl.Result{}, r.answerOrphans(ctx, request)
	case err != nil:
		return ctrl.Result{}, err
	}
	scope := &topologyScope{TopologyReconciler: r, topology: topology, pass: r.Passes.Open(topology)}
	return scope.pass.Finish(ctx, pass.Run(ctx, scope.steps()))
}

// answerOrphans tells LANs and Deckies that name a topology which does not
// exist. Those with a node label are answered by that node's operator.
func (r *TopologyReconciler) answerOrphans(ctx context.Context, request ctrl.Request) error {
	lans, deckies, err := listMembers(ctx, r.Kube, request.Namespace, request.Name)
	if err != nil {
		return err
	}
	var failures []error
	for i := range lans {
		failures = append(failures, r.answerOrphan(ctx, &lans[i], request.Name))
	}
	for i := range deckies {
		failures = append(failures, r.answerOrphan(ctx, &deckies[i], request.Name))
	}
	return errors.Join(failures...)
}

func (r *TopologyReconciler) answerOrphan(ctx context.Context, member pass.Object, topology string) error {
	if member.GetLabels()[v1alpha1.LabelNode] != "" {
		return nil
	}
	//nolint:forcetypeassert // every client.Object's deep copy is a client.Object of the same type
	opened := r.Passes.Open(member.DeepCopyObject().(pass.Object))
	_, err := opened.Finish(ctx, rejectMissingTopology(opened, topology))
	return err
}

// rejectMissingTopology sets Accepted and waits: the next file may bring it.
func rejectMissingTopology(opened *pass.Pass, topology string) pass.Outcome {
	message := "Topology " + topology + " does not exist in this namespace: create it, or correct spec.topologyRef.name"
	opened.Conditions().False(v1alpha1.ConditionAccepted, v1alpha1.ReasonTopologyNotFound, message)
	return pass.Wait(v1alpha1.ReasonTopologyNotFound, message)
}

// neighbours lists the Deckies of a topology that ask for any of the LANs, or have an
// interface there. They must not be changed.
func neighbours(ctx context.Context, kube client.Reader, newAs freshness, namespace, topology string, lans ...string) ([]v1alpha1.Decky, error) {
	var found []v1alpha1.Decky
	seen := map[types.UID]bool{}
	for _, lan := range lans {
		var deckies v1alpha1.DeckyList
		if err := listFrom(ctx, kube, newAs, &deckies, client.InNamespace(namespace), client.MatchingFields{indexLAN: lanKey(topology, lan)}); err != nil {
			return nil, err
		}
		for i := range deckies.Items {
			if uid := deckies.Items[i].UID; !seen[uid] {
				seen[uid] = true
				found = append(found, deckies.Items[i])
			}
		}
	}
	return found, nil
}

// lansNamed returns those LANs of a topology that have one of the names.
func lansNamed(ctx context.Context, kube client.Reader, namespace, topology string, names []string) ([]v1alpha1.LAN, error) {
	var lans []v1alpha1.LAN
	for _, name := range names {
		var lan v1alpha1.LAN
		err := kube.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, &lan)
		switch {
		case client.IgnoreNotFound(err) != nil:
			return nil, err
		case err == nil && topologyName(&lan) == topology:
			lans = append(lans, lan)
		}
	}
	return lans, nil
}

// listMembers lists the LANs and Deckies that name a topology, which must not be changed.
func listMembers(ctx context.Context, kube client.Reader, namespace, topology string) ([]v1alpha1.LAN, []v1alpha1.Decky, error) {
	var lans v1alpha1.LANList
	if err := listFrom(ctx, kube, fromCache, &lans, inTopology(namespace, topology)...); err != nil {
		return nil, nil, err
	}
	var deckies v1alpha1.DeckyList
	if err := listFrom(ctx, kube, fromCache, &deckies, inTopology(namespace, topology)...); err != nil {
		return nil, nil, err
	}
	return lans.Items, deckies.Items, nil
}
