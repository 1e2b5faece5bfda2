// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package operator

import (
	"context"
	"time"

	"github.com/deckyard/deckyard/internal/engine/docker"
	"github.com/deckyard/deckyard/internal/engine/host"
	"github.com/deckyard/deckyard/internal/preflight"
)

// preflightTimeout bounds the look at an engine: one that needs longer hangs.
const preflightTimeout = 20 * time.Second

// Preflight looks at an engine and its host from where this program runs, and
// judges them as a running operator does. It changes nothing. The error says in
// words for a person why the engine cannot be asked, and what to do.
func Preflight(ctx context.Context, dockerHost string) (preflight.Report, error) {
	ctx, cancel := context.WithTimeout(ctx, preflightTimeout)
	defer cancel()
	dockerEngine, err := docker.New(dockerHost)
	if err != nil {
		return preflight.Report{}, err
	}
	defer func() { _ = dockerEngine.Close() }()
	engineHost := host.New()
	profile, err := preflight.Read(ctx, dockerEngine, engineHost)
	if err != nil {
		return preflight.Report{}, err
	}
	var inUse preflight.InUse
	if inUse.Networks, err = dockerEngine.Networks(ctx); err != nil {
		return preflight.Report{}, err
	}
	if inUse.Containers, err = dockerEngine.Containers(ctx); err != nil {
		return preflight.Report{}, err
	}
	if inUse.Routes, err = engineHost.Routes(ctx); err != nil {
		return preflight.Report{}, err
	}
	if inUse.Sockets, err = engineHost.Listening(ctx); err != nil {
		return preflight.Report{}, err
	}
	return preflight.NewReport(preflight.Judge(profile), inUse), nil
}
