// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/model"
	"github.com/deckyard/deckyard/internal/pass"
	"github.com/deckyard/deckyard/internal/preflight"
	"github.com/deckyard/deckyard/internal/status"
)

// judgement is the last verdict on a node's engine.
type judgement struct {
	mutex   sync.Mutex
	verdict preflight.Verdict
	isKnown bool
}

// judge returns the last verdict on the engine. One that refuses it is not believed
// without looking again, so that work goes on as soon as it can.
func (n *Node) judge(ctx context.Context) (preflight.Verdict, error) {
	n.judged.mutex.Lock()
	verdict, isKnown := n.judged.verdict, n.judged.isKnown
	n.judged.mutex.Unlock()
	if isKnown && verdict.Suitable() {
		return verdict, nil
	}
	return n.judgeNow(ctx)
}

// judgeNow looks at the engine and its host. If they mean something else than
// before, everybody is woken.
func (n *Node) judgeNow(ctx context.Context) (preflight.Verdict, error) {
	profile, err := preflight.Read(ctx, n.Prober, n.HostProber)
	if err != nil {
		return preflight.Verdict{}, err
	}
	verdict := preflight.Judge(profile)
	n.judged.mutex.Lock()
	before, wasKnown := n.judged.verdict, n.judged.isKnown
	n.judged.verdict, n.judged.isKnown = verdict, true
	n.judged.mutex.Unlock()
	if wasKnown && before.Summary() == verdict.Summary() {
		return verdict, nil
	}
	log.FromContext(ctx).Info("Engine judged", "suitable", verdict.Suitable(), "verdict", verdict.Summary())
	if wasKnown {
		n.Observer.WakeTracked()
	}
	return verdict, nil
}

// Reassess looks at the engine and its host again, as after every list: they may
// have been upgraded, or set up in another way.
func (n *Node) Reassess(ctx context.Context, _ model.Observed) {
	if _, err := n.judgeNow(ctx); err != nil {
		// The observer tells that an engine is away. What it was stays known.
		log.FromContext(ctx).V(1).Info("Judging the engine was not possible", "cause", err.Error())
	}
}

// requireSuitable withholds changes from an engine that is not suitable: what would
// be built on it is not contained, or cannot be looked at. Deletion is carried out
// all the same.
func (n *Node) requireSuitable(ctx context.Context, opened *pass.Pass) pass.Outcome {
	if opened.IsDeleting() {
		return pass.Continue()
	}
	switch verdict, err := n.judge(ctx); {
	case err != nil:
		return pass.Retry(err)
	case !verdict.Suitable():
		return pass.Wait(v1alpha1.ReasonEngineUnsuitable, verdict.Summary())
	}
	return pass.Continue()
}

// fieldOwner is the manager of the fields that an EngineReporter writes.
const fieldOwner = client.FieldOwner("deckyard-node")

// EngineReporter says on the topologies of its node whether the engine suits them.
// It is the only writer of the condition EngineSuitable, and writes nothing else:
// the Topology controller may run on another node. The elected operator says of the
// topologies of other nodes that nobody there has said it.
type EngineReporter struct {
	*Node
	// Elected is closed once this operator is elected.
	Elected <-chan struct{}
}

// silence is how long another node's operator may take to report on a new topology.
const silence = 10 * time.Second

// SetupWithManager registers the controller. Every node runs it for its own topologies.
func (r *EngineReporter) SetupWithManager(manager ctrl.Manager) error {
	noLeader := false
	return ctrl.NewControllerManagedBy(manager).
		Named("engine").
		For(&v1alpha1.Topology{}, builder.WithPredicates(predicate.NewPredicateFuncs(isPlaced), placedOrEdited())).
		WatchesRawSource(r.Observer.Source(model.OwnerTopology)).
		WithOptions(controller.Options{RateLimiter: newRateLimiter(), NeedLeaderElection: &noLeader}).
		Complete(r)
}

// isPlaced reports whether a topology is placed on a node.
func isPlaced(object client.Object) bool {
	topology, ok := object.(*v1alpha1.Topology)
	return ok && topology.Status.NodeName != ""
}

// placedOrEdited lets through what can change the condition or its generation.
func placedOrEdited() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		before, beforeOK := e.ObjectOld.(*v1alpha1.Topology)
		after, afterOK := e.ObjectNew.(*v1alpha1.Topology)
		return beforeOK && afterOK && (before.Generation != after.Generation || before.Status.NodeName != after.Status.NodeName ||
			before.DeletionTimestamp.IsZero() != after.DeletionTimestamp.IsZero() ||
			engineVerdict(before) != engineVerdict(after))
	}}
}

