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

	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/model"
)

// kernelDefaults returns the kernel settings that a new network namespace has.
func kernelDefaults() map[string]string {
	return map[string]string{
		// That of the host, which Docker sets.
		"net.ipv4.ip_forward":         "1",
		"net.ipv4.ip_default_ttl":     "64",
		"net.ipv4.tcp_syn_retries":    "6",
		"net.ipv4.tcp_timestamps":     "1",
		"net.ipv4.tcp_window_scaling": "1",
		"net.ipv4.tcp_sack":           "1",
		"net.ipv4.tcp_ecn":            "2",
		"net.ipv4.ip_no_pmtu_disc":    "0",
		"net.ipv4.tcp_fin_timeout":    "60",
		"net.ipv4.icmp_ratelimit":     "1000",
		"net.ipv4.icmp_ratemask":      "6168",
	}
}

// Namespace implements engine.Host.
func (e *Engine) Namespace(ctx context.Context, container model.Container, sysctls []string) (model.Namespace, error) {
	var seen model.Namespace
	err := e.call(ctx, OpNamespace, container.ID, func() error {
		for _, name := range sysctls {
			if !model.IsNetworkSysctl(name) {
				return fmt.Errorf("sysctl %q: %w", name, engine.ErrInvalid)
			}
		}
		entered, err := e.namespaceOf(container)
		if err != nil {
			return err
		}
		seen = model.Namespace{Listening: e.listening(entered), Sysctls: map[string]string{}, Routes: slices.Clone(entered.routes)}
		for _, name := range sysctls {
			if value := entered.sysctl(name); value != "" {
				seen.Sysctls[name] = value
			}
		}
		return nil
	})
	return seen, err
}

// SetSysctl implements engine.Host.
func (e *Engine) SetSysctl(ctx context.Context, container model.Container, name, value string) error {
	target := fmt.Sprintf("%s of %s to %s", name, e.nameOf(container.ID), value)
	return e.call(ctx, OpSetSysctl, target, func() error {
		if !model.IsNetworkSysctl(name) {
			return fmt.Errorf("sysctl %q: %w", name, engine.ErrInvalid)
		}
		entered, err := e.namespaceOf(container)
		if err != nil {
			return err
		}
		entered.setSysctl(name, value)
		return nil
	})
}

// sysctl returns a kernel setting; empty if the kernel does not have it.
func (n *namespace) sysctl(name string) string {
	value := cmp.Or(n.sysctls[name], kernelDefaults()[name])
	if name != model.SysctlIPForward {
		return value
	}
	var exceptions []string
	for other, seen := range n.sysctls {
		if link, ok := forwardingLink(other); ok && seen != value {
			exceptions = append(exceptions, link+": "+seen)
		}
	}
	if len(exceptions) == 0 {
		return value
	}
	slices.Sort(exceptions)
	return fmt.Sprintf("%s (%s)", value, strings.Join(exceptions, ", "))
}

func (n *namespace) setSysctl(name, value string) {
	if n.sysctls == nil {
		n.sysctls = map[string]string{}
	}
	if name == model.SysctlIPForward {
		maps.DeleteFunc(n.sysctls, func(other, _ string) bool {
			_, ok := forwardingLink(other)
			return ok
		})
	}
	n.sysctls[name] = value
}

// forwardingLink returns the interface whose forwarding a setting is.
func forwardingLink(name string) (string, bool) {
	link, ok := strings.CutPrefix(name, "net.ipv4.conf.")
	if !ok {
		return "", false
	}
	return strings.CutSuffix(link, ".forwarding")
}

// SetRoute implements engine.Host.
func (e *Engine) SetRoute(ctx context.Context, container model.Container, route model.Route) error {
	return e.changeRoutes(ctx, OpSetRoute, container, route, func(entered *namespace) error {
		subnets := e.subnetsOf(container.ID)
		leads := slices.ContainsFunc(subnets, func(subnet netip.Prefix) bool { return subnet.Contains(route.Via) })
		switch {
		case !route.Via.IsValid():
			return engine.ErrInvalid
		case slices.Contains(subnets, route.Destination):
			return fmt.Errorf("%s is the subnet of an interface: %w", route.Destination, engine.ErrConflict)
		case !leads:
			return notFound("interface that leads to", route.Via.String())
		}
		entered.routes = slices.DeleteFunc(entered.routes, func(other model.Route) bool { return other.Destination == route.Destination })
		entered.addRoute(route)
		return nil
	})
}

// RemoveRoute implements engine.Host.
func (e *Engine) RemoveRoute(ctx context.Context, container model.Container, route model.Route) error {
	return e.changeRoutes(ctx, OpRemoveRoute, container, route, func(entered *namespace) error {
		entered.routes = slices.DeleteFunc(entered.routes, func(other model.Route) bool { return other == route })
		return nil
	})
}

func (e *Engine) changeRoutes(ctx context.Context, operation Operation, container model.Container, route model.Route, change func(*namespace) error) error {
	return e.call(ctx, operation, fmt.Sprintf("%s of %s", route, e.nameOf(container.ID)), func() error {
		if !route.IsIPv4() {
			return engine.ErrInvalid
		}
		entered, err := e.namespaceOf(container)
		if err != nil {
			return err
		}
		return change(entered)
	})
}

func (n *namespace) addRoute(route model.Route) {
	n.routes = append(n.routes, route)
	slices.SortFunc(n.routes, model.Route.Compare)
}

// routeTo returns a route of the running program that leads to a network, if there
// is one. The engine gives no interface there.
func (c *container) routeTo(joined *network) (model.Route, bool) {
	if c.namespace == nil {
		return model.Route{}, false
	}
	for _, route := range c.namespace.routes {
		if !route.IsDefault() && slices.ContainsFunc(joined.Subnets, route.Destination.Overlaps) {
			return route, true
		}
	}
	return model.Route{}, false
}

