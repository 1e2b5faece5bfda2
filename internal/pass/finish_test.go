// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package pass_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/fault"
	"github.com/deckyard/deckyard/internal/pass"
	"github.com/deckyard/deckyard/internal/status"
)

func conflict() error {
	return apierrors.NewConflict(schema.GroupResource{Group: v1alpha1.GroupVersion.Group, Resource: "lans"}, "office", errors.New("changed meanwhile"))
}

func notFound() error {
	return apierrors.NewNotFound(schema.GroupResource{Group: v1alpha1.GroupVersion.Group, Resource: "lans"}, "office")
}

// between reports that a delay is within its jitter.
type between struct{ least, most time.Duration }

func TestOutcomes(t *testing.T) {
	t.Parallel()
	refusal := fmt.Errorf("create network %q: %w", "lab_acme_office", engine.ErrConflict)
	away := fmt.Errorf("list networks: %w", engine.ErrUnavailable)
	denied := fmt.Errorf("list networks: %w", engine.ErrDenied)
	resync, recheck := between{10 * time.Minute, 11 * time.Minute}, between{time.Minute, 66 * time.Second}
	for name, tc := range map[string]struct {
		outcome pass.Outcome
		// The conditions, as "Status Reason: message"; empty is absent.
		ready, reconciling, stalled string
		// concluded says that observedGeneration becomes the object's generation.
		concluded bool
		after     between
		err       error
	}{
		"Continue": {outcome: pass.Continue(), ready: "True Succeeded: ", concluded: true, after: resync},
		"Done":     {outcome: pass.Done("all of it"), ready: "True Succeeded: all of it", concluded: true, after: resync},
		"DoneUntil": {
			outcome: pass.DoneUntil("for now", time.Minute), ready: "True Succeeded: for now", concluded: true, after: recheck,
		},
		"Progress": {
			outcome: pass.Progress(v1alpha1.ReasonNetworkMissing, "create network", time.Second),
			ready:   "False NetworkMissing: create network", reconciling: "True Progressing: create network",
			after: between{time.Second, time.Second},
		},
		"Applied": {
			outcome: pass.Applied(v1alpha1.ReasonNetworkMissing, "create network", time.Second),
			ready:   "False NetworkMissing: create network", reconciling: "True Progressing: create network",
			after: between{time.Second, time.Second},
		},
		"Wait": {
			outcome: pass.Wait(v1alpha1.ReasonTopologyNotFound, "no topology"),
			ready:   "False TopologyNotFound: no topology", reconciling: "True DependencyNotReady: no topology", after: recheck,
		},
		"Wait for the engine": {
			outcome: pass.Wait(v1alpha1.ReasonEngineUnavailable, "members unknown"),
			ready:   "Unknown EngineUnavailable: members unknown", reconciling: "True DependencyNotReady: members unknown", after: recheck,
		},
		"Retry of what the engine refused": {
			outcome: pass.Retry(refusal), err: engine.ErrConflict,
			ready: "False EngineRefused: " + refusal.Error(), reconciling: "True ProgressingWithRetry: " + refusal.Error(),
		},
		"Retry while the engine is away": {
			outcome: pass.Retry(away), err: engine.ErrUnavailable,
			ready: "Unknown EngineUnavailable: " + away.Error(), reconciling: "True ProgressingWithRetry: " + away.Error(),
		},
		"Retry while the socket is forbidden": {
			outcome: pass.Retry(denied), err: engine.ErrDenied,
			ready: "Unknown EngineUnavailable: " + denied.Error(), reconciling: "True ProgressingWithRetry: " + denied.Error(),
		},
		"Retry after the pass ran out of time": {
			outcome: pass.Retry(context.DeadlineExceeded), err: context.DeadlineExceeded,
			ready: "False Progressing: context deadline exceeded", reconciling: "True ProgressingWithRetry: context deadline exceeded",
		},
		"Retry with words": {
			outcome: pass.RetryBecause(v1alpha1.ReasonPullFailed, "cannot be pulled", refusal), err: engine.ErrConflict,
			ready: "False PullFailed: cannot be pulled", reconciling: "True ProgressingWithRetry: cannot be pulled",
		},
		"Stall": {
			outcome: pass.Stall(v1alpha1.ReasonInvalidSpec, "no subnet"), concluded: true, after: resync,
			ready: "False InvalidSpec: no subnet", stalled: "True InvalidSpec: no subnet",
		},
		"Stall on a mistake": {
			outcome: pass.StallOn(fault.New(v1alpha1.ReasonInvalidSpec, "spec.subnet", "%q is no subnet", "x")), concluded: true, after: resync,
			ready: `False InvalidSpec: spec.subnet: "x" is no subnet`, stalled: `True InvalidSpec: spec.subnet: "x" is no subnet`,
		},
		"Pause": {outcome: pass.Pause("would create"), ready: "False Suspended: would create", concluded: true, after: resync},
	} {
		for from, conditions := range map[string][]metav1.Condition{"from nothing": nil, "from Ready": ready(), "from Stalled": stalled()} {
			t.Run(name+" "+from, func(t *testing.T) {
				t.Parallel()
				f := newFixture(t, conditions...)
				result, err := f.Open(f.read()).Finish(t.Context(), tc.outcome)
				if !errors.Is(err, tc.err) || tc.err == nil && err != nil {
					t.Errorf("error %v, want %v", err, tc.err)
				}
				if result.RequeueAfter < tc.after.least || result.RequeueAfter > tc.after.most {
					t.Errorf("again after %v, want between %v and %v", result.RequeueAfter, tc.after.least, tc.after.most)
				}
				lan := f.read()
				want := map[string]string{"Ready": tc.ready, "Reconciling": tc.reconciling, "Stalled": tc.stalled}
				have := map[string]string{}
				for conditionType := range want {
					have[conditionType] = condition(lan, conditionType)
				}
				if diff := cmp.Diff(want, have); diff != "" {
					t.Errorf("conditions (-want +have):\n%s", diff)
				}
				for _, each := range lan.Status.Conditions {
					if each.ObservedGeneration != 3 {
						t.Errorf("%s speaks of generation %d", each.Type, each.ObservedGeneration)
					}
				}
				wantObserved := int64(-1)
				if conditions != nil {
					wantObserved = 2
				}
				if tc.concluded {
					wantObserved = 3
				}
				if lan.Status.ObservedGeneration != wantObserved {
					t.Errorf("observedGeneration %d, want %d", lan.Status.ObservedGeneration, wantObserved)
				}
				if f.patches != 1 {
					t.Errorf("%d patches", f.patches)
				}
			})
		}
	}
}

func TestGoneWritesNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	p := f.Open(f.read())
	p.Conditions().True(v1alpha1.ConditionAccepted, "")
	result, err := p.Finish(t.Context(), pass.Gone())
	if err != nil || result.RequeueAfter != 0 || f.patches != 0 || len(f.events) > 0 {
		t.Errorf("result %v, %v; %d patches, events %q", result, err, f.patches, f.events)
	}
}

// Scenario 60: a pass that finds what the pass before found writes nothing, and
// says nothing.
func TestSameAgainWritesNothing(t *testing.T) {
	t.Parallel()
	for name, outcome := range map[string]pass.Outcome{
		"Done":     pass.Done("all of it"),
		"Progress": pass.Progress(v1alpha1.ReasonPortNotListening, "port 22", time.Second),
		"Wait":     pass.Wait(v1alpha1.ReasonDMZMissing, "no DMZ"),
		"Retry":    pass.Retry(engine.ErrUnavailable),
		"Stall":    pass.Stall(v1alpha1.ReasonInvalidSpec, "no"),
		"Pause":    pass.Pause("would create"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			_, first := f.Open(f.read()).Finish(t.Context(), outcome)
			before, sent := f.read().ResourceVersion, len(f.events)
			p := f.Open(f.read())
			p.Conditions().Remove(v1alpha1.ConditionReconciling)
			_, second := p.Finish(t.Context(), outcome)
			if (first == nil) != (second == nil) {
				t.Errorf("%v, then %v", first, second)
			}
			if after := f.read().ResourceVersion; f.patches != 1 || after != before {
				t.Errorf("%d patches, resourceVersion %s, was %s", f.patches, after, before)
			}
			if len(f.events) != sent {
				t.Errorf("events %q", f.events[sent:])
			}
		})
	}
}

