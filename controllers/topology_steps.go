// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/graph"
	"github.com/deckyard/deckyard/internal/pass"
)

// topologyScope is a pass over one topology.
type topologyScope struct {
	*TopologyReconciler
	topology *v1alpha1.Topology
	pass     *pass.Pass
	lans     []v1alpha1.LAN
	deckies  []v1alpha1.Decky
	// placed says that this pass has placed the topology, and so written status.
	placed bool
}

func (s *topologyScope) steps() []pass.Step {
	return []pass.Step{
		s.resolve,
		s.tearDown,
		s.ensureFinalizer,
		s.place,
		s.labelMembers,
		s.count,
		s.validate,
		s.aggregate,
	}
}

// resolve lists the members.
func (s *topologyScope) resolve(ctx context.Context) pass.Outcome {
	var err error
	if s.lans, s.deckies, err = listMembers(ctx, s.Kube, s.topology.Namespace, s.topology.Name); err != nil {
		return pass.Retry(err)
	}
	return pass.Continue()
}

// members returns the LANs and Deckies as objects.
func (s *topologyScope) members() []pass.Object {
	members := make([]pass.Object, 0, len(s.lans)+len(s.deckies))
	for i := range s.lans {
		members = append(members, &s.lans[i])
	}
	for i := range s.deckies {
		members = append(members, &s.deckies[i])
	}
	return members
}

// tearDown deletes every member of a topology that is being deleted, waits
// until they are gone, then releases the topology.
func (s *topologyScope) tearDown(ctx context.Context) pass.Outcome {
	if s.topology.DeletionTimestamp.IsZero() {
		return pass.Continue()
	}
	members := s.members()
	if len(members) == 0 {
		if err := s.pass.DropFinalizer(ctx); err != nil {
			return pass.Retry(err)
		}
		return pass.Gone()
	}
	// Deckies first, so that no LAN has to name one that would stay, and from the last
	// by name, which a LAN's wait for them counts on.
	slices.SortFunc(members[len(s.lans):], func(a, b pass.Object) int { return strings.Compare(a.GetName(), b.GetName()) })
	for _, member := range slices.Backward(members) {
		if err := s.deleteMember(ctx, member); err != nil {
			return pass.Retry(err)
		}
	}
	s.countMembers()
	return pass.Wait(v1alpha1.ReasonDeleting, teardownMessage(members))
}

// deleteMember deletes a LAN or Decky. An abandoned topology abandons its
// members, or they would hold it for ever while the engine is away.
func (s *topologyScope) deleteMember(ctx context.Context, member pass.Object) error {
	if s.topology.Annotations[v1alpha1.AnnotationAbandon] == "true" && member.GetAnnotations()[v1alpha1.AnnotationAbandon] != "true" {
		err := s.patchMember(ctx, member, func(member client.Object) {
			annotations := maps.Clone(member.GetAnnotations())
			if annotations == nil {
				annotations = map[string]string{}
			}
			annotations[v1alpha1.AnnotationAbandon] = "true"
			member.SetAnnotations(annotations)
		})
		if err != nil {
			return fmt.Errorf("abandon %s: %w", member.GetName(), err)
		}
	}
	if !member.GetDeletionTimestamp().IsZero() {
		return nil
	}
	uid := member.GetUID()
	err := s.Kube.Delete(ctx, member, client.Preconditions{UID: &uid})
	if err := client.IgnoreNotFound(err); err != nil {
		return fmt.Errorf("delete %s: %w", member.GetName(), err)
	}
	return nil
}

// teardownMessage names what is still there, and the culprit with its own words.
func teardownMessage(members []pass.Object) string {
	slices.SortFunc(members, func(a, b pass.Object) int { return strings.Compare(a.GetName(), b.GetName()) })
	names := make([]string, 0, len(members))
	for _, member := range members {
		names = append(names, member.GetName())
	}
	return fmt.Sprintf("Waiting for %d LANs and Deckies to go: %s%s", len(names), shortList(names), culprit(members))
}

// culprit names the first member that is stuck, and why: one that does not wait
// for another member, if there is such a one.
func culprit(members []pass.Object) string {
	words := ""
	for _, member := range members {
		why := readiness(member)
		if why.reason == v1alpha1.ReasonDeleting || why.message == "" || member.GetDeletionTimestamp().IsZero() {
			continue
		}
		isFollower := why.reason == v1alpha1.ReasonLANInUse || why.reason == v1alpha1.ReasonDraining
		if isFollower && words != "" {
			continue
		}
		words = fmt.Sprintf("; %s: %s", member.GetName(), why.message)
		if !isFollower {
			break
		}
	}
	return words
}

