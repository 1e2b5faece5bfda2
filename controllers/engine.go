// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/apply"
	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/model"
	"github.com/deckyard/deckyard/internal/pass"
	"github.com/deckyard/deckyard/internal/plan"
)

// Observer is what the controllers need of package observe.
type Observer interface {
	Viewer
	Waker
	Alarm
}

// Alarm wakes every object of the node, for what concerns all of them.
type Alarm interface {
	WakeTracked()
}

// Viewer shows what is on the engine.
type Viewer interface {
	View(ctx context.Context, concern model.Concern) (model.Observed, error)
	Refresh(ctx context.Context, containerIDs, networkIDs []string) error
	RefreshFilters(ctx context.Context) error
}

// Waker brings back the owners of what changed on the engine.
type Waker interface {
	Track(kind model.OwnerKind, key types.NamespacedName)
	WakeOnForeign(kind model.OwnerKind, key types.NamespacedName)
	Unblock(kind model.OwnerKind, key types.NamespacedName)
	Forget(kind model.OwnerKind, key types.NamespacedName)
	Source(kind model.OwnerKind) source.TypedSource[reconcile.Request]
}

// Executor is what the controllers need of package apply.
type Executor interface {
	Apply(ctx context.Context, plan plan.Plan) apply.Report
}

// Node is what the LAN and Decky controllers of one node share: its engine,
// and which objects are theirs.
type Node struct {
	// Name is the node's name: the value of the label deckyard.dev/node.
	Name string
	// Instance is the UID of the control plane's kube-system namespace.
	Instance string

	// Kube reads from a cache. Unless asked not to, it waits until the cache has what
	// it wrote itself: allocations are decided on that.
	Kube client.Client
	// Live reads from the API server, not from a cache.
	Live     client.Reader
	Passes   *pass.Runner
	Observer Observer
	Executor Executor
	Host     engine.Host
	// Prober and HostProber tell what the engine and its host are.
	Prober     engine.Prober
	HostProber engine.HostProber
	Clock      clock.PassiveClock
	Metrics    *Metrics

	allocation locks
	repairs    repairs
	judged     judgement
}

// lockAllocation serialises the allocation from one space: the engine's
// subnets, or a LAN's addresses. It returns the function that unlocks.
func (n *Node) lockAllocation(space string) func() { return n.allocation.lock(space) }

// owner returns the identity that the labels of an object's Docker objects carry.
func (n *Node) owner(kind model.OwnerKind, object client.Object) model.Owner {
	return model.Owner{
		Instance: n.Instance, Kind: kind, Namespace: object.GetNamespace(), Name: object.GetName(),
		Topology: topologyName(object), UID: string(object.GetUID()),
	}
}

// reconcileMember runs the passes over a LAN or Decky of the node. What a pass
// has changed the next looks at, at once: status is then written once for both.
func (n *Node) reconcileMember(ctx context.Context, kind model.OwnerKind, key types.NamespacedName, member pass.Object, steps func(*pass.Pass) []pass.Step) (reconcile.Result, error) {
	switch err := n.Kube.Get(ctx, key, member); {
	case apierrors.IsNotFound(err):
		n.Observer.Forget(kind, key)
		n.repairs.forget(kind, key)
		n.Metrics.forget(kind, key)
		return reconcile.Result{}, nil
	case err != nil:
		return reconcile.Result{}, err
	}
	if member.GetLabels()[v1alpha1.LabelNode] != n.Name {
		return reconcile.Result{}, nil
	}
	n.Observer.Track(kind, key)
	opened := n.Passes.Open(member)
	outcome := pass.Run(ctx, steps(opened))
	if outcome.HasApplied() {
		outcome = pass.Run(ctx, steps(opened))
	}
	return opened.Finish(ctx, outcome)
}

const (
	// applyTimeout bounds the engine work of one pass.
	applyTimeout = 2 * time.Minute
	// settle is when a pass looks again at what it changed, if no engine event
	// did so earlier.
	settle = 250 * time.Millisecond
)

// mayCarry reports whether an object may claim what this engine has, as one of
// the node or one of the topology that does not say yet that it is.
func (n *Node) mayCarry(member client.Object, topology *v1alpha1.Topology) bool {
	node := member.GetLabels()[v1alpha1.LabelNode]
	if node == "" {
		return member.GetNamespace() == topology.Namespace && topologyName(member) == topology.Name
	}
	return node == n.Name
}

