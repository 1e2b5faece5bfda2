// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"

	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/model"
)

// Inspections in flight at the same time.
const inFlight = 4

// Up to this fraction of the interval between lists is added at random.
const relistJitter = 1.0 / 3

// relistRegularly lists when asked, and otherwise from time to time.
func (o *Observer) relistRegularly(ctx context.Context) {
	retry := newBackoff()
	delay := o.options.RelistInterval
	for {
		if !o.pause(ctx, delay, o.relistWanted) {
			return
		}
		if err := o.relist(ctx, o.takeScrutiny()); err != nil {
			o.raiseScrutiny()
			delay = retry.Step()
			continue
		}
		retry = newBackoff()
		delay = wait.Jitter(o.options.RelistInterval, relistJitter)
	}
}

// wantRelist asks for a list at once, after which every container of ours is
// inspected, because events may have been lost.
func (o *Observer) wantRelist() {
	o.raiseScrutiny()
	select {
	case o.relistWanted <- struct{}{}:
	default:
	}
}

func (o *Observer) raiseScrutiny() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.scrutiny = scrutinyOfAll
}

func (o *Observer) takeScrutiny() scrutiny {
	o.mu.Lock()
	defer o.mu.Unlock()
	how := o.scrutiny
	o.scrutiny = scrutinyOfDoubts
	return how
}

// relist lists everything, merges it and wakes whom it concerns. Only one list
// is made at a time.
func (o *Observer) relist(ctx context.Context, how scrutiny) error {
	asked := o.picture.lastSeq()
	select {
	case o.listing <- struct{}{}:
		defer func() { <-o.listing }()
	case <-ctx.Done():
		return fmt.Errorf("wait to list: %w", ctx.Err())
	}
	if o.picture.listedSince(asked) {
		return nil
	}
	list, err := o.list(ctx, how)
	if err != nil {
		if ctx.Err() == nil {
			o.lost(ctx, err)
		}
		return err
	}
	changed := o.picture.mergeList(list)
	o.metrics.relists.WithLabelValues(resultOK).Inc()
	if o.health.succeeded(list.takenAt) {
		log.FromContext(ctx).Info("Engine is reachable again")
		o.wakeAll()
	}
	o.wake(changed)
	o.announce(o.picture.observed())
	return nil
}

// lost notes that the engine could not be asked.
func (o *Observer) lost(ctx context.Context, cause error) {
	o.metrics.relists.WithLabelValues(resultFailed).Inc()
	if o.health.failed(cause) {
		log.FromContext(ctx).Info("Engine is unreachable", "cause", cause.Error())
		o.wakeAll()
	}
}

// announce leaves a list for the subscribers, in place of one that they have
// not taken yet.
func (o *Observer) announce(observed model.Observed) {
	select {
	case <-o.relisted:
	default:
	}
	select {
	case o.relisted <- observed:
	default:
	}
}

// list asks the engine for everything, and about those containers of ours of
// which the list does not tell enough.
func (o *Observer) list(ctx context.Context, how scrutiny) (listing, error) {
	list := listing{seq: o.picture.nextSeq(), takenAt: o.options.Clock.Now(), scrutiny: how}
	var err error
	if list.networks, err = timed(ctx, o, o.reader.Networks); err != nil {
		return listing{}, err
	}
	if list.containers, err = timed(ctx, o, o.reader.Containers); err != nil {
		return listing{}, err
	}
	for i, container := range list.containers {
		list.containers[i] = withoutForeignDetail(container)
	}
	list.routes = o.routes(ctx)
	list.firewall = o.lookAtFilters(ctx)
	list.inspected, err = o.inspectListed(ctx, list)
	return list, err
}

// routes returns the routes of the host, or the last known ones.
func (o *Observer) routes(ctx context.Context) []netip.Prefix {
	if o.options.Host == nil {
		return nil
	}
	routes, err := timed(ctx, o, o.options.Host.Routes)
	o.mu.Lock()
	wasUnknown := o.routesUnknown
	o.routesUnknown = err != nil
	o.mu.Unlock()
	if err == nil {
		return routes
	}
	if !wasUnknown {
		log.FromContext(ctx).Error(err, "Reading the host's routes")
	}
	return o.picture.lastRoutes()
}

// inspectListed inspects the doubtful ones of the listed containers. One that
// the engine lists but cannot inspect, as it happens with damaged ones, is
// taken as listed: leaving it out would make it look removed.
func (o *Observer) inspectListed(ctx context.Context, list listing) (map[string]look[model.Container], error) {
	listed := make(map[string]model.Container, len(list.containers))
	for _, container := range list.containers {
		listed[container.ID] = container
	}
	doubtful, due := o.picture.doubtful(list.containers, list.scrutiny)
	inspected := make(map[string]look[model.Container], len(doubtful)+len(due))
	for _, batch := range []struct {
		ids      []string
		inFlight int
	}{
		{doubtful, inFlight},
		// Nothing waits for these, and there may be hundreds: others go first.
		{due, 1},
	} {
		looks, err := o.inspectAll(ctx, list.seq, batch.ids, batch.inFlight, listed)
		if err != nil {
			return nil, err
		}
		for _, seen := range looks {
			inspected[seen.id] = seen
		}
	}
	return inspected, nil
}

