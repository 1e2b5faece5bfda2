// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/go-connections/nat"

	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/model"
)

// Containers implements engine.Reader.
func (e *Engine) Containers(ctx context.Context) ([]model.Container, error) {
	summaries, err := e.dockerClient.ContainerList(ctx, container.ListOptions{All: true})
	if err != nil {
		return nil, failure(err, "list containers")
	}
	containers := make([]model.Container, 0, len(summaries))
	inDoubt := doubts{}
	for i, summary := range summaries {
		containers = append(containers, containerOfSummary(summary))
		if summary.NetworkSettings != nil {
			inDoubt.add(i, containers[i].State, summary.NetworkSettings.Networks)
		}
	}
	if err := e.dropUnjoined(ctx, containers, inDoubt); err != nil {
		return nil, fmt.Errorf("list containers: %w", err)
	}
	if err := identifyNetworks(containers, func([]string) ([]model.Network, error) { return e.Networks(ctx) }); err != nil {
		return nil, fmt.Errorf("list containers: %w", err)
	}
	slices.SortFunc(containers, model.Container.Compare)
	return containers, nil
}

// Container implements engine.Reader.
func (e *Engine) Container(ctx context.Context, id string) (model.Container, error) {
	inspected, err := e.inspectContainer(ctx, id)
	if err != nil {
		return model.Container{}, failure(err, "inspect container %q", id)
	}
	observed, err := e.joined(ctx, inspected)
	if err == nil {
		// There may be hundreds of networks, and this one has one or a few.
		err = identifyNetworks(observed, func(names []string) ([]model.Network, error) { return e.networksLike(ctx, names) })
	}
	if err != nil {
		return model.Container{}, fmt.Errorf("inspect container %q: %w", id, err)
	}
	return observed[0], nil
}

// joined returns the one container of an inspection, with the endpoints that it has.
func (e *Engine) joined(ctx context.Context, inspected container.InspectResponse) ([]model.Container, error) {
	observed := []model.Container{containerOfInspection(inspected)}
	inDoubt := doubts{}
	if inspected.NetworkSettings != nil {
		inDoubt.add(0, observed[0].State, inspected.NetworkSettings.Networks)
	}
	return observed, e.dropUnjoined(ctx, observed, inDoubt)
}

// identifyNetworks fills in the network ids of containers that were never
// started: the engine knows their networks by name alone until then. What leads
// nowhere keeps its name as id, by which the engine finds the endpoint. list returns
// at least the networks that have one of the names.
func identifyNetworks(containers []model.Container, list func(names []string) ([]model.Network, error)) error {
	var unidentified []*model.Endpoint
	var names []string
	for i := range containers {
		endpoints := containers[i].Endpoints
		for j := range endpoints {
			if endpoint := &endpoints[j]; endpoint.NetworkID == "" {
				unidentified = append(unidentified, endpoint)
				names = append(names, endpoint.NetworkName)
			}
		}
	}
	if len(unidentified) == 0 {
		return nil
	}
	networks, err := list(names)
	if err != nil {
		return err
	}
	for _, endpoint := range unidentified {
		endpoint.NetworkID = endpoint.NetworkName
		for _, network := range networks {
			if network.Name == endpoint.NetworkName {
				endpoint.NetworkID = network.ID
			}
		}
	}
	return nil
}

func (e *Engine) inspectContainer(ctx context.Context, id string) (container.InspectResponse, error) {
	if err := validateID(id); err != nil {
		return container.InspectResponse{}, err
	}
	inspected, err := e.dockerClient.ContainerInspect(ctx, id)
	switch {
	case err != nil:
		return container.InspectResponse{}, err
	case !isComplete(inspected):
		return container.InspectResponse{}, errors.New("the engine's answer is incomplete")
	case inspected.ID != id:
		// The engine also finds names and the beginnings of ids.
		return container.InspectResponse{}, withKind(engine.ErrNotFound, errors.New("no container has this id"))
	default:
		return inspected, nil
	}
}

// isComplete reports whether an inspection has all the parts that we read.
func isComplete(inspected container.InspectResponse) bool {
	return inspected.ContainerJSONBase != nil && inspected.Config != nil && inspected.State != nil && inspected.HostConfig != nil
}

// CreateContainer implements engine.ContainerWriter.
func (e *Engine) CreateContainer(ctx context.Context, spec model.ContainerSpec, namespaceOf string) (string, error) {
	if err := validateReference(spec.Image); err != nil {
		return "", failure(err, "create container %q", spec.Name)
	}
	macPerEndpoint, err := e.setsEndpointMAC(ctx)
	if err != nil {
		return "", failure(err, "create container %q", spec.Name)
	}
	creation := containerCreation(spec, namespaceOf, macPerEndpoint)
	created, err := e.dockerClient.ContainerCreate(ctx,
		creation.Config, creation.HostConfig, creation.NetworkingConfig, nil, spec.Name)
	if errdefs.IsConflict(err) {
		err = withKind(engine.ErrExists, err)
	}
	return created.ID, failure(err, "create container %q", spec.Name)
}

