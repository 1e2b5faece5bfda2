// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/model"
)

// why is an action's reason and detail.
type why struct {
	reason v1alpha1.Reason
	detail string
}

// builder collects a plan. An action is numbered when it is added, so it can
// follow only earlier ones and no cycle can arise.
type builder struct {
	plan Plan
}

// add appends an action that follows others, and returns its id. Zeros among
// the ids stand for actions that were not needed.
func (b *builder) add(action Action, why why, after ...int) int {
	meta := action.Common()
	meta.ID = len(b.plan.Actions) + 1
	meta.Reason, meta.Detail = why.reason, why.detail
	after = slices.Sorted(slices.Values(after))
	meta.After = slices.DeleteFunc(slices.Compact(after), func(id int) bool { return id == 0 })
	b.plan.Actions = append(b.plan.Actions, action)
	return meta.ID
}

// addDestructive is add for an action that loses data or sessions, and what that disrupts.
func (b *builder) addDestructive(action Action, disruption Disruption, why why, after ...int) int {
	action.Common().Destructive = true
	b.plan.Disruption = max(b.plan.Disruption, disruption)
	return b.add(action, why, after...)
}

// removeContainer plans the removal of an owner's container.
func (b *builder) removeContainer(owner model.Owner, container model.Container, why why, after ...int) int {
	disruption := DisruptsServices
	if container.Identity.Role == model.RoleBase {
		disruption = DisruptsBase
	}
	return b.addDestructive(&RemoveContainer{Owner: owner, Container: containerRef(container)}, disruptionOf(container, disruption), why, after...)
}

// disruptionOf returns what is disrupted by a change of a container: nothing if it does not run.
func disruptionOf(container model.Container, disruption Disruption) Disruption {
	if !occupies(container) {
		return DisruptsNothing
	}
	return disruption
}

// block records what is in the way. The first is the plan's, the others are
// findings.
func (b *builder) block(object string, block *Block) {
	switch {
	case block == nil:
	case b.plan.Blocked == nil:
		b.plan.Blocked = block
	default:
		b.find(block.Reason, object, block.Message)
	}
}

func (b *builder) find(reason v1alpha1.Reason, object, message string) {
	b.plan.Findings = append(b.plan.Findings, Finding{Reason: reason, Object: object, Message: message})
}

func containerRef(container model.Container) Ref {
	return Ref{ID: container.ID, Name: container.Name}
}

func networkRef(network model.Network) Ref {
	return Ref{ID: network.ID, Name: network.Name}
}

// inOrder returns an observation sorted as it should be, so that the plan does
// not depend on who made it. The argument stays as it is.
func inOrder(observed model.Observed) model.Observed {
	if !slices.IsSortedFunc(observed.Containers, model.Container.Compare) {
		observed.Containers = slices.SortedFunc(slices.Values(observed.Containers), model.Container.Compare)
	}
	if !slices.IsSortedFunc(observed.Networks, model.Network.Compare) {
		observed.Networks = slices.SortedFunc(slices.Values(observed.Networks), model.Network.Compare)
	}
	if !slices.IsSortedFunc(observed.Filters, model.Filter.Compare) {
		observed.Filters = slices.SortedFunc(slices.Values(observed.Filters), model.Filter.Compare)
	}
	return observed
}
