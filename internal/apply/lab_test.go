// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package apply_test

import (
	"context"
	"errors"
	"maps"
	"net/netip"
	"slices"

	"github.com/deckyard/deckyard/internal/apply"
	"github.com/deckyard/deckyard/internal/engine/fake"
	"github.com/deckyard/deckyard/internal/model"
	"github.com/deckyard/deckyard/internal/plan"
)

// lab is an engine in memory and what should be on it: the LANs dmz and office,
// and one decky on both, or what a test draws.
type lab struct {
	t        test
	engine   *fake.Engine
	networks []model.NetworkSpec
	decky    model.DeckySpec
	// neighbours are further deckies.
	neighbours []model.DeckySpec
}

// test is a test, or one case of a property, which tells its seed when it fails.
type test interface {
	fake.Test
	Context() context.Context
	Errorf(format string, args ...any)
	Fatal(args ...any)
}

const builtIn = "deckyard/decoy:1"

func newLab(t test) *lab {
	t.Helper()
	l := &lab{t: t, engine: fake.New(fake.WithImages(builtIn), fake.WithEndpointMAC())}
	l.networks = []model.NetworkSpec{network("dmz", 1), network("office", 2)}
	l.decky = decky("web", 9)
	return l
}

func owner(kind model.OwnerKind, name string) model.Owner {
	return model.Owner{Instance: "instance-a", Kind: kind, Namespace: "lab", Topology: "acme", Name: name, UID: "uid-" + name}
}

func network(name string, n byte) model.NetworkSpec {
	spec := model.NetworkSpec{
		Name:     model.NetworkName("lab", "acme", name),
		Identity: model.Identity{Owner: owner(model.OwnerLAN, name), Role: model.RoleNetwork},
		Driver:   "bridge",
		Subnet:   netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, n, 0}), 24),
		Gateway:  netip.AddrFrom4([4]byte{10, 0, n, 1}),
		Internal: name != "dmz",
	}
	spec.Bridge = model.BridgeName(spec.Identity.Owner)
	spec.HostAbsent = spec.Internal
	spec.Filter = model.FilterPolicy{Published: name == "dmz"}
	spec.Identity.SpecHash = model.HashNetwork(spec)
	return spec
}

// decky returns a decky on dmz and office with the services http and ssh.
func decky(name string, host byte) model.DeckySpec {
	owner := owner(model.OwnerDecky, name)
	interfaceOn := func(lan string, n byte) model.EndpointSpec {
		return model.EndpointSpec{
			NetworkName: model.NetworkName("lab", "acme", lan), LAN: lan, Address: netip.AddrFrom4([4]byte{10, 0, n, host}),
		}
	}
	desired := model.DeckySpec{Owner: owner, Endpoints: []model.EndpointSpec{interfaceOn("dmz", 1), interfaceOn("office", 2)}}
	desired.Routes = []model.Route{
		{Destination: netip.MustParsePrefix("0.0.0.0/0"), Via: netip.MustParseAddr("10.0.1.1")},
		{Destination: netip.MustParsePrefix("10.0.9.0/24"), Via: netip.MustParseAddr("10.0.2.7")},
	}
	desired.Endpoints[0].MAC = "02:1a:4b:00:00:14"
	desired.Base = model.ContainerSpec{
		Name:     model.BaseName("lab", "acme", name),
		Identity: model.Identity{Owner: owner, Role: model.RoleBase},
		Image:    builtIn, BuiltInImage: true, Hostname: name,
		Sysctls: map[string]string{model.SysctlIPForward: "0"},
		Home:    desired.Endpoints[0],
	}
	for service, port := range map[string]uint16{"http": 80, "ssh": 22} {
		desired.Services = append(desired.Services, model.ContainerSpec{
			Name:     model.ServiceName("lab", "acme", name, service),
			Identity: model.Identity{Owner: owner, Role: model.RoleService, Service: service},
			Image:    builtIn, BuiltInImage: true,
			Ports: []model.Port{{Number: port, Protocol: model.TCP}},
		})
	}
	slices.SortFunc(desired.Services, func(a, b model.ContainerSpec) int { return int(a.Ports[0].Number) - int(b.Ports[0].Number) })
	seal(&desired)
	return desired
}

// seal sets the spec hashes of a decky after a change.
func seal(desired *model.DeckySpec) {
	desired.Base.Identity.SpecHash = model.HashContainer(desired.Base)
	for i := range desired.Services {
		desired.Services[i].Identity.SpecHash = model.HashContainer(desired.Services[i])
	}
}

func (l *lab) executor(options apply.Options) *apply.Executor {
	return apply.New(l.engine, l.engine, options)
}

