// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package pass

import (
	"cmp"
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/status"
)

const (
	// resync is how often an object that is as desired is looked at all the
	// same. Watches and engine events do the work; this is the safety net.
	resync = 10 * time.Minute
	// waitRecheck is how long a waiting object goes without being woken.
	waitRecheck = time.Minute
	// conflictRetry lets the cache catch up after another writer was faster.
	conflictRetry = 50 * time.Millisecond
	// jitter spreads what would otherwise come due at once, as a fraction.
	jitter = 0.1
)

// Object is an API object that a pass can report on.
type Object interface {
	client.Object
	Progress() v1alpha1.Progress
}

// Runner holds what all passes share.
type Runner struct {
	Kube     client.Client
	Recorder events.EventRecorder
}

// Pass is one reconcile pass over one object. Steps change the object's status
// in memory; the finisher, or Save, writes it.
type Pass struct {
	runner *Runner
	object Object
	// before is the object as the API server last gave it.
	before client.Object
}

// Open starts a pass. Nothing of the object may have been changed yet. An object
// on which no pass has reported yet is not ready from then on, so that whatever
// the pass saves before its end says so.
func (r *Runner) Open(object Object) *Pass {
	p := &Pass{runner: r, object: object, before: snapshot(object)}
	if p.Condition(v1alpha1.ConditionReady).Type == "" {
		const message = "The first pass is under way"
		conditions := p.Conditions()
		conditions.Unknown(v1alpha1.ConditionReady, v1alpha1.ReasonProgressing, message)
		conditions.Present(v1alpha1.ConditionReconciling, v1alpha1.ReasonProgressing, message)
	}
	return p
}

// Conditions returns a writer for the object's conditions.
func (p *Pass) Conditions() status.Writer {
	return status.NewWriter(p.object.Progress().Conditions, p.object.GetGeneration())
}

// EnsureFinalizer adds the finalizer if it is missing.
func (p *Pass) EnsureFinalizer(ctx context.Context) error {
	if controllerutil.ContainsFinalizer(p.object, v1alpha1.Finalizer) {
		return nil
	}
	return p.patchMetadata(ctx, func(object client.Object) { controllerutil.AddFinalizer(object, v1alpha1.Finalizer) })
}

// DropFinalizer releases the object. What the pass put into status is lost:
// the object is about to go.
func (p *Pass) DropFinalizer(ctx context.Context) error {
	if !controllerutil.ContainsFinalizer(p.object, v1alpha1.Finalizer) {
		return nil
	}
	err := p.patchMetadata(ctx, func(object client.Object) { controllerutil.RemoveFinalizer(object, v1alpha1.Finalizer) })
	return client.IgnoreNotFound(err)
}

// patchMetadata patches a copy, so that status changes in memory survive the
// server's answer.
func (p *Pass) patchMetadata(ctx context.Context, change func(client.Object)) error {
	changed := snapshot(p.object)
	base := snapshot(p.object)
	change(changed)
	patch := client.MergeFromWithOptions(base, client.MergeFromWithOptimisticLock{})
	if err := p.runner.Kube.Patch(ctx, changed, patch); err != nil {
		return fmt.Errorf("patch finalizers: %w", err)
	}
	for _, object := range []client.Object{p.object, p.before} {
		object.SetFinalizers(changed.GetFinalizers())
		object.SetResourceVersion(changed.GetResourceVersion())
	}
	return nil
}

// Save writes the status now, if it differs from what the API server has.
func (p *Pass) Save(ctx context.Context) error {
	if before, ok := p.before.(Object); ok {
		status.Settle(*p.object.Progress().Conditions, *before.Progress().Conditions)
	}
	data, err := client.MergeFrom(p.before).Data(p.object)
	if err != nil {
		return fmt.Errorf("compare status: %w", err)
	}
	if string(data) == "{}" {
		return nil
	}
	patch := client.MergeFromWithOptions(p.before, client.MergeFromWithOptimisticLock{})
	if err := p.runner.Kube.Status().Patch(ctx, p.object, patch); err != nil {
		return fmt.Errorf("patch status: %w", err)
	}
	p.before = snapshot(p.object)
	return nil
}

// Announce writes that the object is not ready any more before slow work
// begins, if status still says that it is. The reason is that of a drift: an
// edit of the spec takes its place. Of an object that is being deleted everybody
// sees that it is.
func (p *Pass) Announce(ctx context.Context, reason v1alpha1.Reason, message string) error {
	ready := meta.FindStatusCondition(*p.object.Progress().Conditions, v1alpha1.ConditionReady)
	if ready == nil || ready.Status != metav1.ConditionTrue || !p.object.GetDeletionTimestamp().IsZero() {
		return nil
	}
	if p.IsEdited() {
		reason = v1alpha1.ReasonSpecChanged
	}
	conditions := p.Conditions()
	conditions.False(v1alpha1.ConditionReady, reason, message)
	conditions.Present(v1alpha1.ConditionReconciling, v1alpha1.ReasonProgressing, message)
	previous := p.before
	if err := p.Save(ctx); err != nil {
		return err
	}
	p.reportTransitions(ctx, previous)
	return nil
}

