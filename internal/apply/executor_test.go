// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package apply_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	"github.com/google/go-cmp/cmp"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/apply"
	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/engine/fake"
	"github.com/deckyard/deckyard/internal/model"
	"github.com/deckyard/deckyard/internal/plan"
)

// TestApplyFollowsThePlan is Scenario 22: networks before containers, the base
// before its services, interfaces before the start.
func TestApplyFollowsThePlan(t *testing.T) {
	t.Parallel()

	l := newLab(t)
	report := l.executor(apply.Options{Parallelism: 1}).Apply(t.Context(), l.plan())
	if report.Err != nil {
		t.Fatal(report.Err)
	}
	want := []string{
		"create container lab_acme_web",
		"connect lab_acme_web to lab_acme_office",
		"start container lab_acme_web",
		"set route 10.0.9.0/24 via 10.0.2.7 of lab_acme_web",
		"create container lab_acme_web_ssh",
		"start container lab_acme_web_ssh",
		"create container lab_acme_web_http",
		"start container lab_acme_web_http",
	}
	if diff := cmp.Diff(want, l.engine.Writes()); diff != "" {
		t.Errorf("writes (-want +have):\n%s", diff)
	}
	if len(report.Done) != len(want) || len(report.Failed) != 0 || len(report.NotRun) != 0 {
		t.Errorf("report: %+v", report)
	}
}

// TestApplyReportsWhatItTouched lets an observer look at nothing else.
func TestApplyReportsWhatItTouched(t *testing.T) {
	t.Parallel()

	l := newLab(t)
	report := l.executor(apply.Options{}).Apply(t.Context(), l.plan())
	observed := l.observe()
	var containers []string
	for _, container := range observed.Containers {
		containers = append(containers, container.ID)
	}
	slices.Sort(containers)
	if diff := cmp.Diff(containers, report.Containers); diff != "" {
		t.Errorf("containers (-want +have):\n%s", diff)
	}
	if report.Filters {
		t.Error("filter rules are reported that were not touched")
	}
	if want := []string{l.desired(observed).Endpoints[1].NetworkID}; !slices.Equal(report.Networks, want) {
		t.Errorf("networks %v, want %v", report.Networks, want)
	}

	spec := network("lab", 3)
	report = l.executor(apply.Options{}).Apply(t.Context(), plan.Network(spec, observed))
	if !report.Filters {
		t.Error("that filter rules were set is not reported")
	}
	created, _ := plan.CurrentNetwork(spec, l.observe())
	if want := []string{created.ID}; !slices.Equal(report.Networks, want) {
		t.Errorf("networks %v, want %v", report.Networks, want)
	}
}

func TestApplyLogsBeforeItActs(t *testing.T) {
	t.Parallel()

	l := newLab(t)
	var lines []string
	logger := funcr.New(func(_, args string) { lines = append(lines, args) }, funcr.Options{})
	planned := l.plan()
	l.engine.Intercept(func(context.Context, fake.Operation, string) error { return engine.ErrUnavailable })
	report := l.executor(apply.Options{}).Apply(logr.NewContext(t.Context(), logger), planned)
	if report.Err == nil || len(lines) != 1 {
		t.Fatalf("error %v, log %q", report.Err, lines)
	}
	want := `"level"=0 "msg"="Creating container" "container"="lab_acme_web" "reason"="ContainerMissing" "diff"="is absent"`
	if lines[0] != want {
		t.Errorf("log\n%s\nwant\n%s", lines[0], want)
	}
}

