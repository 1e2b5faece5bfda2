// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package status_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/status"
)

func TestWriter(t *testing.T) {
	t.Parallel()
	want := func(value metav1.ConditionStatus, reason v1alpha1.Reason, message string) []metav1.Condition {
		return []metav1.Condition{{Type: "Ready", Status: value, Reason: string(reason), Message: message, ObservedGeneration: 7}}
	}
	for name, tc := range map[string]struct {
		write func(status.Writer)
		want  []metav1.Condition
	}{
		"True":    {func(w status.Writer) { w.True("Ready", "all of it") }, want(metav1.ConditionTrue, v1alpha1.ReasonSucceeded, "all of it")},
		"False":   {func(w status.Writer) { w.False("Ready", v1alpha1.ReasonDraining, "no") }, want(metav1.ConditionFalse, v1alpha1.ReasonDraining, "no")},
		"Unknown": {func(w status.Writer) { w.Unknown("Ready", v1alpha1.ReasonEngineUnavailable, "?") }, want(metav1.ConditionUnknown, v1alpha1.ReasonEngineUnavailable, "?")},
		"Present": {func(w status.Writer) { w.Present("Ready", v1alpha1.ReasonProgressing, "on it") }, want(metav1.ConditionTrue, v1alpha1.ReasonProgressing, "on it")},
		"Remove":  {func(w status.Writer) { w.Remove("Ready") }, []metav1.Condition{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conditions := []metav1.Condition{{Type: "Ready", Status: metav1.ConditionFalse, Reason: "Old", ObservedGeneration: 6}}
			tc.write(status.NewWriter(&conditions, 7))
			for i := range conditions {
				conditions[i].LastTransitionTime = metav1.Time{}
			}
			if diff := cmp.Diff(tc.want, conditions); diff != "" {
				t.Errorf("conditions (-want +have):\n%s", diff)
			}
		})
	}
}

// A condition that keeps its status keeps the time of its transition.
func TestTransitionTimeIsThatOfTheStatus(t *testing.T) {
	t.Parallel()
	since := metav1.NewTime(time.Unix(1_000_000, 0))
	conditions := []metav1.Condition{{Type: "Ready", Status: metav1.ConditionFalse, Reason: "Old", LastTransitionTime: since}}
	writer := status.NewWriter(&conditions, 1)
	writer.False("Ready", v1alpha1.ReasonDraining, "another reason")
	if conditions[0].LastTransitionTime != since {
		t.Errorf("the time changed with the reason: %v", conditions[0].LastTransitionTime)
	}
	writer.True("Ready", "")
	if !conditions[0].LastTransitionTime.After(since.Time) {
		t.Errorf("the time did not change with the status: %v", conditions[0].LastTransitionTime)
	}
}

// A message longer than the API allows would be refused with all of the status.
func TestMessageIsCut(t *testing.T) {
	t.Parallel()
	var conditions []metav1.Condition
	status.NewWriter(&conditions, 1).False("Ready", v1alpha1.ReasonEngineRefused, "x"+strings.Repeat("é", 20_000))
	if have := conditions[0].Message; len(have) > 32768 || len(have) < 32000 || !strings.HasSuffix(have, "é") {
		t.Errorf("%d bytes, ending in %q", len(have), have[len(have)-4:])
	}
}

func TestIsReady(t *testing.T) {
	t.Parallel()
	ready := func(value metav1.ConditionStatus, generation int64) []metav1.Condition {
		return []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: value, ObservedGeneration: generation}}
	}
	for name, tc := range map[string]struct {
		conditions []metav1.Condition
		want       bool
	}{
		"Ready":                       {ready(metav1.ConditionTrue, 2), true},
		"Ready at another generation": {ready(metav1.ConditionTrue, 1), false},
		"not Ready":                   {ready(metav1.ConditionFalse, 2), false},
		"unknown":                     {ready(metav1.ConditionUnknown, 2), false},
		"new":                         {nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if have := status.IsReady(tc.conditions, 2); have != tc.want {
				t.Errorf("IsReady is %t", have)
			}
		})
	}
}

func TestBecause(t *testing.T) {
	t.Parallel()
	conditions := []metav1.Condition{{Type: "Ready", Reason: "Draining", Message: "waits"}}
	if reason, message := status.Because(conditions, "Ready"); reason != v1alpha1.ReasonDraining || message != "waits" {
		t.Errorf("%s: %s", reason, message)
	}
	if reason, message := status.Because(conditions, "Stalled"); reason != "" || message != "" {
		t.Errorf("%s: %s", reason, message)
	}
}
