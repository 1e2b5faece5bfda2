// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
	"sigs.k8s.io/yaml"

	"github.com/deckyard/deckyard/internal/model"
)

const (
	// homePriority makes the home the first network that Compose connects.
	homePriority = 1000

	// What the operator sets on every container alike.
	logFileSize  = "10m"
	logFileCount = "3"
	tmpfsOptions = "rw,noexec,nosuid,nodev,size=16m,mode=1777"
	openFiles    = 4096

	optionMasquerade = "com.docker.network.bridge.enable_ip_masquerade"
	optionMTU        = "com.docker.network.driver.mtu"
	optionHostAbsent = "com.docker.network.bridge.inhibit_ipv4"
)

// Compose returns the topology as a Compose project that brings up the same
// networks and containers. It carries none of our labels: what Compose creates
// is Compose's.
func (t TopologySpec) Compose() *types.Project {
	project := &types.Project{Name: t.Project, Services: types.Services{}, Networks: types.Networks{}}
	for _, network := range t.Networks {
		project.Networks[network.Identity.Owner.Name] = composeNetworkOf(network)
	}
	for _, decky := range t.Deckies {
		baseKey := decky.Owner.Name
		base := composeContainer(decky.Base, baseKey)
		addBaseNetworking(&base, decky)
		project.Services[baseKey] = base
		for _, service := range decky.Services {
			key := serviceKey(baseKey, service.Identity.Service)
			container := composeContainer(service, key)
			container.NetworkMode = types.ServicePrefix + baseKey
			project.Services[key] = container
		}
	}
	return project
}

// ComposeYAML writes a project as a file that both docker compose and the older
// docker-compose accept, which alone can set a MAC before API 1.44. The older one
// knows neither a project name in the file nor a host address in the long form of
// a port, so the name is in a comment, to be given with -p, and ports are in the
// short form.
func ComposeYAML(project *types.Project) ([]byte, error) {
	long, err := project.MarshalYAML()
	if err != nil {
		return nil, fmt.Errorf("encode Compose project %s: %w", project.Name, err)
	}
	var file map[string]any
	if err := yaml.Unmarshal(long, &file); err != nil {
		return nil, fmt.Errorf("decode Compose project %s: %w", project.Name, err)
	}
	delete(file, "name")
	if services, ok := file["services"].(map[string]any); ok {
		for key, service := range services {
			fields, ok := service.(map[string]any)
			if ports := project.Services[key].Ports; ok && len(ports) > 0 {
				fields["ports"] = shortPorts(ports)
			}
		}
	}
	short, err := yaml.Marshal(file)
	if err != nil {
		return nil, fmt.Errorf("encode Compose project %s: %w", project.Name, err)
	}
	return append([]byte("# docker compose -p "+project.Name+" -f FILE up -d\n"), short...), nil
}

func shortPorts(ports []types.ServicePortConfig) []string {
	short := make([]string, 0, len(ports))
	for _, port := range ports {
		short = append(short, fmt.Sprintf("%s:%s:%d/%s", port.HostIP, port.Published, port.Target, port.Protocol))
	}
	return short
}

// composeNetworkOf leaves the name of the bridge to the engine: it is made from
// what only a deployed LAN has, for the sake of filter rules, which Compose has not.
func composeNetworkOf(network model.NetworkSpec) types.NetworkConfig {
	options := types.Options{optionMasquerade: strconv.FormatBool(network.Masquerade)}
	if network.MTU != 0 {
		options[optionMTU] = strconv.Itoa(network.MTU)
	}
	if network.HostAbsent {
		options[optionHostAbsent] = strconv.FormatBool(true)
	}
	return types.NetworkConfig{
		Name:       network.Name,
		Driver:     network.Driver,
		DriverOpts: options,
		Internal:   network.Internal,
		Ipam: types.IPAMConfig{Config: []*types.IPAMPool{{
			Subnet: network.Subnet.String(), Gateway: network.Gateway.String(),
		}}},
	}
}

// composeContainer returns what base and service have in common.
func composeContainer(spec model.ContainerSpec, key string) types.ServiceConfig {
	withInit := false
	service := types.ServiceConfig{Name: key, ContainerName: spec.Name, Restart: types.RestartPolicyUnlessStopped}
	service.Image = spec.Image
	service.Command = escapeAll(spec.Command)
	service.Environment = environment(spec.Env)
	service.User = spec.User
	service.ReadOnly = spec.ReadOnlyRoot
	service.CapDrop = []string{"ALL"}
	service.CapAdd = spec.Capabilities
	service.SecurityOpt = []string{"no-new-privileges:true"}
	service.MemLimit = types.UnitBytes(spec.Limits.Memory)
	service.MemSwapLimit = types.UnitBytes(spec.Limits.Memory)
	service.PidsLimit = spec.Limits.PIDs
	service.CPUS = float32(float64(spec.Limits.NanoCPUs) / 1e9)
	service.Ulimits = map[string]*types.UlimitsConfig{"nofile": {Single: openFiles}}
	service.Ipc = "private"
	service.Init = &withInit
	service.HealthCheck = &types.HealthCheckConfig{Disable: true}
	service.Logging = &types.LoggingConfig{
		Driver:  "json-file",
		Options: types.Options{"max-size": logFileSize, "max-file": logFileCount},
	}
	for _, directory := range spec.Tmpfs {
		service.Tmpfs = append(service.Tmpfs, directory+":"+tmpfsOptions)
	}
	return service
}

// addBaseNetworking adds what only the owner of a network namespace has.
func addBaseNetworking(service *types.ServiceConfig, decky model.DeckySpec) {
	base := decky.Base
	service.Hostname = base.Hostname
	service.Sysctls = base.Sysctls
	service.MacAddress = base.Home.MAC
	for _, resolver := range base.DNS {
		service.DNS = append(service.DNS, resolver.String())
	}
	service.Networks = map[string]*types.ServiceNetworkConfig{}
	for i, endpoint := range decky.Endpoints {
		network := &types.ServiceNetworkConfig{Ipv4Address: endpoint.Address.String()}
		if i == 0 {
			network.Priority = homePriority
		} else {
			network.MacAddress = endpoint.MAC
		}
		service.Networks[endpoint.LAN] = network
	}
	for _, published := range base.Published {
		service.Ports = append(service.Ports, types.ServicePortConfig{
			HostIP:    published.HostIP.String(),
			Published: strconv.Itoa(int(published.HostPort)),
			Target:    uint32(published.Port.Number),
			Protocol:  string(published.Port.Protocol),
		})
	}
}

func environment(entries []string) types.MappingWithEquals {
	variables := types.MappingWithEquals{}
	for _, entry := range entries {
		name, value, _ := strings.Cut(entry, "=")
		value = escape(value)
		variables[name] = &value
	}
	return variables
}

// escape keeps Compose from replacing variables in a value.
func escape(value string) string {
	return strings.ReplaceAll(value, "$", "$$")
}

// escapeAll returns nil for no values: an empty command would clear the image's.
func escapeAll(values []string) []string {
	var escaped []string
	for _, value := range values {
		escaped = append(escaped, escape(value))
	}
	return escaped
}