// TestApplyStopsAtTheFirstFailure holds that followers are not run, and that
// the next pass finishes.
func TestApplyStopsAtTheFirstFailure(t *testing.T) {
	t.Parallel()

	l := newLab(t)
	l.engine.Fail(fake.Fault{Operation: fake.OpStartContainer, Err: engine.ErrConflict})
	report := l.executor(apply.Options{Parallelism: 1}).Apply(t.Context(), l.plan())
	if !errors.Is(report.Err, engine.ErrConflict) {
		t.Errorf("error %v does not wrap %v", report.Err, engine.ErrConflict)
	}
	if want := `start container "lab_acme_web": `; !strings.HasPrefix(report.Err.Error(), want) {
		t.Errorf("error %q does not begin with %q", report.Err, want)
	}
	if len(report.Done) != 2 || len(report.Failed) != 1 || len(report.NotRun) != 5 {
		t.Errorf("%d done, %d failed, %d not run", len(report.Done), len(report.Failed), len(report.NotRun))
	}
	if report.Failed[0].Verb() != "start" || !slices.Contains(report.Containers, l.container("lab_acme_web").ID) {
		t.Errorf("failed %v, touched %v", report.Failed, report.Containers)
	}
	l.converge()
}

// TestApplyKeepsGoing is the executor's part of Scenario 58: one stuck object
// holds back only what follows it.
func TestApplyKeepsGoing(t *testing.T) {
	t.Parallel()

	l := newLab(t)
	l.converge()
	l.engine.Intercept(func(_ context.Context, operation fake.Operation, target string) error {
		if operation == fake.OpRemoveContainer && target == "lab_acme_web_ssh" {
			return engine.ErrInUse
		}
		return nil
	})
	stray := l.networks[0]
	stray.Name, stray.Subnet, stray.Gateway = "stray", network("stray", 7).Subnet, network("stray", 7).Gateway
	l.engine.ByHand(t).AddNetwork(stray)

	report := l.executor(apply.Options{Parallelism: 1}).Apply(t.Context(), plan.Instance(l.observe(), "instance-a"))
	names := func(actions []plan.Action) []string {
		var names []string
		for _, action := range actions {
			_, name := action.Target()
			names = append(names, name)
		}
		return names
	}
	want := [][]string{{"lab_acme_web_http", "stray"}, {"lab_acme_web_ssh"}, {"lab_acme_web", "lab_acme_dmz", "lab_acme_office"}}
	for _, filter := range l.observe().Filters {
		want[2] = append(want[2], filter.Bridge)
	}
	if diff := cmp.Diff(want, [][]string{names(report.Done), names(report.Failed), names(report.NotRun)}); diff != "" {
		t.Errorf("done, failed, not run (-want +have):\n%s", diff)
	}
	if !errors.Is(report.Err, engine.ErrInUse) {
		t.Errorf("error %v", report.Err)
	}
}

// TestApplyProvesOwnership is Scenario 59 at the last moment: whatever a plan
// says, what is not the owner's is not touched.
func TestApplyProvesOwnership(t *testing.T) {
	t.Parallel()

	l := newLab(t)
	l.converge()
	hand := l.engine.ByHand(t)
	foreignContainer := plan.Ref{ID: hand.AddContainer(model.ContainerSpec{
		Name: "stranger", Image: "nginx", Home: model.EndpointSpec{NetworkName: "bridge"},
	}), Name: "stranger"}
	foreignNetwork := plan.Ref{ID: hand.AddNetwork(model.NetworkSpec{Name: "corp", Driver: "bridge"}), Name: "corp"}
	sibling := l.container("lab_acme_web")
	siblingRef := plan.Ref{ID: sibling.ID, Name: sibling.Name}
	stranger := owner(model.OwnerDecky, "other")
	otherInstance := l.decky.Owner
	otherInstance.Instance = "instance-b"

	tests := map[string]plan.Action{
		"remove a foreign container":       &plan.RemoveContainer{Owner: l.decky.Owner, Container: foreignContainer},
		"restart a foreign container":      &plan.RestartContainer{Owner: l.decky.Owner, Container: foreignContainer},
		"disconnect a foreign container":   &plan.Disconnect{Owner: l.decky.Owner, Container: foreignContainer, Network: foreignNetwork},
		"remove a foreign network":         &plan.RemoveNetwork{Owner: l.decky.Owner, Network: foreignNetwork},
		"remove another owner's container": &plan.RemoveContainer{Owner: stranger, Container: siblingRef},
		"remove another instance's":        &plan.RemoveContainer{Owner: otherInstance, Container: siblingRef},
		"remove for an empty owner":        &plan.RemoveContainer{Container: foreignContainer},
	}
	for name, action := range tests {
		action.Common().ID = 1
		l.engine.ForgetWrites()
		report := l.executor(apply.Options{}).Apply(t.Context(), plan.Plan{Actions: []plan.Action{action}})
		if !errors.Is(report.Err, apply.ErrNotOwned) {
			t.Errorf("%s: error %v", name, report.Err)
		}
		if writes := l.engine.Writes(); len(writes) > 0 {
			t.Errorf("%s: writes %v", name, writes)
		}
	}
}

