// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"testing"

	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/model"
)

// namespaceRules are those of services, which share their base's network namespace.
func namespaceRules() map[string]func(*testing.T, suite) {
	return map[string]func(*testing.T, suite){
		"a service names its base and has no endpoints of its own": func(t *testing.T, s suite) {
			base := s.base(t, s.network(t))
			service := s.start(t, s.serviceSpec("tcp:22"), base.ID)
			for source, seen := range map[string]model.Container{"list": s.listed(t, service.ID), "inspection": service} {
				if seen.NamespaceOf != base.ID || len(seen.Endpoints) != 0 || seen.Identity != s.identity(model.RoleService) {
					t.Errorf("%s: %+v", source, seen)
				}
			}
			if base.NamespaceOf != "" {
				t.Errorf("the base shares the namespace of %q", base.NamespaceOf)
			}
		},
		"a service does not start before its base": func(t *testing.T, s suite) {
			home := s.network(t)
			base := s.create(t, s.baseSpec(home, host(home.Subnets[0], 10)), "")
			service := s.create(t, s.serviceSpec("tcp:22"), base)
			wantKind(t, s.Containers.StartContainer(t.Context(), service), engine.ErrConflict)
			wantNoError(t, s.Containers.StartContainer(t.Context(), base))
			wantNoError(t, s.Containers.StartContainer(t.Context(), service))
		},
		"a service whose base is gone does not start": func(t *testing.T, s suite) {
			base := s.base(t, s.network(t))
			service := s.create(t, s.serviceSpec("tcp:22"), base.ID)
			wantNoError(t, s.Containers.RemoveContainer(t.Context(), base.ID))
			if err := s.Containers.StartContainer(t.Context(), service); err == nil {
				t.Error("it starts")
			}
		},
		"a service is not connected to networks": func(t *testing.T, s suite) {
			lan, base := s.network(t), s.base(t, s.network(t))
			service := s.start(t, s.serviceSpec("tcp:22"), base.ID)
			if err := s.Networks.Connect(t.Context(), service.ID, endpointOf(lan, 20)); err == nil {
				t.Error("it is connected")
			}
		},
		"a service listens in its base's namespace": func(t *testing.T, s suite) {
			base := s.base(t, s.network(t))
			s.start(t, s.serviceSpec("tcp:22", "udp:53"), base.ID)
			s.wantListening(t, base,
				model.Port{Number: 7, Protocol: model.TCP},
				model.Port{Number: 22, Protocol: model.TCP},
				model.Port{Number: 53, Protocol: model.UDP})
		},
		// Scenario 39.
		"a service is lost to a restarted base until it is restarted too": func(t *testing.T, s suite) {
			base := s.base(t, s.network(t))
			service := s.start(t, s.serviceSpec("tcp:22"), base.ID)
			wantNoError(t, s.Containers.RestartContainer(t.Context(), base.ID, grace))
			base = s.inspect(t, base.ID)
			lost := s.inspect(t, service.ID)
			if lost.IsRunning() && !lost.StartedAt.Before(base.StartedAt) {
				t.Errorf("service started %v, base %v", lost.StartedAt, base.StartedAt)
			}
			s.wantListening(t, base, model.Port{Number: 7, Protocol: model.TCP})
			wantNoError(t, s.Containers.RestartContainer(t.Context(), service.ID, grace))
			s.wantListening(t, base, model.Port{Number: 7, Protocol: model.TCP}, model.Port{Number: 22, Protocol: model.TCP})
		},
	}
}
