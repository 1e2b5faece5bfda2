// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package status

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/deckyard/deckyard/api/v1alpha1"
)

// maxMessage is the API's limit of a condition's message, in bytes.
const maxMessage = 32768

// Writer sets conditions of one object, each stamped with its generation.
type Writer struct {
	conditions *[]metav1.Condition
	generation int64
}

// NewWriter returns a Writer for the conditions of an object at a generation.
func NewWriter(conditions *[]metav1.Condition, generation int64) Writer {
	return Writer{conditions: conditions, generation: generation}
}

// True sets a condition to True with reason Succeeded.
func (w Writer) True(conditionType, message string) {
	w.set(conditionType, metav1.ConditionTrue, v1alpha1.ReasonSucceeded, message)
}

// False sets a condition to False.
func (w Writer) False(conditionType string, reason v1alpha1.Reason, message string) {
	w.set(conditionType, metav1.ConditionFalse, reason, message)
}

// Unknown sets a condition to Unknown.
func (w Writer) Unknown(conditionType string, reason v1alpha1.Reason, message string) {
	w.set(conditionType, metav1.ConditionUnknown, reason, message)
}

// Present sets one of the conditions that exist only while True.
func (w Writer) Present(conditionType string, reason v1alpha1.Reason, message string) {
	w.set(conditionType, metav1.ConditionTrue, reason, message)
}

// Remove removes a condition.
func (w Writer) Remove(conditionType string) {
	meta.RemoveStatusCondition(w.conditions, conditionType)
}

func (w Writer) set(conditionType string, value metav1.ConditionStatus, reason v1alpha1.Reason, message string) {
	if len(message) > maxMessage {
		// Half a character would not come back from the API server as it was sent.
		message = strings.ToValidUTF8(message[:maxMessage], "")
	}
	meta.SetStatusCondition(w.conditions, metav1.Condition{
		Type: conditionType, Status: value, Reason: string(reason), Message: message, ObservedGeneration: w.generation,
	})
}

// Settle lets conditions, which may have been set more than once, tell only of
// transitions since before: one that ends with the status that it had keeps its
// time and its place, so that nothing looks changed that is not.
func Settle(conditions, before []metav1.Condition) {
	place := func(condition metav1.Condition) int {
		index := slices.IndexFunc(before, func(known metav1.Condition) bool { return known.Type == condition.Type })
		if index < 0 {
			return len(before)
		}
		return index
	}
	for i, condition := range conditions {
		known := meta.FindStatusCondition(before, condition.Type)
		if known != nil && known.Status == condition.Status {
			conditions[i].LastTransitionTime = known.LastTransitionTime
		}
	}
	slices.SortStableFunc(conditions, func(a, b metav1.Condition) int { return place(a) - place(b) })
}

// IsReady reports whether the conditions say Ready=True for a generation.
func IsReady(conditions []metav1.Condition, generation int64) bool {
	ready := meta.FindStatusCondition(conditions, v1alpha1.ConditionReady)
	return ready != nil && ready.Status == metav1.ConditionTrue && ready.ObservedGeneration == generation
}

// Because returns a condition's reason and message; empty if it is absent.
func Because(conditions []metav1.Condition, conditionType string) (reason v1alpha1.Reason, message string) {
	condition := meta.FindStatusCondition(conditions, conditionType)
	if condition == nil {
		return "", ""
	}
	return v1alpha1.Reason(condition.Reason), condition.Message
}
