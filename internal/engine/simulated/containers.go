// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package simulated

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/model"
)

// containerConfig is what a container runs.
type containerConfig struct {
	Hostname   string
	User       string
	Env        []string
	Cmd        []string
	Image      string
	Labels     map[string]string
	MacAddress string `json:",omitempty"`
}

// hostConfig is what of the host a container gets.
type hostConfig struct {
	NetworkMode   string
	RestartPolicy restartPolicy
	PortBindings  map[string][]portBinding `json:",omitempty"`
	Sysctls       map[string]string        `json:",omitempty"`
}

type restartPolicy struct{ Name string }

type portBinding struct {
	HostIP   string `json:"HostIp"`
	HostPort string
}

// creationBody is the creation of a container.
type creationBody struct {
	containerConfig
	HostConfig       hostConfig
	NetworkingConfig struct {
		EndpointsConfig map[string]endpointBody
	}
}

// spec returns the container that a creation asks for, and whose network
// namespace it shares.
func (b creationBody) spec(name string) (spec model.ContainerSpec, namespaceOf string) {
	spec = model.ContainerSpec{
		Name: name, Image: b.Image, Command: b.Cmd, Env: b.Env, User: b.User,
		Hostname: b.Hostname, Sysctls: b.HostConfig.Sysctls, Published: publishedOf(b.HostConfig.PortBindings),
	}
	mode := b.HostConfig.NetworkMode
	if base, shares := strings.CutPrefix(mode, "container:"); shares {
		return spec, base
	}
	home := b.NetworkingConfig.EndpointsConfig[mode]
	spec.Home = model.EndpointSpec{NetworkName: mode, Address: home.address(), MAC: b.mac()}
	return spec, ""
}

// mac returns the MAC that the home is to have, wherever the client put it.
func (b creationBody) mac() string {
	if endpoint := b.NetworkingConfig.EndpointsConfig[b.HostConfig.NetworkMode]; endpoint.MacAddress != "" {
		return endpoint.MacAddress
	}
	return b.MacAddress
}

// publishedOf returns the host ports of bindings.
func publishedOf(bindings map[string][]portBinding) []model.PublishedPort {
	var published []model.PublishedPort
	for port, hostBindings := range bindings {
		number, protocol, _ := strings.Cut(port, "/")
		for _, binding := range hostBindings {
			published = append(published, model.PublishedPort{
				HostIP: addressOf(binding.HostIP), HostPort: portOf(binding.HostPort),
				Port: model.Port{Number: portOf(number), Protocol: model.Protocol(protocol)},
			})
		}
	}
	return published
}

func addressOf(text string) netip.Addr {
	address, err := netip.ParseAddr(text)
	if err != nil {
		return netip.IPv4Unspecified()
	}
	return address
}

func portOf(text string) uint16 {
	number, _ := strconv.ParseUint(text, 10, 16)
	return uint16(number)
}

// bindingsOf is the inverse of publishedOf.
func bindingsOf(published []model.PublishedPort) map[string][]portBinding {
	bindings := map[string][]portBinding{}
	for _, each := range published {
		port := fmt.Sprintf("%d/%s", each.Port.Number, each.Port.Protocol)
		bindings[port] = append(bindings[port], portBinding{each.HostIP.String(), strconv.Itoa(int(each.HostPort))})
	}
	return bindings
}

func (e *Engine) createContainer(w http.ResponseWriter, r *http.Request, _ string) error {
	var body creationBody
	if err := readJSON(r, &body); err != nil {
		return err
	}
	spec, namespaceOf := body.spec(r.URL.Query().Get("name"))
	id, err := e.fake.CreateContainer(r.Context(), spec, namespaceOf)
	if err != nil {
		return err
	}
	e.remember(id, creation{labels: body.Labels, mac: body.mac()})
	writeJSON(w, http.StatusCreated, map[string]any{"Id": id, "Warnings": []string{}})
	return nil
}