// Event records what was done to the object, such as the repair of a drift.
func (p *Pass) Event(reason v1alpha1.Reason, verb, message string) {
	p.record(corev1.EventTypeNormal, string(reason), verb, message)
}

// record sends an event. There are none of an object that is being deleted: its
// namespace may be going too, and takes no new objects then.
func (p *Pass) record(eventType, reason, action, message string) {
	if p.object.GetDeletionTimestamp().IsZero() {
		p.runner.Recorder.Eventf(p.object, nil, eventType, reason, action, "%s", message)
	}
}

// Finish maps the outcome to conditions, writes status once if anything
// changed, and returns what the workqueue needs to know.
func (p *Pass) Finish(ctx context.Context, outcome Outcome) (reconcile.Result, error) {
	switch {
	case outcome.kind == kindGone:
		return reconcile.Result{}, nil
	case outcome.kind == kindSettling && p.saysProgressing():
		return result(outcome)
	}
	p.summarise(outcome)
	progress := p.object.Progress()
	if requested := p.object.GetAnnotations()[v1alpha1.AnnotationReconcileRequestedAt]; requested != "" {
		*progress.LastHandledReconcileAt = requested
	}
	previous := p.before
	switch err := p.Save(ctx); {
	case apierrors.IsConflict(err):
		return reconcile.Result{RequeueAfter: conflictRetry}, nil
	case apierrors.IsNotFound(err):
		return reconcile.Result{}, nil
	case err != nil:
		return reconcile.Result{}, err
	}
	p.reportTransitions(ctx, previous)
	return result(outcome)
}

// saysProgressing reports whether the API server has it from an earlier pass, or
// from earlier in this one, that changes to this generation are under way.
func (p *Pass) saysProgressing() bool {
	before, ok := p.before.(Object)
	if !ok {
		return false
	}
	if len(*before.Progress().Conditions) == 0 {
		// Its observedGeneration, still -1, says the same to all who read status.
		return true
	}
	reconciling := meta.FindStatusCondition(*before.Progress().Conditions, v1alpha1.ConditionReconciling)
	return reconciling != nil && reconciling.Reason == string(v1alpha1.ReasonProgressing) &&
		reconciling.ObservedGeneration == p.object.GetGeneration()
}

// IsEdited reports whether the object's spec is another than the one that a pass
// last came to the end of.
func (p *Pass) IsEdited() bool {
	return *p.object.Progress().ObservedGeneration != p.object.GetGeneration()
}

// IsDeleting reports whether the object is being deleted.
func (p *Pass) IsDeleting() bool { return !p.object.GetDeletionTimestamp().IsZero() }

func result(outcome Outcome) (reconcile.Result, error) {
	switch outcome.kind {
	case kindProgress, kindApplied, kindSettling:
		return reconcile.Result{RequeueAfter: outcome.after}, nil
	case kindWait:
		return reconcile.Result{RequeueAfter: cmp.Or(outcome.after, wait.Jitter(waitRecheck, jitter))}, nil
	case kindRetry:
		if apierrors.IsConflict(outcome.err) {
			return reconcile.Result{RequeueAfter: conflictRetry}, nil
		}
		return reconcile.Result{}, outcome.err
	case kindDone:
		return reconcile.Result{RequeueAfter: wait.Jitter(cmp.Or(outcome.after, resync), jitter)}, nil
	case kindContinue, kindStall, kindPause, kindGone:
		return reconcile.Result{RequeueAfter: wait.Jitter(resync, jitter)}, nil
	}
	return reconcile.Result{}, nil
}

// summarise sets Ready, Reconciling and Stalled, the three that other tools read.
func (p *Pass) summarise(outcome Outcome) {
	conditions := p.Conditions()
	observed := p.object.Progress().ObservedGeneration
	switch outcome.kind {
	case kindContinue, kindDone:
		conditions.True(v1alpha1.ConditionReady, outcome.message)
		conditions.Remove(v1alpha1.ConditionReconciling)
		conditions.Remove(v1alpha1.ConditionStalled)
		*observed = p.object.GetGeneration()
	case kindProgress, kindApplied, kindSettling:
		notReady(conditions, outcome)
		conditions.Present(v1alpha1.ConditionReconciling, v1alpha1.ReasonProgressing, outcome.message)
		conditions.Remove(v1alpha1.ConditionStalled)
	case kindWait:
		notReady(conditions, outcome)
		conditions.Present(v1alpha1.ConditionReconciling, v1alpha1.ReasonDependencyNotReady, outcome.message)
		conditions.Remove(v1alpha1.ConditionStalled)
	case kindRetry:
		p.summariseRetry(conditions, outcome)
	case kindStall:
		conditions.False(v1alpha1.ConditionReady, outcome.reason, outcome.message)
		conditions.Remove(v1alpha1.ConditionReconciling)
		conditions.Present(v1alpha1.ConditionStalled, outcome.reason, outcome.message)
		*observed = p.object.GetGeneration()
	case kindPause:
		conditions.False(v1alpha1.ConditionReady, outcome.reason, outcome.message)
		conditions.Remove(v1alpha1.ConditionReconciling)
		conditions.Remove(v1alpha1.ConditionStalled)
		*observed = p.object.GetGeneration()
	case kindGone:
	}
}