// StartContainer implements engine.ContainerWriter. A paused container goes on.
func (e *Engine) StartContainer(ctx context.Context, id string) error {
	if err := validateID(id); err != nil {
		return failure(err, "start container %q", id)
	}
	err := e.dockerClient.ContainerStart(ctx, id, container.StartOptions{})
	if err == nil {
		return nil
	}
	// The engine refuses to start a paused container, in words alone.
	if inspected, inspectErr := e.inspectContainer(ctx, id); inspectErr == nil && inspected.State.Paused {
		err = e.dockerClient.ContainerUnpause(ctx, id)
	}
	return failure(err, "start container %q", id)
}

// StopContainer implements engine.ContainerWriter.
func (e *Engine) StopContainer(ctx context.Context, id string, grace time.Duration) error {
	if err := validateID(id); err != nil {
		return failure(err, "stop container %q", id)
	}
	err := e.dockerClient.ContainerStop(ctx, id, container.StopOptions{Timeout: wholeSeconds(grace)})
	return ignoreNotFound(failure(err, "stop container %q", id))
}

// RestartContainer implements engine.ContainerWriter.
func (e *Engine) RestartContainer(ctx context.Context, id string, grace time.Duration) error {
	if err := validateID(id); err != nil {
		return failure(err, "restart container %q", id)
	}
	err := e.dockerClient.ContainerRestart(ctx, id, container.StopOptions{Timeout: wholeSeconds(grace)})
	return failure(err, "restart container %q", id)
}

// RemoveContainer implements engine.ContainerWriter. Its anonymous volumes go
// with it. A removal that is under way already is success.
func (e *Engine) RemoveContainer(ctx context.Context, id string) error {
	if err := validateID(id); err != nil {
		return failure(err, "remove container %q", id)
	}
	err := e.dockerClient.ContainerRemove(ctx, id, container.RemoveOptions{Force: true, RemoveVolumes: true})
	if errdefs.IsConflict(err) && strings.Contains(err.Error(), "is already in progress") {
		return nil
	}
	return ignoreNotFound(failure(err, "remove container %q", id))
}

// RenameContainer implements engine.ContainerChanger.
func (e *Engine) RenameContainer(ctx context.Context, id, name string) error {
	if err := validateID(id); err != nil {
		return failure(err, "rename container %q", id)
	}
	err := e.dockerClient.ContainerRename(ctx, id, name)
	if errdefs.IsConflict(err) {
		err = withKind(engine.ErrExists, err)
	}
	return failure(err, "rename container %q to %q", id, name)
}

// ResetRestartPolicy implements engine.ContainerChanger.
func (e *Engine) ResetRestartPolicy(ctx context.Context, id string) error {
	if err := validateID(id); err != nil {
		return failure(err, "update container %q", id)
	}
	_, err := e.dockerClient.ContainerUpdate(ctx, id, container.UpdateConfig{RestartPolicy: container.RestartPolicy{Name: model.RestartPolicy}})
	return failure(err, "update container %q", id)
}

// wholeSeconds returns a time in the engine's unit, rounded up.
func wholeSeconds(grace time.Duration) *int {
	seconds := int((grace + time.Second - 1) / time.Second)
	return &seconds
}

// containerOfSummary returns a container as a list shows it.
func containerOfSummary(summary container.Summary) model.Container {
	observed := model.Container{
		ID:          summary.ID,
		Name:        nameOf(summary.Names),
		Identity:    identityOfContainer(summary.Labels, summary.HostConfig.NetworkMode),
		State:       model.State(summary.State),
		Image:       summary.Image,
		ImageID:     summary.ImageID,
		NamespaceOf: namespaceOf(summary.HostConfig.NetworkMode),
		HomeNetwork: summary.HostConfig.NetworkMode,
	}
	if summary.NetworkSettings != nil {
		observed.Endpoints = endpointsOf(summary.NetworkSettings.Networks, observed.State)
	}
	for _, port := range summary.Ports {
		if hostIP := parseAddress(port.IP); hostIP.IsValid() && port.PublicPort != 0 {
			observed.HostPorts = append(observed.HostPorts, model.PublishedPort{
				HostIP:   hostIP,
				HostPort: port.PublicPort,
				Port:     model.Port{Number: port.PrivatePort, Protocol: model.Protocol(port.Type)},
			})
		}
	}
	observed.HostPorts = sortedPorts(observed.HostPorts)
	return observed
}

