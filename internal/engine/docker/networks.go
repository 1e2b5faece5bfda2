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

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"

	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/model"
)

// The options of a network that we set and read.
const (
	optionMasquerade = "com.docker.network.bridge.enable_ip_masquerade"
	optionMTU        = "com.docker.network.driver.mtu"
	optionBridge     = "com.docker.network.bridge.name"
	// optionHostAbsent keeps the engine from giving the bridge an address.
	optionHostAbsent = "com.docker.network.bridge.inhibit_ipv4"
)

// Networks implements engine.Reader.
func (e *Engine) Networks(ctx context.Context) ([]model.Network, error) {
	return e.listNetworks(ctx, network.ListOptions{})
}

// networksLike returns the networks that have any of the names as a part of theirs.
func (e *Engine) networksLike(ctx context.Context, names []string) ([]model.Network, error) {
	like := filters.NewArgs()
	for _, name := range names {
		like.Add("name", name)
	}
	return e.listNetworks(ctx, network.ListOptions{Filters: like})
}

func (e *Engine) listNetworks(ctx context.Context, options network.ListOptions) ([]model.Network, error) {
	summaries, err := e.dockerClient.NetworkList(ctx, options)
	if err != nil {
		return nil, failure(err, "list networks")
	}
	networks := make([]model.Network, 0, len(summaries))
	for _, summary := range summaries {
		networks = append(networks, networkOf(summary))
	}
	slices.SortFunc(networks, model.Network.Compare)
	return networks, nil
}

// Network implements engine.Reader.
func (e *Engine) Network(ctx context.Context, id string) (model.Network, error) {
	inspected, err := e.inspectNetwork(ctx, id)
	if err != nil {
		return model.Network{}, err
	}
	return networkOf(inspected), nil
}

func (e *Engine) inspectNetwork(ctx context.Context, id string) (network.Inspect, error) {
	if err := validateID(id); err != nil {
		return network.Inspect{}, failure(err, "inspect network %q", id)
	}
	inspected, err := e.dockerClient.NetworkInspect(ctx, id, network.InspectOptions{})
	if err == nil && inspected.ID != id {
		// The engine also finds names and the beginnings of ids.
		err = withKind(engine.ErrNotFound, errors.New("no network has this id"))
	}
	return inspected, failure(err, "inspect network %q", id)
}

// CreateNetwork implements engine.NetworkWriter.
func (e *Engine) CreateNetwork(ctx context.Context, spec model.NetworkSpec) (string, error) {
	created, err := e.dockerClient.NetworkCreate(ctx, spec.Name, networkCreation(spec))
	if errdefs.IsConflict(err) {
		err = withKind(engine.ErrExists, err)
	}
	return created.ID, failure(err, "create network %q", spec.Name)
}

// networkCreation returns the engine's form of a network as it should be.
func networkCreation(spec model.NetworkSpec) network.CreateOptions {
	options := map[string]string{optionMasquerade: strconv.FormatBool(spec.Masquerade)}
	if spec.MTU > 0 {
		options[optionMTU] = strconv.Itoa(spec.MTU)
	}
	if spec.Bridge != "" {
		options[optionBridge] = spec.Bridge
	}
	if spec.HostAbsent {
		options[optionHostAbsent] = strconv.FormatBool(true)
	}
	return network.CreateOptions{
		Driver:   spec.Driver,
		Scope:    "local",
		Internal: spec.Internal,
		IPAM: &network.IPAM{
			Driver: "default",
			Config: []network.IPAMConfig{{Subnet: spec.Subnet.String(), Gateway: spec.Gateway.String()}},
		},
		Options: options,
		Labels:  labelsOf(spec.Identity, spec.ExtraLabels),
	}
}

// RemoveNetwork implements engine.NetworkWriter.
func (e *Engine) RemoveNetwork(ctx context.Context, id string) error {
	if err := validateID(id); err != nil {
		return failure(err, "remove network %q", id)
	}
	err := failure(e.dockerClient.NetworkRemove(ctx, id), "remove network %q", id)
	return ignoreNotFound(err)
}

// Connect implements engine.NetworkWriter. It looks before it acts: connecting
// twice damages the endpoint on some engines.
func (e *Engine) Connect(ctx context.Context, containerID string, endpoint model.EndpointSpec) error {
	err := validateID(endpoint.NetworkID)
	if err != nil {
		return failure(err, "connect container %q to network %q", containerID, endpoint.NetworkName)
	}
	inspected, err := e.inspectContainer(ctx, containerID)
	var joined []model.Container
	if err == nil {
		joined, err = e.joined(ctx, inspected)
	}
	if err != nil {
		return failure(err, "connect container %q to network %q", containerID, endpoint.NetworkName)
	}
	observed := joined[0]
	if connected, found := endpointOn(observed, endpoint); found {
		return compareEndpoint(observed, connected, endpoint)
	}
	settings, err := e.endpointSettings(ctx, inspected, endpoint)
	if err == nil {
		err = e.dockerClient.NetworkConnect(ctx, endpoint.NetworkID, observed.ID, settings)
	}
	return failure(err, "connect container %q to network %q", observed.Name, endpoint.NetworkName)
}

