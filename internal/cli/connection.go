// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/utils/clock"

	"github.com/deckyard/deckyard/internal/controlplane"
)

// addKubeconfigFlag adds the flag for the kubeconfig that connection is given.
func addKubeconfigFlag(command *cobra.Command, kubeconfig *string) {
	command.Flags().StringVar(kubeconfig, "kubeconfig", "", "kubeconfig file (default: $KUBECONFIG, else that in the data directory)")
}

// connection finds the API server as the embedded kubectl does.
func (e *environment) connection(kubeconfig string) (*rest.Config, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = e.findKubeconfig(kubeconfig)
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, nil).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("load kubeconfig: %w", err)
	}
	return config, nil
}

// findKubeconfig returns the kubeconfig that the user names, else that of the control
// plane in the data directory; empty if $KUBECONFIG says which. It hints at why the
// connection may fail.
func (e *environment) findKubeconfig(named string) string {
	fromEnvironment := e.Getenv(clientcmd.RecommendedConfigPathEnvVar)
	if named == "" && fromEnvironment == "" {
		named = controlplane.KubeconfigPath(e.dataDirectory)
		e.hintStopped()
	}
	e.hintExpired(cmp.Or(named, fromEnvironment))
	return named
}

// hintStopped explains the connection error that is about to come. Some of kubectl's
// commands need no server, so it is a hint only.
func (e *environment) hintStopped() {
	holder, err := e.lockHolder()
	if err == nil && holder == 0 {
		e.warn("No control plane runs in %s: start one with 'deckyard up'.", e.dataDirectory)
	}
}

// hintExpired explains a certificate error, as hintStopped does.
func (e *environment) hintExpired(kubeconfig string) {
	if err := controlplane.CheckKubeconfig(kubeconfig, clock.RealClock{}.Now()); err != nil {
		e.warn("Warning: %v", err)
	}
}
