// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package observe_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/model"
	"github.com/deckyard/deckyard/internal/observe"
)

func TestSnapshotWaitsForTheFirstList(t *testing.T) {
	inBubble(t, func(t *testing.T) {
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
		f.start(t)
		<-served
		want := model.Observed{
			Networks:   []model.Network{officeNetwork()},
			Containers: []model.Container{baseContainer(), serviceContainer(), foreignContainer()},
		}
		if diff := cmp.Diff(want, observed, comparing(), cmpopts.IgnoreFields(model.Observed{}, "TakenAt")); diff != "" {
			t.Errorf("snapshot (-want +have):\n%s", diff)
		}
		if diff := cmp.Diff([]string{deckyKey, lanKey}, f.woken.take()); diff != "" {
			t.Errorf("woken (-want +have):\n%s", diff)
		}
		if count := f.engine.inspectionsOf("foreign"); count != 0 {
			t.Errorf("inspected a foreign container %d times", count)
		}
	})
}

func TestSnapshotEndsWithItsContext(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := newFixture(t)
		_, err := f.Snapshot(ended(t.Context()))
		if !errors.Is(err, engine.ErrUnavailable) || !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	})
}

func TestSnapshotIsSharedUntilSomethingChanges(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := newStartedFixture(t)
		first, second := f.snapshot(t), f.snapshot(t)
		if &first.Containers[0] != &second.Containers[0] {
			t.Error("copied although nothing changed")
		}
		f.edit("web01-base", func(c *model.Container) { c.State = model.StateExited })
		f.engine.tell(engine.ObjectContainer, "web01-base")
		pass(settle)
		if first.Containers[0].State != model.StateRunning {
			t.Error("a snapshot changed after it was handed out")
		}
		if third := f.snapshot(t); third.Containers[0].State != model.StateExited {
			t.Errorf("state %s in a new snapshot", third.Containers[0].State)
		}
	})
}

func TestEventsWakeWhomTheyConcern(t *testing.T) {
	t.Parallel()
	dmz := model.Network{ID: "net-dmz", Name: "default_acme_dmz", Identity: identity(model.OwnerLAN, "dmz", model.RoleNetwork)}
	tests := map[string]struct {
		change func(*scriptedEngine)
		event  engine.Event
		want   []string
	}{
		"a container ended": {
			change: editContainer("web01-ssh", func(c *model.Container) { c.State = model.StateExited }),
			event:  engine.Event{Type: engine.ObjectContainer, ID: "web01-ssh"},
			want:   []string{deckyKey},
		},
		"a container was restarted": {
			change: editContainer("web01-base", func(c *model.Container) { c.StartedAt = c.StartedAt.Add(time.Hour) }),
			event:  engine.Event{Type: engine.ObjectContainer, ID: "web01-base"},
			want:   []string{deckyKey},
		},
		"a service was removed": {
			change: func(e *scriptedEngine) { delete(e.containers, "web01-ssh") },
			event:  engine.Event{Type: engine.ObjectContainer, ID: "web01-ssh"},
			want:   []string{deckyKey},
		},
		"a base was removed, and its endpoints with it": {
			change: func(e *scriptedEngine) { delete(e.containers, "web01-base") },
			event:  engine.Event{Type: engine.ObjectContainer, ID: "web01-base"},
			want:   []string{deckyKey, lanKey},
		},
		"a container appeared": {
			change: func(e *scriptedEngine) {
				e.containers["db01"] = model.Container{ID: "db01", Name: "x", Identity: identity(model.OwnerDecky, "db01", model.RoleBase)}
			},
			event: engine.Event{Type: engine.ObjectContainer, ID: "db01"},
			want:  []string{"Decky default/db01"},
		},
		"a network was removed": {
			change: func(e *scriptedEngine) { delete(e.networks, "net-office") },
			event:  engine.Event{Type: engine.ObjectNetwork, ID: "net-office"},
			want:   []string{lanKey},
		},
		"a network appeared": {
			change: func(e *scriptedEngine) { e.networks[dmz.ID] = dmz },
			event:  engine.Event{Type: engine.ObjectNetwork, ID: dmz.ID},
			want:   []string{"LAN default/dmz"},
		},
		"an owned container was disconnected": {
			change: editContainer("web01-base", func(c *model.Container) { c.Endpoints = nil }),
			event:  engine.Event{Type: engine.ObjectNetwork, ID: "net-office", ContainerID: "web01-base"},
			want:   []string{deckyKey, lanKey},
		},
		"a foreign container was connected": {
			change: editContainer("foreign", func(c *model.Container) { c.Endpoints = []model.Endpoint{officeEndpoint()} }),
			event:  engine.Event{Type: engine.ObjectNetwork, ID: "net-office", ContainerID: "foreign"},
			want:   []string{lanKey},
		},
		"a foreign container ended": {
			change: editContainer("foreign", func(c *model.Container) { c.State = model.StateExited }),
			event:  engine.Event{Type: engine.ObjectContainer, ID: "foreign"},
		},
		"nothing changed after all": {
			change: func(*scriptedEngine) {},
			event:  engine.Event{Type: engine.ObjectContainer, ID: "web01-base"},
		},
		"something that is gone already": {
			change: func(*scriptedEngine) {},
			event:  engine.Event{Type: engine.ObjectContainer, ID: "unknown"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				f := newStartedFixture(t)
				f.engine.change(test.change)
				f.engine.tellEvent(test.event)
				pass(settle)
				if diff := cmp.Diff(test.want, f.woken.take()); diff != "" {
					t.Errorf("woken (-want +have):\n%s", diff)
				}
				if lists := f.engine.totalLists(); lists != 1 {
					t.Errorf("listed %d times", lists)
				}
			})
		})
	}
}