// TestApplyTakesTheMissingForRemoved is Scenario 26's repeated detach, and a
// removal that somebody was faster with.
func TestApplyTakesTheMissingForRemoved(t *testing.T) {
	t.Parallel()

	l := newLab(t)
	gone := plan.Ref{ID: "0123456789ab", Name: "gone"}
	actions := []plan.Action{
		&plan.RemoveContainer{Owner: l.decky.Owner, Container: gone},
		&plan.RestartContainer{Owner: l.decky.Owner, Container: gone},
		&plan.Disconnect{Owner: l.decky.Owner, Container: gone, Network: gone},
		&plan.RemoveNetwork{Owner: l.decky.Owner, Network: gone},
	}
	for i, action := range actions {
		action.Common().ID = i + 1
	}
	report := l.executor(apply.Options{}).Apply(t.Context(), plan.Plan{Actions: actions})
	if report.Err != nil || len(report.Done) != len(actions) {
		t.Errorf("error %v, done %d", report.Err, len(report.Done))
	}
}

// TestApplyTakesATakenNameForFailure holds that what exists is not adopted
// unseen: the next pass observes whose it is.
func TestApplyTakesATakenNameForFailure(t *testing.T) {
	t.Parallel()

	l := newLab(t)
	planned := l.plan()
	l.engine.ByHand(t).AddContainer(model.ContainerSpec{
		Name: "lab_acme_web", Image: "nginx", Home: model.EndpointSpec{NetworkName: "bridge"},
	})
	report := l.executor(apply.Options{}).Apply(t.Context(), planned)
	if !errors.Is(report.Err, engine.ErrExists) || len(report.Done) > 0 {
		t.Errorf("error %v, done %v", report.Err, report.Done)
	}
	observed := l.observe()
	again := plan.Decky(l.desired(observed), observed)
	if again.Blocked == nil || again.Blocked.Reason != v1alpha1.ReasonForeignContainer || len(again.Actions) > 0 {
		t.Errorf("next plan:\n%s", again)
	}
}

// TestApplyBoundsAnAction holds that a hanging call costs its time only.
func TestApplyBoundsAnAction(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		l := newLab(t)
		planned := l.plan()
		l.engine.Intercept(func(ctx context.Context, _ fake.Operation, _ string) error {
			<-ctx.Done()
			return ctx.Err()
		})
		began := time.Now()
		report := l.executor(apply.Options{ActionTimeout: 7 * time.Second}).Apply(t.Context(), planned)
		if !errors.Is(report.Err, context.DeadlineExceeded) {
			t.Errorf("error %v", report.Err)
		}
		if took := time.Since(began); took != 7*time.Second {
			t.Errorf("took %s", took)
		}
	})
}

// crowd counts what is in flight on an engine, where each write takes a second.
type crowd struct {
	mutex      sync.Mutex
	now, most  int
	containers map[string]int
	collided   []string
}

