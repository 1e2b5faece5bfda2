// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package observe_test

import (
	"net/netip"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/deckyard/deckyard/internal/model"
)

const blockedKey = "LAN default/blocked"

func TestBlockedObjectsAreWokenByWhatMayFreeThem(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		act func(f fixture)
		// unnoticed lets no event tell, so that a list must find it.
		unnoticed bool
		want      []string
	}{
		"a foreign network appeared": {
			act:  func(f fixture) { f.hand.AddNetwork(foreignNetwork()) },
			want: []string{blockedKey},
		},
		"a foreign container was removed": {
			act:  func(f fixture) { f.hand.Remove(foreignName) },
			want: []string{blockedKey},
		},
		"a foreign container was killed": {
			act:  func(f fixture) { f.hand.Kill(foreignName) },
			want: []string{blockedKey},
		},
		"a foreign container was removed and no event told": {
			act:       func(f fixture) { f.hand.Remove(foreignName) },
			unnoticed: true,
			want:      []string{blockedKey},
		},
		"an image came": {
			act:  func(f fixture) { f.engine.SetImage("alpine", "sha256:1") },
			want: []string{blockedKey},
		},
		"a route of the host came": {
			act:       func(f fixture) { f.hand.SetRoutes(netip.MustParsePrefix("10.0.0.0/8")) },
			unnoticed: true,
			want:      []string{blockedKey},
		},
		"the network of another object went": {
			act:  func(f fixture) { f.hand.RemoveNetwork(officeName) },
			want: []string{deckyKey, blockedKey, lanKey},
		},
		"a container of another object left an address": {
			act:  func(f fixture) { f.hand.Disconnect(baseName, officeName) },
			want: []string{deckyKey, blockedKey, lanKey + later},
		},
		"a container of another object was restarted": {
			act:  func(f fixture) { f.hand.Restart(baseName) },
			want: []string{deckyKey},
		},
		"nothing changed": {
			act:       func(fixture) {},
			unnoticed: true,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newStartedFixture(t)
				f.WakeOnForeign(model.OwnerLAN, nameOf("blocked"))
				if test.unnoticed {
					f.unnoticed(func() { test.act(f) })
					if err := f.Relist(t.Context()); err != nil {
						t.Fatal(err)
					}
				} else {
					test.act(f)
				}
				pass(settle)
				if diff := cmp.Diff(test.want, f.woken.take()); diff != "" {
					t.Errorf("woken (-want +have):\n%s", diff)
				}
			})
		})
	}
}

func TestObjectsThatAreNotBlockedAnyMoreSleep(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(f fixture){
		"Unblock": func(f fixture) { f.Unblock(model.OwnerLAN, nameOf("blocked")) },
		"Forget":  func(f fixture) { f.Forget(model.OwnerLAN, nameOf("blocked")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newStartedFixture(t)
				f.WakeOnForeign(model.OwnerLAN, nameOf("blocked"))
				end(f)
				f.engine.SetImage("alpine", "sha256:1")
				pass(settle)
				if woken := f.woken.take(); len(woken) > 0 {
					t.Errorf("woken %v", woken)
				}
			})
		})
	}
}

func TestChangeDuringThePassThatFoundItselfBlockedIsNotLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newStartedFixture(t)
		f.Track(model.OwnerLAN, nameOf("blocked"))
		f.engine.SetImage("alpine", "sha256:1")
		pass(settle)
		f.WakeOnForeign(model.OwnerLAN, nameOf("blocked"))
		if diff := cmp.Diff([]string{blockedKey}, f.woken.take()); diff != "" {
			t.Errorf("woken (-want +have):\n%s", diff)
		}
		// The next pass is blocked by the same, and nothing has changed.
		f.Track(model.OwnerLAN, nameOf("blocked"))
		f.WakeOnForeign(model.OwnerLAN, nameOf("blocked"))
		if woken := f.woken.take(); len(woken) > 0 {
			t.Errorf("woken again: %v", woken)
		}
	})
}

func TestListAfterAnEventOfAForeignContainerTellsNothingNew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newStartedFixture(t)
		f.WakeOnForeign(model.OwnerLAN, nameOf("blocked"))
		f.hand.Restart(foreignName)
		pass(settle)
		f.woken.take()
		if err := f.Relist(t.Context()); err != nil {
			t.Fatal(err)
		}
		if woken := f.woken.take(); len(woken) > 0 {
			t.Errorf("woken %v", woken)
		}
	})
}

func TestForgottenObjectsAreNotWokenWhenTheEngineGoes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newStartedFixture(t)
		f.Track(model.OwnerLAN, nameOf("blocked"))
		f.Forget(model.OwnerLAN, nameOf("blocked"))
		f.engine.SetDown(true)
		pass(settle)
		if diff := cmp.Diff([]string{deckyKey, lanKey}, f.woken.take()); diff != "" {
			t.Errorf("woken (-want +have):\n%s", diff)
		}
	})
}

func TestQueuesOfEndedControllersGetNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newStartedFixture(t)
		late := &wakeUps{}
		if err := f.Source(model.OwnerDecky).Start(ended(t.Context()), recordingQueue{to: late}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		f.hand.Remove(sshName)
		pass(settle)
		if keys := late.take(); len(keys) > 0 {
			t.Errorf("added %v", keys)
		}
	})
}