// subnetsOf returns the subnets of a container's interfaces.
func (e *Engine) subnetsOf(containerID string) []netip.Prefix {
	var subnets []netip.Prefix
	for _, settings := range e.containers[containerID].endpoints {
		if joined, ok := e.networks[settings.networkID]; ok && settings.live {
			subnets = append(subnets, joined.Subnets...)
		}
	}
	return subnets
}

// rewire follows a change of a container's interfaces: routes over one that is
// gone go with it, and the engine sets its default route anew.
func (e *Engine) rewire(target *container) {
	entered := target.namespace
	if entered == nil {
		return
	}
	subnets := e.subnetsOf(target.id)
	entered.routes = slices.DeleteFunc(entered.routes, func(route model.Route) bool {
		leads := slices.ContainsFunc(subnets, func(subnet netip.Prefix) bool { return subnet.Contains(route.Via) })
		return route.IsDefault() || !leads
	})
	if gateway := e.gatewayOf(target); gateway.IsValid() {
		entered.addRoute(model.Route{Destination: netip.PrefixFrom(netip.IPv4Unspecified(), 0), Via: gateway})
	}
}

// gatewayOf returns the next hop of the engine's default route: the gateway of
// the first network, by name, that is not internal; invalid if there is none.
func (e *Engine) gatewayOf(target *container) netip.Addr {
	for _, name := range slices.Sorted(maps.Keys(target.endpoints)) {
		settings := target.endpoints[name]
		if joined, ok := e.networks[settings.networkID]; ok && settings.live && !joined.Internal && joined.Gateway.IsValid() {
			return joined.Gateway
		}
	}
	return netip.Addr{}
}

// namespaceOf returns the network namespace of a container that runs as it was seen.
func (e *Engine) namespaceOf(seen model.Container) (*namespace, error) {
	found, ok := e.containers[seen.ID]
	if !ok || found.namespace == nil || found.pid != seen.PID {
		return nil, notFound("running container", seen.ID)
	}
	return found.namespace, nil
}

// listening returns the sockets of all programs in a namespace.
func (e *Engine) listening(entered *namespace) []model.Socket {
	var sockets []model.Socket
	for member := range entered.members {
		for _, port := range member.ports {
			sockets = append(sockets, model.Socket{Port: port, Address: netip.IPv4Unspecified()})
		}
	}
	slices.SortFunc(sockets, func(a, b model.Socket) int {
		return cmp.Or(cmp.Compare(a.Port.Protocol, b.Port.Protocol), cmp.Compare(a.Port.Number, b.Port.Number))
	})
	return slices.Compact(sockets)
}

// Routes implements engine.Host.
func (e *Engine) Routes(ctx context.Context) ([]netip.Prefix, error) {
	var routes []netip.Prefix
	err := e.call(ctx, OpRoutes, "", func() error {
		routes = slices.Clone(e.routes)
		return nil
	})
	return routes, err
}

// PortHolder implements engine.Host.
func (e *Engine) PortHolder(ctx context.Context, port model.PublishedPort) (string, error) {
	var holder string
	err := e.call(ctx, OpPortHolder, "", func() error {
		for held, name := range e.heldPorts {
			if clash(held, port) {
				holder = name
			}
		}
		return nil
	})
	return holder, err
}

// usualHost returns the host of an engine that keeps its rules with iptables, seen
// by root.
func usualHost() model.HostProfile {
	return model.HostProfile{
		EngineVisible: model.Yes, EngineNetwork: model.Yes, NetAdmin: model.Yes, SysAdmin: model.Yes, SysPtrace: model.Yes,
		Filters: model.Yes, BridgedFrames: model.Yes, Iptables: "v1.8.9 (nf_tables)", UserChain: model.Yes, UserlandProxy: model.Unknown,
	}
}

// HostProfile implements engine.HostProber. Without the right to use the firewall
// there is no answer of it.
func (e *Engine) HostProfile(ctx context.Context, _ model.EngineProfile) (model.HostProfile, error) {
	var profile model.HostProfile
	err := e.call(ctx, OpHostProfile, "", func() error {
		profile = e.seen
		switch {
		case errors.Is(e.firewall.fault, engine.ErrDenied):
			profile.Filters, profile.NetAdmin = model.No, model.No
		case errors.Is(e.firewall.fault, engine.ErrUnsupported):
			profile.Filters = model.No
		case e.firewall.fault != nil:
			profile.Filters = model.Unknown
		}
		return nil
	})
	return profile, err
}

// Listening implements engine.HostProber: what processes of the host hold, and the
// ports that running containers publish.
func (e *Engine) Listening(ctx context.Context) ([]model.Socket, error) {
	var sockets []model.Socket
	err := e.call(ctx, OpListening, "", func() error {
		for held := range e.heldPorts {
			sockets = append(sockets, hostSocket(held))
		}
		for _, running := range e.containers {
			if running.namespace == nil {
				continue
			}
			for _, published := range running.spec.Published {
				sockets = append(sockets, hostSocket(published))
			}
		}
		return nil
	})
	slices.SortFunc(sockets, func(a, b model.Socket) int {
		return cmp.Or(cmp.Compare(a.Port.Protocol, b.Port.Protocol), cmp.Compare(a.Port.Number, b.Port.Number), a.Address.Compare(b.Address))
	})
	return slices.Compact(sockets), err
}

func hostSocket(port model.PublishedPort) model.Socket {
	return model.Socket{Port: model.Port{Number: port.HostPort, Protocol: port.Port.Protocol}, Address: port.HostIP}
}
