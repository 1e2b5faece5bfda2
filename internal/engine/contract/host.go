// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/model"
)

func hostRules() map[string]func(*testing.T, suite) {
	ttl := "net.ipv4.ip_default_ttl"
	return map[string]func(*testing.T, suite){
		"the sysctls of a base are those of its spec": func(t *testing.T, s suite) {
			base := s.base(t, s.network(t))
			namespace, err := s.Host.Namespace(t.Context(), base, []string{ttl, "net.ipv4.ip_forward"})
			wantNoError(t, err)
			if diff := cmp.Diff(base.Sysctls, namespace.Sysctls); diff != "" {
				t.Errorf("sysctls (-want +got):\n%s", diff)
			}
		},
		"a sysctl is set in one namespace alone": func(t *testing.T, s suite) {
			base, other := s.base(t, s.network(t)), s.base(t, s.network(t))
			wantNoError(t, s.Host.SetSysctl(t.Context(), base, ttl, "64"))
			for container, want := range map[*model.Container]string{&base: "64", &other: "128"} {
				namespace, err := s.Host.Namespace(t.Context(), *container, []string{ttl})
				wantNoError(t, err)
				if got := namespace.Sysctls[ttl]; got != want {
					t.Errorf("%s = %s, want %s", ttl, got, want)
				}
			}
		},
		"an interface that forwards otherwise is told, and set with the others": func(t *testing.T, s suite) {
			base := s.base(t, s.network(t))
			forwarding := func() string {
				namespace, err := s.Host.Namespace(t.Context(), base, []string{model.SysctlIPForward})
				wantNoError(t, err)
				return namespace.Sysctls[model.SysctlIPForward]
			}
			for general, other := range map[string]string{"0": "1", "1": "0"} {
				wantNoError(t, s.Host.SetSysctl(t.Context(), base, model.SysctlIPForward, general))
				wantNoError(t, s.Host.SetSysctl(t.Context(), base, "net.ipv4.conf.eth0.forwarding", other))
				if got, want := forwarding(), general+" (eth0: "+other+")"; got != want {
					t.Errorf("it forwards %q, want %q", got, want)
				}
				wantNoError(t, s.Host.SetSysctl(t.Context(), base, model.SysctlIPForward, general))
				if got := forwarding(); got != general {
					t.Errorf("it forwards %q, want %q", got, general)
				}
			}
		},
		"only a network namespace's sysctls are touched": func(t *testing.T, s suite) {
			base := s.base(t, s.network(t))
			for _, name := range []string{"", "kernel.hostname", "net.ipv4", "net./../kernel/hostname", "net..ipv4", "net.ipv4.ip_default_ttl/"} {
				wantKind(t, s.Host.SetSysctl(t.Context(), base, name, "1"), engine.ErrInvalid)
				_, err := s.Host.Namespace(t.Context(), base, []string{name})
				wantKind(t, err, engine.ErrInvalid)
			}
		},
		"a container that does not run has no namespace": func(t *testing.T, s suite) {
			base := s.base(t, s.network(t))
			wantNoError(t, s.Containers.StopContainer(t.Context(), base.ID, grace))
			for when, container := range map[string]model.Container{"as it was": base, "as it is": s.inspect(t, base.ID)} {
				t.Log(when)
				_, err := s.Host.Namespace(t.Context(), container, nil)
				wantKind(t, err, engine.ErrNotFound)
				wantKind(t, s.Host.SetSysctl(t.Context(), container, ttl, "64"), engine.ErrNotFound)
			}
		},
		"a process that is not the container's is not taken for it": func(t *testing.T, s suite) {
			base, other := s.base(t, s.network(t)), s.base(t, s.network(t))
			base.PID = other.PID
			_, err := s.Host.Namespace(t.Context(), base, []string{ttl})
			wantKind(t, err, engine.ErrNotFound)
			wantKind(t, s.Host.SetSysctl(t.Context(), base, ttl, "64"), engine.ErrNotFound)
		},
		"the host's routes are told without those of networks": func(t *testing.T, s suite) {
			network := s.network(t)
			s.base(t, network)
			routes, err := s.Host.Routes(t.Context())
			wantNoError(t, err)
			if slices.Contains(routes, network.Subnets[0]) {
				t.Errorf("routes %v contain %v", routes, network.Subnets[0])
			}
		},
	}
}

// wantListening waits until exactly these ports are open in a base's namespace,
// apart from the engine's resolver.
func (s suite) wantListening(t *testing.T, base model.Container, want ...model.Port) {
	t.Helper()
	var got []model.Port
	eventually(t, "the ports of "+base.Name+" are open", func() bool {
		namespace, err := s.Host.Namespace(t.Context(), base, nil)
		wantNoError(t, err)
		got = nil
		for _, socket := range namespace.Listening {
			if !socket.Address.IsLoopback() {
				got = append(got, socket.Port)
			}
		}
		return cmp.Equal(got, want)
	})
}
