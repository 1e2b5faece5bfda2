// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/model"
)

// Test is a test, or one case of a property, that a failure ends.
type Test interface {
	Helper()
	Fatalf(format string, args ...any)
}

// Hand acts on the engine and host as anybody but the operator would: with
// docker's command line, or as a program inside a container. What it does is not
// among Writes, works also while the engine is down, and meets no fault. Objects
// are named by name. A mistake in the test ends the test.
type Hand struct {
	t Test
	e *Engine
}

// ByHand returns the Hand of a test.
func (e *Engine) ByHand(t Test) Hand {
	t.Helper()
	return Hand{t: t, e: e}
}

// do runs something under the engine's lock.
func (h Hand) do(perform func() error) {
	h.t.Helper()
	h.e.mutex.Lock()
	defer h.e.mutex.Unlock()
	if err := perform(); err != nil {
		h.t.Fatalf("by hand: %v", err)
	}
}

// withContainer runs something on the container of a name.
func (h Hand) withContainer(name string, perform func(*container) error) {
	h.t.Helper()
	h.do(func() error {
		found, err := h.e.namedContainer(name)
		if err != nil {
			return err
		}
		return perform(found)
	})
}

func (e *Engine) namedContainer(name string) (*container, error) {
	found, ok := e.containerNamed[name]
	if !ok {
		return nil, fmt.Errorf("no container %q", name)
	}
	return found, nil
}

// withNetwork runs something on the network of a name.
func (h Hand) withNetwork(name string, perform func(*network) error) {
	h.t.Helper()
	h.do(func() error {
		found := h.e.networksNamed[name]
		if len(found) == 0 {
			return fmt.Errorf("no network %q", name)
		}
		return perform(found[0])
	})
}

// Start is "docker start".
func (h Hand) Start(name string) {
	h.t.Helper()
	h.withContainer(name, h.e.start)
}

// Stop is "docker stop".
func (h Hand) Stop(name string) {
	h.t.Helper()
	h.withContainer(name, func(target *container) error {
		h.e.stop(target, exitStopped)
		return nil
	})
}

// Kill is "docker kill": the engine does not start the container again.
func (h Hand) Kill(name string) {
	h.t.Helper()
	h.withContainer(name, func(target *container) error {
		h.e.stop(target, exitKilled)
		return nil
	})
}

// Crash ends the container's program from inside: the engine starts the
// container again at once. A base gets a new network namespace, and services
// stay behind in the old one.
func (h Hand) Crash(name string, exitCode int) {
	h.t.Helper()
	h.withContainer(name, func(target *container) error {
		if target.state != model.StateRunning {
			return fmt.Errorf("container %q is %s", name, target.state)
		}
		h.e.end(target, exitCode)
		if target.restartPolicy != model.RestartPolicy {
			return nil
		}
		target.restarts++
		return h.e.start(target)
	})
}

// Restart is "docker restart".
func (h Hand) Restart(name string) {
	h.t.Helper()
	h.withContainer(name, func(target *container) error {
		h.e.stop(target, exitStopped)
		return h.e.start(target)
	})
}

// Pause is "docker pause".
func (h Hand) Pause(name string) {
	h.t.Helper()
	h.withContainer(name, func(target *container) error {
		if target.state != model.StateRunning {
			return fmt.Errorf("container %q is %s", name, target.state)
		}
		target.state = model.StatePaused
		h.e.emit(engine.ObjectContainer, target.id, "")
		return nil
	})
}

// Rename is "docker rename".
func (h Hand) Rename(name, to string) {
	h.t.Helper()
	h.withContainer(name, func(target *container) error { return h.e.rename(target, to) })
}

// SetRestartPolicy is "docker update --restart".
func (h Hand) SetRestartPolicy(name, policy string) {
	h.t.Helper()
	h.withContainer(name, func(target *container) error {
		target.restartPolicy = policy
		h.e.emit(engine.ObjectContainer, target.id, "")
		return nil
	})
}

// Remove is "docker rm --force".
func (h Hand) Remove(name string) {
	h.t.Helper()
	h.withContainer(name, func(target *container) error {
		h.e.drop(target)
		return nil
	})
}

// Connect is "docker network connect", with an address unless it is invalid.
func (h Hand) Connect(containerName, networkName string, address netip.Addr) {
	h.t.Helper()
	h.withNetwork(networkName, func(joined *network) error {
		target, err := h.e.namedContainer(containerName)
		if err != nil {
			return err
		}
		settings := &endpointSettings{address: address}
		target.endpoints[networkName] = settings
		if !target.holdsNetworks() {
			return nil
		}
		return h.e.join(target, joined, settings)
	})
}

// Disconnect is "docker network disconnect".
func (h Hand) Disconnect(containerName, networkName string) {
	h.t.Helper()
	h.withContainer(containerName, func(target *container) error {
		settings, ok := target.endpoints[networkName]
		if !ok {
			return fmt.Errorf("container %q is not on network %q", containerName, networkName)
		}
		h.e.leave(target, settings)
		delete(target.endpoints, networkName)
		return nil
	})
}

