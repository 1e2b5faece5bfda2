// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/tools/clientcmd"
	kubectl "k8s.io/kubectl/pkg/cmd"
	"k8s.io/utils/clock"

	"github.com/deckyard/deckyard/internal/controlplane"
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
		if *flags.KubeConfig == "" && env.Getenv("KUBECONFIG") == "" {
			*flags.KubeConfig = controlplane.KubeconfigPath(env.dataDirectory)
			env.hintStopped()
		}
		env.hintExpired(*flags.KubeConfig)
		return prepare(command, arguments)
	}
	return command
}

// hintStopped explains the connection error that is about to come. Some of kubectl's
// commands need no server, so it is a hint only.
func (e *environment) hintStopped() {
	holder, err := controlplane.Holder(e.dataDirectory)
	if err == nil && holder == 0 {
		e.warn("No control plane runs in %s: start one with 'deckyard up'.", e.dataDirectory)
	}
}

// hintExpired explains a certificate error, as hintStopped does.
func (e *environment) hintExpired(kubeconfig string) {
	if kubeconfig == "" {
		kubeconfig = e.Getenv(clientcmd.RecommendedConfigPathEnvVar)
	}
	if err := controlplane.CheckKubeconfig(kubeconfig, clock.RealClock{}.Now()); err != nil {
		e.warn("Warning: %v", err)
	}
}
