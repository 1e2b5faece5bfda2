// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"strings"
)

// DefaultDockerHost is where the Docker Engine listens unless it is told otherwise.
const DefaultDockerHost = "unix:///var/run/docker.sock"

// requireLocalSocket refuses an engine on another machine: the operator reads the network
// namespaces of the engine's containers.
func requireLocalSocket(dockerHost string) error {
	path, ok := strings.CutPrefix(dockerHost, "unix://")
	if !ok || !strings.HasPrefix(path, "/") {
		return fmt.Errorf("docker host %q is not a local socket: use --docker-host unix:///PATH, for example %s", dockerHost, DefaultDockerHost)
	}
	return nil
}
