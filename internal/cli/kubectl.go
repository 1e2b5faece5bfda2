// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	kubectl "k8s.io/kubectl/pkg/cmd"
)

// newKubectlCommand embeds kubectl. It talks to the control plane in the data
// directory unless it is pointed elsewhere as any kubectl is.
func newKubectlCommand(env *environment) *cobra.Command {
	streams := genericiooptions.IOStreams{In: env.In, Out: env.Out, ErrOut: env.Err}
	flags := genericclioptions.NewConfigFlags(true).
		WithDiscoveryBurst(300).
		WithDiscoveryQPS(50).
		WithWarningPrinter(streams)
	command := kubectl.NewKubectlCommand(kubectl.KubectlOptions{IOStreams: streams, ConfigFlags: flags})
	command.Short = "Run the embedded kubectl against the control plane in the data directory"
	prepare := command.PersistentPreRunE
	command.PersistentPreRunE = func(command *cobra.Command, arguments []string) error {
		*flags.KubeConfig = env.findKubeconfig(*flags.KubeConfig)
		return prepare(command, arguments)
	}
	return command
}
