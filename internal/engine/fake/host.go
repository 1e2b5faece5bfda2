// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"

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
		seen = model.Namespace{Listening: e.listening(entered), Sysctls: map[string]string{}}
		for _, name := range sysctls {
			if value := cmp.Or(entered.sysctls[name], kernelDefaults()[name]); value != "" {
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
		if entered.sysctls == nil {
			entered.sysctls = map[string]string{}
		}
		entered.sysctls[name] = value
		return nil
	})
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
	for _, member := range e.containers {
		if member.namespace != entered {
			continue
		}
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