func TestEventWakesWithinABatchWindow(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := newStartedFixture(t)
		f.edit("web01-ssh", func(c *model.Container) { c.State = model.StateExited })
		f.engine.tell(engine.ObjectContainer, "web01-ssh")
		pass(20 * time.Millisecond)
		if len(f.woken.take()) == 0 {
			t.Error("nobody woken after 20 ms")
		}
	})
}

func TestEventsOfOneObjectCauseOneInspection(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := newStartedFixture(t)
		before := f.engine.totalInspections()
		for range 100 {
			f.engine.tell(engine.ObjectContainer, "web01-base")
		}
		pass(settle)
		if count := f.engine.totalInspections() - before; count != 1 {
			t.Errorf("%d inspections for 100 events", count)
		}
	})
}

func TestStormIsLookedAtNowAndThen(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := newStartedFixture(t)
		before := f.engine.totalInspections()
		for range 2000 {
			f.engine.tell(engine.ObjectContainer, "web01-base")
			f.engine.tell(engine.ObjectContainer, "web01-ssh")
			pass(time.Millisecond)
		}
		pass(settle)
		// 2 s in windows of 160 ms, and the shorter ones at the beginning.
		if count := f.engine.totalInspections() - before; count > 2*20 {
			t.Errorf("%d inspections for 4000 events on two containers in 2 s", count)
		}
		// Calm again, the next event is looked at soon.
		f.edit("web01-ssh", func(c *model.Container) { c.State = model.StateExited })
		f.engine.tell(engine.ObjectContainer, "web01-ssh")
		pass(20 * time.Millisecond)
		if len(f.woken.take()) == 0 {
			t.Error("nobody woken after the storm")
		}
	})
}

func TestTooManyMarksBecomeOneList(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := newStartedFixture(t)
		before := f.engine.totalInspections()
		f.edit("web01-ssh", func(c *model.Container) { c.StartedAt = c.StartedAt.Add(time.Hour) })
		f.engine.tell(engine.ObjectContainer, "web01-ssh")
		for i := range 5000 {
			f.engine.tell(engine.ObjectContainer, fmt.Sprintf("short-lived-%d", i))
		}
		pass(settle)
		if lists := f.engine.totalLists(); lists != 2 {
			t.Errorf("listed %d times", lists)
		}
		if count := f.engine.totalInspections() - before; count != 2 {
			t.Errorf("%d inspections, want one for each of our containers", count)
		}
		if diff := cmp.Diff([]string{deckyKey}, f.woken.take()); diff != "" {
			t.Errorf("woken (-want +have):\n%s", diff)
		}
	})
}

func TestRelistFindsWhatNoEventTold(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := newStartedFixture(t)
		f.engine.change(func(e *scriptedEngine) {
			delete(e.containers, "web01-ssh")
			e.networks["net-foreign"] = foreignNetwork()
			e.routes = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
		})
		pass(2 * relistInterval)
		observed := f.snapshot(t)
		if _, ok := f.container(t, "web01-ssh"); ok {
			t.Error("a removed container is still there")
		}
		if len(observed.Networks) != 2 || len(observed.Routes) != 1 {
			t.Errorf("networks %v, routes %v", observed.Networks, observed.Routes)
		}
		if diff := cmp.Diff([]string{deckyKey}, f.woken.take()); diff != "" {
			t.Errorf("woken (-want +have):\n%s", diff)
		}
	})
}

