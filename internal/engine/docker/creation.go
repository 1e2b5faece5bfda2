// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"fmt"
	"strconv"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/go-connections/nat"

	"github.com/deckyard/deckyard/internal/model"
)

const (
	// tmpfsOptions keep an in-memory directory from holding programs, devices or
	// more than a little.
	tmpfsOptions = "rw,noexec,nosuid,nodev,size=16m,mode=1777"

	// The engine keeps this much of what a container prints.
	logFileSize  = "10m"
	logFileCount = "3"

	// openFiles is how many a process may have open, sockets among them: the kernel's
	// memory for these is not within the limit of a container's everywhere.
	openFiles = 4096
)

// containerCreation returns the engine's form of a container as it should be.
// namespaceOf is the id of the base whose network namespace it shares, empty for
// a base; macPerEndpoint says where the engine takes the MAC of the home.
func containerCreation(spec model.ContainerSpec, namespaceOf string, macPerEndpoint bool) container.CreateRequest {
	creation := container.CreateRequest{
		Config: &container.Config{
			Image:  spec.Image,
			Cmd:    spec.Command,
			Env:    spec.Env,
			User:   spec.User,
			Labels: labelsOf(spec.Identity, spec.ExtraLabels),
			// The engine's own checks run a process in the container each time.
			Healthcheck: &container.HealthConfig{Test: []string{"NONE"}},
		},
		HostConfig:       confinement(spec),
		NetworkingConfig: &network.NetworkingConfig{},
	}
	if namespaceOf != "" {
		creation.HostConfig.NetworkMode = container.NetworkMode("container:" + namespaceOf)
		return creation
	}
	addNetworking(&creation, spec, macPerEndpoint)
	return creation
}

// confinement returns what bounds a container: what it may do, write and use.
// The engine's default seccomp profile and hidden paths stay in force.
func confinement(spec model.ContainerSpec) *container.HostConfig {
	withInit := false
	hostConfig := &container.HostConfig{
		CapDrop:        []string{"ALL"},
		CapAdd:         spec.Capabilities,
		SecurityOpt:    []string{"no-new-privileges:true"},
		ReadonlyRootfs: spec.ReadOnlyRoot,
		IpcMode:        container.IPCModePrivate,
		// The engine's own init would show among the processes.
		Init:          &withInit,
		RestartPolicy: container.RestartPolicy{Name: model.RestartPolicy},
		LogConfig: container.LogConfig{
			Type:   "json-file",
			Config: map[string]string{"max-size": logFileSize, "max-file": logFileCount},
		},
		Resources: container.Resources{
			Memory:     spec.Limits.Memory,
			MemorySwap: spec.Limits.Memory,
			NanoCPUs:   spec.Limits.NanoCPUs,
			Ulimits:    []*container.Ulimit{{Name: "nofile", Soft: openFiles, Hard: openFiles}},
		},
	}
	if spec.Limits.PIDs > 0 {
		pids := spec.Limits.PIDs
		hostConfig.PidsLimit = &pids
	}
	if len(spec.Tmpfs) > 0 {
		hostConfig.Tmpfs = make(map[string]string, len(spec.Tmpfs))
		for _, directory := range spec.Tmpfs {
			hostConfig.Tmpfs[directory] = tmpfsOptions
		}
	}
	return hostConfig
}

// addNetworking adds what only the owner of a network namespace has.
func addNetworking(creation *container.CreateRequest, spec model.ContainerSpec, macPerEndpoint bool) {
	creation.Hostname = spec.Hostname
	creation.ExposedPorts = nat.PortSet{}
	hostConfig := creation.HostConfig
	hostConfig.Sysctls = spec.Sysctls
	hostConfig.PortBindings = nat.PortMap{}
	for _, published := range spec.Published {
		port := nat.Port(fmt.Sprintf("%d/%s", published.Port.Number, published.Port.Protocol))
		creation.ExposedPorts[port] = struct{}{}
		hostConfig.PortBindings[port] = append(hostConfig.PortBindings[port], nat.PortBinding{
			HostIP:   published.HostIP.String(),
			HostPort: strconv.Itoa(int(published.HostPort)),
		})
	}
	for _, resolver := range spec.DNS {
		hostConfig.DNS = append(hostConfig.DNS, resolver.String())
	}
	// By name: given an id, engine 20.10 silently drops the MAC.
	hostConfig.NetworkMode = container.NetworkMode(spec.Home.NetworkName)
	home := endpointCreation(spec.Home)
	if !macPerEndpoint {
		home.MacAddress = ""
		creation.MacAddress = spec.Home.MAC //nolint:staticcheck // The only place for it before API 1.44.
	}
	creation.NetworkingConfig.EndpointsConfig = map[string]*network.EndpointSettings{spec.Home.NetworkName: home}
}
