// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package observe_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/engine/fake"
	"github.com/deckyard/deckyard/internal/model"
	"github.com/deckyard/deckyard/internal/observe"
)

func TestSnapshotWaitsForTheFirstList(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		var observed model.Observed
		served := make(chan struct{})
		go func() {
			defer close(served)
			observed = f.snapshot(t)
		}()
		synctest.Wait()
		select {
		case <-served:
			t.Fatal("served before anything was listed")
		default:
		}
		begun := time.Now()
		f.start(t)
		<-served
		var names []string
		for _, network := range observed.Networks {
			names = append(names, network.Name)
		}
		for _, container := range observed.Containers {
			names = append(names, container.Name)
		}
		want := []string{"bridge", officeName, "host", "none", baseName, sshName, foreignName}
		if diff := cmp.Diff(want, names); diff != "" {
			t.Errorf("snapshot (-want +have):\n%s", diff)
		}
		if !observed.TakenAt.Equal(begun) {
			t.Errorf("taken at %v, listed at %v", observed.TakenAt, begun)
		}
		if diff := cmp.Diff([]string{deckyKey, lanKey}, f.woken.take()); diff != "" {
			t.Errorf("woken (-want +have):\n%s", diff)
		}
	})
}

func TestDetailIsKnownOfOurContainersOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		if err := f.Relist(t.Context()); err != nil {
			t.Fatal(err)
		}
		if count := f.engine.inspections(); count != 2 {
			t.Errorf("%d inspections", count)
		}
		if diff := cmp.Diff(f.actual(t, baseName), f.mustObserve(t, baseName), comparing()); diff != "" {
			t.Errorf("base (-actual +observed):\n%s", diff)
		}
		if foreign := f.mustObserve(t, foreignName); foreign.PID != 0 || foreign.State != model.StateRunning {
			t.Errorf("foreign container %+v", foreign)
		}
	})
}

func TestSnapshotEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		_, err := f.Snapshot(ended(t.Context()))
		if !errors.Is(err, engine.ErrUnavailable) || !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	})
}

func TestSnapshotIsSharedUntilSomethingChanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newStartedFixture(t)
		first, second := f.snapshot(t), f.snapshot(t)
		if &first.Containers[0] != &second.Containers[0] {
			t.Error("copied although nothing changed")
		}
		before := slices.Clone(first.Containers)
		f.hand.Kill(baseName)
		f.hand.Remove(sshName)
		pass(settle)
		if diff := cmp.Diff(before, first.Containers, comparing()); diff != "" {
			t.Errorf("a snapshot changed after it was handed out:\n%s", diff)
		}
		f.wantUpToDate(t, baseName)
	})
}

func TestEventsWakeWhomTheyConcern(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		act  func(f fixture)
		want []string
	}{
		"a service was killed": {
			act:  func(f fixture) { f.hand.Kill(sshName) },
			want: []string{deckyKey},
		},
		"a base was restarted": {
			act:  func(f fixture) { f.hand.Restart(baseName) },
			want: []string{deckyKey},
		},
		"a service was removed": {
			act:  func(f fixture) { f.hand.Remove(sshName) },
			want: []string{deckyKey},
		},
		"a base was removed, and its endpoint with it": {
			act:  func(f fixture) { f.hand.Remove(baseName) },
			want: []string{deckyKey, lanKey + later},
		},
		"a container appeared": {
			act:  func(f fixture) { f.addService("db01", "mysql") },
			want: []string{"Decky default/db01"},
		},
		"a network was removed": {
			act:  func(f fixture) { f.hand.RemoveNetwork(officeName) },
			want: []string{deckyKey, lanKey},
		},
		"a network appeared": {
			act:  func(f fixture) { f.addNetwork("dmz", "172.16.2.0/24") },
			want: []string{"LAN default/dmz"},
		},
		"an owned container was disconnected": {
			act:  func(f fixture) { f.hand.Disconnect(baseName, officeName) },
			want: []string{deckyKey, lanKey + later},
		},
		"an owned container was connected": {
			act:  func(f fixture) { f.hand.Connect(sshName, officeName, netip.Addr{}) },
			want: []string{deckyKey, lanKey + later},
		},
		"a foreign container was connected": {
			act:  func(f fixture) { f.hand.Connect(foreignName, officeName, netip.Addr{}) },
			want: []string{lanKey},
		},
		"a foreign container was killed": {
			act: func(f fixture) { f.hand.Kill(foreignName) },
		},
		"all is as it was": {
			act: func(f fixture) { f.hand.Pause(baseName); f.hand.Start(baseName) },
		},
		"what came is gone again": {
			act: func(f fixture) { f.addService("db01", "mysql"); f.hand.Remove("default_acme_db01_mysql") },
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newStartedFixture(t)
				test.act(f)
				pass(settle)
				if diff := cmp.Diff(test.want, f.woken.take()); diff != "" {
					t.Errorf("woken (-want +have):\n%s", diff)
				}
				if lists := f.engine.lists(); lists != 1 {
					t.Errorf("listed %d times", lists)
				}
			})
		})
	}
}