func (p *Pass) summariseRetry(conditions status.Writer, outcome Outcome) {
	if apierrors.IsConflict(outcome.err) {
		// Another writer was faster: nothing is wrong, and the next pass sees it.
		return
	}
	notReady(conditions, outcome)
	conditions.Present(v1alpha1.ConditionReconciling, v1alpha1.ReasonProgressingWithRetry, outcome.message)
	conditions.Remove(v1alpha1.ConditionStalled)
}

// notReady sets Ready to False, or to Unknown where nothing can be known.
func notReady(conditions status.Writer, outcome Outcome) {
	if outcome.reason == v1alpha1.ReasonEngineUnavailable {
		conditions.Unknown(v1alpha1.ConditionReady, outcome.reason, outcome.message)
		return
	}
	conditions.False(v1alpha1.ConditionReady, outcome.reason, outcome.message)
}

// conditionOf returns a condition of an object; the zero value if it has none.
func conditionOf(object client.Object, conditionType string) metav1.Condition {
	reporter, ok := object.(Object)
	if !ok {
		return metav1.Condition{}
	}
	if condition := meta.FindStatusCondition(*reporter.Progress().Conditions, conditionType); condition != nil {
		return *condition
	}
	return metav1.Condition{}
}

// reportTransitions logs and records events of what a person should know of. It
// follows the write of the status: a pass on a stale object, whose write is
// refused, reports nothing.
func (p *Pass) reportTransitions(ctx context.Context, previous client.Object) {
	p.reportReadiness(ctx, conditionOf(previous, v1alpha1.ConditionReady))
	p.reportContainment(ctx, conditionOf(previous, v1alpha1.ConditionContained))
}

// reportContainment tells that deckies reach what they should not, and of the end
// of it.
func (p *Pass) reportContainment(ctx context.Context, before metav1.Condition) {
	after := p.Condition(v1alpha1.ConditionContained)
	isLoose, wasLoose := after.Status == metav1.ConditionFalse, before.Status == metav1.ConditionFalse
	switch {
	case isLoose && !(wasLoose && before.Reason == after.Reason):
		log.FromContext(ctx).Info("Deckies are not contained", "reason", after.Reason, "message", after.Message)
		p.record(corev1.EventTypeWarning, after.Reason, "Verify", "Not contained: "+after.Message)
	case wasLoose && after.Status == metav1.ConditionTrue:
		log.FromContext(ctx).Info("Deckies are contained again")
		p.record(corev1.EventTypeNormal, after.Reason, "Verify", "Contained again")
	}
}

// reportReadiness tells that Ready came, went, or stays away for a new reason.
func (p *Pass) reportReadiness(ctx context.Context, before metav1.Condition) {
	after := p.Condition(v1alpha1.ConditionReady)
	if before.Status == after.Status && before.Reason == after.Reason {
		return
	}
	log.FromContext(ctx).Info("Readiness changed", "ready", after.Status, "reason", after.Reason, "message", after.Message)
	stalled := meta.IsStatusConditionTrue(*p.object.Progress().Conditions, v1alpha1.ConditionStalled)
	wasReady := before.Status == metav1.ConditionTrue
	switch {
	case after.Status == metav1.ConditionTrue:
		p.record(corev1.EventTypeNormal, after.Reason, "Report", orWord(after.Message, "ready"))
	case after.Reason == string(v1alpha1.ReasonSpecChanged):
		p.record(corev1.EventTypeNormal, after.Reason, "Report", after.Message)
	case stalled || wasReady || after.Status == metav1.ConditionUnknown || after.Reason == string(v1alpha1.ReasonRepairBackoff):
		p.record(corev1.EventTypeWarning, after.Reason, "Report", orWord(after.Message, after.Reason))
	}
}

func orWord(message, word string) string {
	if message == "" {
		return word
	}
	return message
}

func snapshot(object client.Object) client.Object {
	//nolint:forcetypeassert // every client.Object's deep copy is a client.Object of the same type
	return object.DeepCopyObject().(client.Object)
}

// Condition returns a condition of the object; the zero value if it is absent.
func (p *Pass) Condition(conditionType string) metav1.Condition {
	return conditionOf(p.object, conditionType)
}
