// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/model"
)

// TargetKind is the kind of Docker object that an action changes.
type TargetKind string

// The kinds of target.
const (
	TargetNetwork   TargetKind = "network"
	TargetContainer TargetKind = "container"
	TargetEndpoint  TargetKind = "endpoint"
	TargetSysctl    TargetKind = "sysctl"
	TargetRoute     TargetKind = "route"
	// TargetFilter is the rules that the host's firewall has for a bridge.
	TargetFilter TargetKind = "filter"
)

// Ref points at a Docker object. ID is empty for one that the same plan
// creates: the executor then takes the id that the creating action returned.
type Ref struct {
	ID, Name string
}

// Meta is what every action has.
type Meta struct {
	// ID numbers the actions of a plan from 1.
	ID int
	// After lists the ids of the actions that must have succeeded before.
	After []int
	// Reason says why, in the product's word list; Detail in words.
	Reason v1alpha1.Reason
	Detail string
	// Destructive marks loss of data or sessions. The executor proves ownership
	// again immediately before.
	Destructive bool
}

// Action is one call to the engine or the host. The set is closed: the structs
// of this file.
type Action interface {
	// Common returns what every action has.
	Common() *Meta
	// Verb is the action's word, such as "connect".
	Verb() string
	// Target names what is changed, for people and logs.
	Target() (kind TargetKind, name string)

	sealed()
}

// CreateNetwork creates a network.
type CreateNetwork struct {
	Meta
	Spec model.NetworkSpec
}

// RemoveNetwork removes a network of the owner.
type RemoveNetwork struct {
	Meta
	Owner   model.Owner
	Network Ref
}

// Connect gives a base an interface.
type Connect struct {
	Meta
	Container Ref
	Endpoint  model.EndpointSpec
}

// Disconnect takes an interface from a base of the owner.
type Disconnect struct {
	Meta
	Owner     model.Owner
	Container Ref
	Network   Ref
	// LAN is the LAN's name where it is known, else the network's.
	LAN string
}

// CreateContainer creates a container. NamespaceOf is the base whose network
// namespace a service shares; zero for a base.
type CreateContainer struct {
	Meta
	Spec        model.ContainerSpec
	NamespaceOf Ref
}

// StartContainer starts a container, or resumes a paused one.
type StartContainer struct {
	Meta
	Container Ref
}

// RestartContainer restarts a service so that it joins the base's current namespace.
type RestartContainer struct {
	Meta
	Owner     model.Owner
	Container Ref
}

// RenameContainer gives a container of the owner its name back: that of the Ref.
type RenameContainer struct {
	Meta
	Owner     model.Owner
	Container Ref
}

// ResetRestartPolicy gives a container of the owner its restart policy back.
type ResetRestartPolicy struct {
	Meta
	Owner     model.Owner
	Container Ref
}

// RemoveContainer ends and removes a container of the owner.
type RemoveContainer struct {
	Meta
	Owner     model.Owner
	Container Ref
}

// SetSysctl sets one kernel setting in the namespace of a running base.
type SetSysctl struct {
	Meta
	Container   Ref
	Name, Value string
}

// SetRoute gives the namespace of a running base exactly one route to a destination.
type SetRoute struct {
	Meta
	Container Ref
	Route     model.Route
}

// RemoveRoute removes a route from the namespace of a running base.
type RemoveRoute struct {
	Meta
	Container Ref
	Route     model.Route
}

// SetFilter makes the filter rules of a bridge those of the spec.
type SetFilter struct {
	Meta
	Spec model.FilterSpec
}

// RemoveFilter removes the filter rules of a bridge that are the owner's.
type RemoveFilter struct {
	Meta
	Owner  model.Owner
	Bridge string
}

// Common implements Action.
func (m *Meta) Common() *Meta { return m }

func (m *Meta) sealed() {}

// Verb implements Action.
func (*CreateNetwork) Verb() string { return "create" }

// Target implements Action.
func (a *CreateNetwork) Target() (TargetKind, string) { return TargetNetwork, a.Spec.Name }

// Verb implements Action.
func (*RemoveNetwork) Verb() string { return "remove" }

// Target implements Action.
func (a *RemoveNetwork) Target() (TargetKind, string) { return TargetNetwork, a.Network.Name }

// Verb implements Action.
func (*Connect) Verb() string { return "connect" }

// Target implements Action.
func (a *Connect) Target() (TargetKind, string) {
	return TargetEndpoint, a.Container.Name + "@" + a.Endpoint.LAN
}

// Verb implements Action.
func (*Disconnect) Verb() string { return "disconnect" }

// Target implements Action.
func (a *Disconnect) Target() (TargetKind, string) {
	return TargetEndpoint, a.Container.Name + "@" + a.LAN
}

// Verb implements Action.
func (*CreateContainer) Verb() string { return "create" }

// Target implements Action.
func (a *CreateContainer) Target() (TargetKind, string) { return TargetContainer, a.Spec.Name }

// Verb implements Action.
func (*StartContainer) Verb() string { return "start" }

// Target implements Action.
func (a *StartContainer) Target() (TargetKind, string) { return TargetContainer, a.Container.Name }

// Verb implements Action.
func (*RestartContainer) Verb() string { return "restart" }

// Target implements Action.
func (a *RestartContainer) Target() (TargetKind, string) { return TargetContainer, a.Container.Name }

// Verb implements Action.
func (*RenameContainer) Verb() string { return "rename" }

// Target implements Action.
func (a *RenameContainer) Target() (TargetKind, string) { return TargetContainer, a.Container.Name }

// Verb implements Action.
func (*ResetRestartPolicy) Verb() string { return "update" }

// Target implements Action.
func (a *ResetRestartPolicy) Target() (TargetKind, string) { return TargetContainer, a.Container.Name }

// Verb implements Action.
func (*RemoveContainer) Verb() string { return "remove" }

// Target implements Action.
func (a *RemoveContainer) Target() (TargetKind, string) { return TargetContainer, a.Container.Name }

// Verb implements Action.
func (*SetSysctl) Verb() string { return "set" }

// Target implements Action.
func (a *SetSysctl) Target() (TargetKind, string) {
	return TargetSysctl, a.Container.Name + " " + a.Name
}

// Verb implements Action.
func (*SetRoute) Verb() string { return "set" }

// Target implements Action.
func (a *SetRoute) Target() (TargetKind, string) {
	return TargetRoute, a.Container.Name + " " + a.Route.Destination.String()
}

// Verb implements Action.
func (*RemoveRoute) Verb() string { return "remove" }

// Target implements Action.
func (a *RemoveRoute) Target() (TargetKind, string) {
	return TargetRoute, a.Container.Name + " " + a.Route.Destination.String()
}

// Verb implements Action.
func (*SetFilter) Verb() string { return "set" }

// Target implements Action.
func (a *SetFilter) Target() (TargetKind, string) { return TargetFilter, a.Spec.Bridge }

// Verb implements Action.
func (*RemoveFilter) Verb() string { return "remove" }

// Target implements Action.
func (a *RemoveFilter) Target() (TargetKind, string) { return TargetFilter, a.Bridge }
