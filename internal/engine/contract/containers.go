// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/model"
)

func containerRules() map[string]func(*testing.T, suite) {
	return map[string]func(*testing.T, suite){
		"a created container has what its spec says": func(t *testing.T, s suite) {
			home := s.network(t)
			spec := s.baseSpec(home, host(home.Subnets[0], 10))
			imageID, err := s.Images.ResolveImage(t.Context(), spec.Image)
			wantNoError(t, err)
			id := s.create(t, spec, "")

			inspected := s.inspect(t, id)
			want := model.Container{
				ID: id, Name: spec.Name, Identity: spec.Identity, State: model.StateCreated,
				Image: spec.Image, ImageID: imageID, HomeNetwork: home.Name,
				Hostname: spec.Hostname, Sysctls: spec.Sysctls, RestartPolicy: model.RestartPolicy,
				Endpoints: []model.Endpoint{{NetworkName: home.Name, Address: spec.Home.Address}},
			}
			ignoreEndpoint := cmp.FilterPath(func(p cmp.Path) bool {
				name := p.Last().String()
				return name == ".NetworkID" || name == ".MAC" || name == ".Aliases"
			}, cmp.Ignore())
			if diff := cmp.Diff(want, inspected, modelOptions(), ignoreEndpoint); diff != "" {
				t.Errorf("inspection (-want +got):\n%s", diff)
			}
			want.Hostname, want.Sysctls, want.RestartPolicy = "", nil, ""
			if diff := cmp.Diff(want, s.listed(t, id), modelOptions(), ignoreEndpoint); diff != "" {
				t.Errorf("list (-want +got):\n%s", diff)
			}
		},
		"a started base has its home with address and MAC": func(t *testing.T, s suite) {
			home := s.network(t)
			base := s.base(t, home)
			if !base.IsRunning() || base.PID == 0 || base.StartedAt.IsZero() {
				t.Errorf("started container %+v", base)
			}
			if endpoint := s.wantEndpoint(t, base.ID, home, 10); endpoint.MAC != homeMAC {
				t.Errorf("MAC %s", endpoint.MAC)
			}
		},
		"a container without our labels has no identity": func(t *testing.T, s suite) {
			home := s.network(t)
			spec := s.baseSpec(home, host(home.Subnets[0], 10))
			spec.Identity = model.Identity{}
			id := s.create(t, spec, "")
			if identity := s.inspect(t, id).Identity; identity != (model.Identity{}) {
				t.Errorf("identity %+v", identity)
			}
		},
		"a container is found by its whole id alone": func(t *testing.T, s suite) {
			base := s.base(t, s.network(t))
			for _, id := range []string{base.Name, base.ID[:12], missingID} {
				_, err := s.Reader.Container(t.Context(), id)
				wantKind(t, err, engine.ErrNotFound)
			}
			_, err := s.Reader.Container(t.Context(), "../networks/"+base.ID)
			wantKind(t, err, engine.ErrInvalid)
		},
		"containers are listed by name": func(t *testing.T, s suite) {
			home := s.network(t)
			for number := byte(10); number < 13; number++ {
				s.create(t, s.baseSpec(home, host(home.Subnets[0], number)), "")
			}
			containers, err := s.Reader.Containers(t.Context())
			wantNoError(t, err)
			if !slices.IsSortedFunc(containers, func(a, b model.Container) int {
				return slices.Compare([]string{a.Name, a.ID}, []string{b.Name, b.ID})
			}) {
				t.Error("the list is not sorted")
			}
		},
		"a taken container name is refused, whoever holds it": func(t *testing.T, s suite) {
			home := s.network(t)
			foreign := s.baseSpec(home, host(home.Subnets[0], 10))
			foreign.Identity = model.Identity{}
			s.create(t, foreign, "")
			spec := s.baseSpec(home, host(home.Subnets[0], 11))
			spec.Name = foreign.Name
			_, err := s.Containers.CreateContainer(t.Context(), spec, "")
			wantKind(t, err, engine.ErrExists)
		},
		"a missing or malformed image is refused": func(t *testing.T, s suite) {
			home := s.network(t)
			spec := s.baseSpec(home, host(home.Subnets[0], 10))
			spec.Image = "deckyard-contract/missing:1"
			_, err := s.Containers.CreateContainer(t.Context(), spec, "")
			wantKind(t, err, engine.ErrNotFound)
			spec.Image = "../containers/x"
			_, err = s.Containers.CreateContainer(t.Context(), spec, "")
			wantKind(t, err, engine.ErrInvalid)
		},
		"starting a running container is success and changes nothing": func(t *testing.T, s suite) {
			base := s.base(t, s.network(t))
			wantNoError(t, s.Containers.StartContainer(t.Context(), base.ID))
			if again := s.inspect(t, base.ID); !again.StartedAt.Equal(base.StartedAt) || again.PID != base.PID {
				t.Errorf("before %v %d, after %v %d", base.StartedAt, base.PID, again.StartedAt, again.PID)
			}
		},
		"starting a missing container is refused": func(t *testing.T, s suite) {
			wantKind(t, s.Containers.StartContainer(t.Context(), missingID), engine.ErrNotFound)
		},
		"stopping again, or what is missing, is success": func(t *testing.T, s suite) {
			base := s.base(t, s.network(t))
			for range 2 {
				wantNoError(t, s.Containers.StopContainer(t.Context(), base.ID, grace))
			}
			stopped := s.inspect(t, base.ID)
			if stopped.State != model.StateExited || stopped.PID != 0 || stopped.FinishedAt.Before(stopped.StartedAt) {
				t.Errorf("stopped container %+v", stopped)
			}
			wantNoError(t, s.Containers.StopContainer(t.Context(), missingID, grace))
		},
		"a stopped container starts again with a later start": func(t *testing.T, s suite) {
			home := s.network(t)
			base := s.base(t, home)
			wantNoError(t, s.Containers.StopContainer(t.Context(), base.ID, grace))
			wantNoError(t, s.Containers.StartContainer(t.Context(), base.ID))
			again := s.inspect(t, base.ID)
			if !again.IsRunning() || !again.StartedAt.After(base.StartedAt) {
				t.Errorf("state %s, started %v, before %v", again.State, again.StartedAt, base.StartedAt)
			}
			if endpoint := s.wantEndpoint(t, base.ID, home, 10); endpoint.MAC != homeMAC {
				t.Errorf("MAC %s", endpoint.MAC)
			}
		},
		"a restart gives a later start and the same container": func(t *testing.T, s suite) {
			base := s.base(t, s.network(t))
			wantNoError(t, s.Containers.RestartContainer(t.Context(), base.ID, grace))
			again := s.inspect(t, base.ID)
			if !again.IsRunning() || !again.StartedAt.After(base.StartedAt) || again.Name != base.Name {
				t.Errorf("after restart %+v", again)
			}
			wantKind(t, s.Containers.RestartContainer(t.Context(), missingID, grace), engine.ErrNotFound)
		},
		"a stopped container is restarted too": func(t *testing.T, s suite) {
			base := s.base(t, s.network(t))
			wantNoError(t, s.Containers.StopContainer(t.Context(), base.ID, grace))
			wantNoError(t, s.Containers.RestartContainer(t.Context(), base.ID, grace))
			if !s.inspect(t, base.ID).IsRunning() {
				t.Error("it does not run")
			}
		},
		"a running container is removed, and again": func(t *testing.T, s suite) {
			home := s.network(t)
			base := s.base(t, home)
			for range 2 {
				wantNoError(t, s.Containers.RemoveContainer(t.Context(), base.ID))
			}
			_, err := s.Reader.Container(t.Context(), base.ID)
			wantKind(t, err, engine.ErrNotFound)
			wantNoError(t, s.Containers.RemoveContainer(t.Context(), missingID))
			wantNoError(t, s.Networks.RemoveNetwork(t.Context(), home.ID))
		},
		"a removed container's name and address are free at once": func(t *testing.T, s suite) {
			home := s.network(t)
			spec := s.baseSpec(home, host(home.Subnets[0], 10))
			first := s.start(t, spec, "")
			wantNoError(t, s.Containers.RemoveContainer(t.Context(), first.ID))
			if second := s.start(t, spec, ""); second.ID == first.ID {
				t.Error("the id is the same")
			}
		},
		"a program that ends is restarted, its code and restarts are shown": func(t *testing.T, s suite) {
			home := s.network(t)
			spec := s.baseSpec(home, host(home.Subnets[0], 10))
			spec.Command = []string{"exit", "3"}
			id := s.create(t, spec, "")
			wantNoError(t, s.Containers.StartContainer(t.Context(), id))
			eventually(t, "the engine has restarted it", func() bool {
				container := s.inspect(t, id)
				return container.RestartCount > 0 && container.ExitCode == 3
			})
			wantNoError(t, s.Containers.StopContainer(t.Context(), id, grace))
			if stopped := s.inspect(t, id); stopped.State != model.StateExited {
				t.Errorf("state %s", stopped.State)
			}
		},
		"a running container is renamed and goes on": func(t *testing.T, s suite) {
			home := s.network(t)
			base := s.base(t, home)
			name := s.name()
			wantNoError(t, s.Changer.RenameContainer(t.Context(), base.ID, name))
			renamed := s.inspect(t, base.ID)
			if renamed.Name != name || renamed.PID != base.PID || s.listed(t, base.ID).Name != name {
				t.Errorf("before %+v, after %+v", base, renamed)
			}
			s.wantEndpoint(t, base.ID, home, 10)
			other := s.create(t, s.baseSpec(home, host(home.Subnets[0], 11)), "")
			wantKind(t, s.Changer.RenameContainer(t.Context(), other, name), engine.ErrExists)
			wantKind(t, s.Changer.RenameContainer(t.Context(), missingID, s.name()), engine.ErrNotFound)
		},
		"a running container keeps going when its restart policy is reset": func(t *testing.T, s suite) {
			base := s.base(t, s.network(t))
			wantNoError(t, s.Changer.ResetRestartPolicy(t.Context(), base.ID))
			again := s.inspect(t, base.ID)
			if again.RestartPolicy != model.RestartPolicy || again.PID != base.PID {
				t.Errorf("before %+v, after %+v", base, again)
			}
			wantKind(t, s.Changer.ResetRestartPolicy(t.Context(), missingID), engine.ErrNotFound)
		},
		"two containers with one address do not both run": func(t *testing.T, s suite) {
			home := s.network(t)
			s.base(t, home)
			id := s.create(t, s.baseSpec(home, host(home.Subnets[0], 10)), "")
			wantKind(t, s.Containers.StartContainer(t.Context(), id), engine.ErrConflict)
		},
		"published ports are shown": func(t *testing.T, s suite) {
			spec, published := s.publishingSpec(t, s.FreePort(t))
			id := s.create(t, spec, "")
			wantPorts(t, "created", s.inspect(t, id), published)
			wantNoError(t, s.Containers.StartContainer(t.Context(), id))
			wantPorts(t, "running, inspection", s.inspect(t, id), published)
			wantPorts(t, "running, list", s.listed(t, id), published)
		},
		"a host port that another container holds is refused at start": func(t *testing.T, s suite) {
			port := s.FreePort(t)
			holder, _ := s.publishingSpec(t, port)
			s.start(t, holder, "")
			spec, _ := s.publishingSpec(t, port)
			id := s.create(t, spec, "")
			wantKind(t, s.Containers.StartContainer(t.Context(), id), engine.ErrConflict)
			if s.inspect(t, id).IsRunning() {
				t.Error("it runs")
			}
		},
		"a host port that a process holds is refused at start": func(t *testing.T, s suite) {
			spec, _ := s.publishingSpec(t, s.HoldPort(t))
			id := s.create(t, spec, "")
			wantKind(t, s.Containers.StartContainer(t.Context(), id), engine.ErrConflict)
		},
	}
}

// publishingSpec returns a base that publishes a port on 127.0.0.1.
func (s suite) publishingSpec(t *testing.T, hostPort uint16) (model.ContainerSpec, model.PublishedPort) {
	t.Helper()
	network := s.networkSpec(t)
	network.Internal = false
	home := s.createNetwork(t, network)
	spec := s.baseSpec(home, host(home.Subnets[0], 10))
	published := model.PublishedPort{
		HostIP: netip.MustParseAddr("127.0.0.1"), HostPort: hostPort, Port: model.Port{Number: 7, Protocol: model.TCP},
	}
	spec.Published = []model.PublishedPort{published}
	return spec, published
}

func wantPorts(t *testing.T, when string, container model.Container, want ...model.PublishedPort) {
	t.Helper()
	if diff := cmp.Diff(want, container.HostPorts, modelOptions()); diff != "" {
		t.Errorf("%s: host ports (-want +got):\n%s", when, diff)
	}
}
