// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"github.com/spf13/cobra"

	"github.com/deckyard/deckyard/internal/catalogue"
)

// newRenderCommand prints a topology as a Compose file.
func newRenderCommand(env *environment) *cobra.Command {
	var namespace, kubeconfig, catalogueDirectory string
	command := &cobra.Command{
		Use:   "render TOPOLOGY",
		Short: "Print a topology as a Compose file",
		Long: "Print a topology as a Compose file, with the subnets and addresses that were chosen for it.\n" +
			"What Compose creates from it is Compose's: bring it up only while the topology itself is not.\n" +
			"On an engine before version 25 only the older docker-compose sets the MAC addresses.",
		Example: "  deckyard render acme > compose.yaml\n  docker compose -p default_acme -f compose.yaml config",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(command *cobra.Command, arguments []string) error {
			known, err := catalogue.LoadDirectory(command.Context(), catalogueDirectory)
			if err != nil {
				return err
			}
			config, err := env.connection(kubeconfig)
			if err != nil {
				return err
			}
			file, omitted, err := env.Render(command.Context(), config, known, namespace, arguments[0])
			if err != nil {
				return err
			}
			for _, line := range omitted {
				env.warn("%s", line)
			}
			_, err = env.Out.Write(file)
			return err
		},
	}
	command.Flags().StringVarP(&namespace, "namespace", "n", "default", "namespace of the topology")
	addKubeconfigFlag(command, &kubeconfig)
	addCatalogueFlag(command, &catalogueDirectory)
	return command
}