// A faster writer is no mistake: the pass is repeated soon, and quietly.
func TestConflictIsAQuietRequeue(t *testing.T) {
	t.Parallel()
	t.Run("at the end", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		p := f.Open(f.read())
		f.change(func(lan *v1alpha1.LAN) { lan.Labels = map[string]string{"team": "blue"} })
		result, err := p.Finish(t.Context(), pass.Stall(v1alpha1.ReasonInvalidSpec, "no"))
		if err != nil || result.RequeueAfter <= 0 || result.RequeueAfter > time.Second {
			t.Errorf("result %v, %v", result, err)
		}
		if len(f.events) > 0 || len(f.read().Status.Conditions) > 0 {
			t.Errorf("events %q, conditions %v of a status that was not written", f.events, f.read().Status.Conditions)
		}
	})
	t.Run("on the way", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t, ready()...)
		before := f.read()
		result, err := f.Open(f.read()).Finish(t.Context(), pass.Retry(fmt.Errorf("patch status: %w", conflict())))
		if err != nil || result.RequeueAfter <= 0 || result.RequeueAfter > time.Second {
			t.Errorf("result %v, %v", result, err)
		}
		if diff := cmp.Diff(before.Status.Conditions, f.read().Status.Conditions); diff != "" || len(f.events) > 0 {
			t.Errorf("events %q, conditions (-before +after):\n%s", f.events, diff)
		}
	})
}

func TestErrorsOfTheLastWrite(t *testing.T) {
	t.Parallel()
	t.Run("the object is gone", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		p := f.Open(f.read())
		f.answer = notFound()
		if result, err := p.Finish(t.Context(), pass.Done("")); err != nil || result.RequeueAfter != 0 {
			t.Errorf("result %v, %v", result, err)
		}
	})
	t.Run("the API server is away", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		p := f.Open(f.read())
		f.answer = errors.New("connection refused")
		if _, err := p.Finish(t.Context(), pass.Done("")); !errors.Is(err, f.answer) {
			t.Errorf("error %v", err)
		}
		if len(f.events) > 0 {
			t.Errorf("events of a status that was not written: %q", f.events)
		}
	})
}

// Events tell of transitions that a person should know of, with the reason and
// the words of the condition.
func TestEventsTellOfTransitions(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		from    []metav1.Condition
		outcome pass.Outcome
		want    recorder
	}{
		"came up":                       {nil, pass.Done(""), recorder{"Normal Succeeded Report: ready"}},
		"still Ready":                   {ready(), pass.Done(""), nil},
		"ready no more":                 {ready(), pass.Wait(v1alpha1.ReasonDMZMissing, "no DMZ"), recorder{"Warning DMZMissing Report: no DMZ"}},
		"comes up":                      {nil, pass.Progress(v1alpha1.ReasonNetworkMissing, "create network", 0), nil},
		"stalled":                       {nil, pass.Stall(v1alpha1.ReasonInvalidSpec, "no"), recorder{"Warning InvalidSpec Report: no"}},
		"stalled for another reason":    {stalled(), pass.Stall(v1alpha1.ReasonSubnetOverlap, "overlaps"), recorder{"Warning SubnetOverlap Report: overlaps"}},
		"stalled for the same reason":   {stalled(), pass.Stall(v1alpha1.ReasonInvalidSpec, "still no"), nil},
		"not stalled any more":          {stalled(), pass.Progress(v1alpha1.ReasonNetworkMissing, "create network", 0), nil},
		"the engine went away":          {ready(), pass.Retry(engine.ErrUnavailable), recorder{"Warning EngineUnavailable Report: engine unavailable"}},
		"the engine was away all along": {nil, pass.Retry(engine.ErrUnavailable), recorder{"Warning EngineUnavailable Report: engine unavailable"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, tc.from...)
			_, _ = f.Open(f.read()).Finish(t.Context(), tc.outcome)
			if diff := cmp.Diff(tc.want, f.events); diff != "" {
				t.Errorf("events (-want +have):\n%s", diff)
			}
		})
	}
}