func (e *Engine) startContainer(w http.ResponseWriter, r *http.Request, id string) error {
	seen, err := e.fake.Container(r.Context(), id)
	switch {
	case err != nil:
		return err
	case seen.State == model.StatePaused:
		return errors.New("cannot start a paused container, try unpause instead")
	case seen.IsRunning():
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	return done(w, e.fake.StartContainer(r.Context(), id))
}

func (e *Engine) unpauseContainer(w http.ResponseWriter, r *http.Request, id string) error {
	return done(w, e.fake.StartContainer(r.Context(), id))
}

func (e *Engine) stopContainer(w http.ResponseWriter, r *http.Request, id string) error {
	return done(w, e.fake.StopContainer(r.Context(), id, 0))
}

func (e *Engine) restartContainer(w http.ResponseWriter, r *http.Request, id string) error {
	return done(w, e.fake.RestartContainer(r.Context(), id, 0))
}

func (e *Engine) renameContainer(w http.ResponseWriter, r *http.Request, id string) error {
	return done(w, e.fake.RenameContainer(r.Context(), id, r.URL.Query().Get("name")))
}

func (e *Engine) updateContainer(w http.ResponseWriter, r *http.Request, id string) error {
	if err := e.fake.ResetRestartPolicy(r.Context(), id); err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, map[string]any{"Warnings": []string{}})
	return nil
}

func (e *Engine) removeContainer(w http.ResponseWriter, r *http.Request, id string) error {
	err := e.fake.RemoveContainer(r.Context(), id)
	if err == nil {
		e.forget(id)
	}
	return done(w, err)
}

// done answers to a change that gives nothing back.
func done(w http.ResponseWriter, err error) error {
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}

// summary is a container in a list.
type summary struct {
	ID              string `json:"Id"`
	Names           []string
	Image           string
	ImageID         string
	Command         string
	Created         int64
	Ports           []summaryPort
	Labels          map[string]string
	State           model.State
	Status          string
	HostConfig      struct{ NetworkMode string }
	NetworkSettings networkSettings
	Mounts          []string
}

type summaryPort struct {
	IP          string
	PrivatePort uint16
	PublicPort  uint16
	Type        model.Protocol
}

type networkSettings struct {
	Ports    map[string][]portBinding `json:",omitempty"`
	Networks map[string]endpointBody
}

func (e *Engine) listContainers(w http.ResponseWriter, r *http.Request, _ string) error {
	containers, err := e.fake.Containers(r.Context())
	if err != nil {
		return err
	}
	summaries := make([]summary, 0, len(containers))
	for _, seen := range containers {
		endpoints, err := e.endpointBodies(r.Context(), seen, "")
		if err != nil {
			return err
		}
		listed := summary{
			ID: seen.ID, Names: []string{"/" + seen.Name}, Image: seen.Image, ImageID: seen.ImageID,
			Labels: e.creationOf(seen.ID).labels, State: seen.State, Status: string(seen.State),
			NetworkSettings: networkSettings{Networks: endpoints},
		}
		listed.HostConfig.NetworkMode = seen.HomeNetwork
		for _, port := range seen.HostPorts {
			listed.Ports = append(listed.Ports, summaryPort{port.HostIP.String(), port.Port.Number, port.HostPort, port.Port.Protocol})
		}
		summaries = append(summaries, listed)
	}
	writeJSON(w, http.StatusOK, summaries)
	return nil
}

// inspection is a container in detail.
type inspection struct {
	ID              string `json:"Id"`
	Name            string
	State           inspectedState
	Image           string
	RestartCount    int
	Config          containerConfig
	HostConfig      hostConfig
	NetworkSettings networkSettings
}

type inspectedState struct {
	Status                       model.State
	Running, Paused, Restarting  bool
	OOMKilled, Dead              bool
	Pid, ExitCode                int
	Error, StartedAt, FinishedAt string
}