func TestEventWakesWithinABatchWindow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newStartedFixture(t)
		f.hand.Kill(sshName)
		pass(20 * time.Millisecond)
		if len(f.woken.take()) == 0 {
			t.Error("nobody woken after 20 ms")
		}
	})
}

func TestFirstEventAfterAPauseWakesAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newStartedFixture(t)
		for range 3 {
			pass(settle)
			f.hand.Restart(sshName)
			pass(3 * time.Millisecond)
			if len(f.woken.take()) == 0 {
				t.Error("nobody woken after 3 ms")
			}
			before := f.engine.inspections()
			f.hand.Restart(baseName)
			pass(10 * time.Millisecond)
			if count := f.engine.inspections() - before; count != 0 {
				t.Errorf("%d inspections within the window that follows", count)
			}
		}
	})
}

func TestEventsOfOneObjectCauseOneInspection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newStartedFixture(t)
		before := f.engine.inspections()
		for range 100 {
			f.hand.Restart(baseName)
		}
		pass(settle)
		if count := f.engine.inspections() - before; count != 1 {
			t.Errorf("%d inspections for 100 restarts", count)
		}
		f.wantUpToDate(t, baseName)
	})
}

func TestStormIsLookedAtNowAndThen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newStartedFixture(t)
		before := f.engine.inspections()
		for range 2000 {
			f.hand.Restart(baseName)
			f.hand.Restart(sshName)
			pass(time.Millisecond)
		}
		pass(settle)
		// 25 batches at once and 15 a second, in between windows of up to 160 ms.
		if count := f.engine.inspections() - before; count > 2*(25+2*15+13) {
			t.Errorf("%d inspections for 4000 restarts of two containers in 2 s", count)
		}
		f.woken.take()
		f.hand.Kill(sshName)
		pass(20 * time.Millisecond)
		if len(f.woken.take()) == 0 {
			t.Error("calm again, nobody woken after 20 ms")
		}
	})
}

func TestTooManyMarksBecomeOneList(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newStartedFixture(t)
		before := f.engine.inspections()
		f.hand.Restart(sshName)
		for range 300 {
			f.hand.AddContainer(model.ContainerSpec{Name: "short-lived", Home: model.EndpointSpec{NetworkName: "bridge"}})
			f.hand.Remove("short-lived")
		}
		pass(settle)
		if lists := f.engine.lists(); lists != 2 {
			t.Errorf("listed %d times", lists)
		}
		if count := f.engine.inspections() - before; count != 2 {
			t.Errorf("%d inspections, want one of each of our containers", count)
		}
		if diff := cmp.Diff([]string{deckyKey}, f.woken.take()); diff != "" {
			t.Errorf("woken (-want +have):\n%s", diff)
		}
		f.wantUpToDate(t, sshName)
	})
}

func TestRelistFindsWhatNoEventTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newStartedFixture(t)
		f.unnoticed(func() {
			f.hand.Remove(sshName)
			f.hand.AddNetwork(foreignNetwork())
			f.hand.SetRoutes(netip.MustParsePrefix("10.0.0.0/8"))
		})
		pass(2 * relistInterval)
		if _, ok := f.observed(t, sshName); ok {
			t.Error("a removed container is still there")
		}
		if observed := f.snapshot(t); len(observed.Networks) != 5 || len(observed.Routes) != 1 {
			t.Errorf("networks %v, routes %v", observed.Networks, observed.Routes)
		}
		if diff := cmp.Diff([]string{deckyKey}, f.woken.take()); diff != "" {
			t.Errorf("woken (-want +have):\n%s", diff)
		}
	})
}

func TestRelistFindsAStateThatWasLeftAndTakenAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newStartedFixture(t)
		f.hand.Pause(sshName)
		pass(settle)
		f.unnoticed(func() { f.hand.Start(sshName) })
		pass(2 * relistInterval)
		f.wantUpToDate(t, sshName)
	})
}

func TestListsInspectOnlyWhatTheyLeaveInDoubt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const containers = 80
		f := newEmptyFixture(t)
		for i := range containers {
			f.addService("web01", fmt.Sprintf("s%d", i))
		}
		f.start(t)
		pass(settle)
		f.unnoticed(func() { f.hand.Restart("default_acme_web01_s7") })
		inspections, lists := f.engine.inspections(), f.engine.lists()
		pass(10 * relistInterval)
		inspections, lists = f.engine.inspections()-inspections, f.engine.lists()-lists
		if lists < 7 || inspections > lists*containers/8 {
			t.Errorf("%d inspections in %d lists of %d containers", inspections, lists, containers)
		}
		f.wantUpToDate(t, "default_acme_web01_s7")
	})
}

// Scenario 74.
func TestChangesWhileTheStreamWasBrokenAreFound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newStartedFixture(t)
		f.hand.Restart(baseName)
		pass(settle)
		f.woken.take()
		f.unnoticed(func() {
			f.engine.BreakStreams()
			// A list does not tell this one from what was there before.
			f.hand.Restart(sshName)
			f.hand.RemoveNetwork(officeName)
		})
		pass(settle)
		if diff := cmp.Diff([]string{deckyKey, lanKey}, f.woken.take()); diff != "" {
			t.Errorf("woken (-want +have):\n%s", diff)
		}
		f.wantUpToDate(t, sshName)
		if want := f.actual(t, baseName).StartedAt.Add(-time.Second); len(f.engine.sinces) != 2 ||
			f.engine.sinces[1].Sub(want).Abs() > 100*time.Millisecond {
			t.Errorf("subscribed since %v, want about %v the second time", f.engine.sinces, want)
		}
		f.hand.Kill(sshName)
		pass(settle)
		if diff := cmp.Diff([]string{deckyKey}, f.woken.take()); diff != "" {
			t.Errorf("woken by the new stream (-want +have):\n%s", diff)
		}
	})
}

// Scenario 74, of an engine that answers everything but the subscription: what happens
// meanwhile is found soon all the same, and told of again once it does answer.
func TestSubscriptionThatIsNotAnsweredIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newStartedFixture(t)
		f.engine.Intercept(func(ctx context.Context, operation fake.Operation, _ string) error {
			if operation != fake.OpSubscribe {
				return nil
			}
			<-ctx.Done()
			return ctx.Err()
		})
		f.engine.BreakStreams()
		pass(settle)
		f.woken.take()
		f.hand.Kill(sshName)
		pass(4 * time.Second)
		if diff := cmp.Diff([]string{deckyKey}, f.woken.take()); diff != "" {
			t.Errorf("woken while nothing is told (-want +have):\n%s", diff)
		}
		f.engine.Intercept(nil)
		pass(10 * time.Second)
		f.woken.take()
		f.hand.Kill(baseName)
		pass(settle)
		if woken := f.woken.take(); !slices.Contains(woken, deckyKey) {
			t.Errorf("woken by the new stream: %v", woken)
		}
	})
}

