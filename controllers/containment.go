// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/model"
	"github.com/deckyard/deckyard/internal/pass"
	"github.com/deckyard/deckyard/internal/reach"
	"github.com/deckyard/deckyard/internal/status"
)

// verifyInterval is how often it is looked at what a LAN's deckies reach, and at the
// kernel settings and routes of a decky that leads somewhere: no event tells of them.
const verifyInterval = time.Minute

// verify works out what the deckies of the LAN reach, from what is seen before
// anything is repaired. Sets Contained.
func (s *lanScope) verify(ctx context.Context) pass.Outcome {
	view := reach.View{Instance: s.Instance, Observed: s.observed}
	if s.unverified = s.explore(ctx, &view); s.unverified != nil {
		outcome := pass.Retry(s.unverified)
		s.reportUnknown(outcome.Reason(), outcome.Message())
		// Repairs do not wait for it.
		return pass.Continue()
	}
	verdict, exists := view.Of(s.lan)
	if !exists {
		s.lan.Status.Reaches, s.lan.Status.ReachesSummary = nil, ""
		s.reportUnknown(v1alpha1.ReasonNetworkMissing, "The LAN has no network yet")
		return pass.Continue()
	}
	s.reportReach(verdict)
	return pass.Continue()
}

// explore follows the ways from the LAN as far as they lead: who is on the networks,
// which bases forward, and what their deckies say.
func (s *lanScope) explore(ctx context.Context, view *reach.View) error {
	view.Explored = map[string]bool{}
	for {
		missing, isAny := view.Missing(s.lan)
		if !isAny {
			return nil
		}
		if err := s.visit(ctx, view, missing.Networks); err != nil {
			return err
		}
		for i := range missing.Bases {
			if err := s.readForwarding(ctx, view, &missing.Bases[i]); err != nil {
				return err
			}
		}
	}
}

// visit finds who is on networks.
func (s *lanScope) visit(ctx context.Context, view *reach.View, networkIDs []string) error {
	if len(networkIDs) == 0 {
		return nil
	}
	observed, err := s.Observer.View(ctx, model.Concern{Networks: networkIDs})
	if err != nil {
		return err
	}
	view.Observed = view.Observed.WithContainers(observed.Containers)
	for _, id := range networkIDs {
		view.Explored[id] = true
	}
	return nil
}

// readForwarding reads whether a base forwards, and what its decky says of that and
// of where it is to be.
func (s *lanScope) readForwarding(ctx context.Context, view *reach.View, base *model.Container) error {
	namespace, err := s.Host.Namespace(ctx, *base, []string{model.SysctlIPForward})
	// One that ended since it was observed forwards nothing.
	if err != nil && !errors.Is(err, engine.ErrNotFound) {
		return fmt.Errorf("read whether %q forwards: %w", base.Name, err)
	}
	view.Observed = view.Observed.WithNamespace(base.ID, namespace)
	var decky v1alpha1.Decky
	owner := base.Identity.Owner
	switch err := s.Kube.Get(ctx, client.ObjectKey{Namespace: owner.Namespace, Name: owner.Name}, &decky); {
	case err == nil:
		view.Deckies = append(view.Deckies, decky)
		lans, err := lansNamed(ctx, s.Kube, decky.Namespace, topologyName(&decky), lanNames(&decky))
		if err != nil {
			return fmt.Errorf("read the LANs of %q: %w", base.Name, err)
		}
		view.LANs = append(view.LANs, lans...)
	case !apierrors.IsNotFound(err):
		return fmt.Errorf("read the decky of %q: %w", base.Name, err)
	}
	return nil
}

// reportReach writes what the deckies reach to status. Sets Contained.
func (s *lanScope) reportReach(verdict reach.Verdict) {
	seen := &s.lan.Status
	seen.Reaches = verdict.LANs[:min(len(verdict.LANs), v1alpha1.MaxReaches)]
	seen.ReachesSummary = strings.Join(seen.Reaches, ",")
	seen.ReachesHost, seen.ReachesOutside, seen.ReachesMetadata = verdict.Host, verdict.Outside, verdict.Metadata
	conditions := s.pass.Conditions()
	switch {
	case len(verdict.Breaches) > 0:
		messages := make([]string, 0, len(verdict.Breaches))
		for _, breach := range verdict.Breaches {
			messages = append(messages, breach.Message)
		}
		conditions.False(v1alpha1.ConditionContained, verdict.Breaches[0].Reason, shortList(messages))
	case verdict.Doubt.Reason != "":
		conditions.Unknown(v1alpha1.ConditionContained, verdict.Doubt.Reason, verdict.Doubt.Message)
	default:
		conditions.True(v1alpha1.ConditionContained, "")
	}
	s.Metrics.verified(s.lan)
}

// reportUnknown says why it cannot be told what the deckies reach.
func (s *lanScope) reportUnknown(reason v1alpha1.Reason, message string) {
	seen := &s.lan.Status
	seen.ReachesHost, seen.ReachesOutside, seen.ReachesMetadata = v1alpha1.AnswerUnknown, v1alpha1.AnswerUnknown, v1alpha1.AnswerUnknown
	s.pass.Conditions().Unknown(v1alpha1.ConditionContained, reason, message)
	s.Metrics.verified(s.lan)
}