// ensureFinalizer keeps the topology until its members are gone.
func (s *topologyScope) ensureFinalizer(ctx context.Context) pass.Outcome {
	if err := s.pass.EnsureFinalizer(ctx); err != nil {
		return pass.Retry(err)
	}
	return pass.Continue()
}

// place decides once which node carries the topology. Sets Accepted.
func (s *topologyScope) place(ctx context.Context) pass.Outcome {
	topology := s.topology
	if topology.Status.NodeName != "" {
		if topology.Spec.NodeName != "" && topology.Spec.NodeName != topology.Status.NodeName {
			message := fmt.Sprintf("spec.nodeName: %q is not %q, the node that carries the topology; nodeName is immutable once placed: set it back, or delete the topology and create it again",
				topology.Spec.NodeName, topology.Status.NodeName)
			s.pass.Conditions().False(v1alpha1.ConditionAccepted, v1alpha1.ReasonNodeImmutable, message)
			return pass.Stall(v1alpha1.ReasonNodeImmutable, message)
		}
		return pass.Continue()
	}
	topology.Status.NodeName = s.NodeName
	if topology.Spec.NodeName != "" {
		topology.Status.NodeName = topology.Spec.NodeName
	}
	if err := s.pass.Save(ctx); err != nil {
		return pass.Retry(err)
	}
	s.placed = true
	return pass.Continue()
}

// labelMembers hands the members to their node's operator, and takes a forged
// or removed label back. Those of the own node get their finalizer with it, which
// saves a write; another node may have no operator that would release them.
func (s *topologyScope) labelMembers(ctx context.Context) pass.Outcome {
	for _, member := range s.members() {
		if member.GetLabels()[v1alpha1.LabelNode] == s.topology.Status.NodeName && metav1.IsControlledBy(member, s.topology) {
			continue
		}
		if err := s.label(ctx, member); client.IgnoreNotFound(err) != nil {
			return pass.Retry(err)
		}
	}
	return pass.Continue()
}

func (s *topologyScope) label(ctx context.Context, member client.Object) error {
	var ownerErr error
	err := s.patchMember(ctx, member, func(member client.Object) {
		labels := maps.Clone(member.GetLabels())
		if labels == nil {
			labels = map[string]string{}
		}
		labels[v1alpha1.LabelNode] = s.topology.Status.NodeName
		member.SetLabels(labels)
		if s.topology.Status.NodeName == s.NodeName && member.GetDeletionTimestamp().IsZero() {
			controllerutil.AddFinalizer(member, v1alpha1.Finalizer)
		}
		// For display only: our finalizers, not the garbage collector, order the teardown.
		ownerErr = controllerutil.SetControllerReference(s.topology, member, s.Kube.Scheme(), controllerutil.WithBlockOwnerDeletion(false))
	})
	if ownerErr != nil {
		return fmt.Errorf("own %s: %w", member.GetName(), ownerErr)
	}
	if err != nil {
		return fmt.Errorf("label %s: %w", member.GetName(), err)
	}
	return nil
}

// patchMember changes a copy of a member: the member itself is the cache's.
func (s *topologyScope) patchMember(ctx context.Context, member client.Object, change func(client.Object)) error {
	//nolint:forcetypeassert // every client.Object's deep copy is a client.Object of the same type
	changed := member.DeepCopyObject().(client.Object)
	change(changed)
	return s.Kube.Patch(ctx, changed, client.MergeFrom(member))
}

// count puts the members' numbers into status and sets LANsReady, DeckiesReady and Contained.
func (s *topologyScope) count(context.Context) pass.Outcome {
	s.countMembers()
	s.reportContained()
	return pass.Continue()
}

func (s *topologyScope) countMembers() {
	s.topology.Status.LANs = s.tally(v1alpha1.ConditionLANsReady, lanObjects(&v1alpha1.LANList{Items: s.lans}))
	s.topology.Status.Deckies = s.tally(v1alpha1.ConditionDeckiesReady, deckyObjects(&v1alpha1.DeckyList{Items: s.deckies}))
}