func TestRestartOfTheEngineIsSeenThrough(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newStartedFixture(t)
		f.hand.RestartEngine()
		pass(settle)
		f.wantUpToDate(t, baseName)
		f.wantUpToDate(t, sshName)
		if diff := cmp.Diff([]string{deckyKey}, f.woken.take()); diff != "" {
			t.Errorf("woken (-want +have):\n%s", diff)
		}
	})
}

// Scenario 52: what is known while the engine is unreachable.
func TestUnreachableEngineIsUnavailableAndTakenUpAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newStartedFixture(t)
		f.Track(model.OwnerDecky, nameOf("blocked"))
		everybody := []string{"Decky default/blocked", deckyKey, lanKey}

		f.engine.SetDown(true)
		pass(settle)
		if _, err := f.Snapshot(t.Context()); !errors.Is(err, engine.ErrUnavailable) {
			t.Errorf("snapshot error %v", err)
		}
		if diff := cmp.Diff(everybody, f.woken.take()); diff != "" {
			t.Errorf("woken when the engine went (-want +have):\n%s", diff)
		}
		if err := f.Healthy(); err != nil {
			t.Errorf("unhealthy at once: %v", err)
		}

		pass(staleAfter)
		if err := f.Healthy(); !errors.Is(err, engine.ErrUnavailable) {
			t.Errorf("healthy after %v: %v", staleAfter, err)
		}
		if woken := f.woken.take(); len(woken) > 0 {
			t.Errorf("woken although nothing changed: %v", woken)
		}

		f.engine.SetDown(false)
		pass(5 * time.Second)
		if observed := f.snapshot(t); len(observed.Containers) != 3 {
			t.Errorf("%d containers after the return", len(observed.Containers))
		}
		if err := f.Healthy(); err != nil {
			t.Errorf("unhealthy after the return: %v", err)
		}
		if diff := cmp.Diff(everybody, f.woken.take()); diff != "" {
			t.Errorf("woken when the engine returned (-want +have):\n%s", diff)
		}
	})
}

func TestEngineThatWasNeverThereIsUnavailableWithTheCause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.engine.failWith(fmt.Errorf("open socket: %w", engine.ErrDenied))
		f.start(t)
		_, err := f.Snapshot(t.Context())
		if !errors.Is(err, engine.ErrUnavailable) || !errors.Is(err, engine.ErrDenied) || !strings.Contains(err.Error(), "open socket") {
			t.Errorf("error %v", err)
		}
		if err := f.Healthy(); !errors.Is(err, engine.ErrUnavailable) {
			t.Errorf("healthy: %v", err)
		}
	})
}

func TestEngineThatDoesNotAnswerBecomesUnavailable(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newStartedFixture(t)
		f.engine.beSilent()
		pass(2*relistInterval + 30*time.Second)
		if _, err := f.Snapshot(t.Context()); !errors.Is(err, engine.ErrUnavailable) {
			t.Errorf("error %v", err)
		}
		f.engine.Intercept(nil)
		pass(30 * time.Second)
		f.snapshot(t)
	})
}

func TestOldListIsNotServed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		if err := f.Relist(t.Context()); err != nil {
			t.Fatal(err)
		}
		f.snapshot(t)
		pass(staleAfter + time.Second)
		if _, err := f.Snapshot(t.Context()); !errors.Is(err, engine.ErrUnavailable) {
			t.Errorf("error %v", err)
		}
	})
}

func TestFailedInspectionAfterAnEventFindsTheEngineGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newStartedFixture(t)
		f.engine.failWith(engine.ErrUnavailable)
		f.hand.Restart(baseName)
		pass(settle)
		if _, err := f.Snapshot(t.Context()); !errors.Is(err, engine.ErrUnavailable) {
			t.Errorf("error %v", err)
		}
		f.engine.Intercept(nil)
		pass(5 * time.Second)
		f.wantUpToDate(t, baseName)
	})
}