// That deckies reach what they should not is told for itself, whatever Ready says.
func TestEventsTellOfContainment(t *testing.T) {
	t.Parallel()
	contained := func(value metav1.ConditionStatus, reason v1alpha1.Reason) metav1.Condition {
		return metav1.Condition{Type: v1alpha1.ConditionContained, Status: value, Reason: string(reason), Message: "web forwards"}
	}
	holds, drifted, flushed, unknown := contained(metav1.ConditionTrue, v1alpha1.ReasonSucceeded), contained(metav1.ConditionFalse, v1alpha1.ReasonSysctlDrifted),
		contained(metav1.ConditionFalse, v1alpha1.ReasonFilterMissing), contained(metav1.ConditionUnknown, v1alpha1.ReasonEngineUnavailable)
	for name, tc := range map[string]struct {
		from, to metav1.Condition
		want     recorder
	}{
		"holds":                   {holds, holds, nil},
		"ends":                    {holds, drifted, recorder{"Warning SysctlDrifted Verify: Not contained: web forwards"}},
		"ends before it began":    {unknown, drifted, recorder{"Warning SysctlDrifted Verify: Not contained: web forwards"}},
		"ends for another reason": {drifted, flushed, recorder{"Warning FilterMissing Verify: Not contained: web forwards"}},
		"does not hold still":     {drifted, drifted, nil},
		"holds again":             {drifted, holds, recorder{"Normal Succeeded Verify: Contained again"}},
		"cannot be told":          {holds, unknown, nil},
		"can be told again":       {unknown, holds, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, append(stalled(), tc.from)...)
			lan := f.read()
			p := f.Open(lan)
			meta.SetStatusCondition(&lan.Status.Conditions, tc.to)
			if _, err := p.Finish(t.Context(), pass.Stall(v1alpha1.ReasonInvalidSpec, "no")); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, f.events); diff != "" {
				t.Errorf("events (-want +have):\n%s", diff)
			}
		})
	}
}

// The namespace of an object that is being deleted may be going too, and takes
// no new objects then.
func TestNoEventsOfObjectsThatAreBeingDeleted(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ready()...)
	f.change(func(lan *v1alpha1.LAN) { lan.Finalizers = []string{v1alpha1.Finalizer} })
	if err := f.api.Delete(t.Context(), f.read()); err != nil {
		t.Fatal(err)
	}
	p := f.Open(f.read())
	p.Event(v1alpha1.ReasonNetworkMissing, "Apply", "create network")
	if _, err := p.Finish(t.Context(), pass.Wait(v1alpha1.ReasonLANInUse, "in use")); err != nil {
		t.Fatal(err)
	}
	if len(f.events) > 0 {
		t.Errorf("events %q", f.events)
	}
	if have := condition(f.read(), v1alpha1.ConditionReady); have != "False LANInUse: in use" {
		t.Errorf("Ready is %s", have)
	}
}

func TestEvent(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.Open(f.read()).Event(v1alpha1.ReasonNetworkMissing, "Apply", "create network 100%s")
	if diff := cmp.Diff(recorder{"Normal NetworkMissing Apply: create network 100%s"}, f.events); diff != "" {
		t.Errorf("events (-want +have):\n%s", diff)
	}
}