// Reconcile writes the condition, if it is not there as it should be.
func (r *EngineReporter) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	topology := &v1alpha1.Topology{}
	switch err := r.Kube.Get(ctx, request.NamespacedName, topology); {
	case apierrors.IsNotFound(err):
		r.Observer.Forget(model.OwnerTopology, request.NamespacedName)
		return ctrl.Result{}, nil
	case err != nil:
		return ctrl.Result{}, err
	case topology.Status.NodeName != r.Name, !topology.DeletionTimestamp.IsZero():
		r.Observer.Forget(model.OwnerTopology, request.NamespacedName)
		return r.tellOfSilence(ctx, topology)
	}
	r.Observer.Track(model.OwnerTopology, request.NamespacedName)
	return r.write(ctx, topology, func(conditions status.Writer) { r.report(ctx, conditions) })
}

// write writes what report sets, if it is not there.
func (r *EngineReporter) write(ctx context.Context, topology *v1alpha1.Topology, report func(status.Writer)) (ctrl.Result, error) {
	before := topology.DeepCopy()
	report(status.NewWriter(&topology.Status.Conditions, topology.Generation))
	if equality.Semantic.DeepEqual(before.Status.Conditions, topology.Status.Conditions) {
		return ctrl.Result{}, nil
	}
	patch := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	switch err := r.Kube.Status().Patch(ctx, topology, patch, fieldOwner); {
	case apierrors.IsConflict(err):
		return ctrl.Result{RequeueAfter: cacheLag}, nil
	case client.IgnoreNotFound(err) != nil:
		return ctrl.Result{}, fmt.Errorf("report on the engine: %w", err)
	}
	return ctrl.Result{}, nil
}

// tellOfSilence says of a topology of another node that no operator has said anything
// of that node's engine: there may be none, and then nothing would ever happen. As soon
// as there is one it says more.
func (r *EngineReporter) tellOfSilence(ctx context.Context, topology *v1alpha1.Topology) (ctrl.Result, error) {
	node := topology.Status.NodeName
	said := meta.FindStatusCondition(topology.Status.Conditions, v1alpha1.ConditionEngineSuitable)
	switch {
	case node == "", node == r.Name, !topology.DeletionTimestamp.IsZero():
		return ctrl.Result{}, nil
	case said != nil && said.Reason != string(v1alpha1.ReasonNodeSilent):
		return ctrl.Result{}, nil
	case !r.isElected():
		return ctrl.Result{RequeueAfter: silence}, nil
	}
	if left := silence - r.Clock.Since(topology.CreationTimestamp.Time); left > 0 {
		return ctrl.Result{RequeueAfter: left}, nil
	}
	return r.write(ctx, topology, func(conditions status.Writer) {
		conditions.Unknown(v1alpha1.ConditionEngineSuitable, v1alpha1.ReasonNodeSilent, fmt.Sprintf(
			"No operator of node %s has said anything yet, and nothing is built without it: start it there, or delete the topology and create it again for a node that has one, such as %s, in spec.nodeName",
			node, r.Name))
	})
}

func (r *EngineReporter) isElected() bool {
	select {
	case <-r.Elected:
		return true
	default:
		return false
	}
}

// cacheLag lets the cache catch up after another writer was faster.
const cacheLag = 50 * time.Millisecond

// report sets EngineSuitable. The texts are the same as long as the engine is.
func (r *EngineReporter) report(ctx context.Context, conditions status.Writer) {
	_, err := r.Observer.View(ctx, model.Concern{})
	var verdict preflight.Verdict
	if err == nil {
		verdict, err = r.judge(ctx)
	}
	switch {
	case err != nil:
		conditions.Unknown(v1alpha1.ConditionEngineSuitable, v1alpha1.ReasonEngineUnavailable,
			"The Docker Engine of node "+r.Name+" cannot be reached, so nothing is known of it: start it, and look at its log")
	case verdict.Suitable():
		conditions.True(v1alpha1.ConditionEngineSuitable, verdict.Summary())
	default:
		conditions.False(v1alpha1.ConditionEngineSuitable, v1alpha1.ReasonEngineUnsuitable, verdict.Summary())
	}
}

// verdictOf is the part of EngineSuitable that the Topology controller goes by.
type verdictOf struct {
	status  string
	reason  v1alpha1.Reason
	message string
}

// engineVerdict returns what a topology says of its engine. What is right with it
// is nobody's business.
func engineVerdict(topology *v1alpha1.Topology) verdictOf {
	for _, condition := range topology.Status.Conditions {
		if condition.Type == v1alpha1.ConditionEngineSuitable && condition.Status != "True" {
			return verdictOf{string(condition.Status), v1alpha1.Reason(condition.Reason), condition.Message}
		}
	}
	return verdictOf{}
}

// engineVerdictChanged lets through what an EngineReporter wrote, if it matters.
func engineVerdictChanged() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		before, beforeOK := e.ObjectOld.(*v1alpha1.Topology)
		after, afterOK := e.ObjectNew.(*v1alpha1.Topology)
		return beforeOK && afterOK && engineVerdict(before) != engineVerdict(after)
	}}
}
