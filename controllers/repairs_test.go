// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"testing"
	"time"

	"github.com/deckyard/deckyard/api/v1alpha1"
)

const reconnect = "connect lab_acme_web to lab_acme_office"

// undoRepair takes from the decky web of acme what its repair gives back, lets
// the operator see it, and returns whether it was repaired and when it will be.
func (l *lab) undoRepair() (repaired bool, after time.Duration) {
	l.t.Helper()
	l.hand.Disconnect("lab_acme_web", "lab_acme_office")
	return l.repair()
}

// repair runs a pass over the decky web.
func (l *lab) repair() (repaired bool, after time.Duration) {
	l.t.Helper()
	before := l.writes(reconnect)
	l.relist()
	result := l.mustPass(at(decky("web", "dmz")))
	return l.writes(reconnect) > before, result.RequeueAfter
}

// exhaust undoes repairs until one is put off, and returns how many were made.
func (l *lab) exhaust() (repairs int, after time.Duration) {
	l.t.Helper()
	for range 100 {
		repaired, after := l.undoRepair()
		if !repaired {
			return repairs, after
		}
		repairs++
	}
	l.t.Fatal("no repair is put off")
	return 0, 0
}

// Scenario 43: what is undone as often as it is repaired is repaired with growing
// delay, says so in words that do not change, and holds nobody else back.
func TestRepairsThatAreUndoneBackOff(t *testing.T) {
	t.Parallel()
	l := newAcme(t)
	web := at(decky("web", "dmz"))
	l.restart()
	l.relist()
	l.events.take()
	repairs, after := l.exhaust()
	if repairs != 31 || after != time.Second {
		t.Errorf("after %d repairs the next follows %v later", repairs, after)
	}
	want := "Undone on the engine 31 times by now, so the next repair follows 1s after the last: connect endpoint lab_acme_web@office (is absent want 172.16.1.3); this disrupts nothing"
	l.wantConditions(web, v1alpha1.ConditionReady, "False RepairBackoff", v1alpha1.ConditionReconciling, "True Progressing",
		v1alpha1.ConditionStalled, "absent", v1alpha1.ConditionEndpointsInSync, "False EndpointMissing")
	l.wantMessage(web, v1alpha1.ConditionReady, want)
	if sent := l.eventsOf("web"); sent[len(sent)-1] != "web Warning RepairBackoff: "+want {
		t.Errorf("events %q", sent)
	}
	written := l.written()
	l.clock.Step(400 * time.Millisecond)
	if repaired, after := l.repair(); repaired || after != 600*time.Millisecond || l.written() != written {
		t.Errorf("repaired too early: %t, or written to no end; the next follows %v later", repaired, after)
	}
	if sent := l.events.take(); len(sent) > 0 {
		t.Errorf("the same is told again: %q", sent)
	}

	l.hand.Kill("lab_acme_files_ftp")
	l.relist()
	l.mustPass(at(decky("files", "office")))
	if l.writes("start container lab_acme_files_ftp") != 1 {
		t.Error("another decky waits too")
	}

	pause := time.Second
	for range 12 {
		l.clock.Step(pause)
		if repaired, _ := l.repair(); !repaired {
			t.Fatalf("it is not repaired after %v", pause)
		}
		pause = min(2*pause, 5*time.Minute)
		if repaired, after := l.undoRepair(); repaired || after != pause {
			t.Fatalf("repaired at once: %t; the next follows %v later, want %v", repaired, after, pause)
		}
	}
	l.clock.Step(pause)
	l.wantReady()
}

// A change of the spec is not put off, nor is what was changed by hand once that
// has ceased.
func TestRepairBackoffEnds(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(l *lab){
		"by an edit": func(l *lab) { edit(l, at(decky("web", "dmz")), services("redis")) },
		"by consent": func(l *lab) {
			edit(l, at(decky("web", "dmz")), func(o *v1alpha1.Decky) { o.Spec.UpdateStrategy = v1alpha1.UpdateRecreate })
		},
		"by a restart":    func(l *lab) { l.restart() },
		"after some time": func(l *lab) { l.clock.Step(10 * time.Minute) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newAcme(t)
			l.restart()
			l.relist()
			l.exhaust()
			end(l)
			if repaired, _ := l.repair(); !repaired {
				t.Errorf("it still waits:%s", l.describe())
			}
			if repairs, _ := l.exhaust(); repairs < 29 {
				t.Errorf("only %d more repairs are made at once", repairs)
			}
		})
	}
}

// Deletion is never put off.
func TestRepairBackoffDoesNotHoldADeletion(t *testing.T) {
	t.Parallel()
	l := newAcme(t)
	l.exhaust()
	web := at(decky("web", "dmz"))
	l.remove(web)
	l.relist()
	l.mustPass(web)
	l.converge()
	if l.exists(web) {
		t.Errorf("it is left:%s", l.describe())
	}
}

// Somebody who tries out by hand what comes back meets no delay, nor does the
// operator take its own repairs for changes.
func TestRepairsByHandAreNotDelayed(t *testing.T) {
	t.Parallel()
	l := newAcme(t)
	for range 100 {
		l.clock.Step(time.Second)
		if repaired, after := l.undoRepair(); !repaired {
			t.Fatalf("it is put off for %v", after)
		}
		for range 3 {
			if repaired, _ := l.repair(); repaired {
				t.Fatal("it is repaired without need")
			}
		}
	}
}

// Scenario 43: a container that ends whenever it is started backs off sooner:
// its repair costs more.
func TestContainersThatAreKilledBackOff(t *testing.T) {
	t.Parallel()
	l := newAcme(t)
	l.restart()
	web := at(decky("web", "dmz"))
	starts := 0
	for range 100 {
		l.hand.Kill("lab_acme_web_ssh")
		l.relist()
		l.mustPass(web)
		if starts == l.writes("start container lab_acme_web_ssh") {
			break
		}
		starts++
	}
	if starts != 16 {
		t.Errorf("it was started %d times", starts)
	}
	l.wantConditions(web, v1alpha1.ConditionReady, "False RepairBackoff", v1alpha1.ConditionContainersRunning, "False ContainerExited")
	l.wantMessage(web, v1alpha1.ConditionReady, "start container lab_acme_web_ssh (is exited, exit code 137, want running)")
	l.clock.Step(time.Second)
	l.wantReady()
}
