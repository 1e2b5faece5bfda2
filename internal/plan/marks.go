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
func (o *ownedContainers) adoptRenamed(desired model.DeckySpec) {
	if o.base == nil {
		o.base = o.adopt(desired.Base, desired)
	}
	for _, spec := range desired.Services {
		if o.services[spec.Identity.Service] != nil {
			continue
		}
		if adopted := o.adopt(spec, desired); adopted != nil {
			o.services[spec.Identity.Service] = adopted
		}
	}
}

// adopt takes from the extra containers one of the right role under another name;
// nil if there is none. It is renamed, which it does not notice. One that has the
// name of another part of the decky, or whose name such a one has, is left: it
// would be in the way.
func (o *ownedContainers) adopt(spec model.ContainerSpec, desired model.DeckySpec) *model.Container {
	isTaken := slices.ContainsFunc(o.extra, func(container model.Container) bool { return container.Name == spec.Name })
	index := slices.IndexFunc(o.extra, func(container model.Container) bool {
		return container.Identity.Role == spec.Identity.Role && container.Identity.Service == spec.Identity.Service &&
			isRenamable(container) && !isNameOfPart(desired, container.Name)
	})
	if isTaken || index < 0 {
		return nil
	}
	adopted := o.extra[index]
	o.extra = slices.Delete(o.extra, index, index+1)
	return &adopted
}

// isNameOfPart reports whether the base or a service is to have a name.
func isNameOfPart(desired model.DeckySpec, name string) bool {
	return name == desired.Base.Name ||
		slices.ContainsFunc(desired.Services, func(spec model.ContainerSpec) bool { return spec.Name == name })
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
