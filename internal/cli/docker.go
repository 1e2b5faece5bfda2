// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// defaultDockerHost is where the Docker Engine listens unless it is told otherwise.
const defaultDockerHost = "unix:///var/run/docker.sock"

// addDockerHostFlag adds the flag for the engine, which requireLocalSocket judges.
func addDockerHostFlag(command *cobra.Command, dockerHost *string) {
	command.Flags().StringVar(dockerHost, "docker-host", defaultDockerHost, "local socket of the Docker Engine")
}

// requireLocalSocket refuses an engine on another machine: the operator reads the network
// namespaces of the engine's containers.
func requireLocalSocket(dockerHost string) error {
	path, ok := strings.CutPrefix(dockerHost, "unix://")
	if !ok || !strings.HasPrefix(path, "/") {
		return fmt.Errorf("docker host %q is not a local socket: use --docker-host unix:///PATH, for example %s", dockerHost, defaultDockerHost)
	}
	return nil
}