// inspectAll inspects listed containers, so many at a time.
func (o *Observer) inspectAll(ctx context.Context, listSeq uint64, ids []string, inFlight int, listed map[string]model.Container) ([]look[model.Container], error) {
	looks := make([]look[model.Container], len(ids))
	err := inParallel(ids, inFlight, func(i int, id string) error {
		seen, err := o.lookAtContainer(ctx, id)
		if err != nil {
			if isGeneral(err) || ctx.Err() != nil {
				return err
			}
			log.FromContext(ctx).Error(err, "Taking a container as listed", "container", listed[id].Name)
			seen = look[model.Container]{id: id, seq: listSeq, found: true, value: listed[id]}
		}
		looks[i] = seen
		return nil
	})
	return looks, err
}

// isGeneral reports whether an error of an inspection says something about the
// engine rather than about the inspected object.
func isGeneral(err error) bool {
	return errors.Is(err, engine.ErrUnavailable) || errors.Is(err, engine.ErrDenied)
}

// inspect looks at single objects, merges what was seen and wakes whom it concerns.
func (o *Observer) inspect(ctx context.Context, containerIDs, networkIDs []string) error {
	containers := make([]look[model.Container], len(containerIDs))
	networks := make([]look[model.Network], len(networkIDs))
	err := errors.Join(
		inParallel(containerIDs, inFlight, func(i int, id string) (err error) {
			containers[i], err = o.lookAtContainer(ctx, id)
			return err
		}),
		inParallel(networkIDs, inFlight, func(i int, id string) (err error) {
			networks[i], err = o.lookAtNetwork(ctx, id)
			return err
		}),
	)
	o.wake(o.picture.merge(done(containers), done(networks)))
	return err
}

// done returns the looks that succeeded.
func done[T any](looks []look[T]) []look[T] {
	succeeded := make([]look[T], 0, len(looks))
	for _, seen := range looks {
		if seen.seq != 0 {
			succeeded = append(succeeded, seen)
		}
	}
	return succeeded
}

func (o *Observer) lookAtContainer(ctx context.Context, id string) (look[model.Container], error) {
	seen, err := lookAt(ctx, o, id, o.reader.Container)
	seen.value = withoutForeignDetail(seen.value)
	return seen, err
}

func (o *Observer) lookAtNetwork(ctx context.Context, id string) (look[model.Network], error) {
	return lookAt(ctx, o, id, o.reader.Network)
}

// lookAt inspects one object. A missing one is a successful look.
func lookAt[T any](ctx context.Context, o *Observer, id string, inspect func(context.Context, string) (T, error)) (look[T], error) {
	seen := look[T]{id: id, seq: o.picture.nextSeq(), found: true}
	o.metrics.inspections.Inc()
	value, err := timed(ctx, o, func(ctx context.Context) (T, error) { return inspect(ctx, id) })
	switch {
	case errors.Is(err, engine.ErrNotFound):
		seen.found = false
		return seen, nil
	case err != nil:
		return look[T]{}, err
	}
	seen.value = value
	return seen, nil
}

// timed asks the engine one question within the time that one may take.
func timed[T any](ctx context.Context, o *Observer, ask func(context.Context) (T, error)) (T, error) {
	bounded, cancel := context.WithTimeout(ctx, o.options.ReadTimeout)
	defer cancel()
	answer, err := ask(bounded)
	if err != nil && bounded.Err() != nil && ctx.Err() == nil {
		err = fmt.Errorf("%w: no answer in time: %w", engine.ErrUnavailable, err)
	}
	return answer, err
}

// withoutForeignDetail takes from a container that is not ours what only an
// inspection tells, so that listing and inspecting it give the same.
func withoutForeignDetail(container model.Container) model.Container {
	if !container.Identity.IsForeign() {
		return container
	}
	return model.Container{
		ID:          container.ID,
		Name:        container.Name,
		Identity:    container.Identity,
		State:       container.State,
		Image:       container.Image,
		ImageID:     container.ImageID,
		NamespaceOf: container.NamespaceOf,
		Endpoints:   container.Endpoints,
		HostPorts:   container.HostPorts,
	}
}

// inParallel calls a function for each id, so many at a time. It returns the first
// error, after which it begins no further call.
func inParallel(ids []string, inFlight int, call func(i int, id string) error) error {
	var (
		running sync.WaitGroup
		mu      sync.Mutex
		first   error
		next    int
	)
	take := func() (int, bool) {
		mu.Lock()
		defer mu.Unlock()
		i := next
		next++
		return i, i < len(ids) && first == nil
	}
	for range min(inFlight, len(ids)) {
		running.Go(func() {
			for i, ok := take(); ok; i, ok = take() {
				if err := call(i, ids[i]); err != nil {
					mu.Lock()
					if first == nil {
						first = err
					}
					mu.Unlock()
				}
			}
		})
	}
	running.Wait()
	return first
}
