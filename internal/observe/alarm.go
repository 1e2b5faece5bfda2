// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/deckyard/deckyard/internal/model"
)

// A key is an API object that can be woken.
type key struct {
	kind model.OwnerKind
	name types.NamespacedName
}

type queue = workqueue.TypedRateLimitingInterface[reconcile.Request]

// An alarm adds keys to the queues of their controllers. It is safe for
// concurrent use.
type alarm struct {
	mu     sync.Mutex
	queues map[model.OwnerKind]map[queue]struct{}
	// tracked holds the value of rounds when the key was last tracked.
	tracked map[key]uint64
	blocked map[key]struct{}
	// rounds counts how often the blocked keys were woken.
	rounds uint64
}

func newAlarm() *alarm {
	return &alarm{
		queues:  map[model.OwnerKind]map[queue]struct{}{},
		tracked: map[key]uint64{},
		blocked: map[key]struct{}{},
	}
}

// attach lets keys of a kind go to a queue until the context ends.
func (a *alarm) attach(ctx context.Context, kind model.OwnerKind, to queue) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.queues[kind] == nil {
		a.queues[kind] = map[queue]struct{}{}
	}
	a.queues[kind][to] = struct{}{}
	context.AfterFunc(ctx, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.queues[kind], to)
	})
}

func (a *alarm) track(tracked key) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.tracked[tracked] = a.rounds
}

// block adds to the keys that wait for something foreign. One that was tracked
// before the last change was blocked by what may be gone, and is woken at once.
func (a *alarm) block(blocked key) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.blocked[blocked] = struct{}{}
	if round, ok := a.tracked[blocked]; ok && round != a.rounds {
		a.add(blocked)
	}
	a.tracked[blocked] = a.rounds
}

func (a *alarm) unblock(unblocked key) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.blocked, unblocked)
}

func (a *alarm) forget(forgotten key) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.tracked, forgotten)
	delete(a.blocked, forgotten)
}

// wake wakes the keys, each once.
func (a *alarm) wake(keys map[key]struct{}) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for woken := range keys {
		a.add(woken)
	}
}

// countDelay gathers what a LAN only counts: while a network comes up, one decky after
// the other joins it.
const countDelay = 5 * time.Second

// wakeLater wakes the keys, each once for all that happens in a while.
func (a *alarm) wakeLater(keys map[key]struct{}) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for woken := range keys {
		for to := range a.queues[woken.kind] {
			to.AddAfter(reconcile.Request{NamespacedName: woken.name}, countDelay)
		}
	}
}

// wakeBlocked wakes the keys that wait for something foreign.
func (a *alarm) wakeBlocked() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.rounds++
	for woken := range a.blocked {
		a.add(woken)
	}
}

// wakeTracked wakes all tracked keys.
func (a *alarm) wakeTracked() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for woken := range a.tracked {
		a.add(woken)
	}
}

// add needs the lock.
func (a *alarm) add(woken key) {
	for to := range a.queues[woken.kind] {
		to.Add(reconcile.Request{NamespacedName: woken.name})
	}
}
