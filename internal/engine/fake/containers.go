// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/model"
)

// The exit codes of a program that ends at SIGTERM, and of one that is killed.
const (
	exitStopped = 0
	exitKilled  = 137
)

// container is a container and what it holds while it runs.
type container struct {
	id          string
	spec        model.ContainerSpec
	imageID     string
	namespaceOf string
	state       model.State
	pid         int
	startedAt   time.Time
	finishedAt  time.Time
	exitCode    int
	restarts    int
	// restartPolicy is what the engine does when the program ends.
	restartPolicy string
	endpoints     map[string]*endpointSettings
	// ports are what the running program has open.
	ports []model.Port
	// namespace is the network namespace of the running program, its own or the
	// one that its base had when this one started.
	namespace *namespace
}

// endpointSettings are what a container is to have on a network, and has while live.
type endpointSettings struct {
	address netip.Addr
	mac     string
	// networkID is empty until the endpoint was live for the first time.
	networkID   string
	live        bool
	liveAddress netip.Addr
	liveMAC     string
}

// namespace is a network namespace.
type namespace struct {
	sysctls map[string]string
	// routes are those besides the kernel's own.
	routes []model.Route
	// members are the containers whose running programs are in it.
	members map[*container]struct{}
}

// enter moves the container's program to a namespace, or with nil ends it.
func (c *container) enter(entered *namespace) {
	if c.namespace != nil {
		delete(c.namespace.members, c)
	}
	c.namespace = entered
	if entered != nil {
		entered.members[c] = struct{}{}
	}
}

// Containers implements engine.Reader.
func (e *Engine) Containers(ctx context.Context) ([]model.Container, error) {
	var containers []model.Container
	err := e.call(ctx, OpContainers, "", func() error {
		for _, found := range e.containers {
			containers = append(containers, e.listed(found))
		}
		return nil
	})
	slices.SortFunc(containers, func(a, b model.Container) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	return containers, err
}

// Container implements engine.Reader.
func (e *Engine) Container(ctx context.Context, id string) (model.Container, error) {
	var seen model.Container
	err := e.call(ctx, OpContainer, id, func() error {
		found, err := e.findContainer(id)
		if err == nil {
			seen = e.inspected(found)
		}
		return err
	})
	return seen, err
}

// CreateContainer implements engine.ContainerWriter.
func (e *Engine) CreateContainer(ctx context.Context, spec model.ContainerSpec, namespaceOf string) (string, error) {
	var id string
	err := e.call(ctx, OpCreateContainer, spec.Name, func() error {
		imageID, err := e.resolve(spec.Image)
		if err != nil {
			return err
		}
		created, err := e.addContainer(spec, imageID, namespaceOf)
		if err != nil {
			return err
		}
		id = created.id
		return nil
	})
	if err != nil {
		return "", err
	}
	return id, nil
}

func (e *Engine) addContainer(spec model.ContainerSpec, imageID, namespaceOf string) (*container, error) {
	if e.containerNamed[spec.Name] != nil {
		return nil, fmt.Errorf("container name %s: %w", spec.Name, engine.ErrExists)
	}
	spec.Home.NetworkName = cmp.Or(spec.Home.NetworkName, "bridge")
	spec.Sysctls = maps.Clone(spec.Sysctls)
	spec.Published = slices.Clone(spec.Published)
	spec.Ports = slices.Clone(spec.Ports)
	created := &container{
		id: e.newID(), spec: spec, imageID: imageID, namespaceOf: namespaceOf,
		restartPolicy: model.RestartPolicy,
		state:         model.StateCreated, endpoints: map[string]*endpointSettings{},
	}
	if namespaceOf == "" {
		created.endpoints[spec.Home.NetworkName] = &endpointSettings{address: spec.Home.Address}
	}
	e.containers[created.id] = created
	e.containerNamed[spec.Name] = created
	e.emit(engine.ObjectContainer, created.id, "")
	return created, nil
}

// StartContainer implements engine.ContainerWriter.
func (e *Engine) StartContainer(ctx context.Context, id string) error {
	return e.call(ctx, OpStartContainer, id, func() error {
		target, err := e.findContainer(id)
		if err != nil {
			return err
		}
		return e.start(target)
	})
}

// start starts a container that does not run and lets a paused one go on.
func (e *Engine) start(target *container) error {
	switch target.state {
	case model.StateRunning, model.StateRestarting:
		return nil
	case model.StatePaused:
		target.state = model.StateRunning
		e.emit(engine.ObjectContainer, target.id, "")
		return nil
	default:
	}
	if err := e.enterNamespace(target); err != nil {
		e.releaseNetworks(target)
		return err
	}
	e.lastPID++
	target.pid = e.lastPID
	target.state = model.StateRunning
	target.startedAt = e.tick()
	process := e.programs(target.spec)
	target.ports = slices.Clone(process.Ports)
	e.emit(engine.ObjectContainer, target.id, "")
	if process.Exits {
		e.end(target, process.ExitCode)
		if target.restartPolicy != model.RestartPolicy {
			return nil
		}
		target.state = model.StateRestarting
		target.restarts++
	}
	return nil
}

// enterNamespace gives a starting container its network namespace.
func (e *Engine) enterNamespace(target *container) error {
	if target.namespaceOf != "" {
		base, err := e.findContainer(target.namespaceOf)
		if err != nil {
			return err
		}
		if base.state != model.StateRunning {
			return fmt.Errorf("cannot join network namespace of %s, which is %s: %w", base.spec.Name, base.state, engine.ErrConflict)
		}
		target.enter(base.namespace)
		return nil
	}
	if err := e.checkHostPorts(target); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(target.endpoints)) {
		settings := target.endpoints[name]
		joined, ok := e.networks[e.networkOf(name, settings)]
		if !ok {
			return notFound("network", cmp.Or(settings.networkID, name))
		}
		if err := e.join(target, joined, settings); err != nil {
			return err
		}
	}
	target.enter(&namespace{sysctls: maps.Clone(target.spec.Sysctls), members: map[*container]struct{}{}})
	e.rewire(target)
	return nil
}

