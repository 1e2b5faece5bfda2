// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strings"
	"syscall"
)

// DefaultDockerHost is where the Docker Engine listens unless it is told otherwise.
const DefaultDockerHost = "unix:///var/run/docker.sock"

// socketPath refuses an engine on another machine: the operator reads the network
// namespaces of the engine's containers.
func socketPath(dockerHost string) (string, error) {
	path, ok := strings.CutPrefix(dockerHost, "unix://")
	if !ok || !strings.HasPrefix(path, "/") {
		return "", fmt.Errorf("docker host %q is not a local socket: use --docker-host unix:///PATH, for example %s", dockerHost, DefaultDockerHost)
	}
	return path, nil
}

// CheckDockerSocket is a Preflight that knows whether somebody answers on the socket
// and may be talked to.
func CheckDockerSocket(ctx context.Context, dockerHost string) error {
	path, err := socketPath(dockerHost)
	if err != nil {
		return err
	}
	var dialer net.Dialer
	connection, err := dialer.DialContext(ctx, "unix", path)
	switch {
	case err == nil:
		_ = connection.Close()
		return nil
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("docker socket %q: permission denied: run deckyard as root, or as a member of the socket's group (usually docker)", path)
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("docker engine is not running: nothing listens on %q: start it with 'systemctl start docker' (or 'service docker start'), or name its socket with --docker-host", path)
	default:
		return fmt.Errorf("connect to docker socket %q: %w", path, err)
	}
}