// containerOfInspection returns a container as an inspection shows it.
func containerOfInspection(inspected container.InspectResponse) model.Container {
	mode := string(inspected.HostConfig.NetworkMode)
	observed := model.Container{
		ID:           inspected.ID,
		Name:         strings.TrimPrefix(inspected.Name, "/"),
		Identity:     identityOfContainer(inspected.Config.Labels, mode),
		State:        stateOf(inspected.State),
		Image:        inspected.Config.Image,
		ImageID:      inspected.Image,
		NamespaceOf:  namespaceOf(mode),
		PID:          inspected.State.Pid,
		StartedAt:    parseTime(inspected.State.StartedAt),
		FinishedAt:   parseTime(inspected.State.FinishedAt),
		ExitCode:     inspected.State.ExitCode,
		RestartCount: inspected.RestartCount,
		Hostname:     inspected.Config.Hostname,
		Sysctls:      inspected.HostConfig.Sysctls,
		HomeNetwork:  mode,

		RestartPolicy: string(inspected.HostConfig.RestartPolicy.Name),
	}
	ports := portsOf(inspected.HostConfig.PortBindings)
	if inspected.NetworkSettings != nil {
		observed.Endpoints = endpointsOf(inspected.NetworkSettings.Networks, observed.State)
		ports = append(ports, portsOf(inspected.NetworkSettings.Ports)...)
	}
	observed.HostPorts = sortedPorts(ports)
	addConfiguredMAC(observed.Endpoints, mode, configuredMAC(inspected))
	return observed
}

// stateOf returns the state of a container. One that can never start is dead.
func stateOf(state *container.State) model.State {
	seen := model.State(state.Status)
	if (seen == model.StateCreated || seen == model.StateExited) && isBrokenStart(state.Error) {
		return model.StateDead
	}
	return seen
}

// isBrokenStart recognizes what an engine says of each start of a container whose
// first one it broke off when it ended itself: the process runs on, and the engine,
// started anew, neither sees it nor ends it. Seen with 20.10.
func isBrokenStart(text string) bool {
	_, task, found := strings.Cut(text, "task ")
	return found && strings.Contains(task, ": already exists")
}

// configuredMAC returns the MAC that a container's home is to have.
func configuredMAC(inspected container.InspectResponse) string {
	return inspected.Config.MacAddress //nolint:staticcheck // The only place for it before API 1.44.
}

// addConfiguredMAC fills in the MAC that the home endpoint of a container is to
// have, while no live one is known.
func addConfiguredMAC(endpoints []model.Endpoint, homeNetwork, mac string) {
	for i := range endpoints {
		if endpoints[i].NetworkName == homeNetwork && endpoints[i].MAC == "" {
			endpoints[i].MAC = strings.ToLower(mac)
		}
	}
}

// nameOf returns the container's own name among those under which it is known;
// the others are links, "/container/alias".
func nameOf(names []string) string {
	for _, name := range names {
		if own := strings.TrimPrefix(name, "/"); !strings.Contains(own, "/") {
			return own
		}
	}
	return ""
}

// namespaceOf returns the container that a network mode refers to.
func namespaceOf(mode string) string {
	id, found := strings.CutPrefix(mode, "container:")
	if !found {
		return ""
	}
	return id
}

// portsOf returns the IPv4 host ports of bindings. What asks for any free port
// is left out.
func portsOf(bindings nat.PortMap) []model.PublishedPort {
	var ports []model.PublishedPort
	for containerPort, hostBindings := range bindings {
		number, err := strconv.ParseUint(containerPort.Port(), 10, 16)
		if err != nil {
			continue
		}
		port := model.Port{Number: uint16(number), Protocol: model.Protocol(containerPort.Proto())}
		for _, binding := range hostBindings {
			if hostPort, err := strconv.ParseUint(binding.HostPort, 10, 16); err == nil && hostPort != 0 {
				hostIP := netip.IPv4Unspecified()
				if binding.HostIP != "" {
					hostIP = parseAddress(binding.HostIP)
				}
				if hostIP.IsValid() {
					ports = append(ports, model.PublishedPort{HostIP: hostIP, HostPort: uint16(hostPort), Port: port})
				}
			}
		}
	}
	return ports
}

// sortedPorts sorts host ports and drops repetitions.
func sortedPorts(ports []model.PublishedPort) []model.PublishedPort {
	slices.SortFunc(ports, func(a, b model.PublishedPort) int {
		return cmp.Or(
			cmp.Compare(a.HostPort, b.HostPort),
			cmp.Compare(a.Port.Protocol, b.Port.Protocol),
			a.HostIP.Compare(b.HostIP),
			cmp.Compare(a.Port.Number, b.Port.Number),
		)
	})
	return slices.Compact(ports)
}

// parseTime returns the time in an answer of the engine; zero if there is none.
func parseTime(text string) time.Time {
	parsed, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || parsed.IsZero() {
		return time.Time{}
	}
	return parsed
}
