// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/deckyard/deckyard/internal/model"
)

// This file builds the worlds that the tests plan for: an example topology with
// its desired values, and the engine on which it has converged.

const (
	instance = "instance-a"
	builtIn  = "deckyard/decoy:1111"
)

var started = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func owner(kind model.OwnerKind, name string) model.Owner {
	return model.Owner{Instance: instance, Kind: kind, Namespace: "lab", Topology: "acme", Name: name, UID: "uid-" + name}
}

// network returns the LAN "name" as it should be, on 10.0.N.0/24.
func network(name string, n byte) model.NetworkSpec {
	spec := model.NetworkSpec{
		Name:     model.NetworkName("lab", "acme", name),
		Identity: model.Identity{Owner: owner(model.OwnerLAN, name), Role: model.RoleNetwork},
		Driver:   "bridge",
		Subnet:   netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, n, 0}), 24),
		Gateway:  netip.AddrFrom4([4]byte{10, 0, n, 1}),
		Internal: name != "dmz",
		MTU:      1400,
	}
	spec.Bridge = model.BridgeName(spec.Identity.Owner)
	spec.HostAbsent = spec.Internal
	spec.Filter = model.FilterPolicy{Published: name == "dmz"}
	spec.Identity.SpecHash = model.HashNetwork(spec)
	return spec
}

// seenNetwork returns a network that was created from a spec.
func seenNetwork(id string, spec model.NetworkSpec) model.Network {
	return model.Network{
		ID: id, Name: spec.Name, Identity: spec.Identity, Driver: spec.Driver,
		Subnets: []netip.Prefix{spec.Subnet}, Gateway: spec.Gateway,
		Internal: spec.Internal, Masquerade: spec.Masquerade, MTU: spec.MTU,
		Bridge: spec.Bridge, HostAbsent: spec.HostAbsent,
	}
}

// seenFilter returns filter rules that were made from a network's spec.
func seenFilter(spec model.NetworkSpec) model.Filter {
	owner := spec.Identity.Owner
	owner.Topology = ""
	return model.Filter{Owner: owner, Bridge: spec.Bridge, Intact: true, Policy: spec.Filter}
}

func endpoint(lan string, n, host byte) model.EndpointSpec {
	return model.EndpointSpec{
		NetworkName: model.NetworkName("lab", "acme", lan), NetworkID: "id-" + lan, LAN: lan,
		Address: netip.AddrFrom4([4]byte{10, 0, n, host}),
		MAC:     "02:00:0a:00:0" + string('0'+rune(n)) + ":09",
	}
}

// defaultRoute is what the engine gives a base on dmz, toLab a route to a LAN
// behind a decky of office.
func defaultRoute() model.Route {
	return model.Route{Destination: netip.MustParsePrefix("0.0.0.0/0"), Via: netip.MustParseAddr("10.0.1.1")}
}

func toLab() model.Route {
	return model.Route{Destination: netip.MustParsePrefix("10.0.9.0/24"), Via: netip.MustParseAddr("10.0.2.7")}
}

// web returns the decky "web": at home in dmz, attached to office, with the
// services http and ssh.
func web() model.DeckySpec {
	desired := model.DeckySpec{
		Owner:     owner(model.OwnerDecky, "web"),
		Endpoints: []model.EndpointSpec{endpoint("dmz", 1, 9), endpoint("office", 2, 9)},
		Routes:    []model.Route{defaultRoute(), toLab()},
	}
	desired.Base = model.ContainerSpec{
		Name:     model.BaseName("lab", "acme", "web"),
		Identity: model.Identity{Owner: desired.Owner, Role: model.RoleBase},
		Image:    builtIn, ImageID: "sha256:1111", BuiltInImage: true,
		Hostname: "web",
		Sysctls:  map[string]string{model.SysctlIPForward: "0", "net.ipv4.ip_default_ttl": "64"},
		Published: []model.PublishedPort{
			{HostIP: netip.MustParseAddr("127.0.0.1"), HostPort: 8080, Port: model.Port{Number: 80, Protocol: model.TCP}},
		},
		Home: desired.Endpoints[0],
	}
	desired.Services = []model.ContainerSpec{service("http", 80), service("ssh", 22)}
	seal(&desired)
	return desired
}

func service(name string, port uint16) model.ContainerSpec {
	return model.ContainerSpec{
		Name:     model.ServiceName("lab", "acme", "web", name),
		Identity: model.Identity{Owner: owner(model.OwnerDecky, "web"), Role: model.RoleService, Service: name},
		Image:    builtIn, ImageID: "sha256:1111", BuiltInImage: true,
		Env:   []string{"SERVICE=" + name},
		Ports: []model.Port{{Number: port, Protocol: model.TCP}},
	}
}