// checkHostPorts refuses a host port that a running container or a process holds.
func (e *Engine) checkHostPorts(target *container) error {
	for _, wanted := range target.spec.Published {
		for held := range e.heldPorts {
			if clash(held, wanted) {
				return fmt.Errorf("host port %d is in use: %w", wanted.HostPort, engine.ErrConflict)
			}
		}
		for _, other := range e.containers {
			if other.holdsNetworks() && slices.ContainsFunc(other.spec.Published, func(held model.PublishedPort) bool { return clash(held, wanted) }) {
				return fmt.Errorf("host port %d is allocated: %w", wanted.HostPort, engine.ErrConflict)
			}
		}
	}
	return nil
}

// clash reports whether two published ports exclude each other.
func clash(a, b model.PublishedPort) bool {
	return a.HostPort == b.HostPort && a.Port.Protocol == b.Port.Protocol &&
		(a.HostIP == b.HostIP || a.HostIP.IsUnspecified() || b.HostIP.IsUnspecified())
}

// StopContainer implements engine.ContainerWriter. Programs end at once.
func (e *Engine) StopContainer(ctx context.Context, id string, _ time.Duration) error {
	return e.call(ctx, OpStopContainer, id, func() error {
		target, err := e.findContainer(id)
		if err != nil {
			return ignoreNotFound(err)
		}
		e.stop(target, exitStopped)
		return nil
	})
}

// stop ends a container's program for good.
func (e *Engine) stop(target *container, exitCode int) {
	switch target.state {
	case model.StateRunning, model.StatePaused:
		e.end(target, exitCode)
	case model.StateRestarting:
		target.state = model.StateExited
		e.emit(engine.ObjectContainer, target.id, "")
	default:
	}
}

// end ends the program of a running container.
func (e *Engine) end(target *container, exitCode int) {
	e.releaseNetworks(target)
	target.state = model.StateExited
	target.exitCode = exitCode
	target.finishedAt = e.tick()
	target.pid = 0
	target.ports = nil
	target.enter(nil)
	e.emit(engine.ObjectContainer, target.id, "")
}

func (e *Engine) releaseNetworks(target *container) {
	for _, name := range slices.Sorted(maps.Keys(target.endpoints)) {
		e.leave(target, target.endpoints[name])
	}
}

// RestartContainer implements engine.ContainerWriter.
func (e *Engine) RestartContainer(ctx context.Context, id string, _ time.Duration) error {
	return e.call(ctx, OpRestartContainer, id, func() error {
		target, err := e.findContainer(id)
		if err != nil {
			return err
		}
		e.stop(target, exitStopped)
		return e.start(target)
	})
}

// RemoveContainer implements engine.ContainerWriter.
func (e *Engine) RemoveContainer(ctx context.Context, id string) error {
	return e.call(ctx, OpRemoveContainer, id, func() error {
		target, err := e.findContainer(id)
		if err != nil {
			return ignoreNotFound(err)
		}
		e.drop(target)
		return nil
	})
}

// RenameContainer implements engine.ContainerChanger.
func (e *Engine) RenameContainer(ctx context.Context, id, name string) error {
	return e.call(ctx, OpRenameContainer, id, func() error {
		target, err := e.findContainer(id)
		if err != nil {
			return err
		}
		return e.rename(target, name)
	})
}

func (e *Engine) rename(target *container, name string) error {
	if e.containerNamed[name] != nil {
		return fmt.Errorf("container name %s: %w", name, engine.ErrExists)
	}
	delete(e.containerNamed, target.spec.Name)
	target.spec.Name = name
	e.containerNamed[name] = target
	e.emit(engine.ObjectContainer, target.id, "")
	return nil
}

