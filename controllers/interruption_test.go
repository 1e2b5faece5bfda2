// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/engine"
	enginefake "github.com/deckyard/deckyard/internal/engine/fake"
	"github.com/deckyard/deckyard/internal/pass"
)

// interruption is what goes wrong with one call to the engine.
type interruption string

const (
	// refused: the engine answers with an error and has done nothing.
	refused interruption = "refused"
	// answerLost: the engine does it, and its answer does not arrive.
	answerLost interruption = "answer lost"
	// killedBefore: the operator is killed before the call, and started again.
	killedBefore interruption = "killed before"
	// killedAfter: the operator is killed after the call, before the answer.
	killedAfter interruption = "killed after"
)

// interrupted runs rounds of which one meets an interruption at the nth call
// that changes something. It reports whether there were as many calls.
func (l *lab) interrupted(how interruption, nth int) bool {
	l.t.Helper()
	ctx, kill := context.WithCancel(l.t.Context())
	defer kill()
	met := l.interruptAt(how, nth, kill)
	for range maxRounds {
		before := l.written()
		err := l.roundIn(ctx)
		if ctx.Err() != nil {
			l.restart()
			break
		}
		if err == nil && before == l.written() {
			break
		}
	}
	l.engine.Intercept(nil)
	return met()
}

// interruptAt arranges an interruption at the nth change of the engine, and
// returns the function that tells whether it came to that.
func (l *lab) interruptAt(how interruption, nth int, kill func()) (met func() bool) {
	var mutex sync.Mutex
	count := 0
	l.engine.Intercept(func(_ context.Context, operation enginefake.Operation, _ string) error {
		if !changes(operation) {
			return nil
		}
		mutex.Lock()
		count++
		isMet := count == nth
		mutex.Unlock()
		if !isMet {
			return nil
		}
		switch how {
		case refused:
			return engine.ErrUnavailable
		case killedBefore:
			kill()
			return context.Canceled
		case answerLost:
			l.engine.Fail(enginefake.Fault{Operation: operation, AnswerLost: true})
		case killedAfter:
			l.engine.Fail(enginefake.Fault{Operation: operation, AnswerLost: true, Err: context.Canceled})
			kill()
		}
		return nil
	})
	return func() bool {
		mutex.Lock()
		defer mutex.Unlock()
		return count >= nth
	}
}

// changes reports whether an operation changes containers or networks.
func changes(operation enginefake.Operation) bool {
	switch operation {
	case enginefake.OpCreateNetwork, enginefake.OpRemoveNetwork, enginefake.OpConnect, enginefake.OpDisconnect,
		enginefake.OpCreateContainer, enginefake.OpStartContainer, enginefake.OpStopContainer,
		enginefake.OpRestartContainer, enginefake.OpRemoveContainer, enginefake.OpLoadImage,
		enginefake.OpSetFilter, enginefake.OpRemoveFilter:
		return true
	default:
		return false
	}
}

// Scenarios 53 and 56: whatever happens at whichever action of a plan, the
// operator converges with no duplicate, and with nothing left that nobody owns.
func TestInterruptionAtEveryAction(t *testing.T) {
	t.Parallel()
	small := func(l *lab) *v1alpha1.Decky {
		web := decky("web", "dmz", services("ssh"), visiting("office"))
		l.create(topology("acme"), lan("dmz", dmz, subnet("10.1.0.0/24")), lan("office", subnet("10.2.0.0/24")), web)
		return web
	}
	for name, tc := range map[string]struct {
		// prepare leaves the lab as it is before the change.
		prepare, change func(*lab, *v1alpha1.Decky)
		hows            []interruption
	}{
		"creation": {func(*lab, *v1alpha1.Decky) {}, func(*lab, *v1alpha1.Decky) {}, []interruption{refused, answerLost, killedBefore, killedAfter}},
		"changes in place": {(*lab).settled, func(l *lab, web *v1alpha1.Decky) {
			edit(l, web, func(o *v1alpha1.Decky) {
				o.Spec.Attachments[0].Address = "10.2.0.99"
				config("ssh", map[string]string{"banner": "OpenSSH_8.0"})(o)
			})
		}, []interruption{refused, answerLost, killedAfter}},
		"recreation": {(*lab).settled, func(l *lab, web *v1alpha1.Decky) {
			edit(l, web, func(o *v1alpha1.Decky) {
				o.Spec.UpdateStrategy = v1alpha1.UpdateRecreate
				publish(22, 2222)(o)
			})
		}, []interruption{refused, killedAfter}},
		"repair of a network": {(*lab).settled, func(l *lab, _ *v1alpha1.Decky) {
			l.hand.RemoveNetwork("lab_acme_office")
		}, []interruption{refused, answerLost, killedBefore, killedAfter}},
		"teardown": {(*lab).settled, func(l *lab, _ *v1alpha1.Decky) {
			l.remove(at(topology("acme")))
		}, []interruption{refused, killedAfter}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			begin := func(t *testing.T) *lab {
				l := newLab(t)
				web := small(l)
				tc.prepare(l, web)
				tc.change(l, web)
				return l
			}
			undisturbed := begin(t)
			undisturbed.engine.ForgetWrites()
			undisturbed.converge()
			want, total := undisturbed.docker(), len(undisturbed.engine.Writes())
			for _, how := range tc.hows {
				for nth := 1; nth <= total; nth++ {
					t.Run(fmt.Sprintf("%s %d", how, nth), func(t *testing.T) {
						t.Parallel()
						l := begin(t)
						if !l.interrupted(how, nth) {
							t.Fatalf("there was no change %d", nth)
						}
						l.converge()
						l.wantContained()
						if diff := cmp.Diff(want, l.docker()); diff != "" {
							t.Errorf("on the engine (-want +have):\n%s", diff)
						}
						for _, object := range l.objects() {
							if !isReady(object) {
								t.Errorf("%s is not Ready:%s", object.GetName(), l.describe())
							}
						}
					})
				}
			}
		})
	}
}

