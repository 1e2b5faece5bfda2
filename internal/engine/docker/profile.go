// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/deckyard/deckyard/internal/engine"
)

// Profile implements engine.Prober.
func (e *Engine) Profile(ctx context.Context) (engine.Profile, error) {
	macPerEndpoint, err := e.setsEndpointMAC(ctx)
	if err != nil {
		return engine.Profile{}, fmt.Errorf("read the engine's profile: %w", err)
	}
	described, err := e.dockerClient.Info(ctx)
	if err != nil {
		return engine.Profile{}, failure(err, "read the engine's profile")
	}
	return engine.Profile{
		Version:         described.ServerVersion,
		APIVersion:      e.dockerClient.ClientVersion(),
		Name:            described.Name,
		EndpointMAC:     macPerEndpoint,
		CgroupVersion:   described.CgroupVersion,
		Rootless:        slices.Contains(described.SecurityOptions, "name=rootless"),
		SecurityOptions: securityOptions(described.SecurityOptions),
	}, nil
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

// Preflight asks whether the engine at an address can be used. The error says in
// words for a person what is missing and what to do, and has a kind of package engine.
func Preflight(ctx context.Context, dockerHost string) error {
	e, err := New(dockerHost)
	if err != nil {
		return err
	}
	defer func() { _ = e.Close() }()
	_, err = e.Profile(ctx)
	return e.explain(err)
}

// explain turns an error of a first call into advice.
func (e *Engine) explain(err error) error {
	switch {
	case errors.Is(err, engine.ErrDenied):
		return advice{err, fmt.Sprintf("the Docker socket %s does not permit this user: "+
			"run as root, or join the group docker and log in again", e.socket)}
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
