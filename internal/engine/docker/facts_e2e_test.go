//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package docker_test

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/client"

	"github.com/deckyard/deckyard/internal/engine/contract"
	"github.com/deckyard/deckyard/internal/engine/docker"
	"github.com/deckyard/deckyard/internal/model"
)

// Facts about the engine on which the design rests.

// Whose an endpoint is cannot be told from its event: observers look it up.
func TestConnectEventNamesNetworkAndContainerButNoLabels(t *testing.T) {
	t.Parallel()
	dockerEngine := connect(t, docker.DefaultHost)
	since := time.Now().Add(-time.Second)
	home, base := startBase(t, dockerEngine, "10.214.1.0/24")

	dockerClient, err := client.NewClientWithOpts(client.WithHost(docker.DefaultHost), client.WithAPIVersionNegotiation())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = dockerClient.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	messages, failures := dockerClient.Events(ctx, events.ListOptions{Since: fmt.Sprint(since.Unix())})
	for {
		select {
		case message := <-messages:
			if message.Type != events.NetworkEventType || message.Action != events.ActionConnect || message.Actor.ID != home {
				continue
			}
			if got := message.Actor.Attributes["container"]; got != base.ID {
				t.Errorf("container %q, want %q", got, base.ID)
			}
			for name := range message.Actor.Attributes {
				if strings.HasPrefix(name, "deckyard.dev/") {
					t.Errorf("attribute %q", name)
				}
			}
			return
		case err := <-failures:
			t.Fatalf("no event tells of the connection: %v", err)
		}
	}
}

// What the engine was asked for is what the kernel enforces.
func TestContainersAreConfinedByTheKernel(t *testing.T) {
	t.Parallel()
	_, base := startBase(t, connect(t, docker.DefaultHost), "10.214.2.0/24")
	contents, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", base.PID))
	if err != nil {
		t.Fatal(err)
	}
	status := map[string]string{}
	for line := range strings.Lines(string(contents)) {
		name, value, _ := strings.Cut(line, ":")
		status[name] = strings.TrimSpace(value)
	}
	for name, want := range map[string]string{
		"CapEff": "0000000000000000", "CapPrm": "0000000000000000", "CapBnd": "0000000000000000",
		"NoNewPrivs": "1", "Seccomp": "2",
	} {
		if got := status[name]; got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", base.PID))
	if err != nil {
		t.Fatal(err)
	}
	if want := "Max open files            4096                 4096 "; !strings.Contains(string(limits), want) {
		t.Errorf("limits lack %q:\n%s", want, limits)
	}
	mounts, err := os.ReadFile(fmt.Sprintf("/proc/%d/mounts", base.PID))
	if err != nil {
		t.Fatal(err)
	}
	options := map[string][]string{}
	for line := range strings.Lines(string(mounts)) {
		fields := strings.Fields(line)
		options[fields[1]] = strings.Split(fields[3], ",")
	}
	for directory, want := range map[string][]string{"/": {"ro"}, "/tmp": {"noexec", "nosuid", "nodev", "size=16384k"}} {
		for _, option := range want {
			if !strings.Contains(strings.Join(options[directory], ","), option) {
				t.Errorf("%s is mounted with %v, want %s", directory, options[directory], option)
			}
		}
	}
}

// startBase runs a base on a network of its own for the time of the test.
func startBase(t *testing.T, dockerEngine *docker.Engine, subnet string) (networkID string, base model.Container) {
	t.Helper()
	image := contract.LoadImage(t, dockerEngine, contract.BuildProgram(t))
	prefix := netip.MustParsePrefix(subnet)
	gateway := prefix.Addr().Next()
	identity := model.Identity{
		Owner: model.Owner{Instance: "facts", Kind: model.OwnerLAN, Namespace: "default", Topology: "facts", Name: "lan", UID: "facts"},
		Role:  model.RoleNetwork,
	}
	name := strings.NewReplacer("/", "_", ":", "_").Replace(image)
	networkID, err := dockerEngine.CreateNetwork(t.Context(), model.NetworkSpec{
		Name: name, Identity: identity, Driver: "bridge", Subnet: prefix, Gateway: gateway, Internal: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx := withoutCancel(t.Context())
	t.Cleanup(func() {
		if err := dockerEngine.RemoveNetwork(ctx, networkID); err != nil {
			t.Errorf("clean up: %v", err)
		}
	})
	identity.Role, identity.Owner.Kind = model.RoleBase, model.OwnerDecky
	id, err := dockerEngine.CreateContainer(t.Context(), model.ContainerSpec{
		Name: name, Identity: identity, Image: image, ReadOnlyRoot: true, Tmpfs: []string{"/tmp"},
		Limits: model.Limits{Memory: 32 << 20, PIDs: 64},
		Home:   model.EndpointSpec{NetworkName: name, NetworkID: networkID, Address: gateway.Next()},
	}, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := dockerEngine.RemoveContainer(ctx, id); err != nil {
			t.Errorf("clean up: %v", err)
		}
	})
	if err := dockerEngine.StartContainer(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	base, err = dockerEngine.Container(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return networkID, base
}
