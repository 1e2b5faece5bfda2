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
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second signal ends the process at once.
	context.AfterFunc(ctx, stop)
	os.Exit(cli.Main(ctx, os.Args[1:], cli.Dependencies{
		Streams:     cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr},
		Getenv:      os.Getenv,
		Executable:  executable(),
		CRDs:        crd.Files,
		Operator:    waitOnly,
		Preflight:   cli.CheckDockerSocket,
		RemoveImage: keepImage,
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

// waitOnly stands where the operator goes.
func waitOnly(ctx context.Context, _ *rest.Config, _ cli.OperatorOptions) error {
	<-ctx.Done()
	return nil
}

// keepImage stands where the removal of the built-in image goes.
func keepImage(context.Context, string) error { return nil }