// carryOut applies a plan of one object, or says what it would do while the
// topology is suspended. It waits for what blocks a plan in which nothing can be
// done, and for its turn where what it repairs was undone again and again; it
// returns Continue for an empty one.
func (n *Node) carryOut(ctx context.Context, opened *pass.Pass, to aim, planned plan.Plan, suspended bool) pass.Outcome {
	switch {
	case planned.Empty():
		return pass.Continue()
	case len(planned.Actions) == 0:
		return pass.Wait(planned.Blocked.Reason, planned.Blocked.Message)
	case suspended:
		return pass.Pause(fmt.Sprintf("The topology is suspended; %s would be done, which disrupts %s: %s", countActions(planned), planned.Disruption, describe(planned.Actions)))
	}
	if outcome := n.requireSuitable(ctx, opened); !outcome.IsContinue() {
		return outcome
	}
	reason, message := planned.Actions[0].Common().Reason, describeWhy(planned)
	due := n.repairs.respite(to, opened, n.Clock.Now())
	if due.left > 0 {
		reason, message = v1alpha1.ReasonRepairBackoff, due.message(message)
	}
	if err := opened.Announce(ctx, reason, message); err != nil {
		return pass.Retry(err)
	}
	if isDrift(opened) && n.repairs.isNews(to) {
		n.Metrics.found(planned)
	}
	if due.left > 0 {
		return pass.Progress(reason, message, due.left)
	}
	return n.apply(ctx, opened, to, planned)
}

// isDrift reports whether what a pass found otherwise was changed on the engine:
// it came to the end of this spec before.
func isDrift(opened *pass.Pass) bool { return !opened.IsEdited() }

// apply applies a plan of one object, and looks at the result.
func (n *Node) apply(ctx context.Context, opened *pass.Pass, to aim, planned plan.Plan) pass.Outcome {
	applyCtx, cancel := context.WithTimeout(ctx, applyTimeout)
	defer cancel()
	report := n.Executor.Apply(applyCtx, planned)
	n.Metrics.carriedOut(report)
	if err := n.lookAgain(ctx, report); err != nil {
		return pass.Retry(err)
	}
	if report.Err != nil {
		return failed(report)
	}
	n.repairs.record(to, opened, planned, n.Clock.Now())
	reason := planned.Actions[0].Common().Reason
	if isDrift(opened) {
		n.Metrics.repaired(planned)
		opened.Event(reason, "Apply", describeWhy(planned))
	}
	return pass.Applied(reason, describe(report.Done), settle)
}

// lookAgain observes what a plan changed.
func (n *Node) lookAgain(ctx context.Context, report apply.Report) error {
	if report.Filters {
		if err := n.Observer.RefreshFilters(ctx); err != nil {
			return err
		}
	}
	return n.Observer.Refresh(ctx, report.Containers, report.Networks)
}

// failed ends the pass of a plan that failed. What the firewall refused is told
// from what the engine did.
func failed(report apply.Report) pass.Outcome {
	isFilter := func(action plan.Action) bool {
		kind, _ := action.Target()
		return kind == plan.TargetFilter
	}
	if !slices.ContainsFunc(report.Failed, isFilter) {
		return pass.Retry(report.Err)
	}
	message := "The host's firewall refuses the LAN's filter rules: " + report.Err.Error()
	return pass.RetryBecause(v1alpha1.ReasonFirewallUnavailable, message, report.Err)
}

func countActions(planned plan.Plan) string {
	if len(planned.Actions) == 1 {
		return "1 action"
	}
	return fmt.Sprintf("%d actions", len(planned.Actions))
}

// describe lists actions for a person, shortly and without ids.
func describe(actions []plan.Action) string {
	return listActions(actions, func(*plan.Meta) string { return "" })
}

// describeWhy describes a plan with what was found, what is wanted and what that
// disrupts: the words for a drift, which may be an intruder's work.
func describeWhy(planned plan.Plan) string {
	actions := listActions(planned.Actions, func(meta *plan.Meta) string {
		if meta.Detail == "" {
			return ""
		}
		return " (" + meta.Detail + ")"
	})
	return fmt.Sprintf("%s; this disrupts %s", actions, planned.Disruption)
}

func listActions(actions []plan.Action, suffix func(*plan.Meta) string) string {
	words := make([]string, 0, len(actions))
	for _, action := range actions {
		kind, name := action.Target()
		words = append(words, fmt.Sprintf("%s %s %s%s", action.Verb(), kind, name, suffix(action.Common())))
	}
	return shortList(words)
}
