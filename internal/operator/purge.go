// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package operator

import (
	"context"
	"fmt"

	"github.com/deckyard/deckyard/internal/apply"
	"github.com/deckyard/deckyard/internal/engine/docker"
	"github.com/deckyard/deckyard/internal/engine/host"
	"github.com/deckyard/deckyard/internal/model"
	"github.com/deckyard/deckyard/internal/plan"
)

// Purge removes every container and network that carries the label of an
// instance, and its filter rules, for a control plane that is lost. It returns
// what it removed, also beside an error, and touches nothing of another instance.
func Purge(ctx context.Context, dockerHost, instance string) (removed []string, err error) {
	dockerEngine, err := docker.New(dockerHost)
	if err != nil {
		return nil, err
	}
	defer func() { _ = dockerEngine.Close() }()
	networks, err := dockerEngine.Networks(ctx)
	if err != nil {
		return nil, err
	}
	containers, err := dockerEngine.Containers(ctx)
	if err != nil {
		return nil, err
	}
	engineHost := host.New()
	// Whoever may use the engine may not always use the firewall: what can go, goes.
	filters, unknown := engineHost.Filters(ctx)
	planned := plan.Instance(model.Observed{Networks: networks, Containers: containers, Filters: filters}, instance)
	executor := apply.New(dockerEngine, engineHost, apply.Options{})
	report := executor.Apply(ctx, planned)
	for _, action := range report.Done {
		kind, name := action.Target()
		removed = append(removed, fmt.Sprintf("%s %s", kind, name))
	}
	switch {
	case report.Err != nil:
		return removed, fmt.Errorf("purge instance %s: %w", instance, report.Err)
	case planned.Blocked != nil:
		return removed, fmt.Errorf("purge instance %s: %s; run the command again", instance, planned.Blocked.Message)
	case unknown != nil:
		return removed, fmt.Errorf("purge instance %s: filter rules may be left: %w; run the command again as root", instance, unknown)
	}
	return removed, nil
}