// What was Ready says so no more before slow work begins; what was not stays as
// it is. A change on the engine is a warning, an edit is not.
func TestAnnounce(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		from []metav1.Condition
		// drifted says that the last pass concluded for the same generation.
		drifted bool
		patches int
		ready   string
		events  []string
	}{
		"drifted": {
			from: ready(), drifted: true, patches: 1,
			ready: "False NetworkMissing: create network", events: []string{"Warning NetworkMissing Report: create network"},
		},
		"edited": {
			from: ready(), patches: 1,
			ready: "False SpecChanged: create network", events: []string{"Normal SpecChanged Report: create network"},
		},
		"new":       {ready: ""},
		"not Ready": {from: stalled(), ready: "False InvalidSpec: spec.subnet: no"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, tc.from...)
			lan := f.read()
			if tc.drifted {
				lan.Status.ObservedGeneration = lan.Generation
			}
			p := f.Open(lan)
			if p.IsEdited() == tc.drifted {
				t.Errorf("an edit: %v", p.IsEdited())
			}
			if err := p.Announce(t.Context(), v1alpha1.ReasonNetworkMissing, "create network"); err != nil {
				t.Fatal(err)
			}
			lan = f.read()
			if have := condition(lan, v1alpha1.ConditionReady); f.patches != tc.patches || have != tc.ready {
				t.Errorf("%d patches, Ready is %q, want %q", f.patches, have, tc.ready)
			}
			if tc.patches > 0 && condition(lan, v1alpha1.ConditionReconciling) != "True Progressing: create network" {
				t.Errorf("Reconciling is %q", condition(lan, v1alpha1.ConditionReconciling))
			}
			sent := len(f.events)
			if diff := cmp.Diff(tc.events, []string(f.events)); diff != "" {
				t.Errorf("events (-want +have):\n%s", diff)
			}
			if _, err := p.Finish(t.Context(), pass.Progress(v1alpha1.ReasonNetworkMissing, "create network", 0)); err != nil {
				t.Fatal(err)
			}
			if len(f.events) != sent {
				t.Errorf("the transition is told of again: %q", f.events)
			}
		})
	}
}

// What will be over in a moment is not written over what says the same already.
func TestSettling(t *testing.T) {
	t.Parallel()
	progressing := func(reason v1alpha1.Reason) []metav1.Condition {
		var conditions []metav1.Condition
		writer := status.NewWriter(&conditions, 2)
		writer.False(v1alpha1.ConditionReady, v1alpha1.ReasonContainerMissing, "create container")
		writer.Present(v1alpha1.ConditionReconciling, reason, "create container")
		return conditions
	}
	for name, tc := range map[string]struct {
		from    []metav1.Condition
		edited  bool
		patches int
		ready   string
	}{
		"before any report":           {},
		"while changes are under way": {from: progressing(v1alpha1.ReasonProgressing), ready: "False ContainerMissing: create container"},
		"after an edit": {
			from: progressing(v1alpha1.ReasonProgressing), edited: true, patches: 1, ready: "False PortNotListening: port 22",
		},
		"after a failure": {from: progressing(v1alpha1.ReasonProgressingWithRetry), patches: 1, ready: "False PortNotListening: port 22"},
		"Ready":           {from: ready(), patches: 1, ready: "False PortNotListening: port 22"},
		"Stalled":         {from: stalled(), patches: 1, ready: "False PortNotListening: port 22"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, tc.from...)
			lan := f.read()
			if !tc.edited {
				lan.Generation = 2
			}
			result, err := f.Open(lan).Finish(t.Context(), pass.Settling(v1alpha1.ReasonPortNotListening, "port 22", time.Millisecond))
			if err != nil || result.RequeueAfter != time.Millisecond {
				t.Errorf("again after %v, error %v", result.RequeueAfter, err)
			}
			if have := condition(f.read(), v1alpha1.ConditionReady); f.patches != tc.patches || have != tc.ready {
				t.Errorf("%d patches, Ready is %q, want %q", f.patches, have, tc.ready)
			}
		})
	}
}

