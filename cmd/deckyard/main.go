// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Command deckyard is the program for one machine: a private Kubernetes API server
// with the operator on top of it, and the commands to use them. It only puts the
// parts together; the command line is package cli.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"k8s.io/client-go/rest"

	"github.com/deckyard/deckyard/config/crd"
	"github.com/deckyard/deckyard/internal/cli"
	"github.com/deckyard/deckyard/internal/operator"
)

// version is set by the linker.
var version = "devel"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second signal ends the process at once.
	context.AfterFunc(ctx, stop)
	os.Exit(cli.Main(ctx, os.Args[1:], cli.Dependencies{
		Streams:     cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr},
		Getenv:      os.Getenv,
		Executable:  executable(),
		Version:     version,
		CRDs:        crd.Files,
		Operator:    runOperator,
		Preflight:   operator.Preflight,
		RemoveImage: operator.RemoveBuiltInImage,
		Render:      operator.RenderCompose,
		Plan:        planDryRun,
		Purge:       operator.Purge,
	}))
}

// executable survives an upgrade that replaces the file of a running program.
func executable() string {
	path, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	return path
}

// runOperator runs the operator that cmd/manager runs in a cluster, without
// election and probes: this process is all there is.
func runOperator(ctx context.Context, config *rest.Config, options cli.OperatorOptions) error {
	return operator.Run(ctx, config, operator.Options{
		DockerHost: options.DockerHost, NodeName: options.NodeName, Catalogue: options.Catalogue, Logger: options.Logger,
		MetricsAddress: "0", ProbeAddress: "0",
	})
}
