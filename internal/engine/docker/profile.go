// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/docker/docker/api/types/system"

	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/model"
)

// Profile implements engine.Prober.
func (e *Engine) Profile(ctx context.Context) (model.EngineProfile, error) {
	profile, err := e.readProfile(ctx)
	if err != nil {
		return model.EngineProfile{}, e.explain(err)
	}
	return profile, nil
}

func (e *Engine) readProfile(ctx context.Context) (model.EngineProfile, error) {
	macPerEndpoint, err := e.setsEndpointMAC(ctx)
	if err != nil {
		return model.EngineProfile{}, fmt.Errorf("read the engine's profile: %w", err)
	}
	described, err := e.dockerClient.Info(ctx)
	if err != nil {
		return model.EngineProfile{}, failure(err, "read the engine's profile")
	}
	profile := model.EngineProfile{
		Version:         described.ServerVersion,
		APIVersion:      e.dockerClient.ClientVersion(),
		Name:            described.Name,
		OS:              described.OSType,
		EndpointMAC:     macPerEndpoint,
		CgroupVersion:   described.CgroupVersion,
		Rootless:        slices.Contains(described.SecurityOptions, "name=rootless"),
		LiveRestore:     described.LiveRestoreEnabled,
		IPv4Forwarding:  described.IPv4Forwarding,
		SecurityOptions: securityOptions(described.SecurityOptions),
		AddressPools:    addressPools(described.DefaultAddressPools),
		PID:             e.processID(ctx),
	}
	if described.FirewallBackend != nil {
		profile.FirewallBackend = described.FirewallBackend.Driver
	}
	return profile, nil
}

// processID returns the process at the other end of the socket, as this process
// sees it: 0 if it does not, or there is none.
func (e *Engine) processID(ctx context.Context) int {
	connection, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "unix", e.socket)
	if err != nil {
		return 0
	}
	defer func() { _ = connection.Close() }()
	socket, ok := connection.(*net.UnixConn)
	if !ok {
		return 0
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return 0
	}
	peer := &syscall.Ucred{}
	var peerErr error
	err = raw.Control(func(descriptor uintptr) {
		peer, peerErr = syscall.GetsockoptUcred(int(descriptor), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	})
	if err != nil || peerErr != nil {
		return 0
	}
	return int(peer.Pid)
}

// addressPools returns the IPv4 blocks in the engine's list.
func addressPools(listed []system.NetworkAddressPool) []netip.Prefix {
	var pools []netip.Prefix
	for _, pool := range listed {
		if block, err := netip.ParsePrefix(pool.Base); err == nil && block.Addr().Is4() {
			pools = append(pools, block.Masked())
		}
	}
	slices.SortFunc(pools, netip.Prefix.Compare)
	return pools
}

// securityOptions returns the names in the engine's list, whose entries look
// like "name=seccomp,profile=default".
func securityOptions(entries []string) []string {
	var names []string
	for _, entry := range entries {
		name, _, _ := strings.Cut(entry, ",")
		names = append(names, strings.TrimPrefix(name, "name="))
	}
	slices.Sort(names)
	return names
}

// explain turns an error of a first call into advice.
func (e *Engine) explain(err error) error {
	switch {
	case errors.Is(err, engine.ErrDenied):
		return advice{err, fmt.Sprintf("the Docker socket %s does not permit this user: "+
			"run as root, which building on it needs anyway", e.socket)}
	case errors.Is(err, context.DeadlineExceeded):
		return advice{err, fmt.Sprintf("the Docker Engine at %s accepts connections but does not answer in time: "+
			"look at its log, and restart it with: systemctl restart docker", e.socket)}
	case errors.Is(err, engine.ErrUnavailable):
		return advice{err, fmt.Sprintf("the Docker Engine is not running (%s): "+
			"start it with: systemctl start docker (or, without systemd: dockerd)", e.socketState())}
	case errors.Is(err, engine.ErrInvalid):
		return advice{err, fmt.Sprintf("the Docker Engine at %s is too old: version 20.10 is needed at least", e.socket)}
	default:
		return err
	}
}

// socketState says how the socket of an engine that does not run looks.
func (e *Engine) socketState() string {
	if _, err := os.Stat(e.socket); errors.Is(err, fs.ErrNotExist) {
		return "there is no socket " + e.socket
	}
	return "nothing listens on the socket " + e.socket
}

// advice is an error whose text is for a person.
type advice struct {
	cause error
	text  string
}

// Error implements error.
func (a advice) Error() string { return a.text }

// Unwrap returns the error that was explained.
func (a advice) Unwrap() error { return a.cause }