func (e *Engine) inspectContainer(w http.ResponseWriter, r *http.Request, id string) error {
	seen, err := e.fake.Container(r.Context(), id)
	if err != nil {
		return err
	}
	with := e.creationOf(id)
	endpoints, err := e.endpointBodies(r.Context(), seen, with.mac)
	if err != nil {
		return err
	}
	ports := bindingsOf(seen.HostPorts)
	settings := networkSettings{Networks: endpoints}
	if seen.IsRunning() {
		settings.Ports = ports
	}
	writeJSON(w, http.StatusOK, inspection{
		ID: seen.ID, Name: "/" + seen.Name, Image: seen.ImageID, RestartCount: seen.RestartCount,
		State: inspectedState{
			Status: seen.State, Running: seen.IsRunning() || seen.State == model.StatePaused,
			Paused: seen.State == model.StatePaused, Restarting: seen.State == model.StateRestarting,
			Pid: seen.PID, ExitCode: seen.ExitCode, StartedAt: timeText(seen.StartedAt), FinishedAt: timeText(seen.FinishedAt),
		},
		Config:     containerConfig{Hostname: seen.Hostname, Image: seen.Image, Labels: with.labels, MacAddress: with.mac},
		HostConfig: hostConfig{NetworkMode: seen.HomeNetwork, RestartPolicy: restartPolicy{seen.RestartPolicy}, PortBindings: ports, Sysctls: maps.Clone(seen.Sysctls)},

		NetworkSettings: settings,
	})
	return nil
}

func timeText(moment time.Time) string { return moment.UTC().Format(time.RFC3339Nano) }

// endpointBodies returns the endpoints of a container. One that was never started
// knows its networks by name alone, and no MAC but that of live ones is told: a
// fake engine fills in the one that the home is to have.
func (e *Engine) endpointBodies(ctx context.Context, seen model.Container, homeMAC string) (map[string]endpointBody, error) {
	bodies := make(map[string]endpointBody, len(seen.Endpoints))
	for _, endpoint := range seen.Endpoints {
		body := endpointBody{NetworkID: endpoint.NetworkID, MacAddress: endpoint.MAC, Aliases: slices.Clone(endpoint.Aliases)}
		if endpoint.Address.IsValid() {
			body.IPAMConfig = &endpointAddress{endpoint.Address.String()}
		}
		switch {
		case isLive(seen):
			gateway, err := e.gatewayOf(ctx, endpoint.NetworkID)
			if err != nil {
				return nil, err
			}
			body.EndpointID, body.IPAddress, body.IPPrefixLen, body.Gateway = endpoint.NetworkID, endpoint.Address.String(), 24, gateway
		case endpoint.NetworkName == seen.HomeNetwork && endpoint.MAC == homeMAC:
			body.MacAddress = ""
		}
		if seen.StartedAt.IsZero() && seen.State == model.StateCreated {
			body.NetworkID = ""
		}
		bodies[endpoint.NetworkName] = body
	}
	return bodies, nil
}

// isLive reports whether a container has interfaces.
func isLive(seen model.Container) bool {
	return seen.IsRunning() || seen.State == model.StatePaused
}

// gatewayOf returns the gateway that a container shows for an interface: none on an
// internal network where the engine has API 1.44.
func (e *Engine) gatewayOf(ctx context.Context, networkID string) (string, error) {
	joined, err := e.fake.Network(ctx, networkID)
	switch {
	case errors.Is(err, engine.ErrNotFound):
		// It was left and removed meanwhile.
		return "", nil
	case err != nil:
		return "", err
	case !joined.Gateway.IsValid():
		// It is one of the engine's own.
		return "", nil
	}
	profile, err := e.fake.Profile(ctx)
	if err != nil || joined.Internal && profile.EndpointMAC {
		return "", err
	}
	return joined.Gateway.String(), nil
}
