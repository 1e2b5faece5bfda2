// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package operator

import (
	"context"
	"errors"
	"strings"

	"github.com/deckyard/deckyard/internal/builtin"
	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/engine/docker"
)

// RemoveBuiltInImage removes the built-in image, of this version and of earlier
// ones, from an engine. One that a container uses stays.
func RemoveBuiltInImage(ctx context.Context, dockerHost string) error {
	dockerEngine, err := docker.New(dockerHost)
	if err != nil {
		return err
	}
	defer func() { _ = dockerEngine.Close() }()
	references, err := dockerEngine.Images(ctx)
	if err != nil {
		return err
	}
	var failures []error
	for _, reference := range references {
		if !strings.HasPrefix(reference, builtin.Repository+":") {
			continue
		}
		if err := dockerEngine.RemoveImage(ctx, reference); err != nil && !errors.Is(err, engine.ErrInUse) {
			failures = append(failures, err)
		}
	}
	return errors.Join(failures...)
}
