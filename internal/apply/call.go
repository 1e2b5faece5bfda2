// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"context"
	"errors"
	"fmt"

	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/model"
	"github.com/deckyard/deckyard/internal/plan"
)

// ErrNotOwned says that an object which was to be changed is not its owner's
// any more, or never was. Nothing was done to it.
var ErrNotOwned = errors.New("not the owner's")

// call makes the engine call of an action. It returns the id of what it created.
func (e *Executor) call(ctx context.Context, step step) (created string, err error) {
	switch action := step.action.(type) {
	case *plan.CreateNetwork:
		return e.engine.CreateNetwork(ctx, action.Spec)
	case *plan.CreateContainer:
		return e.engine.CreateContainer(ctx, action.Spec, step.namespaceOf)
	case *plan.RemoveNetwork:
		return "", e.removeNetwork(ctx, action)
	case *plan.Connect:
		return "", e.engine.Connect(ctx, step.containerID, action.Endpoint)
	case *plan.StartContainer:
		return "", e.engine.StartContainer(ctx, step.containerID)
	case *plan.Disconnect:
		return "", e.ifOwned(ctx, step.containerID, action.Owner, func() error {
			return e.engine.Disconnect(ctx, step.containerID, action.Network.ID)
		})
	case *plan.RestartContainer:
		return "", e.ifOwned(ctx, step.containerID, action.Owner, func() error {
			return e.engine.RestartContainer(ctx, step.containerID, stopGrace)
		})
	case *plan.RemoveContainer:
		return "", e.ifOwned(ctx, step.containerID, action.Owner, func() error {
			return e.engine.RemoveContainer(ctx, step.containerID)
		})
	case *plan.RenameContainer:
		return "", e.ifOwned(ctx, step.containerID, action.Owner, func() error {
			return e.engine.RenameContainer(ctx, step.containerID, action.Container.Name)
		})
	case *plan.ResetRestartPolicy:
		return "", e.ifOwned(ctx, step.containerID, action.Owner, func() error {
			return e.engine.ResetRestartPolicy(ctx, step.containerID)
		})
	case *plan.SetSysctl:
		return "", e.inside(ctx, step.containerID, func(base model.Container) error {
			return e.host.SetSysctl(ctx, base, action.Name, action.Value)
		})
	case *plan.SetRoute:
		return "", e.inside(ctx, step.containerID, func(base model.Container) error {
			return e.host.SetRoute(ctx, base, action.Route)
		})
	case *plan.RemoveRoute:
		return "", e.inside(ctx, step.containerID, func(base model.Container) error {
			return e.host.RemoveRoute(ctx, base, action.Route)
		})
	case *plan.SetFilter:
		return "", e.host.SetFilter(ctx, action.Spec)
	case *plan.RemoveFilter:
		// The rules say whose they are, and no others are removed.
		return "", e.host.RemoveFilter(ctx, action.Owner, action.Bridge)
	}
	return "", fmt.Errorf("unknown action %T: %w", step.action, engine.ErrInvalid)
}

// ifOwned runs something on a container that is proven to be the owner's. A
// missing one is success: what was to go is gone, and what was to stay is found
// missing by the next pass.
func (e *Executor) ifOwned(ctx context.Context, id string, owner model.Owner, change func() error) error {
	container, err := e.engine.Container(ctx, id)
	switch {
	case errors.Is(err, engine.ErrNotFound):
		return nil
	case err != nil:
		return fmt.Errorf("prove ownership: %w", err)
	case !owner.Owns(container.Identity):
		return ErrNotOwned
	}
	return change()
}

func (e *Executor) removeNetwork(ctx context.Context, action *plan.RemoveNetwork) error {
	network, err := e.engine.Network(ctx, action.Network.ID)
	switch {
	case errors.Is(err, engine.ErrNotFound):
		return nil
	case err != nil:
		return fmt.Errorf("prove ownership: %w", err)
	case !action.Owner.Owns(network.Identity):
		return ErrNotOwned
	}
	return e.engine.RemoveNetwork(ctx, action.Network.ID)
}

// inside changes something in the namespace of a base. It looks up the process as
// it is now: the id of one that has ended may be another program's.
func (e *Executor) inside(ctx context.Context, id string, change func(base model.Container) error) error {
	base, err := e.engine.Container(ctx, id)
	if err != nil {
		return err
	}
	return change(base)
}
