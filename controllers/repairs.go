// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"reflect"
	"sync"
	"time"
	"weak"

	"golang.org/x/time/rate"
	"k8s.io/apimachinery/pkg/types"

	"github.com/deckyard/deckyard/internal/model"
	"github.com/deckyard/deckyard/internal/pass"
	"github.com/deckyard/deckyard/internal/plan"
)

// The limit on the repairs of one object. Somebody who tries things out, once a
// second and for as long as they like, does not meet it; a script that undoes each
// repair does within seconds, as does a container that exits whenever it is
// started.
const (
	// repairBurst are the tokens that an object begins with, and can save up.
	repairBurst = 30
	// repairRate is how many tokens a second come back.
	repairRate = 1
	// rewiringCost is what a repair takes that changes a namespace, a network or
	// filter rules alone.
	rewiringCost = 1
	// containerCost is what a repair takes that creates, starts or ends containers.
	containerCost = 2
	// firstPause and longestPause bound what passes from one repair to the next of an
	// object that is out of tokens: each pause is twice the one before.
	firstPause, longestPause = time.Second, 5 * time.Minute
	// forgiveness is how long no repair was needed when all is forgotten.
	forgiveness = 10 * time.Minute
)

// aim is what a plan is to achieve.
type aim struct {
	kind model.OwnerKind
	key  types.NamespacedName
	// desired is the state that the plan leads to; nil for the end of the object,
	// which is never put off.
	desired any
}

// repairs spaces the repairs of an object that are undone again and again. What it
// remembers decides only when a plan is carried out, never which, and may be lost.
// The zero value remembers nothing.
type repairs struct {
	mutex   sync.Mutex
	objects map[objectKey]*repairHistory
	// found are the objects whose drift was counted and is not repaired yet.
	found map[objectKey]bool
}

type objectKey struct {
	kind model.OwnerKind
	name types.NamespacedName
}

// repairHistory is what was done lately to reach one desired state of an object.
type repairHistory struct {
	desired any
	tokens  *rate.Limiter
	// pause is what follows the last repair; 0 while there are tokens.
	pause time.Duration
	last  time.Time
	count int
	// pass is the one that made the last repair. What follows in it belongs to it and
	// does not wait, but costs as much: that may be undone as fast. Weak, since a pass
	// holds its whole object.
	pass weak.Pointer[pass.Pass]
}

// respite is what an object has to wait for its next repair.
type respite struct {
	// left is 0 if the repair may be made now.
	left time.Duration
	// pause is the time from repair to repair, count how many there were.
	pause time.Duration
	count int
}

// message says it for a person, in words that stay the same until the next repair.
func (r respite) message(repair string) string {
	return fmt.Sprintf("Undone on the engine %d times by now, so the next repair follows %s after the last: %s", r.count, r.pause, repair)
}

// respite returns what a plan has to wait. Work towards another state than before
// never waits: only what was there already can have been undone.
func (r *repairs) respite(aim aim, opened *pass.Pass, now time.Time) respite {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	history := r.objects[objectKey{aim.kind, aim.key}]
	if history == nil || history.pass == weak.Make(opened) || history.isOver(aim, now) {
		return respite{}
	}
	return respite{left: max(0, history.last.Add(history.pause).Sub(now)), pause: history.pause, count: history.count}
}

// isOver reports whether a history says nothing about a repair of now.
func (h *repairHistory) isOver(aim aim, now time.Time) bool {
	return now.Sub(h.last) >= forgiveness || !reflect.DeepEqual(h.desired, aim.desired)
}

// record notes that a plan was carried out.
func (r *repairs) record(aim aim, opened *pass.Pass, planned plan.Plan, now time.Time) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	key := objectKey{aim.kind, aim.key}
	delete(r.found, key)
	if aim.desired == nil {
		return
	}
	history := r.objects[key]
	if history == nil || history.isOver(aim, now) {
		history = &repairHistory{desired: aim.desired, tokens: rate.NewLimiter(repairRate, repairBurst)}
		if r.objects == nil {
			r.objects = map[objectKey]*repairHistory{}
		}
		r.objects[key] = history
	}
	history.pass, history.last = weak.Make(opened), now
	history.count++
	switch {
	case history.pause > 0:
		history.pause = min(2*history.pause, longestPause)
	case !history.tokens.AllowN(now, repairCost(planned)):
		history.pause = firstPause
	}
}

// isNews reports whether a drift was not found before, since the last repair.
func (r *repairs) isNews(aim aim) bool {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	key := objectKey{aim.kind, aim.key}
	if r.found[key] {
		return false
	}
	if r.found == nil {
		r.found = map[objectKey]bool{}
	}
	r.found[key] = true
	return true
}

// forget drops what is known of an object that is gone.
func (r *repairs) forget(kind model.OwnerKind, key types.NamespacedName) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	delete(r.objects, objectKey{kind, key})
	delete(r.found, objectKey{kind, key})
}

// repairCost is what a plan takes of an object's tokens.
func repairCost(planned plan.Plan) int {
	for _, action := range planned.Actions {
		if kind, _ := action.Target(); kind == plan.TargetContainer {
			return containerCost
		}
	}
	return rewiringCost
}
