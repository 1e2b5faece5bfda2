// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"maps"
	"slices"

	"github.com/deckyard/deckyard/internal/model"
)

// assessSysctls compares the kernel settings in the namespace of a base that
// stays as it runs. Those whose change waits for a new base are not set.
func (a *assessment) assessSysctls() {
	base := a.owned.base
	if base == nil || !base.IsRunning() || a.state.Base.repair != repairNone {
		return
	}
	live := a.observed.Namespaces[base.ID].Sysctls
	for _, name := range slices.Sorted(maps.Keys(a.desired.Base.Sysctls)) {
		want := a.desired.Base.Sysctls[name]
		have, known := live[name]
		isOurs := name == model.SysctlIPForward || base.Sysctls[name] == want
		if known && isOurs && have != want {
			a.state.Sysctls = append(a.state.Sysctls, SysctlState{Name: name, Have: have, Want: want})
		}
	}
}

// missingPorts returns the ports of a service on which nothing listens in the
// decky's namespace, where an intruder could reach it.
func (a *assessment) missingPorts(spec model.ContainerSpec) []model.Port {
	var missing []model.Port
	for _, port := range spec.Ports {
		if !a.isListening(port) {
			missing = append(missing, port)
		}
	}
	return missing
}

func (a *assessment) isListening(port model.Port) bool {
	base := a.owned.base
	if base == nil || !base.IsRunning() {
		return false
	}
	return slices.ContainsFunc(a.observed.Namespaces[base.ID].Listening, func(socket model.Socket) bool {
		if socket.Port != port {
			return false
		}
		return socket.Address.IsUnspecified() || slices.ContainsFunc(base.Endpoints, func(endpoint model.Endpoint) bool {
			return endpoint.Address == socket.Address.Unmap()
		})
	})
}
