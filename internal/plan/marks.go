// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"slices"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/model"
)

// adoptRenamed finds what is missing among the extra containers.
func (o *ownedContainers) adoptRenamed(desired model.DeckySpec, observed model.Observed) {
	if o.base == nil {
		o.base = o.adopt(desired.Base, desired.Owner, observed)
	}
	for _, spec := range desired.Services {
		if o.services[spec.Identity.Service] != nil {
			continue
		}
		if adopted := o.adopt(spec, desired.Owner, observed); adopted != nil {
			o.services[spec.Identity.Service] = adopted
		}
	}
}

// adopt takes from the extra containers one of the right role under another name,
// unless the right one is another's of the same decky; nil if there is none. It is
// renamed, which it does not notice.
func (o *ownedContainers) adopt(spec model.ContainerSpec, owner model.Owner, observed model.Observed) *model.Container {
	isTaken := slices.ContainsFunc(observed.Containers, func(container model.Container) bool {
		return container.Name == spec.Name && owner.Owns(container.Identity)
	})
	index := slices.IndexFunc(o.extra, func(container model.Container) bool {
		return container.Identity.Role == spec.Identity.Role && container.Identity.Service == spec.Identity.Service && isRenamable(container)
	})
	if isTaken || index < 0 {
		return nil
	}
	adopted := o.extra[index]
	o.extra = slices.Delete(o.extra, index, index+1)
	return &adopted
}

// isRenamable leaves out what is no good under any name.
func isRenamable(container model.Container) bool {
	return container.State != model.StateRemoving && container.State != model.StateDead
}

// assessMarks judges what somebody can change of a container that is kept without
// touching what runs in it: its name and its restart policy.
func (a *assessment) assessMarks(s *ContainerState, name string) {
	if s.Container == nil || s.repair == repairReplace || !isRenamable(*s.Container) {
		return
	}
	s.misnamed = s.Container.Name != name
	// The policy is known only from an inspection.
	s.unguarded = s.Container.RestartPolicy != "" && s.Container.RestartPolicy != model.RestartPolicy
	if block := a.containerNamesake(name); s.misnamed && block != nil {
		// Running under another name is worth more than not running.
		s.misnamed = false
		s.Reason, s.Message = block.Reason, block.Message
		a.state.obstruct(name, block)
	}
	switch {
	case s.Reason != "":
	case s.misnamed:
		s.Reason, s.Message = v1alpha1.ReasonContainerRenamed, fmt.Sprintf("container %q was renamed to %q", name, s.Container.Name)
	case s.unguarded:
		s.Reason, s.Message = v1alpha1.ReasonRestartPolicyDrifted, fmt.Sprintf("container %q has the restart policy %q", name, s.Container.RestartPolicy)
	}
}

// planMarks gives the containers that are kept their names and restart policies back.
func (d *deckyPlan) planMarks() {
	d.restoreMarks(d.state.Base, d.desired.Base.Name)
	for _, service := range d.state.Services {
		d.restoreMarks(service.ContainerState, service.spec.Name)
	}
}

func (d *deckyPlan) restoreMarks(state ContainerState, name string) {
	if state.misnamed {
		renamed := d.add(&RenameContainer{Owner: d.desired.Owner, Container: Ref{ID: state.Container.ID, Name: name}},
			why{v1alpha1.ReasonContainerRenamed, wantText("is", state.Container.Name, name)})
		d.vacate(renamed, state.Container.Name)
	}
	if state.unguarded {
		d.add(&ResetRestartPolicy{Owner: d.desired.Owner, Container: Ref{ID: state.Container.ID, Name: name}},
			why{v1alpha1.ReasonRestartPolicyDrifted, wantText("is", state.Container.RestartPolicy, model.RestartPolicy)})
	}
}
