// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"errors"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/model"
)

// What a person can do about a firewall that cannot be read. The texts reach
// conditions, so they do not change from one moment to the next.
const (
	firewallDenied = "the operator may not read or set the host's firewall: run it as root, " +
		"with the capability NET_ADMIN, in the host's network namespace"
	firewallUnsupported = "the host's kernel has no nf_tables: load the module nf_tables, or use a kernel that has it"
)

// A filterLook is what one read of the host's filter rules gave.
type filterLook struct {
	seq     uint64
	filters []model.Filter
	// fault says for a person why they cannot be read; empty if they can.
	fault string
}

// RefreshFilters looks at the host's filter rules now, so that the next snapshot
// shows them as they are. That they cannot be read is what the snapshot shows then.
func (o *Observer) RefreshFilters(ctx context.Context) error {
	seen := o.lookAtFilters(ctx)
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("refresh filter rules: %w", err)
	}
	o.wake(o.picture.mergeFilters(seen))
	return nil
}

func (o *Observer) lookAtFilters(ctx context.Context) filterLook {
	seen := filterLook{seq: o.picture.nextSeq()}
	if o.options.Firewall == nil {
		return seen
	}
	var err error
	seen.filters, err = timed(ctx, o, o.options.Firewall.Filters)
	switch {
	case err == nil:
	case errors.Is(err, engine.ErrDenied):
		seen.fault = firewallDenied
	case errors.Is(err, engine.ErrUnsupported):
		seen.fault = firewallUnsupported
	default:
		seen.fault = err.Error()
	}
	return seen
}

// followFirewall learns of changes of filter rules, as long as the host tells.
// When it does not, they are found by the next list.
func (o *Observer) followFirewall(ctx context.Context) {
	if o.options.Firewall == nil {
		return
	}
	retry := newBackoff()
	for {
		err := o.options.Firewall.WatchFilters(ctx, o.noteFirewall)
		if ctx.Err() != nil {
			return
		}
		log.FromContext(ctx).V(1).Info("Watch of the firewall ended", "cause", errorText(err))
		if !o.pause(ctx, retry.Step(), nil) {
			return
		}
	}
}

// noteFirewall asks for a look at the filter rules.
func (o *Observer) noteFirewall() {
	select {
	case o.firewallChanged <- struct{}{}:
	default:
	}
}

// lookAtFirewall looks after changes, once for those that come together.
func (o *Observer) lookAtFirewall(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-o.firewallChanged:
		}
		if !o.pause(ctx, o.options.BatchWindow, nil) {
			return
		}
		// The error is that of the context.
		_ = o.RefreshFilters(ctx)
	}
}

// mergeFilters merges a look, unless a newer one is known, and returns what changed.
func (p *picture) mergeFilters(seen filterLook) changes {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.putFilters(seen)
}

// putFilters needs the lock.
func (p *picture) putFilters(seen filterLook) changes {
	before := p.firewall
	if seen.seq <= before.seq {
		return changes{}
	}
	p.firewall = seen
	changed := changes{firewall: before.fault != seen.fault}
	changed.filters = append(differing(before.filters, seen.filters), differing(seen.filters, before.filters)...)
	return changed
}

// differing returns those filters that others lack.
func differing(filters, others []model.Filter) []model.Filter {
	present := make(map[model.Filter]struct{}, len(others))
	for _, other := range others {
		present[other] = struct{}{}
	}
	var differ []model.Filter
	for _, filter := range filters {
		if _, found := present[filter]; !found {
			differ = append(differ, filter)
		}
	}
	return differ
}