func TestRelistFindsAStateThatWasLeftAndTakenAgain(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := newStartedFixture(t)
		f.edit("web01-ssh", func(c *model.Container) { c.State = model.StateExited })
		f.engine.tell(engine.ObjectContainer, "web01-ssh")
		pass(settle)
		f.edit("web01-ssh", func(c *model.Container) { c.State = model.StateRunning })
		pass(2 * relistInterval)
		if container, _ := f.container(t, "web01-ssh"); container.State != model.StateRunning {
			t.Errorf("state %s", container.State)
		}
	})
}

func TestListsInspectOnlyWhatTheyLeaveInDoubt(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		scripted := newScriptedEngine()
		const containers = 80
		for i := range containers {
			container := serviceContainer()
			container.ID = fmt.Sprintf("service-%d", i)
			scripted.containers[container.ID] = container
		}
		f := newFixtureOf(t, scripted)
		f.start(t)
		f.edit("service-7", func(c *model.Container) { c.StartedAt = c.StartedAt.Add(time.Hour) })
		before, listsBefore := f.engine.totalInspections(), f.engine.totalLists()
		pass(10 * relistInterval)
		lists := f.engine.totalLists() - listsBefore
		if count := f.engine.totalInspections() - before; count > lists*containers/8 {
			t.Errorf("%d inspections in %d lists of %d containers", count, lists, containers)
		}
		if container, _ := f.container(t, "service-7"); container.StartedAt.Hour() != 1 {
			t.Error("a restart that no event told was not found in eight lists")
		}
	})
}

// Scenario 74.
func TestChangesWhileTheStreamWasBrokenAreFound(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := newStartedFixture(t)
		told := time.Now()
		f.engine.tell(engine.ObjectContainer, "web01-base")
		pass(settle)
		f.engine.breakStream()
		f.edit("web01-ssh", func(c *model.Container) { c.StartedAt = c.StartedAt.Add(time.Hour) })
		f.engine.change(func(e *scriptedEngine) { delete(e.networks, "net-office") })
		pass(settle)
		if diff := cmp.Diff([]string{deckyKey, lanKey}, f.woken.take()); diff != "" {
			t.Errorf("woken (-want +have):\n%s", diff)
		}
		f.engine.change(func(e *scriptedEngine) {
			since := e.sinces[len(e.sinces)-1]
			if len(e.sinces) != 2 || !since.Before(told) || told.Sub(since) > 5*time.Second {
				t.Errorf("subscribed since %v, the last event was at %v", e.sinces, told)
			}
		})
		f.edit("web01-base", func(c *model.Container) { c.State = model.StateExited })
		f.engine.tell(engine.ObjectContainer, "web01-base")
		pass(settle)
		if diff := cmp.Diff([]string{deckyKey}, f.woken.take()); diff != "" {
			t.Errorf("woken by the new stream (-want +have):\n%s", diff)
		}
	})
}

// Scenario 52: what is known while the engine is unreachable.
func TestUnreachableEngineIsUnavailableAndTakenUpAgain(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := newStartedFixture(t)
		blocked := deckyName()
		blocked.Name = "blocked"
		f.Track(model.OwnerDecky, blocked)
		everybody := []string{"Decky default/blocked", deckyKey, lanKey}

		f.engine.goDown(fmt.Errorf("dial unix: %w", engine.ErrUnavailable))
		pass(settle)
		_, err := f.Snapshot(t.Context())
		if !errors.Is(err, engine.ErrUnavailable) || !strings.Contains(err.Error(), "dial unix") {
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

		f.engine.change(func(e *scriptedEngine) { e.failure = nil })
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

func TestEngineThatWasNeverThereIsUnavailable(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := newFixture(t)
		f.engine.change(func(e *scriptedEngine) { e.failure = fmt.Errorf("socket: %w", engine.ErrDenied) })
		f.start(t)
		_, err := f.Snapshot(t.Context())
		if !errors.Is(err, engine.ErrUnavailable) || !errors.Is(err, engine.ErrDenied) {
			t.Errorf("error %v", err)
		}
		if err := f.Healthy(); !errors.Is(err, engine.ErrUnavailable) {
			t.Errorf("healthy: %v", err)
		}
	})
}

