// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"regexp"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/pass"
	"github.com/deckyard/deckyard/internal/status"
)

// checkConditionRules checks what kubectl wait, Flux and Argo CD rely on, and
// the project's own rules for conditions. It holds after every pass.
func checkConditionRules(t *testing.T, object pass.Object) {
	t.Helper()
	conditions := *object.Progress().Conditions
	for _, condition := range conditions {
		checkCondition(t, object, condition)
	}
	ready := meta.FindStatusCondition(conditions, v1alpha1.ConditionReady)
	if ready == nil {
		if len(conditions) > 0 {
			t.Errorf("%s has conditions and no Ready: %v", object.GetName(), conditions)
		}
		return
	}
	reconciling := meta.FindStatusCondition(conditions, v1alpha1.ConditionReconciling)
	stalled := meta.FindStatusCondition(conditions, v1alpha1.ConditionStalled)
	suspended := ready.Reason == string(v1alpha1.ReasonSuspended)
	switch {
	case reconciling != nil && stalled != nil:
		t.Errorf("%s is both Reconciling and Stalled", object.GetName())
	case ready.Status == metav1.ConditionTrue:
		checkReady(t, object)
	case stalled != nil && (stalled.Reason != ready.Reason || stalled.Message != ready.Message):
		t.Errorf("%s: Stalled says %s: %s, Ready %s: %s", object.GetName(), stalled.Reason, stalled.Message, ready.Reason, ready.Message)
	case reconciling == nil && stalled == nil && !suspended:
		t.Errorf("%s is neither Ready nor Reconciling nor Stalled", object.GetName())
	}
	concluded := ready.Status == metav1.ConditionTrue || stalled != nil || suspended
	if observed := *object.Progress().ObservedGeneration; concluded && observed != ready.ObservedGeneration || observed > object.GetGeneration() {
		t.Errorf("%s has observedGeneration %d at generation %d, Ready speaks of %d", object.GetName(), observed, object.GetGeneration(), ready.ObservedGeneration)
	}
}

// unstable is what would make a message change although nothing has: ids.
var unstable = regexp.MustCompile(`[0-9a-f]{64}`)

func checkCondition(t *testing.T, object pass.Object, condition metav1.Condition) {
	t.Helper()
	name := object.GetName() + " " + condition.Type
	isTrue := condition.Status == metav1.ConditionTrue
	switch condition.Type {
	case v1alpha1.ConditionReconciling, v1alpha1.ConditionStalled, v1alpha1.ConditionRecreatePending:
		if !isTrue {
			t.Errorf("%s is present though it is %s", name, condition.Status)
		}
		if condition.Message == "" {
			t.Errorf("%s says nothing", name)
		}
	default:
		if isTrue != (condition.Reason == string(v1alpha1.ReasonSucceeded)) {
			t.Errorf("%s is %s with reason %s", name, condition.Status, condition.Reason)
		}
		if !isTrue && condition.Message == "" {
			t.Errorf("%s is %s and says nothing", name, condition.Status)
		}
	}
	if unstable.MatchString(condition.Message) {
		t.Errorf("%s holds an id: %s", name, condition.Message)
	}
	if strings.Contains(condition.Message, "failed to") {
		t.Errorf("%s: %s", name, condition.Message)
	}
	if condition.ObservedGeneration > object.GetGeneration() || condition.ObservedGeneration == 0 {
		t.Errorf("%s speaks of generation %d of %d", name, condition.ObservedGeneration, object.GetGeneration())
	}
}

// checkReady checks that nothing contradicts Ready=True.
func checkReady(t *testing.T, object pass.Object) {
	t.Helper()
	for _, condition := range *object.Progress().Conditions {
		switch {
		case condition.Status != metav1.ConditionTrue, condition.Reason != string(v1alpha1.ReasonSucceeded):
			t.Errorf("%s is Ready, but %s is %s %s: %s", object.GetName(), condition.Type, condition.Status, condition.Reason, condition.Message)
		case condition.ObservedGeneration != meta.FindStatusCondition(*object.Progress().Conditions, v1alpha1.ConditionReady).ObservedGeneration:
			t.Errorf("%s is Ready, but %s speaks of generation %d", object.GetName(), condition.Type, condition.ObservedGeneration)
		}
	}
}

func isReady(object pass.Object) bool {
	return status.IsReady(*object.Progress().Conditions, object.GetGeneration())
}

// condition returns a condition as "Status Reason", or "absent".
func condition(object pass.Object, conditionType string) string {
	found := meta.FindStatusCondition(*object.Progress().Conditions, conditionType)
	if found == nil {
		return "absent"
	}
	return string(found.Status) + " " + found.Reason
}

// message returns what a condition says.
func message(object pass.Object, conditionType string) string {
	_, message := status.Because(*object.Progress().Conditions, conditionType)
	return message
}

// wantConditions reads the object and checks conditions, given as type and
// "Status Reason" in turn.
func (l *lab) wantConditions(object pass.Object, pairs ...string) {
	l.t.Helper()
	l.read(object)
	for i := 0; i < len(pairs); i += 2 {
		if have := condition(object, pairs[i]); have != pairs[i+1] {
			l.t.Errorf("%s %s is %s (%s), want %s", object.GetName(), pairs[i], have, message(object, pairs[i]), pairs[i+1])
		}
	}
}

// wantMessage checks that a condition's message holds words.
func (l *lab) wantMessage(object pass.Object, conditionType string, words ...string) {
	l.t.Helper()
	l.read(object)
	for _, word := range words {
		if have := message(object, conditionType); !strings.Contains(have, word) {
			l.t.Errorf("%s %s says %q, want it to name %q", object.GetName(), conditionType, have, word)
		}
	}
}
