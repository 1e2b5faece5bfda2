// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/deckyard/deckyard/internal/builtin"
	"github.com/deckyard/deckyard/internal/cli"
	"github.com/deckyard/deckyard/internal/dryrun"
	"github.com/deckyard/deckyard/internal/engine/docker"
	"github.com/deckyard/deckyard/internal/engine/host"
	"github.com/deckyard/deckyard/internal/operator"
)

// planDryRun gives a dry run what it may read: nothing without a connection.
func planDryRun(ctx context.Context, from cli.PlanSources, request dryrun.Request) (dryrun.Report, error) {
	image, err := builtin.Load()
	if err != nil {
		return dryrun.Report{}, err
	}
	request.BuiltIn = image.Reference
	if from.Config == nil {
		return dryrun.Run(ctx, dryrun.Sources{}, request)
	}
	scheme, err := operator.Scheme()
	if err != nil {
		return dryrun.Report{}, err
	}
	kube, err := client.New(from.Config, client.Options{Scheme: scheme})
	if err != nil {
		return dryrun.Report{}, fmt.Errorf("create client: %w", err)
	}
	engine, err := docker.New(from.DockerHost)
	if err != nil {
		return dryrun.Report{}, err
	}
	defer func() { _ = engine.Close() }()
	return dryrun.Run(ctx, dryrun.Sources{API: kube, Engine: engine, Host: host.New()}, request)
}
