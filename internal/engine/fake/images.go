// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/deckyard/deckyard/internal/engine"
)

// imageReference is what an image reference looks like.
const imageReference = `^[a-z0-9]+([._-]+[a-z0-9]+)*(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*(:\w[\w.-]*)?(@sha256:[0-9a-f]{64})?$`

// registry is where images are pulled from.
type registry struct {
	reachable bool
	images    []string
}

// SetRegistry makes the registry reachable with these images alone. Until then
// it does not answer.
func (e *Engine) SetRegistry(references ...string) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.registry = registry{reachable: true}
	for _, reference := range references {
		e.registry.images = append(e.registry.images, withTag(reference))
	}
}

// SetImage puts an image with a digest on the engine, also in place of another
// one of that name.
func (e *Engine) SetImage(reference, digest string) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.putImage(withTag(reference), digest)
}

func (e *Engine) putImage(reference, digest string) {
	e.images[reference] = digest
	e.emit(engine.ObjectImage, digest, "")
}

// ResolveImage implements engine.Images.
func (e *Engine) ResolveImage(ctx context.Context, reference string) (string, error) {
	var digest string
	err := e.call(ctx, OpResolveImage, reference, func() error {
		var err error
		digest, err = e.resolve(reference)
		return err
	})
	return digest, err
}

func (e *Engine) resolve(reference string) (string, error) {
	if err := e.validateReference(reference); err != nil {
		return "", err
	}
	digest, ok := e.images[withTag(reference)]
	if !ok {
		return "", notFound("image", reference)
	}
	return digest, nil
}

// PullImage implements engine.Images.
func (e *Engine) PullImage(ctx context.Context, reference string) error {
	return e.call(ctx, OpPullImage, reference, func() error {
		if err := e.validateReference(reference); err != nil {
			return err
		}
		if !e.registry.reachable {
			return errors.New("the registry does not answer")
		}
		if !slices.Contains(e.registry.images, withTag(reference)) {
			return notFound("image", reference)
		}
		e.putImage(withTag(reference), digestOf(reference))
		return nil
	})
}

// LoadImage implements engine.Images. Of an image it takes the names and the digest.
func (e *Engine) LoadImage(ctx context.Context, archive io.Reader) error {
	loaded, err := readArchive(archive)
	if err != nil {
		return fmt.Errorf("%s: %w", OpLoadImage, err)
	}
	return e.call(ctx, OpLoadImage, strings.Join(slices.Sorted(maps.Keys(loaded)), ", "), func() error {
		for reference, digest := range loaded {
			e.putImage(reference, digest)
		}
		return nil
	})
}

// readArchive returns the digests of the images in a docker-load archive, by reference.
func readArchive(archive io.Reader) (map[string]string, error) {
	files := map[string][]byte{}
	for reader := tar.NewReader(archive); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read archive: %w", err)
		}
		if files[header.Name], err = io.ReadAll(reader); err != nil {
			return nil, fmt.Errorf("read archive: %w", err)
		}
	}
	var manifest []struct {
		Config   string
		RepoTags []string
	}
	if err := json.Unmarshal(files["manifest.json"], &manifest); err != nil {
		return nil, fmt.Errorf("parse manifest of archive: %w", err)
	}
	digests := map[string]string{}
	for _, image := range manifest {
		for _, reference := range image.RepoTags {
			digests[withTag(reference)] = "sha256:" + hexDigest(string(files[image.Config]))
		}
	}
	return digests, nil
}

// RemoveImage implements engine.Images.
func (e *Engine) RemoveImage(ctx context.Context, reference string) error {
	return e.call(ctx, OpRemoveImage, reference, func() error {
		digest, err := e.resolve(reference)
		if err != nil {
			return ignoreNotFound(err)
		}
		for _, user := range e.containers {
			if user.imageID == digest {
				return fmt.Errorf("container %s uses image %s: %w", user.spec.Name, reference, engine.ErrInUse)
			}
		}
		delete(e.images, withTag(reference))
		e.emit(engine.ObjectImage, digest, "")
		return nil
	})
}

// Images implements engine.Images.
func (e *Engine) Images(ctx context.Context) ([]string, error) {
	var references []string
	err := e.call(ctx, OpImages, "", func() error {
		references = slices.Sorted(maps.Keys(e.images))
		return nil
	})
	return references, err
}

// validateReference refuses what is not an image reference.
func (e *Engine) validateReference(reference string) error {
	if !e.imageReference.MatchString(reference) {
		return fmt.Errorf("image reference %q: %w", reference, engine.ErrInvalid)
	}
	return nil
}

// withTag adds the tag that a reference means when it has none.
func withTag(reference string) string {
	name := reference[strings.LastIndex(reference, "/")+1:]
	if strings.ContainsAny(name, ":@") {
		return reference
	}
	return reference + ":latest"
}

// digestOf returns the digest of an image about which nothing else is known.
func digestOf(reference string) string { return "sha256:" + hexDigest("image "+withTag(reference)) }
