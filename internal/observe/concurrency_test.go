// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package observe_test

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/deckyard/deckyard/internal/engine/fake"
	"github.com/deckyard/deckyard/internal/model"
	"github.com/deckyard/deckyard/internal/observe"
)

// Everybody uses the observer at once, while the engine changes; in the end it
// shows the engine as it is. The race detector watches.
func TestObserverServesManyAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const workers = 8
		f := newStartedFixture(t)
		for worker := range workers {
			f.addService("web01", fmt.Sprintf("s%d", worker))
		}
		var working sync.WaitGroup
		for worker := range workers {
			working.Go(func() { useAll(t, f, worker) })
		}
		working.Wait()
		pass(settle)
		for worker := range workers {
			f.wantUpToDate(t, fmt.Sprintf("default_acme_web01_s%d", worker))
		}
		if observed := f.snapshot(t); len(observed.Containers) != 3+workers {
			t.Errorf("%d containers in the snapshot", len(observed.Containers))
		}
	})
}

// useAll changes one container again and again, and wants to see each change.
func useAll(t *testing.T, f fixture, worker int) {
	t.Helper()
	name := fmt.Sprintf("default_acme_web01_s%d", worker)
	id := f.idOf(t, name)
	for round := range 50 {
		f.hand.Restart(name)
		f.Track(model.OwnerDecky, nameOf("web01"))
		f.WakeOnForeign(model.OwnerDecky, nameOf("web01"))
		if round%10 == worker {
			if err := f.Relist(t.Context()); err != nil {
				t.Error(err)
			}
		}
		if err := f.Refresh(t.Context(), []string{id}, nil); err != nil {
			t.Error(err)
		}
		f.wantUpToDate(t, name)
		f.Forget(model.OwnerDecky, nameOf("web01"))
		<-time.NewTimer(time.Millisecond).C
	}
}

func TestStartEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		if err := f.Start(ended(t.Context())); err != nil {
			t.Errorf("error %v", err)
		}
		if f.NeedLeaderElection() {
			t.Error("needs leader election")
		}
	})
}

func BenchmarkSnapshotWhenNothingChanged(b *testing.B) {
	observer, _ := listedObserver(b, 300)
	for b.Loop() {
		if _, err := observer.Snapshot(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRefreshAndSnapshotAfterAChange(b *testing.B) {
	observer, fakeEngine := listedObserver(b, 300)
	hand := fakeEngine.ByHand(b)
	observed, err := observer.Snapshot(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	changed := observed.Containers[7]
	for b.Loop() {
		hand.Restart(changed.Name)
		if err := observer.Refresh(b.Context(), []string{changed.ID}, nil); err != nil {
			b.Fatal(err)
		}
		if _, err := observer.Snapshot(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRelist(b *testing.B) {
	observer, _ := listedObserver(b, 300)
	for b.Loop() {
		if err := observer.Relist(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// listedObserver returns an observer that has listed some containers.
func listedObserver(b *testing.B, containers int) (*observe.Observer, *fake.Engine) {
	b.Helper()
	fakeEngine := fake.New()
	hand := fakeEngine.ByHand(b)
	for i := range containers {
		hand.AddContainer(model.ContainerSpec{
			Name: fmt.Sprintf("default_acme_%d", i), Identity: identity(model.OwnerDecky, "web01", model.RoleService),
			Home: model.EndpointSpec{NetworkName: "bridge"},
		})
	}
	observer := observe.New(fakeEngine, fakeEngine, observe.Options{})
	if err := observer.Relist(b.Context()); err != nil {
		b.Fatal(err)
	}
	return observer, fakeEngine
}