func TestCancelledListSaysNothingAboutTheEngine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newStartedFixture(t)
		f.engine.beSilent()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := f.Relist(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		f.snapshot(t)
	})
}

func TestOlderInspectionNeverWins(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newStartedFixture(t)
		id := f.idOf(t, sshName)
		release := f.engine.hold(id)
		f.hand.Restart(sshName)
		pass(settle)
		f.unnoticed(func() { f.hand.Kill(sshName) })
		if err := f.Refresh(t.Context(), []string{id}, nil); err != nil {
			t.Fatal(err)
		}
		release()
		pass(settle)
		f.wantUpToDate(t, sshName)
	})
}

func TestOlderInspectionDoesNotBringBackWhatWasRemoved(t *testing.T) {
	t.Parallel()
	for name, look := range map[string]func(ctx context.Context, f fixture, id string) error{
		"removal seen by an inspection": func(ctx context.Context, f fixture, id string) error {
			return f.Refresh(ctx, []string{id}, nil)
		},
		"removal seen by a list": func(ctx context.Context, f fixture, _ string) error {
			return f.Relist(ctx)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newStartedFixture(t)
				id := f.idOf(t, sshName)
				release := f.engine.hold(id)
				f.hand.Restart(sshName)
				pass(settle)
				f.unnoticed(func() { f.hand.Remove(sshName) })
				if err := look(t.Context(), f, id); err != nil {
					t.Fatal(err)
				}
				release()
				pass(settle)
				if _, ok := f.observed(t, sshName); ok {
					t.Error("a removed container came back")
				}
			})
		})
	}
}

func TestRefreshShowsWhatWasChanged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newStartedFixture(t)
		id := f.idOf(t, sshName)
		f.hand.Remove(sshName)
		networkID := f.hand.AddNetwork(foreignNetwork())
		if err := f.Refresh(t.Context(), []string{id}, []string{networkID}); err != nil {
			t.Fatal(err)
		}
		if observed := f.snapshot(t); len(observed.Containers) != 2 || len(observed.Networks) != 5 {
			t.Errorf("%d containers, %d networks", len(observed.Containers), len(observed.Networks))
		}
		if diff := cmp.Diff([]string{deckyKey}, f.woken.take()); diff != "" {
			t.Errorf("woken (-want +have):\n%s", diff)
		}
		pass(settle)
		if woken := f.woken.take(); len(woken) > 0 {
			t.Errorf("woken again by the events of it: %v", woken)
		}
	})
}

func TestEventThatCameBeforeARefreshIsNotLookedAtAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newStartedFixture(t)
		before := f.engine.inspections()
		f.hand.Restart(sshName)
		synctest.Wait()
		if err := f.Refresh(t.Context(), []string{f.idOf(t, sshName)}, nil); err != nil {
			t.Fatal(err)
		}
		pass(settle)
		if count := f.engine.inspections() - before; count != 1 {
			t.Errorf("%d inspections", count)
		}
	})
}

func TestRefreshOfAnUnreachableEngineFailsAndIsMadeUpFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newStartedFixture(t)
		sshID, officeID := f.idOf(t, sshName), f.idOf(t, officeName)
		f.unnoticed(func() { f.hand.Restart(sshName) })
		f.engine.failWith(engine.ErrUnavailable)
		if err := f.Refresh(t.Context(), []string{sshID}, []string{officeID}); !errors.Is(err, engine.ErrUnavailable) {
			t.Errorf("error %v", err)
		}
		f.engine.Intercept(nil)
		pass(settle)
		f.wantUpToDate(t, sshName)
	})
}

