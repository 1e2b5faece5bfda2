// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package observe_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/engine/fake"
	"github.com/deckyard/deckyard/internal/model"
	"github.com/deckyard/deckyard/internal/observe"
)

// newFilteredFixture returns a started fixture that watches the firewall, on
// which there are rules of the LAN office.
func newFilteredFixture(t *testing.T) (fixture, model.FilterSpec) {
	t.Helper()
	f := newFixture(t)
	woken := f.woken
	f.Observer = observe.New(f.engine, f.engine, observe.Options{
		Host: f.engine, Firewall: f.engine, RelistInterval: relistInterval, StaleAfter: staleAfter,
	})
	for _, kind := range []model.OwnerKind{model.OwnerLAN, model.OwnerDecky} {
		if err := f.Source(kind).Start(t.Context(), recordingQueue{kind: kind, to: woken}); err != nil {
			t.Fatal(err)
		}
	}
	spec := model.FilterSpec{Owner: identity(model.OwnerLAN, "office", model.RoleNetwork).Owner, Bridge: "br-office"}
	f.set(t, spec)
	f.start(t)
	pass(settle)
	woken.take()
	return f, spec
}

func (f fixture) set(t *testing.T, spec model.FilterSpec) {
	t.Helper()
	if err := f.engine.SetFilter(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
}

// Whatever happens to the rules of a bridge wakes the LAN, and who waits for rules,
// at once, not at the next list.
func TestChangedFilterRulesWakeTheirLAN(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(fixture, *testing.T, model.FilterSpec){
		"flushed": func(f fixture, _ *testing.T, spec model.FilterSpec) { f.hand.FlushFilters(spec.Owner.Instance) },
		"damaged": func(f fixture, _ *testing.T, spec model.FilterSpec) { f.hand.DamageFilter(spec.Bridge) },
		"changed": func(f fixture, t *testing.T, spec model.FilterSpec) {
			spec.Policy.Published = true
			f.set(t, spec)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, spec := newFilteredFixture(t)
				if seen := f.snapshot(t).Filters; len(seen) != 1 || !seen[0].Intact {
					t.Fatalf("seen at first: %+v", seen)
				}
				lists := f.engine.lists()
				f.WakeOnForeign(model.OwnerLAN, nameOf("blocked"))
				change(f, t, spec)
				pass(settle)
				if woken := f.woken.take(); !slices.Equal(woken, []string{blockedKey, lanKey}) {
					t.Errorf("woken %v", woken)
				}
				want, err := f.engine.Filters(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if seen := f.snapshot(t).Filters; !slices.Equal(seen, want) {
					t.Errorf("seen %+v, want %+v", seen, want)
				}
				if f.engine.lists() != lists {
					t.Error("the whole engine was listed")
				}
			})
		})
	}
}

// A change that is not told of is found by the next list.
func TestListFindsFlushedFilterRules(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.set(t, model.FilterSpec{Owner: identity(model.OwnerLAN, "office", model.RoleNetwork).Owner, Bridge: "br-office"})
		f.Observer = observe.New(f.engine, f.engine, observe.Options{Firewall: f.engine})
		for range 2 {
			if err := f.Relist(t.Context()); err != nil {
				t.Fatal(err)
			}
			if seen := f.snapshot(t).Filters; len(seen) != 1 {
				t.Errorf("seen %+v", seen)
			}
		}
		f.hand.FlushFilters("instance")
		if err := f.Relist(t.Context()); err != nil {
			t.Fatal(err)
		}
		if seen := f.snapshot(t).Filters; len(seen) != 0 {
			t.Errorf("seen %+v", seen)
		}
	})
}

// RefreshFilters shows a change in the very next snapshot.
func TestRefreshFilters(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, spec := newFilteredFixture(t)
		spec.Policy.RoutedFrames = true
		f.set(t, spec)
		if err := f.RefreshFilters(t.Context()); err != nil {
			t.Fatal(err)
		}
		if seen := f.snapshot(t).Filters; len(seen) != 1 || seen[0].Policy != spec.Policy {
			t.Errorf("seen %+v", seen)
		}
		if err := f.RefreshFilters(ended(t.Context())); err == nil {
			t.Error("no error although nothing was looked at")
		}
	})
}

// A firewall that cannot be read is no reason to see nothing else: the snapshot
// says so, with what to do, and those who wait are woken when it can be read.
func TestFirewallThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err  error
		word string
	}{
		"denied":      {engine.ErrDenied, "NET_ADMIN"},
		"unsupported": {engine.ErrUnsupported, "nf_tables"},
		"other":       {engine.ErrConflict, string(fake.OpFilters)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, _ := newFilteredFixture(t)
				f.WakeOnForeign(model.OwnerLAN, nameOf("waiting"))
				f.hand.SetFirewallFault(tc.err)
				pass(settle)
				observed := f.snapshot(t)
				if len(observed.Filters) > 0 || !strings.Contains(observed.FirewallFault, tc.word) || len(observed.Containers) == 0 {
					t.Errorf("filters %+v, fault %q, %d containers", observed.Filters, observed.FirewallFault, len(observed.Containers))
				}
				for _, fault := range []error{tc.err, nil} {
					if woken := f.woken.take(); !slices.Equal(woken, []string{lanKey, "LAN default/waiting"}) {
						t.Errorf("woken %v", woken)
					}
					if fault != nil {
						f.hand.SetFirewallFault(nil)
						pass(settle)
					}
				}
				if observed := f.snapshot(t); observed.FirewallFault != "" || len(observed.Filters) != 1 {
					t.Errorf("filters %+v, fault %q", observed.Filters, observed.FirewallFault)
				}
			})
		})
	}
}
