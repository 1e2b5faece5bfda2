// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"net/netip"
	"slices"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/model"
)

// DeckyState is how a decky's containers and interfaces compare with what they
// should be. Decky plans from it, so what it reports and what is planned agree.
type DeckyState struct {
	Base ContainerState
	// Services are in the desired order.
	Services []ServiceState
	// Endpoints are in the desired order, home first, then those that are not desired.
	Endpoints []EndpointState
	// Sysctls are the kernel settings of the base's namespace that were changed.
	Sysctls []SysctlState
	// Routes are those of the base's namespace that are missing or not desired.
	Routes []RouteState
	// Extra are containers of the decky that are not desired.
	Extra []model.Container
	// RecreatePending names the API fields whose change waits for consent.
	RecreatePending []string
	// Findings are what was seen and calls for no action of the operator.
	Findings []Finding

	// obstacles are what keeps a container from being created or started.
	obstacles []obstacle
}

// InSync reports whether base, services, interfaces, routes and kernel
// settings are as desired and all declared ports listen. It implies an empty plan and that no
// change waits for consent.
func (s DeckyState) InSync() bool {
	for _, service := range s.Services {
		if !service.Ready() {
			return false
		}
	}
	for _, endpoint := range s.Endpoints {
		if endpoint.Reason != "" {
			return false
		}
	}
	return s.Base.Reason == "" && len(s.Extra) == 0 && len(s.Sysctls) == 0 && len(s.Routes) == 0 &&
		len(s.RecreatePending) == 0 && len(s.obstacles) == 0
}

// ContainerState is how a container compares with what it should be.
type ContainerState struct {
	// Container is what was seen; nil if there is none.
	Container *model.Container
	// Reason is empty if the container runs as desired. Message says more.
	Reason  v1alpha1.Reason
	Message string

	repair repair
	why    why
	// misnamed and unguarded say that a container that is kept has another name or
	// restart policy than it was created with.
	misnamed, unguarded bool
}

// State returns Docker's word for the container's state, or "missing".
func (s ContainerState) State() string {
	if s.Container == nil {
		return "missing"
	}
	return string(s.Container.State)
}

// ServiceState is how a service compares with what it should be.
type ServiceState struct {
	// Name is the service's name.
	Name string
	ContainerState
	// MissingPorts are the declared ports on which nothing listens, as far as
	// that can be seen from the decky's addresses.
	MissingPorts []model.Port

	spec model.ContainerSpec
}

// Listening reports whether all declared ports of the service listen.
func (s ServiceState) Listening() bool { return len(s.MissingPorts) == 0 }

// Ready reports whether the service runs as desired and all its ports listen.
func (s ServiceState) Ready() bool { return s.Reason == "" && s.Listening() }

// EndpointState is how an interface compares with what it should be.
type EndpointState struct {
	// LAN is the LAN's name, or the network's where no LAN is known.
	LAN string
	// Connected is true when the interface of a running base is as desired.
	Connected bool
	// Address and MAC are the live ones, or what the container would have if it
	// ran; zero if there is no such interface.
	Address netip.Addr
	MAC     string
	// Reason is empty if the interface is as desired. Message says more.
	Reason  v1alpha1.Reason
	Message string

	want   model.EndpointSpec
	have   model.Endpoint
	repair endpointRepair
	detail string
}

// SysctlState is a kernel setting that was changed.
type SysctlState struct {
	Name, Have, Want string
}

// RouteState is a route that is missing or not desired. Reason says which.
type RouteState struct {
	Route   model.Route
	Reason  v1alpha1.Reason
	Message string

	// settable: the next hop is, or will be, on an interface.
	settable bool
	detail   string
}

// repair is what a container needs.
type repair int

const (
	// repairNone: it is as desired, or only the engine or time can help.
	repairNone repair = iota
	// repairCreate: it is missing.
	repairCreate
	// repairReplace: it has to be removed and created again.
	repairReplace
	// repairStart: it does not run.
	repairStart
	// repairRestart: it runs in a network namespace that is gone.
	repairRestart
	// repairAwait: nothing can be done until its state changes.
	repairAwait
)

// endpointRepair is what an interface needs.
type endpointRepair int

const (
	endpointKeep endpointRepair = iota
	endpointConnect
	endpointReconnect
	endpointDisconnect
)

// obstacle is what keeps an object from being created or started.
type obstacle struct {
	object string
	block  Block
}

func (s *DeckyState) obstruct(object string, block *Block) {
	// One thing may be in the way of several.
	if slices.ContainsFunc(s.obstacles, func(known obstacle) bool { return known.block == *block }) {
		return
	}
	s.obstacles = append(s.obstacles, obstacle{object, *block})
}

func (s *DeckyState) find(reason v1alpha1.Reason, object, message string) {
	s.Findings = append(s.Findings, Finding{Reason: reason, Object: object, Message: message})
}