// observe looks at the whole engine, as the observer and controllers do.
func (l *lab) observe() model.Observed {
	l.t.Helper()
	ctx := l.t.Context()
	observed := model.Observed{Namespaces: map[string]model.Namespace{}}
	var err error
	if observed.Networks, err = l.engine.Networks(ctx); err != nil {
		l.t.Fatal(err)
	}
	if observed.Filters, err = l.engine.Filters(ctx); err != nil {
		l.t.Fatal(err)
	}
	listed, err := l.engine.Containers(ctx)
	if err != nil {
		l.t.Fatal(err)
	}
	for _, container := range listed {
		inspected, err := l.engine.Container(ctx, container.ID)
		if err != nil {
			l.t.Fatal(err)
		}
		observed.Containers = append(observed.Containers, inspected)
		if !inspected.IsRunning() || inspected.Identity.Role != model.RoleBase {
			continue
		}
		sysctls := slices.Collect(maps.Keys(l.decky.Base.Sysctls))
		if observed.Namespaces[inspected.ID], err = l.engine.Namespace(ctx, inspected, sysctls); err != nil {
			l.t.Fatal(err)
		}
	}
	return observed
}

// deckies returns all deckies.
func (l *lab) deckies() []model.DeckySpec {
	return append([]model.DeckySpec{l.decky}, l.neighbours...)
}

// desired returns the first decky as it should be on what was seen.
func (l *lab) desired(observed model.Observed) model.DeckySpec {
	return l.desiredOf(l.decky, observed)
}

// desiredOf returns a decky with the ids of the networks that it can be on.
func (l *lab) desiredOf(desired model.DeckySpec, observed model.Observed) model.DeckySpec {
	desired.Endpoints = slices.Clone(desired.Endpoints)
	for i := range desired.Endpoints {
		index := slices.IndexFunc(l.networks, func(spec model.NetworkSpec) bool { return spec.Name == desired.Endpoints[i].NetworkName })
		current, _ := plan.CurrentNetwork(l.networks[index], observed)
		desired.Endpoints[i].NetworkID = current.ID
	}
	desired.Base.Home = desired.Endpoints[0]
	return desired
}

// pass plans once for each owner and applies. It returns the plans.
func (l *lab) pass(ctx context.Context, executor *apply.Executor) ([]plan.Plan, error) {
	l.t.Helper()
	var plans []plan.Plan
	var errs []error
	decide := func(planned plan.Plan) {
		plans = append(plans, planned)
		errs = append(errs, executor.Apply(ctx, planned).Err)
	}
	for _, spec := range l.networks {
		decide(plan.Network(spec, l.observe()))
	}
	for _, decky := range l.deckies() {
		observed := l.observe()
		decide(plan.Decky(l.desiredOf(decky, observed), observed))
	}
	return plans, errors.Join(errs...)
}

// mostPasses bounds how often one must look and act until nothing is left to do.
const mostPasses = 4

// converge passes until nothing is left to do, and checks that all is well.
func (l *lab) converge() {
	l.t.Helper()
	l.exhaust()
	l.checkConverged()
}

// exhaust passes until nothing is left to do.
func (l *lab) exhaust() {
	l.t.Helper()
	executor := l.executor(apply.Options{})
	for range mostPasses {
		plans, err := l.pass(l.t.Context(), executor)
		if err != nil {
			l.t.Fatalf("pass: %v", err)
		}
		if !slices.ContainsFunc(plans, func(planned plan.Plan) bool { return !planned.Empty() }) {
			return
		}
	}
	plans, _ := l.pass(l.t.Context(), executor)
	l.t.Fatalf("still not converged after %d passes: %v", mostPasses, plans)
}

// checkConverged checks that each decky is in sync unless it waits for
// consent, and that nothing is twice or left over.
func (l *lab) checkConverged() {
	l.t.Helper()
	observed := l.observe()
	for _, decky := range l.deckies() {
		state := plan.Assess(l.desiredOf(decky, observed), observed)
		waits := !decky.MayRecreateBase && len(state.RecreatePending) > 0
		if !waits && !state.InSync() {
			l.t.Fatalf("not in sync: %+v", state)
		}
		ours := 0
		for _, container := range observed.Containers {
			if decky.Owner.Owns(container.Identity) {
				ours++
			}
		}
		if want := 1 + len(decky.Services); ours != want {
			l.t.Errorf("%d containers of the decky, want %d", ours, want)
		}
	}
}

// plans returns the plan for the decky on networks that are there.
func (l *lab) plan() plan.Plan {
	l.t.Helper()
	for _, spec := range l.networks {
		if err := l.executor(apply.Options{}).Apply(l.t.Context(), plan.Network(spec, l.observe())).Err; err != nil {
			l.t.Fatal(err)
		}
	}
	l.engine.ForgetWrites()
	observed := l.observe()
	return plan.Decky(l.desired(observed), observed)
}

// container returns a container by name.
func (l *lab) container(name string) model.Container {
	l.t.Helper()
	containers, err := l.engine.Containers(l.t.Context())
	if err != nil {
		l.t.Fatal(err)
	}
	index := slices.IndexFunc(containers, func(container model.Container) bool { return container.Name == name })
	if index < 0 {
		l.t.Fatalf("no container %q", name)
	}
	return containers[index]
}
