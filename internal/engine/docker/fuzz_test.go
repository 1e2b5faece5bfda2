// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"encoding/json"
	"net/netip"
	"reflect"
	"slices"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/network"

	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/model"
)

// decode returns what an answer of the engine says; false if it is none.
func decode[T any](answer []byte) (decoded T, ok bool) {
	err := json.Unmarshal(answer, &decoded)
	return decoded, err == nil
}

// Whatever an event says, it is of a type that we know, or left out.
func FuzzEvents(f *testing.F) {
	f.Add([]byte(`{"Type":"container","Action":"exec_create: sh","Actor":{"ID":"c1","Attributes":{"name":"x"}},"timeNano":1700000001000000000}`))
	f.Add([]byte(`{"Type":"network","Action":"connect","Actor":{"ID":"n1","Attributes":{"container":"c1"}},"timeNano":-1}`))
	f.Add([]byte(`{"Type":"image","Action":"delete","Actor":{"ID":"i1","Attributes":null}}`))
	f.Add([]byte(`{"Type":"network","status":"x","time":1e300}`))
	f.Fuzz(func(t *testing.T, answer []byte) {
		message, ok := decode[events.Message](answer)
		if !ok {
			return
		}
		event, isKnown := eventOf(message)
		if !isKnown {
			return
		}
		if !slices.Contains([]engine.ObjectType{engine.ObjectContainer, engine.ObjectNetwork, engine.ObjectImage}, event.Type) {
			t.Errorf("an event of %q", event.Type)
		}
		if event.ID != message.Actor.ID || event.ContainerID != "" && event.Type != engine.ObjectNetwork {
			t.Errorf("%+v became %+v", message, event)
		}
	})
}

// Whatever an inspection or a list says of a container, it is read as one that
// keeps the promises of the model, and each time alike.
func FuzzContainers(f *testing.F) {
	f.Add([]byte(`{"Id":"1","Name":"/web","Image":"sha256:1","State":{"Status":"running","Pid":7,"StartedAt":"2026-01-01T00:00:00Z","FinishedAt":"0001"},
		"Config":{"Hostname":"web","Labels":{"deckyard.dev/role":"base"},"MacAddress":"02:42:AC:11:00:02"},"RestartCount":-1,
		"HostConfig":{"NetworkMode":"dmz","PortBindings":{"80/tcp":[{"HostIp":"","HostPort":"8080"},{"HostIp":"::","HostPort":"0"}],"x":null},"Sysctls":{"a":"b"}},
		"NetworkSettings":{"Ports":{"80/tcp":[{"HostIp":"0.0.0.0","HostPort":"8080"}],"53":[{"HostPort":"99999"}]},
		"Networks":{"dmz":{"NetworkID":"9","EndpointID":"8","IPAddress":"172.17.0.2"},"b":null,"a":{"IPAMConfig":{"IPv4Address":"10.0.0.9/24"},"Aliases":["z","a"]}}}}`))
	f.Add([]byte(`{"Id":"1","Names":["/x/alias","/x"],"State":"exited","Labels":{"deckyard.dev/role":"service"},"HostConfig":{"NetworkMode":"container:"},
		"Ports":[{"IP":"::","PrivatePort":80,"PublicPort":8080,"Type":"tcp"},{"IP":"0.0.0.0","PrivatePort":80,"PublicPort":8080,"Type":"tcp"}],"NetworkSettings":{}}`))
	f.Add([]byte(`{"Names":[""],"NetworkSettings":null,"Config":{},"State":{},"HostConfig":{}}`))
	f.Fuzz(func(t *testing.T, answer []byte) {
		if inspected, ok := decode[container.InspectResponse](answer); ok && isComplete(inspected) {
			checkContainer(t, containerOfInspection(inspected))
			if again := containerOfInspection(inspected); !reflect.DeepEqual(containerOfInspection(inspected), again) {
				t.Errorf("read once more: %+v", again)
			}
		}
		if listed, ok := decode[container.Summary](answer); ok {
			checkContainer(t, containerOfSummary(listed))
		}
	})
}

func checkContainer(t *testing.T, seen model.Container) {
	t.Helper()
	checkIdentity(t, seen.Identity)
	isSorted := slices.IsSortedFunc(seen.Endpoints, func(a, b model.Endpoint) int {
		if a.NetworkName < b.NetworkName {
			return -1
		}
		return 1
	})
	if !isSorted {
		t.Errorf("endpoints are not sorted: %+v", seen.Endpoints)
	}
	for _, endpoint := range seen.Endpoints {
		checkAddress(t, endpoint.Address)
	}
	for i, port := range seen.HostPorts {
		if !port.HostIP.Is4() || port.HostPort == 0 || i > 0 && port == seen.HostPorts[i-1] {
			t.Errorf("host ports: %+v", seen.HostPorts)
		}
	}
}

// Whatever an inspection or a list says of a network, it is read as one that
// keeps the promises of the model.
func FuzzNetworks(f *testing.F) {
	f.Add([]byte(`{"Id":"1","Name":"old","Driver":"bridge","IPAM":{"Config":[{"Subnet":"172.30.0.0/16","Gateway":"172.30.0.1/16"}]}}`))
	f.Add([]byte(`{"Id":"2","IPAM":{"Config":[{"Subnet":"fd00::/64","Gateway":"fd00::1"},{"Subnet":"10.9.0.5/24"},{"Subnet":"::ffff:10.0.0.0/104"}]},
		"Options":{"com.docker.network.driver.mtu":"9223372036854775808"},"Labels":{"deckyard.dev/role":"network"}}`))
	f.Add([]byte(`{"IPAM":{"Config":null},"Options":null}`))
	f.Fuzz(func(t *testing.T, answer []byte) {
		inspected, ok := decode[network.Inspect](answer)
		if !ok {
			return
		}
		seen := networkOf(inspected)
		checkIdentity(t, seen.Identity)
		checkAddress(t, seen.Gateway)
		if !slices.IsSortedFunc(seen.Subnets, netip.Prefix.Compare) {
			t.Errorf("subnets are not sorted: %v", seen.Subnets)
		}
		for _, subnet := range seen.Subnets {
			if !subnet.IsValid() || !subnet.Addr().Is4() || subnet != subnet.Masked() {
				t.Errorf("subnet %s", subnet)
			}
		}
	})
}

// checkAddress checks that an address is an IPv4 address or none.
func checkAddress(t *testing.T, address netip.Addr) {
	t.Helper()
	if address.IsValid() && !address.Is4() {
		t.Errorf("address %s", address)
	}
}

// checkIdentity checks that an identity is of a role that we know, or foreign.
func checkIdentity(t *testing.T, identity model.Identity) {
	t.Helper()
	switch identity.Role {
	case model.RoleNetwork, model.RoleBase, model.RoleService:
	default:
		if identity != (model.Identity{}) {
			t.Errorf("identity %+v", identity)
		}
	}
}
