// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"fmt"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/model"
)

var (
	_ manager.Runnable               = (*Observer)(nil)
	_ manager.LeaderElectionRunnable = (*Observer)(nil)
)

// An Observer knows what is on one engine, as long as Start runs. All its
// methods may be called at any time by anyone.
type Observer struct {
	reader  engine.Reader
	events  engine.Events
	options Options
	metrics metrics

	picture *picture
	alarm   *alarm
	marks   *marks
	health  *health

	// listing is held by whoever lists.
	listing chan struct{}
	// relistWanted holds a value while a list is due at once.
	relistWanted chan struct{}
	// firewallChanged holds a value while filter rules are to be looked at.
	firewallChanged chan struct{}
	// relisted holds the last list until the subscribers got it.
	relisted chan model.Observed

	mu          sync.Mutex
	subscribers []func(context.Context, model.Observed)
	// scrutiny is that of the next list: of all, when events may have been lost.
	scrutiny scrutiny
	// routesUnknown says that the last attempt to read the routes failed.
	routesUnknown bool
}

// New returns an observer of the engine behind the ports. It is idle until Start.
func New(reader engine.Reader, events engine.Events, options Options) *Observer {
	options = options.withDefaults()
	o := &Observer{
		reader:          reader,
		events:          events,
		options:         options,
		picture:         newPicture(),
		alarm:           newAlarm(),
		marks:           newMarks(),
		health:          newHealth(options.Clock, options.StaleAfter),
		listing:         make(chan struct{}, 1),
		relistWanted:    make(chan struct{}, 1),
		relisted:        make(chan model.Observed, 1),
		firewallChanged: make(chan struct{}, 1),
		scrutiny:        scrutinyOfAll,
	}
	o.metrics = newMetrics(o.health)
	if options.Registerer != nil {
		options.Registerer.MustRegister(o.metrics.collectors()...)
	}
	return o
}

// Start observes until the context ends. Trouble with the engine does not end it.
func (o *Observer) Start(ctx context.Context) error {
	var running sync.WaitGroup
	for _, run := range []func(context.Context){
		o.followEvents, o.lookAtMarked, o.relistRegularly, o.announceLists, o.followFirewall, o.lookAtFirewall,
	} {
		running.Go(func() { run(ctx) })
	}
	running.Wait()
	return nil
}

// NeedLeaderElection reports false: every node's operator observes its own engine.
func (o *Observer) NeedLeaderElection() bool { return false }

// View returns a snapshot with those containers alone that are of concern, and all
// networks. It costs nothing for what is not of concern. Without a concern for the
// host's routes they are those of the last list.
func (o *Observer) View(ctx context.Context, concern model.Concern) (model.Observed, error) {
	if err := o.health.wait(ctx); err != nil {
		return model.Observed{}, err
	}
	observed := o.picture.concerning(concern)
	if concern.Routes {
		observed.Routes = o.routes(ctx)
	}
	return observed, nil
}

// Snapshot returns what is on the engine, as of the last list and everything
// seen since, and the host's routes of this moment: nothing tells of a new one,
// and a network laid over it would cut it off. It waits for the first attempt to list, as long as the context
// allows. The error is an engine.ErrUnavailable if the engine cannot be asked, or
// the last list is too old. The result is shared and must not be changed.
func (o *Observer) Snapshot(ctx context.Context) (model.Observed, error) {
	if err := o.health.wait(ctx); err != nil {
		return model.Observed{}, err
	}
	observed := o.picture.observed()
	observed.Routes = o.routes(ctx)
	return observed, nil
}

// Refresh looks at objects now, so that the next snapshot shows them as they
// are. Callers name what they have just changed. An object that does not exist is
// not an error.
func (o *Observer) Refresh(ctx context.Context, containerIDs, networkIDs []string) error {
	if err := o.inspect(ctx, containerIDs, networkIDs); err != nil {
		o.marks.addAll(containerIDs, networkIDs, o.picture.lastSeq())
		return fmt.Errorf("refresh what was changed: %w", err)
	}
	return nil
}

// Relist lists everything and inspects every container of ours now. Of several
// calls at the same time one asks the engine for all.
func (o *Observer) Relist(ctx context.Context) error {
	return o.relist(ctx, scrutinyOfAll)
}

// Source returns a source that adds the owners of changed objects to the queue
// of the controller of a kind.
func (o *Observer) Source(kind model.OwnerKind) source.TypedSource[reconcile.Request] {
	return source.TypedFunc[reconcile.Request](func(ctx context.Context, to queue) error {
		o.alarm.attach(ctx, kind, to)
		return nil
	})
}

// Track makes the observer wake an object when the engine becomes unreachable or
// reachable again, until Forget. A pass calls it before it takes its snapshot.
func (o *Observer) Track(kind model.OwnerKind, name types.NamespacedName) {
	o.alarm.track(key{kind: kind, name: name})
}

// WakeOnForeign makes the observer wake an object, which is blocked on something
// that is not its own, when foreign objects, images, routes or filter rules change, or what
// other objects occupy, until Unblock or Forget.
func (o *Observer) WakeOnForeign(kind model.OwnerKind, name types.NamespacedName) {
	o.alarm.block(key{kind: kind, name: name})
}

// WakeBlocked wakes the objects that are blocked, because of something that the
// engine does not tell of, such as the end of a pull that failed.
func (o *Observer) WakeBlocked() { o.alarm.wakeBlocked() }

// WakeTracked wakes every object, because of something that concerns all of them.
func (o *Observer) WakeTracked() { o.alarm.wakeTracked() }

// Unblock ends what WakeOnForeign began.
func (o *Observer) Unblock(kind model.OwnerKind, name types.NamespacedName) {
	o.alarm.unblock(key{kind: kind, name: name})
}

// Forget ends what Track and WakeOnForeign began.
func (o *Observer) Forget(kind model.OwnerKind, name types.NamespacedName) {
	o.alarm.forget(key{kind: kind, name: name})
}

// Healthy returns why there is no recent list, or nil.
func (o *Observer) Healthy() error { return o.health.recent() }

// OnRelist calls a function with what was seen after every list, one at a time;
// lists that are made meanwhile are skipped, apart from the last. The context is
// that of Start.
func (o *Observer) OnRelist(call func(context.Context, model.Observed)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.subscribers = append(o.subscribers, call)
}

// announceLists hands the lists to the subscribers.
func (o *Observer) announceLists(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case observed := <-o.relisted:
			o.mu.Lock()
			subscribers := o.subscribers
			o.mu.Unlock()
			for _, call := range subscribers {
				call(ctx, observed)
			}
		}
	}
}

// wake wakes everybody whom changes concern.
func (o *Observer) wake(changed changes) {
	if changed.none() {
		return
	}
	atOnce, later := affected(changed, o.picture.networkIdentity)
	o.alarm.wake(atOnce)
	o.alarm.wakeLater(later)
	if mayUnblock(changed) {
		o.alarm.wakeBlocked()
	}
}

// wakeAll wakes every object that is known in any way.
func (o *Observer) wakeAll() {
	o.alarm.wake(o.picture.owners())
	o.alarm.wakeTracked()
}
