// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/model"
)

// Assess compares a decky with what was seen of it.
func Assess(desired model.DeckySpec, observed model.Observed) DeckyState {
	observed = inOrder(observed)
	a := assessment{desired: desired, observed: observed, owned: sortContainers(desired, observed)}
	a.state.Extra = a.owned.extra
	a.assessBase()
	for _, spec := range desired.Services {
		a.assessService(spec)
	}
	a.assessEndpoints()
	a.assessSysctls()
	a.assessRoutes()
	for _, container := range a.owned.extra {
		if container.State == model.StateRemoving {
			a.state.obstruct(container.Name, removalBlock(v1alpha1.ReasonContainerExtra, container))
		}
	}
	return a.state
}

// assessment is one comparison in the making.
type assessment struct {
	desired  model.DeckySpec
	observed model.Observed
	owned    ownedContainers
	state    DeckyState
}

// ownedContainers are the containers of a decky.
type ownedContainers struct {
	base     *model.Container
	services map[string]*model.Container
	// extra are services first, then bases.
	extra []model.Container
}

// sortContainers finds the decky's base and services among its containers: the
// right role, and under the right name unless that was changed. All others are extra.
func sortContainers(desired model.DeckySpec, observed model.Observed) ownedContainers {
	owned := ownedContainers{services: map[string]*model.Container{}}
	serviceOf := map[string]string{}
	for _, spec := range desired.Services {
		serviceOf[spec.Name] = spec.Identity.Service
	}
	var extraBases []model.Container
	for i, container := range observed.Containers {
		if !desired.Owner.Owns(container.Identity) {
			continue
		}
		isBase := container.Identity.Role == model.RoleBase
		service, named := serviceOf[container.Name]
		switch {
		case isBase && container.Name == desired.Base.Name:
			owned.base = &observed.Containers[i]
		case isBase:
			extraBases = append(extraBases, container)
		case named && service == container.Identity.Service:
			owned.services[service] = &observed.Containers[i]
		default:
			owned.extra = append(owned.extra, container)
		}
	}
	owned.extra = append(owned.extra, extraBases...)
	owned.adoptRenamed(desired)
	return owned
}

// assessBase judges the base, on which everything else depends.
func (a *assessment) assessBase() {
	a.assessBaseItself()
	a.assessMarks(&a.state.Base, a.desired.Base.Name)
}

func (a *assessment) assessBaseItself() {
	base, want := a.owned.base, a.desired.Base
	state := &a.state.Base
	state.Container = base
	if base == nil {
		state.set(repairCreate, v1alpha1.ReasonContainerMissing, "is absent", "container %q does not exist", want.Name)
		a.holdBase(a.creationObstacle())
		return
	}
	switch {
	case base.State == model.StateRemoving:
		a.awaitRemoval(state)
	case base.State == model.StateDead:
		state.set(repairReplace, v1alpha1.ReasonContainerMissing, "is dead", "container %q is dead", base.Name)
		a.holdBase(a.creationObstacle())
	case a.assessBaseSpec():
	default:
		a.assessBaseRun()
	}
}

// holdBase gives up what the base needs because of an obstacle, if there is one.
func (a *assessment) holdBase(block *Block) {
	if block == nil {
		return
	}
	a.state.Base.hold(block)
	a.state.obstruct(a.desired.Base.Name, block)
}

