// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/model"
)

func firewallRules() map[string]func(*testing.T, suite) {
	return map[string]func(*testing.T, suite){
		"filter rules are seen as they were set": func(t *testing.T, s suite) {
			spec := s.filterSpec()
			for name, policy := range s.policies(t) {
				spec.Policy = policy
				for range 2 {
					wantNoError(t, s.Firewall.SetFilter(t.Context(), spec))
					s.wantFilters(t, name, spec)
				}
			}
			wantNoError(t, s.Firewall.RemoveFilter(t.Context(), spec.Owner, spec.Bridge))
		},
		"filter rules of several bridges and instances do not touch each other": func(t *testing.T, s suite) {
			first, second, other := s.filterSpec(), s.filterSpec(), s.filterSpec()
			second.Owner.Instance = first.Owner.Instance
			second.Policy.Published = true
			for _, spec := range []model.FilterSpec{first, second, other} {
				s.setFilter(t, spec)
			}
			s.wantFilters(t, "at first", first, second)
			s.wantFilters(t, "of the other instance", other)
			wantNoError(t, s.Firewall.RemoveFilter(t.Context(), first.Owner, first.Bridge))
			s.wantFilters(t, "after one went", second)
			wantNoError(t, s.Firewall.RemoveFilter(t.Context(), second.Owner, second.Bridge))
			s.wantFilters(t, "of the other instance, still", other)
			s.wantNoFilters(t, first.Owner.Instance)
		},
		"removing filter rules again is success, and those of another owner stay": func(t *testing.T, s suite) {
			spec, stranger := s.filterSpec(), s.filterSpec().Owner
			s.setFilter(t, spec)
			stranger.Instance = spec.Owner.Instance
			wantNoError(t, s.Firewall.RemoveFilter(t.Context(), stranger, spec.Bridge))
			wantNoError(t, s.Firewall.RemoveFilter(t.Context(), spec.Owner, s.bridge()))
			s.wantFilters(t, "after others'", spec)
			for range 2 {
				wantNoError(t, s.Firewall.RemoveFilter(t.Context(), spec.Owner, spec.Bridge))
				s.wantNoFilters(t, spec.Owner.Instance)
			}
		},
		"a rule taken away is noticed, and comes back": func(t *testing.T, s suite) {
			spec := s.filterSpec()
			spec.Policy.Published = true
			s.setFilter(t, spec)
			s.Damage(t, spec)
			if seen := s.filters(t, spec.Owner.Instance); len(seen) != 1 || seen[0].Intact {
				t.Errorf("seen %+v", seen)
			}
			wantNoError(t, s.Firewall.SetFilter(t.Context(), spec))
			s.wantFilters(t, "after the repair", spec)
		},
		"filter rules that were flushed come back": func(t *testing.T, s suite) {
			spec := s.filterSpec()
			s.setFilter(t, spec)
			s.Flush(t, spec.Owner.Instance)
			s.wantNoFilters(t, spec.Owner.Instance)
			wantNoError(t, s.Firewall.SetFilter(t.Context(), spec))
			s.wantFilters(t, "after the repair", spec)
		},
		"what cannot be a bridge is refused": func(t *testing.T, s suite) {
			for _, name := range []string{"", "br-0123456789abcd"} {
				spec := s.filterSpec()
				spec.Bridge = name
				wantKind(t, s.Firewall.SetFilter(t.Context(), spec), engine.ErrInvalid)
			}
		},
		"whoever watches is told of changes, and at first": func(t *testing.T, s suite) {
			ctx, cancel := context.WithCancel(t.Context())
			calls := &atomic.Int64{}
			ended := make(chan error, 1)
			go func() { ended <- s.Firewall.WatchFilters(ctx, func() { calls.Add(1) }) }()
			eventually(t, "the watch has begun", func() bool { return calls.Load() > 0 })
			spec := s.filterSpec()
			for what, change := range map[string]func(){
				"set":     func() { s.setFilter(t, spec) },
				"damaged": func() { s.Damage(t, spec) },
				"flushed": func() { s.Flush(t, spec.Owner.Instance) },
			} {
				s.setFilter(t, spec)
				before := calls.Load()
				change()
				eventually(t, "a change is told: "+what, func() bool { return calls.Load() > before })
			}
			cancel()
			if err := <-ended; !errors.Is(err, context.Canceled) {
				t.Errorf("the watch ended with %v", err)
			}
		},
	}
}

// policies returns one of each kind.
func (s suite) policies(t *testing.T) map[string]model.FilterPolicy {
	t.Helper()
	subnet := s.subnet(t)
	return map[string]model.FilterPolicy{
		"inner":         {},
		"published":     {Published: true},
		"egress":        {Published: true, Egress: subnet},
		"routed frames": {RoutedFrames: true},
	}
}

// filterSpec returns rules of an owner and an instance that nothing else has.
func (s suite) filterSpec() model.FilterSpec {
	owner := s.identity(model.RoleNetwork).Owner
	owner.Instance, owner.UID = s.name(), s.name()
	return model.FilterSpec{Owner: owner, Bridge: model.BridgeName(owner)}
}

// setFilter sets rules for the time of the test.
func (s suite) setFilter(t *testing.T, spec model.FilterSpec) {
	t.Helper()
	wantNoError(t, s.Firewall.SetFilter(t.Context(), spec))
	s.cleanUp(t, "filter of "+spec.Bridge, func(ctx context.Context) error { return s.Firewall.RemoveFilter(ctx, spec.Owner, spec.Bridge) })
}

// filters returns what is seen of an instance.
func (s suite) filters(t *testing.T, instance string) []model.Filter {
	t.Helper()
	filters, err := s.Firewall.Filters(t.Context())
	wantNoError(t, err)
	if !slices.IsSortedFunc(filters, model.Filter.Compare) {
		t.Error("the list is not sorted")
	}
	return slices.DeleteFunc(filters, func(filter model.Filter) bool { return filter.Owner.Instance != instance })
}

func (s suite) wantNoFilters(t *testing.T, instance string) {
	t.Helper()
	if seen := s.filters(t, instance); len(seen) > 0 {
		t.Errorf("seen %+v", seen)
	}
}

// wantFilters checks that an instance has exactly these rules.
func (s suite) wantFilters(t *testing.T, when string, specs ...model.FilterSpec) {
	t.Helper()
	want := []model.Filter{}
	for _, spec := range specs {
		owner := spec.Owner
		owner.Topology = ""
		want = append(want, model.Filter{Owner: owner, Bridge: spec.Bridge, Intact: true, Policy: spec.Policy})
	}
	slices.SortFunc(want, model.Filter.Compare)
	if diff := cmp.Diff(want, s.filters(t, specs[0].Owner.Instance), modelOptions()); diff != "" {
		t.Errorf("%s: filters (-want +got):\n%s", when, diff)
	}
}