// ResetRestartPolicy implements engine.ContainerChanger.
func (e *Engine) ResetRestartPolicy(ctx context.Context, id string) error {
	return e.call(ctx, OpResetPolicy, id, func() error {
		target, err := e.findContainer(id)
		if err != nil {
			return err
		}
		target.restartPolicy = model.RestartPolicy
		e.emit(engine.ObjectContainer, target.id, "")
		return nil
	})
}

// drop ends and removes a container.
func (e *Engine) drop(target *container) {
	e.stop(target, exitKilled)
	delete(e.containers, target.id)
	delete(e.containerNamed, target.spec.Name)
	e.emit(engine.ObjectContainer, target.id, "")
}

func (e *Engine) findContainer(id string) (*container, error) {
	if err := validateID(id); err != nil {
		return nil, err
	}
	found, ok := e.containers[id]
	if !ok {
		return nil, notFound("container", id)
	}
	return found, nil
}

// holdsNetworks reports whether the container's endpoints are live.
func (c *container) holdsNetworks() bool {
	return c.state == model.StateRunning || c.state == model.StatePaused
}

// homeMAC returns the MAC that the container was created with, for its home.
func (c *container) homeMAC(networkName string) string {
	if networkName == c.spec.Home.NetworkName {
		return c.spec.Home.MAC
	}
	return ""
}

// homeNetwork returns the network mode.
func (c *container) homeNetwork() string {
	if c.namespaceOf != "" {
		return "container:" + c.namespaceOf
	}
	return c.spec.Home.NetworkName
}

// listed returns the container as a list shows it.
func (e *Engine) listed(c *container) model.Container {
	seen := model.Container{
		ID: c.id, Name: c.spec.Name, Identity: c.spec.Identity, State: c.state,
		Image: c.spec.Image, ImageID: c.imageID,
		NamespaceOf: c.namespaceOf, HomeNetwork: c.homeNetwork(), Endpoints: e.endpoints(c),
	}
	if c.holdsNetworks() {
		seen.HostPorts = sortedPorts(c.spec.Published)
	}
	return seen
}

// inspected returns the container as an inspection shows it.
func (e *Engine) inspected(c *container) model.Container {
	seen := e.listed(c)
	seen.PID = c.pid
	seen.StartedAt, seen.FinishedAt = c.startedAt, c.finishedAt
	seen.ExitCode, seen.RestartCount = c.exitCode, c.restarts
	seen.RestartPolicy = c.restartPolicy
	seen.Hostname = c.spec.Hostname
	seen.Sysctls = maps.Clone(c.spec.Sysctls)
	seen.HostPorts = sortedPorts(c.spec.Published)
	for i := range seen.Endpoints {
		seen.Endpoints[i].MAC = cmp.Or(seen.Endpoints[i].MAC, c.homeMAC(seen.Endpoints[i].NetworkName))
	}
	return seen
}

// endpoints returns the live endpoints of a container that runs, and the
// settings of one that does not. A network that is gone and was never joined is
// known by name alone.
func (e *Engine) endpoints(c *container) []model.Endpoint {
	var endpoints []model.Endpoint
	for _, name := range slices.Sorted(maps.Keys(c.endpoints)) {
		settings := c.endpoints[name]
		networkID := cmp.Or(settings.networkID, e.networkOf(name, settings), name)
		endpoint := model.Endpoint{NetworkID: networkID, NetworkName: name, Address: settings.address}
		if settings.live {
			endpoint.Address, endpoint.MAC = settings.liveAddress, settings.liveMAC
		} else if c.holdsNetworks() {
			continue
		}
		endpoints = append(endpoints, endpoint)
	}
	return endpoints
}

// endpointOn returns the endpoint on the network of a wanted one.
func (e *Engine) endpointOn(c *container, wanted model.EndpointSpec) (model.Endpoint, bool) {
	for _, endpoint := range e.inspected(c).Endpoints {
		if endpoint.NetworkID == wanted.NetworkID {
			return endpoint, true
		}
	}
	return model.Endpoint{}, false
}

func sortedPorts(ports []model.PublishedPort) []model.PublishedPort {
	return slices.SortedFunc(slices.Values(ports), func(a, b model.PublishedPort) int {
		return cmp.Or(
			cmp.Compare(a.HostPort, b.HostPort),
			cmp.Compare(a.Port.Protocol, b.Port.Protocol),
			a.HostIP.Compare(b.HostIP),
			cmp.Compare(a.Port.Number, b.Port.Number),
		)
	})
}

// validateID refuses what cannot be an id.
func validateID(id string) error {
	if id == "" || strings.ContainsAny(id, "/ ") {
		return fmt.Errorf("id %q: %w", id, engine.ErrInvalid)
	}
	return nil
}

// ignoreNotFound makes success of the absence of what should go.
func ignoreNotFound(err error) error {
	if errors.Is(err, engine.ErrNotFound) {
		return nil
	}
	return err
}