// endpointOn returns the endpoint of a container on the network of an endpoint.
func endpointOn(observed model.Container, wanted model.EndpointSpec) (model.Endpoint, bool) {
	for _, endpoint := range observed.Endpoints {
		// A container that was never started knows its networks by name alone.
		if endpoint.NetworkID == wanted.NetworkID ||
			endpoint.NetworkID == "" && endpoint.NetworkName == wanted.NetworkName {
			return endpoint, true
		}
	}
	return model.Endpoint{}, false
}

// compareEndpoint returns ErrConflict if an existing endpoint is not the wanted one.
func compareEndpoint(observed model.Container, existing model.Endpoint, wanted model.EndpointSpec) error {
	if existing.Address != wanted.Address {
		return fmt.Errorf("connect container %q to network %q: it is connected with address %s instead of %s: %w",
			observed.Name, wanted.NetworkName, existing.Address, wanted.Address, engine.ErrConflict)
	}
	// While a container does not run, most engines do not tell the MAC.
	if wanted.MAC != "" && existing.MAC != "" && existing.MAC != wanted.MAC {
		return fmt.Errorf("connect container %q to network %q: it is connected with MAC %s instead of %s: %w",
			observed.Name, wanted.NetworkName, existing.MAC, wanted.MAC, engine.ErrConflict)
	}
	return nil
}

// endpointSettings returns the engine's form of an endpoint to connect. A MAC
// that the engine would silently ignore is ErrInvalid; before API 1.44 it can
// only be the one that the container was created with, on its home.
func (e *Engine) endpointSettings(
	ctx context.Context, inspected container.InspectResponse, endpoint model.EndpointSpec,
) (*network.EndpointSettings, error) {
	settings := endpointCreation(endpoint)
	if endpoint.MAC == "" {
		return settings, nil
	}
	supported, err := e.setsEndpointMAC(ctx)
	if err != nil || supported {
		return settings, err
	}
	isHome := string(inspected.HostConfig.NetworkMode) == endpoint.NetworkName
	if !isHome || !strings.EqualFold(configuredMAC(inspected), endpoint.MAC) {
		return nil, withKind(engine.ErrInvalid,
			fmt.Errorf("to set MAC %s on an attachment needs engine API %s", endpoint.MAC, endpointMACAPIVersion))
	}
	settings.MacAddress = ""
	return settings, nil
}

// endpointCreation returns the engine's form of an endpoint as it should be.
func endpointCreation(endpoint model.EndpointSpec) *network.EndpointSettings {
	return &network.EndpointSettings{
		IPAMConfig: &network.EndpointIPAMConfig{IPv4Address: endpoint.Address.String()},
		MacAddress: endpoint.MAC,
	}
}

// Disconnect implements engine.NetworkWriter.
func (e *Engine) Disconnect(ctx context.Context, containerID, networkID string) error {
	for _, id := range []string{containerID, networkID} {
		if err := validateID(id); err != nil {
			return failure(err, "disconnect container %q from network %q", containerID, networkID)
		}
	}
	err := e.dockerClient.NetworkDisconnect(ctx, networkID, containerID, true)
	err = failure(err, "disconnect container %q from network %q", containerID, networkID)
	if errors.Is(err, engine.ErrNotFound) {
		return e.disconnectStale(ctx, containerID, networkID)
	}
	return err
}

// disconnectStale takes away what the engine does not find by ids: the setting of
// a stopped container for a network that is gone, and an endpoint that outlived
// its container. That there is none is success.
func (e *Engine) disconnectStale(ctx context.Context, containerID, networkID string) error {
	observed, err := e.Container(ctx, containerID)
	switch {
	case errors.Is(err, engine.ErrNotFound):
		return e.disconnectOutlived(ctx, containerID, networkID)
	case err != nil:
		return err
	}
	for _, endpoint := range observed.Endpoints {
		if endpoint.NetworkID == networkID {
			return e.disconnectByName(ctx, observed.ID, endpoint.NetworkName)
		}
	}
	return nil
}

// disconnectOutlived takes away an endpoint whose container is gone.
func (e *Engine) disconnectOutlived(ctx context.Context, containerID, networkID string) error {
	inspected, err := e.inspectNetwork(ctx, networkID)
	if err != nil {
		return ignoreNotFound(err)
	}
	outlived, found := inspected.Containers[containerID]
	if !found {
		return nil
	}
	return e.disconnectByName(ctx, outlived.Name, networkID)
}

// disconnectByName disconnects by force, with names instead of ids where these
// lead nowhere.
func (e *Engine) disconnectByName(ctx context.Context, containerName, networkName string) error {
	err := errors.Join(validateID(containerName), validateID(networkName))
	if err == nil {
		err = e.dockerClient.NetworkDisconnect(ctx, networkName, containerName, true)
	}
	return ignoreNotFound(failure(err, "disconnect container %q from network %q", containerName, networkName))
}

