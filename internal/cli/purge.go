// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"

	"github.com/spf13/cobra"
)

// newPurgeCommand removes what a lost control plane left on the engine.
func newPurgeCommand(env *environment) *cobra.Command {
	var instance, dockerHost string
	command := &cobra.Command{
		Use:   "purge --instance UID",
		Short: "Remove from the engine what a lost control plane left there",
		Long: "Remove from the engine every container and network that carries the label deckyard.dev/instance=UID,\n" +
			"and from the host's firewall the rules for their bridges.\n" +
			"It is for a control plane whose data directory or cluster is lost; one that still runs would create\n" +
			"them again. A conflict with such an object names the UID.",
		Args: usageArgs(cobra.NoArgs),
		RunE: func(command *cobra.Command, _ []string) error {
			if instance == "" {
				return usageError{errors.New("required flag --instance is missing: a conflict in a LAN's or Decky's conditions names the UID")}
			}
			if err := requireLocalSocket(dockerHost); err != nil {
				return err
			}
			removed, err := env.Purge(command.Context(), dockerHost, instance)
			for _, line := range removed {
				env.say("Removed %s.", line)
			}
			if err == nil && len(removed) == 0 {
				env.say("Nothing on the engine belongs to instance %s.", instance)
			}
			return err
		},
	}
	command.Flags().StringVar(&instance, "instance", "", "UID of the lost control plane's kube-system namespace")
	addDockerHostFlag(command, &dockerHost)
	return command
}
