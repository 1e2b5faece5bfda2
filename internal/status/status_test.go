// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package status_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/deckyard/deckyard/internal/status"
)

// Scenario 60.
func TestSettleTellsOnlyOfTransitions(t *testing.T) {
	t.Parallel()
	earlier, now := metav1.Unix(1, 0), metav1.NewTime(time.Unix(2, 0))
	condition := func(name string, value metav1.ConditionStatus, since metav1.Time) metav1.Condition {
		return metav1.Condition{Type: name, Status: value, LastTransitionTime: since}
	}
	before := []metav1.Condition{
		condition("Ready", metav1.ConditionFalse, earlier),
		condition("Accepted", metav1.ConditionFalse, earlier),
		condition("Gone", metav1.ConditionTrue, earlier),
		condition("Changed", metav1.ConditionFalse, earlier),
	}
	// Accepted was set to True and back; Ready was removed and set again.
	after := []metav1.Condition{
		condition("Accepted", metav1.ConditionFalse, now),
		condition("Changed", metav1.ConditionTrue, now),
		condition("New", metav1.ConditionTrue, now),
		condition("Ready", metav1.ConditionFalse, now),
	}
	status.Settle(after, before)
	want := []metav1.Condition{
		condition("Ready", metav1.ConditionFalse, earlier),
		condition("Accepted", metav1.ConditionFalse, earlier),
		condition("Changed", metav1.ConditionTrue, now),
		condition("New", metav1.ConditionTrue, now),
	}
	if difference := cmp.Diff(want, after); difference != "" {
		t.Errorf("conditions (-want +got):\n%s", difference)
	}
}