func (c *crowd) intercept(_ context.Context, operation fake.Operation, target string) error {
	isWrite := slices.Contains([]fake.Operation{
		fake.OpCreateContainer, fake.OpStartContainer, fake.OpConnect, fake.OpDisconnect, fake.OpRemoveContainer,
	}, operation)
	if !isWrite {
		return nil
	}
	name, _, _ := strings.Cut(target, " ")
	c.count(name, 1)
	defer c.count(name, -1)
	// In a synctest bubble this takes no time.
	<-time.After(time.Second)
	return nil
}

func (c *crowd) count(name string, change int) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.now += change
	c.most = max(c.most, c.now)
	c.containers[name] += change
	if c.containers[name] > 1 {
		c.collided = append(c.collided, name)
	}
}

// TestApplySharesItsSlotsAmongOwners holds that the bound is the executor's, that
// it is used up, and that a container is changed by one call at a time.
func TestApplySharesItsSlotsAmongOwners(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		l := newLab(t)
		l.plan()
		observed := l.observe()
		crowd := &crowd{containers: map[string]int{}}
		l.engine.Intercept(crowd.intercept)
		executor := l.executor(apply.Options{Parallelism: 3})
		var passes sync.WaitGroup
		for i := range 5 {
			l.decky = decky("web-"+string(rune('a'+i)), byte(10+i))
			planned := plan.Decky(l.desired(observed), observed)
			passes.Go(func() {
				if report := executor.Apply(t.Context(), planned); report.Err != nil {
					t.Error(report.Err)
				}
			})
		}
		passes.Wait()
		if crowd.most != 3 {
			t.Errorf("%d calls in flight, want 3", crowd.most)
		}
		if len(crowd.collided) > 0 {
			t.Errorf("changed by two calls at once: %v", crowd.collided)
		}
	})
}

// TestApplyChangesAContainerByOneCallAtATime holds also for actions that may be
// in any order.
func TestApplyChangesAContainerByOneCallAtATime(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		l := newLab(t)
		l.converge()
		observed := l.observe()
		desired := l.desired(observed)
		desired.Endpoints = nil
		planned := plan.Decky(desired, observed)
		crowd := &crowd{containers: map[string]int{}}
		l.engine.Intercept(crowd.intercept)
		if report := l.executor(apply.Options{}).Apply(t.Context(), planned); report.Err != nil {
			t.Fatal(report.Err)
		}
		if len(planned.Actions) != 2 || len(crowd.collided) > 0 {
			t.Errorf("changed by two calls at once: %v, in:\n%s", crowd.collided, planned)
		}
	})
}

// TestApplyRunsServicesInParallel holds that services do not wait for each other.
func TestApplyRunsServicesInParallel(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		l := newLab(t)
		planned := l.plan()
		crowd := &crowd{containers: map[string]int{}}
		l.engine.Intercept(crowd.intercept)
		began := time.Now()
		if report := l.executor(apply.Options{}).Apply(t.Context(), planned); report.Err != nil {
			t.Fatal(report.Err)
		}
		// Create, connect, start the base; then create and start both services.
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("seven calls of a second took %s, want 5s", took)
		}
	})
}

// TestApplyEndsWithItsContext holds that nothing begins after the end.
func TestApplyEndsWithItsContext(t *testing.T) {
	t.Parallel()

	l := newLab(t)
	planned := l.plan()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	report := l.executor(apply.Options{}).Apply(ctx, planned)
	if !errors.Is(report.Err, context.Canceled) || len(report.NotRun) != len(planned.Actions) {
		t.Errorf("error %v, not run %d of %d", report.Err, len(report.NotRun), len(planned.Actions))
	}
	if writes := l.engine.Writes(); len(writes) > 0 {
		t.Errorf("writes %v", writes)
	}
}

func TestApplyOfAnEmptyPlanDoesNothing(t *testing.T) {
	t.Parallel()

	l := newLab(t)
	report := l.executor(apply.Options{}).Apply(t.Context(), plan.Plan{})
	if diff := cmp.Diff(apply.Report{}, report); diff != "" {
		t.Errorf("report (-want +have):\n%s", diff)
	}
}