func TestEngineThatDoesNotAnswerBecomesUnavailable(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := newStartedFixture(t)
		f.engine.change(func(e *scriptedEngine) { e.silent = true })
		pass(2*relistInterval + 30*time.Second)
		if _, err := f.Snapshot(t.Context()); !errors.Is(err, engine.ErrUnavailable) {
			t.Errorf("error %v", err)
		}
		f.engine.change(func(e *scriptedEngine) { e.silent = false })
		pass(30 * time.Second)
		f.snapshot(t)
	})
}

func TestOldListIsNotServed(t *testing.T) {
	inBubble(t, func(t *testing.T) {
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

func TestFailedInspectionOfAnEventFindsTheEngineGone(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := newStartedFixture(t)
		f.engine.change(func(e *scriptedEngine) { e.failure = engine.ErrUnavailable })
		f.engine.tell(engine.ObjectContainer, "web01-base")
		pass(settle)
		if _, err := f.Snapshot(t.Context()); !errors.Is(err, engine.ErrUnavailable) {
			t.Errorf("error %v", err)
		}
		f.edit("web01-base", func(c *model.Container) { c.StartedAt = c.StartedAt.Add(time.Hour) })
		f.engine.change(func(e *scriptedEngine) { e.failure = nil })
		pass(5 * time.Second)
		if container, _ := f.container(t, "web01-base"); container.StartedAt.Hour() != 1 {
			t.Error("what changed meanwhile was not found")
		}
	})
}

func TestCancelledListSaysNothingAboutTheEngine(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := newStartedFixture(t)
		f.engine.change(func(e *scriptedEngine) { e.silent = true })
		if err := f.Relist(ended(t.Context())); err == nil {
			t.Error("no error")
		}
		f.snapshot(t)
	})
}

func TestOlderInspectionNeverWins(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := newStartedFixture(t)
		release := f.engine.hold("web01-ssh")
		f.engine.tell(engine.ObjectContainer, "web01-ssh")
		pass(settle)

		f.edit("web01-ssh", func(c *model.Container) { c.State = model.StateExited })
		if err := f.Refresh(t.Context(), []string{"web01-ssh"}, nil); err != nil {
			t.Fatal(err)
		}
		release()
		pass(settle)
		if container, _ := f.container(t, "web01-ssh"); container.State != model.StateExited {
			t.Errorf("state %s: the older answer came last and won", container.State)
		}
	})
}

func TestOlderInspectionDoesNotBringBackWhatWasRemoved(t *testing.T) {
	tests := map[string]func(t *testing.T, f fixture){
		"removal seen by an inspection": func(t *testing.T, f fixture) {
			t.Helper()
			if err := f.Refresh(t.Context(), []string{"web01-ssh"}, nil); err != nil {
				t.Fatal(err)
			}
		},
		"removal seen by a list": func(t *testing.T, f fixture) {
			t.Helper()
			if err := f.Relist(t.Context()); err != nil {
				t.Fatal(err)
			}
		},
	}
	t.Parallel()
	for name, look := range tests {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				f := newStartedFixture(t)
				release := f.engine.hold("web01-ssh")
				f.engine.tell(engine.ObjectContainer, "web01-ssh")
				pass(settle)
				f.engine.change(func(e *scriptedEngine) { delete(e.containers, "web01-ssh") })
				look(t, f)
				release()
				pass(settle)
				if _, ok := f.container(t, "web01-ssh"); ok {
					t.Error("a removed container came back")
				}
			})
		})
	}
}

func TestRefreshShowsWhatWasChanged(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := newStartedFixture(t)
		f.engine.change(func(e *scriptedEngine) {
			delete(e.containers, "web01-ssh")
			e.networks["net-foreign"] = foreignNetwork()
		})
		if err := f.Refresh(t.Context(), []string{"web01-ssh"}, []string{"net-foreign"}); err != nil {
			t.Fatal(err)
		}
		observed := f.snapshot(t)
		if len(observed.Containers) != 2 || len(observed.Networks) != 2 {
			t.Errorf("%d containers, %d networks", len(observed.Containers), len(observed.Networks))
		}
		if diff := cmp.Diff([]string{deckyKey}, f.woken.take()); diff != "" {
			t.Errorf("woken (-want +have):\n%s", diff)
		}
		// The events of what was refreshed tell nothing new.
		f.engine.tell(engine.ObjectContainer, "web01-ssh")
		pass(settle)
		if woken := f.woken.take(); len(woken) > 0 {
			t.Errorf("woken again: %v", woken)
		}
	})
}