func (s *topologyScope) tally(conditionType string, members []client.Object) v1alpha1.Count {
	unready := notReadyMembers(members)
	count := v1alpha1.Count{Total: clampInt32(len(members)), Ready: clampInt32(len(members) - len(unready))}
	count.Summary = fmt.Sprintf("%d/%d", count.Ready, count.Total)
	conditions := s.pass.Conditions()
	switch {
	case len(unready) == 0:
		conditions.True(conditionType, fmt.Sprintf("%s ready", count.Summary))
	case unavailable(unready):
		conditions.Unknown(conditionType, v1alpha1.ReasonEngineUnavailable, describeUnready(count, unready))
	default:
		conditions.False(conditionType, v1alpha1.ReasonProgressing, describeUnready(count, unready))
	}
	return count
}

// notReadyMembers returns the members that are not ready, sorted by name.
func notReadyMembers(members []client.Object) []client.Object {
	var unready []client.Object
	for _, member := range members {
		if !readiness(member).ready {
			unready = append(unready, member)
		}
	}
	slices.SortFunc(unready, func(a, b client.Object) int { return strings.Compare(a.GetName(), b.GetName()) })
	return unready
}

func unavailable(members []client.Object) bool {
	return slices.ContainsFunc(members, func(member client.Object) bool {
		return readiness(member).reason == v1alpha1.ReasonEngineUnavailable
	})
}

// describeUnready names up to three members and their reasons.
func describeUnready(count v1alpha1.Count, unready []client.Object) string {
	names := make([]string, 0, len(unready))
	for _, member := range unready {
		reason := readiness(member).reason
		if reason == "" {
			reason = v1alpha1.ReasonProgressing
		}
		names = append(names, fmt.Sprintf("%s (%s)", member.GetName(), reason))
	}
	return fmt.Sprintf("%s ready, not yet: %s", count.Summary, shortList(names))
}

// validate checks the graph. Sets Accepted.
func (s *topologyScope) validate(context.Context) pass.Outcome {
	conditions := s.pass.Conditions()
	if mistake := graph.CheckTopology(s.topology, s.lans, s.deckies); mistake != nil {
		conditions.False(v1alpha1.ConditionAccepted, mistake.Reason, mistake.Error())
		return pass.Wait(mistake.Reason, mistake.Error())
	}
	conditions.True(v1alpha1.ConditionAccepted, "")
	return pass.Continue()
}

// aggregate makes the topology as ready as its node's engine and its members.
func (s *topologyScope) aggregate(context.Context) pass.Outcome {
	// Absent as long as the node's operator has not said anything.
	if suitable := s.pass.Condition(v1alpha1.ConditionEngineSuitable); suitable.Type != "" && suitable.Status != metav1.ConditionTrue {
		return pass.Wait(v1alpha1.Reason(suitable.Reason), suitable.Message)
	}
	if len(s.deckies) == 0 {
		return pass.Wait(v1alpha1.ReasonNoDeckies, "The topology has no Decky: create one whose spec.topologyRef.name is "+s.topology.Name)
	}
	if contained := s.pass.Condition(v1alpha1.ConditionContained); contained.Status == metav1.ConditionFalse {
		return pass.Wait(v1alpha1.Reason(contained.Reason), contained.Message)
	}
	for _, conditionType := range []string{v1alpha1.ConditionLANsReady, v1alpha1.ConditionDeckiesReady, v1alpha1.ConditionContained} {
		condition := s.pass.Condition(conditionType)
		switch {
		case condition.Status == metav1.ConditionTrue:
		case s.placed:
			// Members have just begun: the next pass has more to say.
			return pass.Settling(v1alpha1.Reason(condition.Reason), condition.Message, settle)
		default:
			return pass.Wait(v1alpha1.Reason(condition.Reason), condition.Message)
		}
	}
	return pass.Done(fmt.Sprintf("%d LANs and %d deckies ready", len(s.lans), len(s.deckies)))
}

// shortListLength is how many names a message lists before it counts the rest.
const shortListLength = 3

// shortList joins the first names and counts the rest.
func shortList(names []string) string {
	if len(names) <= shortListLength {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:shortListLength], ", "), len(names)-shortListLength)
}

// clampInt32 converts a length, which the API's limits keep far below the bound.
func clampInt32(n int) int32 {
	return int32(min(n, 1<<31-1)) //nolint:gosec // bounded in this line
}