// Whatever is saved before the end of the first pass says that the object is
// not ready.
func TestFirstPassBeginsNotReady(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	p := f.Open(f.read())
	p.Conditions().True(v1alpha1.ConditionAccepted, "")
	if err := p.Save(t.Context()); err != nil {
		t.Fatal(err)
	}
	lan := f.read()
	ready, reconciling := condition(lan, v1alpha1.ConditionReady), condition(lan, v1alpha1.ConditionReconciling)
	if !strings.HasPrefix(ready, "Unknown Progressing: ") || !strings.HasPrefix(reconciling, "True Progressing: ") {
		t.Errorf("Ready is %q, Reconciling %q", ready, reconciling)
	}
}

// The finalizer is patched by itself: what the pass has put into status stays in
// memory, and is written with the rest.
func TestFinalizerKeepsTheStatusInMemory(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	lan := f.read()
	p := f.Open(lan)
	lan.Status.Subnet = "10.1.0.0/24"
	for range 2 {
		if err := p.EnsureFinalizer(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	saved := f.read()
	if f.patches != 1 || len(saved.Finalizers) != 1 || saved.Status.Subnet != "" || lan.Status.Subnet != "10.1.0.0/24" {
		t.Errorf("%d patches, finalizers %q, subnet %q, in memory %q", f.patches, saved.Finalizers, saved.Status.Subnet, lan.Status.Subnet)
	}
	if _, err := p.Finish(t.Context(), pass.Done("")); err != nil {
		t.Fatal(err)
	}
	if saved = f.read(); saved.Status.Subnet != "10.1.0.0/24" || condition(saved, v1alpha1.ConditionReady) != "True Succeeded: " {
		t.Errorf("subnet %q, Ready is %q", saved.Status.Subnet, condition(saved, v1alpha1.ConditionReady))
	}
}

func TestFinalizerIsNotAddedOverAnothersChange(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	p := f.Open(f.read())
	f.change(func(lan *v1alpha1.LAN) { lan.Finalizers = []string{"example.org/theirs"} })
	if err := p.EnsureFinalizer(t.Context()); !apierrors.IsConflict(err) {
		t.Errorf("error %v, want a conflict", err)
	}
	if have := f.read().Finalizers; len(have) != 1 {
		t.Errorf("finalizers %q", have)
	}
}

func TestDropFinalizer(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.change(func(lan *v1alpha1.LAN) { lan.Finalizers = []string{v1alpha1.Finalizer, "example.org/theirs"} })
	p := f.Open(f.read())
	for range 2 {
		if err := p.DropFinalizer(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if have := f.read().Finalizers; f.patches != 1 || len(have) != 1 || have[0] != "example.org/theirs" {
		t.Errorf("%d patches, finalizers %q", f.patches, have)
	}
	f.change(func(lan *v1alpha1.LAN) { lan.Finalizers = append(lan.Finalizers, v1alpha1.Finalizer) })
	p = f.Open(f.read())
	f.answer = notFound()
	if err := p.DropFinalizer(t.Context()); err != nil {
		t.Errorf("an object that is gone is released: %v", err)
	}
}

func TestReconcileRequestIsEchoed(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.change(func(lan *v1alpha1.LAN) {
		lan.Annotations = map[string]string{v1alpha1.AnnotationReconcileRequestedAt: "2026-01-01T00:00:00Z"}
	})
	if _, err := f.Open(f.read()).Finish(t.Context(), pass.Done("")); err != nil {
		t.Fatal(err)
	}
	if have := f.read().Status.LastHandledReconcileAt; have != "2026-01-01T00:00:00Z" {
		t.Errorf("lastHandledReconcileAt %q", have)
	}
}