// assessBaseSpec judges whether the base was created from the desired spec. It
// reports whether the base is to be replaced.
func (a *assessment) assessBaseSpec() (replaced bool) {
	base, want := a.owned.base, a.desired.Base
	fields := creationDifference(want, *base)
	outdated := isOutdated(want, *base)
	// A base that never ran has no session to lose, and may be one that cannot
	// start as it was created.
	mayReplace := a.desired.MayRecreateBase || base.StartedAt.IsZero() && base.State == model.StateCreated

	switch {
	case len(fields) == 0 && !outdated:
		return false
	case len(fields) > 0 && !mayReplace:
		a.state.RecreatePending = fields
		return false
	case len(fields) == 0 && !mayReplace:
		a.findOutdated(*base)
		return false
	}
	if block := a.replacementObstacle(); block != nil {
		// The base that is there is worth more than one that could not start.
		a.state.Base.Reason, a.state.Base.Message = block.Reason, block.Message
		a.state.obstruct(base.Name, block)
		return false
	}
	reason, detail := v1alpha1.ReasonImageOutdated, wantText("image", shortID(base.ImageID), shortID(want.ImageID))
	if len(fields) > 0 {
		reason, detail = v1alpha1.ReasonSpecChanged, fieldsText(fields)
	}
	a.state.Base.set(repairReplace, reason, detail, "container %q has to be recreated: %s", base.Name, detail)
	return true
}

// assessBaseRun judges the run state of a base that is kept.
func (a *assessment) assessBaseRun() {
	base, state := a.owned.base, &a.state.Base
	switch base.State {
	case model.StateRunning:
	case model.StateRestarting:
		a.awaitRestart(state)
	case model.StatePaused:
		state.setStart("is paused")
	default:
		state.setStart(stoppedText(*base))
		a.holdBase(a.baseObstacle())
	}
}

// assessService judges a service, given what happens to the base.
func (a *assessment) assessService(spec model.ContainerSpec) {
	service := ServiceState{Name: spec.Identity.Service, spec: spec}
	service.Container = a.owned.services[service.Name]
	a.assessServiceRun(&service)
	a.holdWithoutName(&service)
	a.holdWithoutImage(&service)
	a.holdWithBase(&service)
	a.assessMarks(&service.ContainerState, spec.Name)
	service.MissingPorts = a.missingPorts(spec)
	a.state.Services = append(a.state.Services, service)
}

func (a *assessment) assessServiceRun(service *ServiceState) {
	container, base := service.Container, a.owned.base
	state, spec := &service.ContainerState, service.spec
	if container == nil {
		state.set(repairCreate, v1alpha1.ReasonContainerMissing, "is absent", "container %q does not exist", spec.Name)
		return
	}
	outdated := isOutdated(spec, *container)
	fields := serviceDifference(spec, *container)
	switch {
	case container.State == model.StateRemoving:
		a.awaitRemoval(state)
	case container.State == model.StateDead:
		state.set(repairReplace, v1alpha1.ReasonContainerExited, "is dead", "container %q is dead", container.Name)
	case a.baseIsNew():
		state.set(repairReplace, v1alpha1.ReasonBaseRecreated, "follows its base",
			"container %q has to be created with the decky's new base", container.Name)
	case base != nil && container.NamespaceOf != base.ID:
		state.set(repairReplace, v1alpha1.ReasonBaseRecreated, "shares the namespace of another container",
			"container %q does not share the network namespace of the decky's base", container.Name)
	case fields != "":
		state.set(repairReplace, v1alpha1.ReasonSpecChanged, fields,
			"container %q has to be recreated: %s", container.Name, fields)
	case outdated && a.desired.MayRecreateBase:
		state.set(repairReplace, v1alpha1.ReasonImageOutdated, wantText("image", shortID(container.ImageID), shortID(spec.ImageID)),
			"container %q runs an older built-in image", container.Name)
	default:
		if outdated {
			a.findOutdated(*container)
		}
		a.assessServiceState(state)
	}
}

// assessServiceState judges the run state of a service that is kept.
func (a *assessment) assessServiceState(state *ContainerState) {
	container := state.Container
	switch container.State {
	case model.StateRunning, model.StatePaused:
		if a.namespaceIsStale(*container) {
			state.set(repairRestart, v1alpha1.ReasonNamespaceStale, "started before its base",
				"container %q was started before its base and has lost the network", container.Name)
			return
		}
		if container.State == model.StatePaused {
			state.setStart("is paused")
		}
	case model.StateRestarting:
		a.awaitRestart(state)
	default:
		state.setStart(stoppedText(*container))
	}
}