func TestDamagedContainerIsTakenAsListed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.engine.damage(sshName)
		f.start(t)
		if container, ok := f.observed(t, sshName); !ok || container.State != model.StateRunning || container.PID != 0 {
			t.Errorf("container %+v", container)
		}
		f.engine.Intercept(nil)
		f.hand.Restart(sshName)
		pass(settle)
		f.wantUpToDate(t, sshName)
	})
}

func TestListsAreAnnouncedAndNobodyWaitsForTheListener(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		release := make(chan struct{})
		var counts []int
		f.OnRelist(func(_ context.Context, observed model.Observed) {
			counts = append(counts, len(observed.Containers))
			<-release
		})
		f.start(t)
		for i := range 3 {
			f.addService("web01", fmt.Sprintf("s%d", i))
			if err := f.Relist(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		close(release)
		pass(settle)
		if diff := cmp.Diff([]int{3, 6}, counts); diff != "" {
			t.Errorf("containers in the announced lists (-want +have):\n%s", diff)
		}
	})
}

func TestSimultaneousRelistsAskOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newStartedFixture(t)
		release := f.engine.hold(f.idOf(t, sshName))
		before := f.engine.lists()
		for range 10 {
			go func() {
				if err := f.Relist(t.Context()); err != nil {
					t.Error(err)
				}
			}()
		}
		synctest.Wait()
		release()
		synctest.Wait()
		// The first had begun before the others were asked for.
		if lists := f.engine.lists() - before; lists > 2 {
			t.Errorf("listed %d times", lists)
		}
	})
}

func TestUnreadableRoutesKeepTheirLastValue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.hand.SetRoutes(netip.MustParsePrefix("10.0.0.0/8"))
		if err := f.Relist(t.Context()); err != nil {
			t.Fatal(err)
		}
		f.hand.SetRoutes()
		// The list and the snapshot after it.
		for _, nth := range []int{1, 2} {
			f.engine.Fail(fake.Fault{Operation: fake.OpRoutes, Nth: nth, Err: errors.New("malformed")})
		}
		for _, want := range []int{1, 0} {
			if err := f.Relist(t.Context()); err != nil {
				t.Fatal(err)
			}
			if routes := f.snapshot(t).Routes; len(routes) != want {
				t.Errorf("routes %v, want %d", routes, want)
			}
		}
	})
}

func TestSnapshotHasTheRoutesOfTheMoment(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newStartedFixture(t)
		want := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
		f.hand.SetRoutes(want...)
		if diff := cmp.Diff(want, f.snapshot(t).Routes, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
			t.Errorf("routes (-want +have):\n%s", diff)
		}
	})
}

func TestMetricsTellOfTheEngine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fakeEngine := fake.New()
		registry := prometheus.NewRegistry()
		f := fixture{Observer: observe.New(fakeEngine, fakeEngine, observe.Options{Registerer: registry})}
		f.start(t)
		fakeEngine.SetImage(image, "sha256:1")
		pass(10 * time.Second)
		want := map[string]float64{
			"deckyard_engine_up":            1,
			"deckyard_engine_relists_total": 1,
			// The image, and the engine's own three networks from its past.
			"deckyard_engine_events_total":         4,
			"deckyard_engine_inspections_total":    0,
			"deckyard_engine_snapshot_age_seconds": 10,
		}
		if diff := cmp.Diff(want, gathered(t, registry)); diff != "" {
			t.Errorf("metrics (-want +have):\n%s", diff)
		}
		fakeEngine.SetDown(true)
		pass(settle)
		if up := gathered(t, registry)["deckyard_engine_up"]; up != 0 {
			t.Errorf("engine up %v", up)
		}
	})
}

// gathered returns the sum of each metric.
func gathered(t *testing.T, registry *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sums := map[string]float64{}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			sums[family.GetName()] += metric.GetGauge().GetValue() + metric.GetCounter().GetValue()
		}
	}
	return sums
}

// comparing lets go-cmp compare addresses.
func comparing() cmp.Option {
	return cmp.Comparer(func(a, b netip.Addr) bool { return a == b })
}