// settled converges, as a step of a table.
func (l *lab) settled(*v1alpha1.Decky) { l.converge() }

// Every question to the engine may fail too: nothing is concluded from it.
func TestFailureOfEveryQuestion(t *testing.T) {
	t.Parallel()
	for _, operation := range []enginefake.Operation{
		enginefake.OpNetworks, enginefake.OpContainers, enginefake.OpNetwork, enginefake.OpContainer, enginefake.OpResolveImage,
		enginefake.OpProfile, enginefake.OpNamespace, enginefake.OpRoutes, enginefake.OpFilters,
	} {
		t.Run(string(operation), func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			topo, dmzLAN, office, web, files := acme()
			l.create(topo, dmzLAN, office, web, files)
			l.engine.Intercept(func(_ context.Context, asked enginefake.Operation, _ string) error {
				if asked == operation {
					return engine.ErrUnavailable
				}
				return nil
			})
			for range 3 {
				_ = l.round()
			}
			l.engine.Intercept(nil)
			l.converge()
			before := l.ids()
			l.engine.ForgetWrites()
			l.engine.Intercept(func(_ context.Context, asked enginefake.Operation, _ string) error {
				if asked == operation {
					return engine.ErrUnavailable
				}
				return nil
			})
			_ = l.round()
			l.engine.Intercept(nil)
			l.wantWrites()
			l.wantUntouched(before)
			l.wantReady()
		})
	}
}

// Scenario 53: of several networks one cannot be created; what is there stays,
// the error is shown, and a later pass finishes.
func TestOneOfSeveralNetworksFails(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	lans := []*v1alpha1.LAN{lan("a", dmz), lan("b"), lan("c"), lan("d"), lan("e")}
	topo, hub := topology("acme"), decky("hub", "a", visiting("b", "c", "d", "e"))
	l.create(topo)
	for _, each := range lans {
		l.create(each)
	}
	l.create(hub)
	refuses := func(_ context.Context, operation enginefake.Operation, target string) error {
		if operation == enginefake.OpCreateNetwork && target == "lab_acme_c" {
			return errors.New("the bridge limit of the host is reached")
		}
		return nil
	}
	l.engine.Intercept(refuses)
	for range 4 {
		_ = l.round()
	}
	l.wantConditions(lans[2], v1alpha1.ConditionReady, "False EngineRefused", v1alpha1.ConditionReconciling, "True ProgressingWithRetry",
		v1alpha1.ConditionNetworkInSync, "False NetworkMissing")
	l.wantMessage(lans[2], v1alpha1.ConditionReady, "lab_acme_c", "bridge limit")
	l.wantMessage(topo, v1alpha1.ConditionReady, "c (EngineRefused)")
	for _, object := range []pass.Object{lans[0], lans[1], lans[3], lans[4]} {
		l.wantConditions(object, v1alpha1.ConditionReady, "True Succeeded")
	}
	l.wantConditions(hub, v1alpha1.ConditionReady, "False LANNotReady")
	before := l.ids()
	l.engine.Intercept(nil)
	l.wantReady()
	l.wantUntouched(before)
}

// A decky that was released while a pass ran over it, or changed by somebody
// faster, is no mistake: the pass is repeated quietly.
func TestFasterWriterIsNoMistake(t *testing.T) {
	t.Parallel()
	l := newAcme(t)
	web := at(decky("web", "dmz"))
	l.hand.Kill("lab_acme_web_ssh")
	l.relist()
	l.engine.Intercept(func(_ context.Context, operation enginefake.Operation, _ string) error {
		if operation == enginefake.OpStartContainer {
			edit(l, web, annotate[*v1alpha1.Decky]("note", "changed meanwhile"))
		}
		return nil
	})
	result, err := l.pass(web)
	if err != nil || result.RequeueAfter <= 0 {
		t.Errorf("result %v, %v", result, err)
	}
	l.engine.Intercept(nil)
	l.wantReady()
}
