// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/containerd/errdefs"
	"github.com/distribution/reference"
	"github.com/docker/docker/api/types/image"

	"github.com/deckyard/deckyard/internal/engine"
)

// untagged is what the engine lists for an image without a name.
const untagged = "<none>:<none>"

// ResolveImage implements engine.Images.
func (e *Engine) ResolveImage(ctx context.Context, imageReference string) (string, error) {
	if err := validateReference(imageReference); err != nil {
		return "", failure(err, "resolve image %q", imageReference)
	}
	inspected, err := e.dockerClient.ImageInspect(ctx, imageReference)
	return inspected.ID, failure(err, "resolve image %q", imageReference)
}

// PullImage implements engine.Images.
func (e *Engine) PullImage(ctx context.Context, imageReference string) error {
	if err := validateReference(imageReference); err != nil {
		return failure(err, "pull image %q", imageReference)
	}
	progress, err := e.dockerClient.ImagePull(ctx, imageReference, image.PullOptions{})
	if err == nil {
		err = readProgress(progress)
	}
	return failure(err, "pull image %q", imageReference)
}

// LoadImage implements engine.Images.
func (e *Engine) LoadImage(ctx context.Context, archive io.Reader) error {
	loaded, err := e.dockerClient.ImageLoad(ctx, archive)
	if err == nil {
		err = readProgress(loaded.Body)
	}
	return failure(err, "load image archive")
}

// RemoveImage implements engine.Images.
func (e *Engine) RemoveImage(ctx context.Context, imageReference string) error {
	if err := validateReference(imageReference); err != nil {
		return failure(err, "remove image %q", imageReference)
	}
	_, err := e.dockerClient.ImageRemove(ctx, imageReference, image.RemoveOptions{PruneChildren: true})
	if errdefs.IsConflict(err) {
		err = withKind(engine.ErrInUse, err)
	}
	return ignoreNotFound(failure(err, "remove image %q", imageReference))
}

// Images implements engine.Images.
func (e *Engine) Images(ctx context.Context) ([]string, error) {
	summaries, err := e.dockerClient.ImageList(ctx, image.ListOptions{})
	if err != nil {
		return nil, failure(err, "list images")
	}
	var references []string
	for _, summary := range summaries {
		for _, tag := range summary.RepoTags {
			if tag != untagged {
				references = append(references, tag)
			}
		}
	}
	slices.Sort(references)
	return slices.Compact(references), nil
}

// readProgress reads the engine's account of a long operation to its end and
// closes it. A failure in the midst of it is told in the account alone.
func readProgress(progress io.ReadCloser) error {
	defer func() { _ = progress.Close() }()
	decoder := json.NewDecoder(progress)
	for {
		var line struct {
			Error string `json:"error"`
		}
		err := decoder.Decode(&line)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read the engine's progress: %w", err)
		case line.Error != "":
			return errors.New(line.Error)
		}
	}
}

// validateReference refuses what is not an image reference and would be another
// path of the engine's API.
func validateReference(imageReference string) error {
	if _, err := reference.ParseAnyReference(imageReference); err != nil {
		return withKind(engine.ErrInvalid, err)
	}
	return nil
}