func TestEventThatCameBeforeARefreshIsNotLookedAtAgain(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := newStartedFixture(t)
		before := f.engine.inspectionsOf("web01-ssh")
		f.engine.tell(engine.ObjectContainer, "web01-ssh")
		if err := f.Refresh(t.Context(), []string{"web01-ssh"}, nil); err != nil {
			t.Fatal(err)
		}
		pass(settle)
		if count := f.engine.inspectionsOf("web01-ssh") - before; count != 1 {
			t.Errorf("%d inspections", count)
		}
	})
}

func TestRefreshOfAnUnreachableEngineFailsAndIsMadeUpFor(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := newStartedFixture(t)
		f.engine.change(func(e *scriptedEngine) { e.failure = engine.ErrUnavailable })
		err := f.Refresh(t.Context(), []string{"web01-ssh"}, []string{"net-office"})
		if !errors.Is(err, engine.ErrUnavailable) {
			t.Errorf("error %v", err)
		}
		f.edit("web01-ssh", func(c *model.Container) { c.StartedAt = c.StartedAt.Add(time.Hour) })
		f.engine.change(func(e *scriptedEngine) { e.failure = nil })
		pass(settle)
		if container, _ := f.container(t, "web01-ssh"); container.StartedAt.Hour() != 1 {
			t.Error("what was to be refreshed is as old as before")
		}
	})
}

func TestDamagedContainerIsTakenAsListed(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := newFixture(t)
		f.engine.change(func(e *scriptedEngine) { e.damaged["web01-ssh"] = true })
		f.start(t)
		container, ok := f.container(t, "web01-ssh")
		if !ok || container.Name != "default_acme_web01_ssh" || container.PID != 0 {
			t.Errorf("container %+v", container)
		}
		f.engine.change(func(e *scriptedEngine) { e.damaged["web01-ssh"] = false })
		f.engine.tell(engine.ObjectContainer, "web01-ssh")
		pass(settle)
		if container, _ := f.container(t, "web01-ssh"); container.PID == 0 {
			t.Error("not inspected when it could be again")
		}
	})
}

func TestListsAreAnnouncedAndNobodyWaitsForTheListener(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := newFixture(t)
		release := make(chan struct{})
		var counts []int
		f.OnRelist(func(_ context.Context, observed model.Observed) {
			counts = append(counts, len(observed.Containers))
			<-release
		})
		f.start(t)
		for range 3 {
			f.engine.change(func(e *scriptedEngine) {
				id := fmt.Sprintf("new-%d", len(e.containers))
				e.containers[id] = model.Container{ID: id}
			})
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
	inBubble(t, func(t *testing.T) {
		f := newStartedFixture(t)
		release := f.engine.hold("web01-ssh")
		listsBefore := f.engine.totalLists()
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
		// The first had begun before some of the others were asked for.
		if lists := f.engine.totalLists() - listsBefore; lists > 2 {
			t.Errorf("listed %d times", lists)
		}
	})
}

func TestMetricsTellOfTheEngine(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		scripted := newScriptedEngine()
		registry := prometheus.NewRegistry()
		observer := observe.New(scripted, scripted, observe.Options{Registerer: registry})
		f := fixture{Observer: observer, engine: scripted}
		f.start(t)
		f.engine.tell(engine.ObjectImage, "alpine")
		pass(10 * time.Second)
		want := map[string]float64{
			"deckyard_engine_up":                   1,
			"deckyard_engine_relists_total":        1,
			"deckyard_engine_events_total":         1,
			"deckyard_engine_inspections_total":    0,
			"deckyard_engine_snapshot_age_seconds": 10,
		}
		if diff := cmp.Diff(want, gathered(t, registry)); diff != "" {
			t.Errorf("metrics (-want +have):\n%s", diff)
		}
		f.engine.goDown(engine.ErrUnavailable)
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

func editContainer(id string, edit func(*model.Container)) func(*scriptedEngine) {
	return func(e *scriptedEngine) {
		container := e.containers[id]
		edit(&container)
		e.containers[id] = container
	}
}

// comparing lets go-cmp compare addresses.
func comparing() cmp.Options {
	return cmp.Options{
		cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
		cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
	}
}