// conclude ends a pass whose network is as desired: the LAN is ready if its deckies
// are contained. What keeps them from it is for others to repair.
func (s *lanScope) conclude(context.Context) pass.Outcome {
	contained := s.pass.Condition(v1alpha1.ConditionContained)
	switch {
	case s.unverified != nil:
		return pass.Retry(s.unverified)
	case contained.Status != metav1.ConditionTrue:
		return pass.Wait(v1alpha1.Reason(contained.Reason), contained.Message)
	}
	return pass.DoneUntil("", verifyInterval)
}

// reportContained makes the topology as contained as its LANs.
func (s *topologyScope) reportContained() {
	var loose, unknown []*v1alpha1.LAN
	for i := range s.lans {
		switch lan := &s.lans[i]; containment(lan).status {
		case metav1.ConditionTrue:
		case metav1.ConditionFalse:
			loose = append(loose, lan)
		default:
			unknown = append(unknown, lan)
		}
	}
	conditions := s.pass.Conditions()
	switch {
	case len(loose) > 0:
		reason, message := s.describeContainment("not contained", loose)
		conditions.False(v1alpha1.ConditionContained, reason, message)
	case len(unknown) > 0:
		reason, message := s.describeContainment("not known to be contained", unknown)
		conditions.Unknown(v1alpha1.ConditionContained, reason, message)
	default:
		conditions.True(v1alpha1.ConditionContained, "")
	}
}

// describeContainment names LANs, and says why it is so of the first by name.
func (s *topologyScope) describeContainment(state string, lans []*v1alpha1.LAN) (reason v1alpha1.Reason, message string) {
	slices.SortFunc(lans, func(a, b *v1alpha1.LAN) int { return strings.Compare(a.Name, b.Name) })
	names := make([]string, 0, len(lans))
	for _, lan := range lans {
		names = append(names, lan.Name)
	}
	why := containment(lans[0])
	reason = cmp.Or(why.reason, v1alpha1.ReasonProgressing)
	message = fmt.Sprintf("%d of %d LANs %s: %s; %s: %s", len(lans), len(s.lans), state, shortList(names), lans[0].Name, cmp.Or(why.message, "the first pass is under way"))
	return reason, message
}

// containmentOf is the part of a LAN's status that its topology reports beside
// its readiness.
type containmentOf struct {
	status  metav1.ConditionStatus
	reason  v1alpha1.Reason
	message string
}

// containment returns whether a LAN is contained; zero for what is no LAN.
func containment(object client.Object) containmentOf {
	lan, ok := object.(*v1alpha1.LAN)
	if !ok {
		return containmentOf{}
	}
	found := meta.FindStatusCondition(lan.Status.Conditions, v1alpha1.ConditionContained)
	if found == nil {
		return containmentOf{}
	}
	return containmentOf{status: found.Status, reason: v1alpha1.Reason(found.Reason), message: found.Message}
}

// reachChanged lets through that a LAN's deckies reach something else than before.
func reachChanged() predicate.Predicate {
	return predicate.Funcs{
		CreateFunc: func(event.CreateEvent) bool { return false },
		UpdateFunc: func(e event.UpdateEvent) bool {
			before, okBefore := e.ObjectOld.(*v1alpha1.LAN)
			after, okAfter := e.ObjectNew.(*v1alpha1.LAN)
			return okBefore && okAfter &&
				(containment(before) != containment(after) || !slices.Equal(before.Status.Reaches, after.Status.Reaches))
		},
		DeleteFunc: func(event.DeleteEvent) bool { return false },
	}
}

// forwardingReported lets through that a decky on several LANs follows its spec
// now, or was found to forward otherwise than that says.
func forwardingReported() predicate.Predicate {
	return predicate.Funcs{
		CreateFunc: func(event.CreateEvent) bool { return false },
		UpdateFunc: func(e event.UpdateEvent) bool {
			before, okBefore := e.ObjectOld.(*v1alpha1.Decky)
			after, okAfter := e.ObjectNew.(*v1alpha1.Decky)
			return okBefore && okAfter && len(before.Spec.Attachments)+len(after.Spec.Attachments) > 0 &&
				(isSettled(before) != isSettled(after) || hasOtherKernelSettings(before) != hasOtherKernelSettings(after))
		},
		DeleteFunc: func(event.DeleteEvent) bool { return false },
	}
}

// isSettled reports whether a pass came to the end of the decky's present spec.
func isSettled(decky *v1alpha1.Decky) bool {
	return decky.Status.ObservedGeneration == decky.Generation
}

func hasOtherKernelSettings(decky *v1alpha1.Decky) bool {
	reason, _ := status.Because(decky.Status.Conditions, v1alpha1.ConditionEndpointsInSync)
	return reason == v1alpha1.ReasonSysctlDrifted
}