// seal sets the spec hashes of a decky after a change.
func seal(desired *model.DeckySpec) {
	desired.Base.Identity.SpecHash = model.HashContainer(desired.Base)
	for i := range desired.Services {
		desired.Services[i].Identity.SpecHash = model.HashContainer(desired.Services[i])
	}
}

// converged returns an engine that has exactly a decky and the networks it is on.
func converged(desired model.DeckySpec) model.Observed {
	world := model.Observed{Namespaces: map[string]model.Namespace{}}
	for i, endpoint := range desired.Endpoints {
		spec := network(endpoint.LAN, byte(i+1))
		world.Networks = append(world.Networks, seenNetwork(endpoint.NetworkID, spec))
		world.Filters = append(world.Filters, seenFilter(spec))
	}
	base := seenContainer("id-base", desired.Base)
	base.HomeNetwork = desired.Base.Home.NetworkName
	base.StartedAt = started
	for _, endpoint := range desired.Endpoints {
		base.Endpoints = append(base.Endpoints, seenEndpoint(endpoint))
	}
	namespace := model.Namespace{Sysctls: maps.Clone(desired.Base.Sysctls), Routes: slices.Clone(desired.Routes)}
	world.Containers = append(world.Containers, base)
	for i, spec := range desired.Services {
		seen := seenContainer("id-"+spec.Identity.Service, spec)
		seen.NamespaceOf = base.ID
		seen.HomeNetwork = "container:" + base.ID
		seen.StartedAt = started.Add(time.Duration(i+1) * time.Second)
		world.Containers = append(world.Containers, seen)
		for _, port := range spec.Ports {
			namespace.Listening = append(namespace.Listening, model.Socket{Port: port, Address: netip.IPv6Unspecified()})
		}
	}
	world.Namespaces[base.ID] = namespace
	return world
}

func seenContainer(id string, spec model.ContainerSpec) model.Container {
	return model.Container{
		ID: id, Name: spec.Name, Identity: spec.Identity, State: model.StateRunning,
		Image: spec.Image, ImageID: spec.ImageID, PID: 1,
		HostPorts: slices.Clone(spec.Published), Hostname: spec.Hostname, Sysctls: maps.Clone(spec.Sysctls),
	}
}

func seenEndpoint(spec model.EndpointSpec) model.Endpoint {
	return model.Endpoint{NetworkID: spec.NetworkID, NetworkName: spec.NetworkName, Address: spec.Address, MAC: spec.MAC}
}

// world is an engine that a test changes.
type world struct{ *model.Observed }

// container returns a container by the last part of its id: base, http, ssh.
func (w world) container(name string) *model.Container {
	index := slices.IndexFunc(w.Containers, func(container model.Container) bool { return container.ID == "id-"+name })
	return &w.Containers[index]
}

func (w world) remove(name string) {
	w.Containers = slices.DeleteFunc(w.Containers, func(container model.Container) bool { return container.ID == "id-"+name })
}

func (w world) stop(name string, state model.State) {
	container := w.container(name)
	container.State, container.PID, container.ExitCode = state, 0, 137
}

// disconnect takes an interface from the base, and with it the routes over it.
func (w world) disconnect(lan string) {
	base := w.container("base")
	subnet := w.Networks[slices.IndexFunc(w.Networks, func(network model.Network) bool { return network.ID == "id-"+lan })].Subnets[0]
	w.reroute(func(route model.Route) bool { return subnet.Contains(route.Via) })
	base.Endpoints = slices.DeleteFunc(base.Endpoints, func(endpoint model.Endpoint) bool { return endpoint.NetworkID == "id-"+lan })
}

// reroute removes routes of the base, and adds others.
func (w world) reroute(isGone func(model.Route) bool, added ...model.Route) {
	namespace := w.Namespaces["id-base"]
	namespace.Routes = append(slices.DeleteFunc(slices.Clone(namespace.Routes), isGone), added...)
	slices.SortFunc(namespace.Routes, model.Route.Compare)
	w.Namespaces["id-base"] = namespace
}

func (w world) endpoint(lan string) *model.Endpoint {
	base := w.container("base")
	index := slices.IndexFunc(base.Endpoints, func(endpoint model.Endpoint) bool { return endpoint.NetworkID == "id-"+lan })
	return &base.Endpoints[index]
}

// foreign adds a running container without our labels.
func (w world) foreign(name string, endpoints ...model.Endpoint) *model.Container {
	w.Containers = append(w.Containers, model.Container{
		ID: "id-foreign-" + name, Name: name, State: model.StateRunning, Image: "nginx", Endpoints: endpoints,
	})
	return &w.Containers[len(w.Containers)-1]
}

// sorted restores the order that an observation has.
func (w world) sorted() model.Observed {
	slices.SortStableFunc(w.Containers, func(a, b model.Container) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortStableFunc(w.Filters, model.Filter.Compare)
	slices.SortStableFunc(w.Networks, func(a, b model.Network) int { return cmp.Compare(a.Name, b.Name) })
	return *w.Observed
}
