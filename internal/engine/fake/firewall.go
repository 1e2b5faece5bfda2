// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/model"
)

// longestBridgeName is what the kernel takes as an interface's name, in bytes.
const longestBridgeName = 15

// firewall is the filter rules of a host. It needs the engine's lock.
type firewall struct {
	filters map[filterKey]model.Filter
	// fault, when set, is why nothing can be read or changed.
	fault    error
	watchers map[chan struct{}]struct{}
}

type filterKey struct {
	owner  model.Owner
	bridge string
}

func newFirewall() firewall {
	return firewall{filters: map[filterKey]model.Filter{}, watchers: map[chan struct{}]struct{}{}}
}

// keyOf returns where the rules of an owner's bridge are. They do not name the topology.
func keyOf(owner model.Owner, bridge string) filterKey {
	owner.Topology = ""
	return filterKey{owner: owner, bridge: bridge}
}

func nameOfLAN(owner model.Owner) string { return owner.Namespace + "/" + owner.Name }

// Filters implements engine.Firewall.
func (e *Engine) Filters(ctx context.Context) ([]model.Filter, error) {
	var filters []model.Filter
	err := e.call(ctx, OpFilters, "", func() error {
		filters = slices.SortedFunc(maps.Values(e.firewall.filters), model.Filter.Compare)
		return e.firewall.fault
	})
	if err != nil {
		return nil, err
	}
	return filters, nil
}

// SetFilter implements engine.Firewall.
func (e *Engine) SetFilter(ctx context.Context, spec model.FilterSpec) error {
	return e.call(ctx, OpSetFilter, nameOfLAN(spec.Owner), func() error {
		if spec.Bridge == "" || len(spec.Bridge) > longestBridgeName {
			return fmt.Errorf("bridge name: %w", engine.ErrInvalid)
		}
		if e.firewall.fault != nil {
			return e.firewall.fault
		}
		key := keyOf(spec.Owner, spec.Bridge)
		e.firewall.filters[key] = model.Filter{Owner: key.owner, Bridge: key.bridge, Intact: true, Policy: spec.Policy}
		e.firewall.announce()
		return nil
	})
}

// RemoveFilter implements engine.Firewall.
func (e *Engine) RemoveFilter(ctx context.Context, owner model.Owner, bridge string) error {
	return e.call(ctx, OpRemoveFilter, nameOfLAN(owner), func() error {
		if e.firewall.fault != nil {
			return e.firewall.fault
		}
		delete(e.firewall.filters, keyOf(owner, bridge))
		e.firewall.announce()
		return nil
	})
}

// WatchFilters implements engine.Firewall.
func (e *Engine) WatchFilters(ctx context.Context, changed func()) error {
	watcher := make(chan struct{}, 1)
	err := e.call(ctx, OpWatchFilters, "", func() error {
		e.firewall.watchers[watcher] = struct{}{}
		return nil
	})
	if err != nil {
		return err
	}
	defer func() {
		e.mutex.Lock()
		defer e.mutex.Unlock()
		delete(e.firewall.watchers, watcher)
	}()
	changed()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-watcher:
			changed()
		}
	}
}

func (f *firewall) flush(instance string) {
	maps.DeleteFunc(f.filters, func(key filterKey, _ model.Filter) bool { return key.owner.Instance == instance })
	f.announce()
}

func (f *firewall) damage(bridge string) error {
	for key, filter := range f.filters {
		if key.bridge == bridge {
			filter.Intact, filter.Policy = false, model.FilterPolicy{RoutedFrames: filter.Policy.RoutedFrames}
			f.filters[key] = filter
			f.announce()
			return nil
		}
	}
	return fmt.Errorf("no filter rules of bridge %q", bridge)
}

// announce tells the watchers, who learn of several changes at once.
func (f *firewall) announce() {
	for watcher := range f.watchers {
		select {
		case watcher <- struct{}{}:
		default:
		}
	}
}
