// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/apply"
	"github.com/deckyard/deckyard/internal/engine"
)

// BuiltInImage is the image that the operator carries.
type BuiltInImage struct {
	// Reference is repository:tag, the tag naming the content.
	Reference string
	// Archive returns the image as docker-load takes it.
	Archive func() io.Reader
}

// ImageStore finds images on the engine, puts the built-in one there, and has
// others fetched in the background.
type ImageStore struct {
	Images  engine.Images
	Puller  *apply.Puller
	BuiltIn BuiltInImage

	loading sync.Mutex
}

// absence says why an image is not on the engine.
type absence struct {
	reason  v1alpha1.Reason
	message string
}

// resolve returns the digests of those references that are on the engine, and
// why the others are not. It asks for the others to be fetched.
func (s *ImageStore) resolve(ctx context.Context, references []string) (map[string]string, map[string]absence, error) {
	found := make(map[string]string, len(references))
	absent := map[string]absence{}
	for _, reference := range references {
		id, err := s.find(ctx, reference)
		switch {
		case err == nil:
			found[reference] = id
		case errors.Is(err, engine.ErrNotFound):
			absent[reference] = s.fetch(reference)
		default:
			return nil, nil, fmt.Errorf("resolve image %q: %w", reference, err)
		}
	}
	return found, absent, nil
}

func (s *ImageStore) find(ctx context.Context, reference string) (string, error) {
	id, err := s.Images.ResolveImage(ctx, reference)
	if reference != s.BuiltIn.Reference || !errors.Is(err, engine.ErrNotFound) {
		return id, err
	}
	return s.load(ctx)
}

// load puts the built-in image on the engine, unless another pass just did.
func (s *ImageStore) load(ctx context.Context) (string, error) {
	s.loading.Lock()
	defer s.loading.Unlock()
	if id, err := s.Images.ResolveImage(ctx, s.BuiltIn.Reference); !errors.Is(err, engine.ErrNotFound) {
		return id, err
	}
	if err := s.Images.LoadImage(ctx, s.BuiltIn.Archive()); err != nil {
		return "", fmt.Errorf("load the built-in image: %w", err)
	}
	return s.Images.ResolveImage(ctx, s.BuiltIn.Reference)
}

// fetch asks for an image and says how far that is.
func (s *ImageStore) fetch(reference string) absence {
	s.Puller.Request(reference)
	state := s.Puller.State(reference)
	if state.Err == nil {
		return absence{v1alpha1.ReasonPulling, fmt.Sprintf("Image %s is being pulled", reference)}
	}
	if errors.Is(state.Err, engine.ErrNotFound) || errors.Is(state.Err, engine.ErrDenied) {
		return absence{v1alpha1.ReasonImageMissing, fmt.Sprintf(
			"Image %s is neither on the engine nor in a registry that it can reach: load it with docker load, or correct the reference", reference)}
	}
	return absence{v1alpha1.ReasonPullFailed, fmt.Sprintf("Image %s cannot be pulled: %v", reference, state.Err)}
}
