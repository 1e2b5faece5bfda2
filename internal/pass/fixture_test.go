// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package pass_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/pass"
	"github.com/deckyard/deckyard/internal/status"
)

// fixture is a runner over an API server in memory that has one LAN.
type fixture struct {
	*pass.Runner
	t   *testing.T
	api client.Client
	// patches counts the writes of the runner; answer, when set, is the answer to each.
	patches int
	answer  error
	events  recorder
}

// recorder keeps the events that were sent.
type recorder []string

// Eventf implements events.EventRecorder.
func (r *recorder) Eventf(_, _ runtime.Object, eventType, reason, action, note string, arguments ...any) {
	*r = append(*r, fmt.Sprintf("%s %s %s: %s", eventType, reason, action, fmt.Sprintf(note, arguments...)))
}

// newFixture returns a fixture whose LAN is of generation 3 and has the given
// conditions, if any, at generation 2.
func newFixture(t *testing.T, conditions ...metav1.Condition) *fixture {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	lan := &v1alpha1.LAN{
		ObjectMeta: metav1.ObjectMeta{Namespace: "lab", Name: "office", Generation: 3},
		Status:     v1alpha1.LANStatus{ObservedGeneration: -1},
	}
	for _, condition := range conditions {
		condition.ObservedGeneration, condition.LastTransitionTime = 2, metav1.NewTime(time.Unix(1_000_000, 0))
		lan.Status.Conditions = append(lan.Status.Conditions, condition)
		lan.Status.ObservedGeneration = 2
	}
	f := &fixture{t: t}
	write := func() error {
		f.patches++
		return f.answer
	}
	api := fake.NewClientBuilder().WithScheme(scheme).WithStatusSubresource(lan).WithObjects(lan).Build()
	f.api = api
	f.Runner = &pass.Runner{Recorder: &f.events, Kube: interceptor.NewClient(api, interceptor.Funcs{
		Patch: func(ctx context.Context, api client.WithWatch, object client.Object, patch client.Patch, options ...client.PatchOption) error {
			if err := write(); err != nil {
				return err
			}
			return api.Patch(ctx, object, patch, options...)
		},
		SubResourcePatch: func(ctx context.Context, api client.Client, name string, object client.Object, patch client.Patch, options ...client.SubResourcePatchOption) error {
			if err := write(); err != nil {
				return err
			}
			return api.SubResource(name).Patch(ctx, object, patch, options...)
		},
	})}
	return f
}

// read returns the LAN as the API server has it.
func (f *fixture) read() *v1alpha1.LAN {
	f.t.Helper()
	lan := &v1alpha1.LAN{}
	if err := f.api.Get(f.t.Context(), client.ObjectKey{Namespace: "lab", Name: "office"}, lan); err != nil {
		f.t.Fatal(err)
	}
	return lan
}

// change changes the LAN as somebody else than the runner does.
func (f *fixture) change(change func(*v1alpha1.LAN)) {
	f.t.Helper()
	lan := f.read()
	change(lan)
	if err := f.api.Update(f.t.Context(), lan); err != nil {
		f.t.Fatal(err)
	}
}

// condition returns a condition as "Status Reason: message", empty if it is absent.
func condition(lan *v1alpha1.LAN, conditionType string) string {
	found := meta.FindStatusCondition(lan.Status.Conditions, conditionType)
	if found == nil {
		return ""
	}
	return fmt.Sprintf("%s %s: %s", found.Status, found.Reason, found.Message)
}

// ready are the conditions of an object that was Ready.
func ready() []metav1.Condition {
	return []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: string(v1alpha1.ReasonSucceeded)}}
}

// stalled are the conditions of an object that was stalled.
func stalled() []metav1.Condition {
	var conditions []metav1.Condition
	writer := status.NewWriter(&conditions, 2)
	writer.False(v1alpha1.ConditionReady, v1alpha1.ReasonInvalidSpec, "spec.subnet: no")
	writer.Present(v1alpha1.ConditionStalled, v1alpha1.ReasonInvalidSpec, "spec.subnet: no")
	return conditions
}