// networkOf returns a network as it was seen.
func networkOf(inspected network.Inspect) model.Network {
	observed := model.Network{
		ID:         inspected.ID,
		Name:       inspected.Name,
		Identity:   identityOf(inspected.Labels),
		Driver:     inspected.Driver,
		Internal:   inspected.Internal,
		Masquerade: inspected.Options[optionMasquerade] != "false",
		Bridge:     inspected.Options[optionBridge],
		HostAbsent: inspected.Options[optionHostAbsent] == "true",
	}
	// What is not a number is not a value we could have set.
	observed.MTU, _ = strconv.Atoi(inspected.Options[optionMTU])
	for _, config := range inspected.IPAM.Config {
		subnet, err := netip.ParsePrefix(config.Subnet)
		if err != nil || !subnet.Addr().Is4() {
			continue
		}
		observed.Subnets = append(observed.Subnets, subnet.Masked())
		if !observed.Gateway.IsValid() {
			observed.Gateway = parseAddress(config.Gateway)
		}
	}
	slices.SortFunc(observed.Subnets, netip.Prefix.Compare)
	return observed
}

// doubts are the running containers, by their places in a list, of which the
// engine does not tell whether they are on a network, by its id.
type doubts map[string][]int

// add takes in what the engine says of a container. Of a connection that failed
// halfway it keeps all it had prepared, and shows it as one that holds: engines 20.10
// to 28 leave only the gateway out, which those from 25 on also do on internal networks.
func (d doubts) add(place int, state model.State, settings map[string]*network.EndpointSettings) {
	for _, setting := range settings {
		isLive := setting != nil && holdsEndpoints(state) && setting.EndpointID != "" && setting.IPAddress != ""
		if isLive && setting.Gateway == "" && setting.NetworkID != "" {
			d[setting.NetworkID] = append(d[setting.NetworkID], place)
		}
	}
}

// dropUnjoined takes from containers the endpoints that never became interfaces. The
// networks know: a network's own list has only who is on it.
func (e *Engine) dropUnjoined(ctx context.Context, containers []model.Container, inDoubt doubts) error {
	for networkID, places := range inDoubt {
		joined, err := e.inspectNetwork(ctx, networkID)
		if ignoreNotFound(err) != nil {
			return err
		}
		for _, place := range places {
			if _, found := joined.Containers[containers[place].ID]; !found {
				containers[place].Endpoints = slices.DeleteFunc(containers[place].Endpoints, func(endpoint model.Endpoint) bool {
					return endpoint.NetworkID == networkID
				})
			}
		}
	}
	return nil
}

// holdsEndpoints reports whether a container in a state has a network namespace, and
// with it interfaces.
func holdsEndpoints(state model.State) bool {
	return state == model.StateRunning || state == model.StatePaused
}

// endpointsOf returns the endpoints of a container, sorted by network name. While
// a container runs, a setting without an endpoint is what a failed connection
// left behind (engine 20.10), and no interface.
func endpointsOf(settings map[string]*network.EndpointSettings, state model.State) []model.Endpoint {
	var endpoints []model.Endpoint
	for name, setting := range settings {
		if setting == nil || holdsEndpoints(state) && setting.EndpointID == "" {
			continue
		}
		endpoints = append(endpoints, model.Endpoint{
			NetworkID:   setting.NetworkID,
			NetworkName: name,
			Address:     addressOf(setting),
			MAC:         strings.ToLower(setting.MacAddress),
			Aliases:     slices.Sorted(slices.Values(setting.Aliases)),
		})
	}
	slices.SortFunc(endpoints, func(a, b model.Endpoint) int { return cmp.Compare(a.NetworkName, b.NetworkName) })
	return endpoints
}

// addressOf returns the live IPv4 address of an endpoint, else the configured one.
func addressOf(setting *network.EndpointSettings) netip.Addr {
	if live := parseAddress(setting.IPAddress); live.IsValid() {
		return live
	}
	if setting.IPAMConfig == nil {
		return netip.Addr{}
	}
	return parseAddress(setting.IPAMConfig.IPv4Address)
}

// parseAddress returns an IPv4 address, also from "address/length"; the invalid
// one if there is none.
func parseAddress(text string) netip.Addr {
	text, _, _ = strings.Cut(text, "/")
	address, err := netip.ParseAddr(text)
	if err != nil || !address.Is4() {
		return netip.Addr{}
	}
	return address
}

// validateID refuses what cannot be the id or name of a container or network,
// and would be another path of the engine's API.
func validateID(id string) error {
	valid := id != "" && !strings.ContainsFunc(id, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_.-", r))
	}) && strings.Trim(id, ".") != ""
	if !valid {
		return withKind(engine.ErrInvalid, errors.New("not an id"))
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