// namespaceIsStale reports whether a running service is in a namespace that its
// base has left, or is about to: a start gives the base a new one.
func (a *assessment) namespaceIsStale(service model.Container) bool {
	base := a.owned.base
	if base == nil {
		return false
	}
	return isStopped(*base) || service.StartedAt.Before(base.StartedAt)
}

// isStopped reports whether a container can be started.
func isStopped(container model.Container) bool {
	return container.State == model.StateExited || container.State == model.StateCreated
}

// baseIsNew reports whether the services will get another base.
func (a *assessment) baseIsNew() bool {
	return a.state.Base.repair == repairCreate || a.state.Base.repair == repairReplace
}

// holdWithoutName keeps what there is of a service whose name is another's: it may
// be there under a name that somebody gave it.
func (a *assessment) holdWithoutName(service *ServiceState) {
	if service.repair != repairCreate && service.repair != repairReplace {
		return
	}
	if block := a.containerNamesake(service.spec.Name); block != nil {
		service.hold(block)
		a.state.obstruct(service.spec.Name, block)
	}
}

// holdWithoutImage keeps what there is of a service whose image is missing.
func (a *assessment) holdWithoutImage(service *ServiceState) {
	if service.repair != repairCreate && service.repair != repairReplace {
		return
	}
	if block := imageObstacle(service.spec); block != nil {
		service.hold(block)
		a.state.obstruct(service.spec.Name, block)
	}
}

// holdWithBase gives up what a service needs while the base has to be waited for.
func (a *assessment) holdWithBase(service *ServiceState) {
	if a.state.Base.repair != repairAwait {
		return
	}
	service.repair = repairAwait
	if service.Reason == "" {
		service.Reason = v1alpha1.ReasonNamespaceStale
		service.Message = fmt.Sprintf("container %q waits for its base", service.spec.Name)
	}
}

// awaitRemoval waits for the engine to finish a removal.
func (a *assessment) awaitRemoval(state *ContainerState) {
	block := removalBlock(v1alpha1.ReasonContainerMissing, *state.Container)
	state.hold(block)
	a.state.obstruct(state.Container.Name, block)
}

// awaitRestart leaves a crashing container to the engine, which restarts it
// with growing delay.
func (a *assessment) awaitRestart(state *ContainerState) {
	container := state.Container
	state.repair, state.Reason = repairAwait, v1alpha1.ReasonCrashLooping
	state.Message = fmt.Sprintf("container %q is %s, last exit code %d; see: docker logs %s",
		container.Name, container.State, container.ExitCode, container.Name)
	a.state.find(state.Reason, container.Name, state.Message)
}

func (a *assessment) findOutdated(container model.Container) {
	a.state.find(v1alpha1.ReasonImageOutdated, container.Name,
		fmt.Sprintf("container %q runs an older built-in image; it gets the new one when it is next created", container.Name))
}

// set records what a container needs, and why.
func (s *ContainerState) set(repair repair, reason v1alpha1.Reason, detail, message string, args ...any) {
	s.repair, s.Reason, s.Message = repair, reason, fmt.Sprintf(message, args...)
	s.why = why{reason, detail}
}

func (s *ContainerState) setStart(detail string) {
	s.set(repairStart, v1alpha1.ReasonContainerExited, detail+", want running", "container %q %s", s.Container.Name, detail)
}

// hold gives up a repair because something is in the way.
func (s *ContainerState) hold(block *Block) {
	s.repair, s.Reason, s.Message = repairAwait, block.Reason, block.Message
}

// stoppedText says in which way a container does not run.
func stoppedText(container model.Container) string {
	if container.State == model.StateCreated {
		return "was never started"
	}
	return fmt.Sprintf("is %s, exit code %d", container.State, container.ExitCode)
}
