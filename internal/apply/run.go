// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/deckyard/deckyard/internal/plan"
)

// Report says what became of a plan.
type Report struct {
	// Done, Failed and NotRun part the plan's actions, each in its order.
	Done, Failed, NotRun []plan.Action
	// Err wraps an engine error kind, ErrNotOwned or the context's error. It is
	// nil exactly if all actions are done.
	Err error
	// Containers and Networks are the ids of what was, or may have been,
	// changed; each sorted. An observer looks at them before the next plan.
	Containers, Networks []string
	// Filters says that filter rules were, or may have been, changed.
	Filters bool
}

// step is an action whose references are resolved to ids.
type step struct {
	action      plan.Action
	containerID string
	namespaceOf string
}

// result is how a step ended.
type result struct {
	step
	created string
	err     error
}

// progress is how far an action is.
type progress int

const (
	waiting progress = iota
	running
	succeeded
	failed
)

// run is one plan being carried out. Only the goroutine of Apply uses it.
type run struct {
	planned  plan.Plan
	progress map[int]progress
	errs     map[int]error
	inFlight int
	stopped  bool
	// busy holds the containers that an action in flight changes, by name.
	busy map[string]bool
	// containerIDs holds the ids of the containers that this plan created, by name.
	containerIDs         map[string]string
	containers, networks map[string]bool
	filters              bool
}

func newRun(planned plan.Plan) *run {
	return &run{
		planned:      planned,
		progress:     map[int]progress{},
		errs:         map[int]error{},
		busy:         map[string]bool{},
		containerIDs: map[string]string{},
		containers:   map[string]bool{},
		networks:     map[string]bool{},
	}
}

// next returns the first action that can begin now; nil if there is none.
func (r *run) next() plan.Action {
	if r.stopped {
		return nil
	}
	for _, action := range r.planned.Actions {
		if r.progress[action.Common().ID] == waiting && !r.busy[containerOf(action).Name] && r.mayFollow(action) {
			return action
		}
	}
	return nil
}

// mayFollow reports whether all that must be done before an action is done.
func (r *run) mayFollow(action plan.Action) bool {
	return !slices.ContainsFunc(action.Common().After, func(id int) bool { return r.progress[id] != succeeded })
}

// begin marks an action as running and resolves what it refers to.
func (r *run) begin(action plan.Action) step {
	r.progress[action.Common().ID] = running
	r.inFlight++
	target := containerOf(action)
	if target.Name != "" {
		r.busy[target.Name] = true
	}
	begun := step{action: action, containerID: r.resolve(target)}
	switch action := action.(type) {
	case *plan.CreateContainer:
		begun.namespaceOf = r.resolve(action.NamespaceOf)
	case *plan.Connect:
		r.touch(r.networks, action.Endpoint.NetworkID)
	case *plan.Disconnect:
		r.touch(r.networks, action.Network.ID)
	case *plan.RemoveNetwork:
		r.touch(r.networks, action.Network.ID)
	case *plan.SetFilter, *plan.RemoveFilter:
		r.filters = true
	}
	r.touch(r.containers, begun.containerID)
	return begun
}

// resolve returns the id of a container that exists, or that this plan created.
func (r *run) resolve(ref plan.Ref) string {
	return cmp.Or(ref.ID, r.containerIDs[ref.Name])
}

func (r *run) touch(ids map[string]bool, id string) {
	if id != "" {
		ids[id] = true
	}
}

// finish takes in how an action ended.
func (r *run) finish(finished result) {
	id := finished.action.Common().ID
	r.inFlight--
	delete(r.busy, containerOf(finished.action).Name)
	switch action := finished.action.(type) {
	case *plan.CreateContainer:
		r.touch(r.containers, finished.created)
		r.containerIDs[action.Spec.Name] = finished.created
	case *plan.CreateNetwork:
		r.touch(r.networks, finished.created)
	}
	if finished.err == nil {
		r.progress[id] = succeeded
		return
	}
	r.progress[id], r.errs[id] = failed, finished.err
	if !r.planned.KeepGoing {
		r.stop()
	}
}

// stop lets nothing more begin.
func (r *run) stop() { r.stopped = true }

// report sums up. The cause is why the run ended early, if it did.
func (r *run) report(cause error) Report {
	report := Report{
		Containers: slices.Sorted(maps.Keys(r.containers)),
		Networks:   slices.Sorted(maps.Keys(r.networks)),
		Filters:    r.filters,
	}
	var errs []error
	for _, action := range r.planned.Actions {
		switch r.progress[action.Common().ID] {
		case succeeded:
			report.Done = append(report.Done, action)
		case failed:
			report.Failed = append(report.Failed, action)
			errs = append(errs, r.errs[action.Common().ID])
		case waiting, running:
			report.NotRun = append(report.NotRun, action)
		}
	}
	if len(errs) == 0 && len(report.NotRun) > 0 {
		errs = append(errs, fmt.Errorf("carry out the plan: %w", cause))
	}
	report.Err = joined(errs)
	return report
}

// joined leaves a single error as it is, which reads better.
func joined(errs []error) error {
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}

// containerOf returns the container that an action creates or changes; the zero Ref if
// there is none.
func containerOf(action plan.Action) plan.Ref {
	switch action := action.(type) {
	case *plan.CreateContainer:
		return plan.Ref{Name: action.Spec.Name}
	case *plan.Connect:
		return action.Container
	case *plan.Disconnect:
		return action.Container
	case *plan.StartContainer:
		return action.Container
	case *plan.RestartContainer:
		return action.Container
	case *plan.RemoveContainer:
		return action.Container
	case *plan.RenameContainer:
		return action.Container
	case *plan.ResetRestartPolicy:
		return action.Container
	case *plan.SetSysctl:
		return action.Container
	case *plan.SetRoute:
		return action.Container
	case *plan.RemoveRoute:
		return action.Container
	case *plan.CreateNetwork, *plan.RemoveNetwork, *plan.SetFilter, *plan.RemoveFilter:
	}
	return plan.Ref{}
}