// RemoveNetwork is "docker network rm" after everyone was disconnected.
func (h Hand) RemoveNetwork(name string) {
	h.t.Helper()
	h.withNetwork(name, func(removed *network) error {
		for _, user := range h.e.containers {
			if settings, ok := user.endpoints[name]; ok && settings.live {
				h.e.leave(user, settings)
				delete(user.endpoints, name)
			}
		}
		return h.e.dropNetwork(removed.ID)
	})
}

// AddNetwork creates a network and returns its id. Without an identity it is
// foreign. It may also have the name or subnet of another one.
func (h Hand) AddNetwork(spec model.NetworkSpec) string {
	h.t.Helper()
	var id string
	h.do(func() error {
		id = h.e.addNetwork(spec).ID
		return nil
	})
	return id
}

// AddContainer creates and starts a container and returns its id. Without an
// identity it is foreign. Its image need not exist.
func (h Hand) AddContainer(spec model.ContainerSpec) string {
	h.t.Helper()
	var id string
	h.do(func() error {
		added, err := h.e.addContainer(spec, digestOf(spec.Image), "")
		if err != nil {
			return err
		}
		id = added.id
		return h.e.start(added)
	})
	return id
}

// RestartEngine restarts the engine: streams break, and of the containers those
// that ran run again, in the worst order: services before bases.
func (h Hand) RestartEngine() {
	h.t.Helper()
	h.do(func() error {
		h.e.breakStreams()
		var running []*container
		for _, found := range h.e.containers {
			if found.state == model.StateRunning || found.state == model.StateRestarting {
				running = append(running, found)
			}
		}
		slices.SortFunc(running, func(a, b *container) int { return -compareStart(a, b) })
		for _, found := range running {
			h.e.stop(found, exitKilled)
		}
		for _, found := range running {
			// What cannot start stays as it is, as with the engine.
			_ = h.e.start(found)
		}
		return nil
	})
}

// compareStart orders bases before services.
func compareStart(a, b *container) int {
	switch {
	case a.namespaceOf == "" && b.namespaceOf != "":
		return -1
	case a.namespaceOf != "" && b.namespaceOf == "":
		return 1
	case a.id < b.id:
		return -1
	default:
		return 1
	}
}

// SetListening sets which ports a running container's program has open.
func (h Hand) SetListening(name string, ports ...model.Port) {
	h.t.Helper()
	h.withContainer(name, func(target *container) error {
		target.ports = slices.Clone(ports)
		return nil
	})
}

// SetSysctl changes a kernel setting in a running container's namespace.
func (h Hand) SetSysctl(name, sysctl, value string) {
	h.t.Helper()
	h.withContainer(name, func(target *container) error {
		if target.namespace == nil {
			return fmt.Errorf("container %q is %s", name, target.state)
		}
		target.namespace.setSysctl(sysctl, value)
		return nil
	})
}

// AddRoute adds a route to a running container's namespace.
func (h Hand) AddRoute(name string, route model.Route) {
	h.t.Helper()
	h.withContainer(name, func(target *container) error {
		if target.namespace == nil {
			return fmt.Errorf("container %q is %s", name, target.state)
		}
		target.namespace.addRoute(route)
		return nil
	})
}

// RemoveRoute removes a route from a running container's namespace.
func (h Hand) RemoveRoute(name string, route model.Route) {
	h.t.Helper()
	h.withContainer(name, func(target *container) error {
		if target.namespace == nil || !slices.Contains(target.namespace.routes, route) {
			return fmt.Errorf("container %q has no route %s", name, route)
		}
		target.namespace.routes = slices.DeleteFunc(target.namespace.routes, func(other model.Route) bool { return other == route })
		return nil
	})
}

// SetRoutes sets the host's routes.
func (h Hand) SetRoutes(routes ...netip.Prefix) {
	h.t.Helper()
	h.do(func() error {
		h.e.routes = slices.SortedFunc(slices.Values(routes), netip.Prefix.Compare)
		return nil
	})
}

// HoldPort lets a process of the host hold a port, or with an empty holder let it go.
func (h Hand) HoldPort(port model.PublishedPort, holder string) {
	h.t.Helper()
	h.do(func() error {
		if holder == "" {
			delete(h.e.heldPorts, port)
		} else {
			h.e.heldPorts[port] = holder
		}
		return nil
	})
}

// FlushFilters is "nft delete table" on the table of an instance.
func (h Hand) FlushFilters(instance string) {
	h.t.Helper()
	h.do(func() error {
		h.e.firewall.flush(instance)
		return nil
	})
}

// DamageFilter deletes one of the rules of a bridge.
func (h Hand) DamageFilter(bridge string) {
	h.t.Helper()
	h.do(func() error { return h.e.firewall.damage(bridge) })
}

// SetFirewallFault makes every read and change of filter rules fail, or with nil
// no longer.
func (h Hand) SetFirewallFault(err error) {
	h.t.Helper()
	h.do(func() error {
		h.e.firewall.fault = err
		h.e.firewall.announce()
		return nil
	})
}

// SetProfile changes what the engine and its host are, as an upgrade, or another
// configuration, does.
func (h Hand) SetProfile(change func(*model.Profile)) {
	h.t.Helper()
	h.do(func() error {
		profile := model.Profile{Engine: h.e.profile, Host: h.e.seen}
		change(&profile)
		h.e.profile, h.e.seen = profile.Engine, profile.Host
		return nil
	})
}
