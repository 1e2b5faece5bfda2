// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"slices"
	"strings"
	"testing"

	"github.com/deckyard/deckyard/internal/engine"
)

func imageRules() map[string]func(*testing.T, suite) {
	return map[string]func(*testing.T, suite){
		"an image's digest is the one that its containers show": func(t *testing.T, s suite) {
			digest, err := s.Images.ResolveImage(t.Context(), s.Image)
			wantNoError(t, err)
			base := s.base(t, s.network(t))
			if !strings.HasPrefix(digest, "sha256:") || base.ImageID != digest {
				t.Errorf("digest %q, container's %q", digest, base.ImageID)
			}
		},
		"a missing image is not found, a malformed reference invalid": func(t *testing.T, s suite) {
			_, err := s.Images.ResolveImage(t.Context(), "deckyard-contract/missing:1")
			wantKind(t, err, engine.ErrNotFound)
			for _, reference := range []string{"", "UPPER/case", "../containers/x", "a b"} {
				_, err = s.Images.ResolveImage(t.Context(), reference)
				wantKind(t, err, engine.ErrInvalid)
				wantKind(t, s.Images.PullImage(t.Context(), reference), engine.ErrInvalid)
				wantKind(t, s.Images.RemoveImage(t.Context(), reference), engine.ErrInvalid)
			}
		},
		"an image is loaded, listed and removed, each again too": func(t *testing.T, s suite) {
			for range 2 {
				wantNoError(t, s.Images.LoadImage(t.Context(), s.archive()))
			}
			references, err := s.Images.Images(t.Context())
			wantNoError(t, err)
			if !slices.Contains(references, s.ArchiveImage) || !slices.IsSorted(references) {
				t.Errorf("references %q, want %q among them, sorted", references, s.ArchiveImage)
			}
			for range 2 {
				wantNoError(t, s.Images.RemoveImage(t.Context(), s.ArchiveImage))
			}
			_, err = s.Images.ResolveImage(t.Context(), s.ArchiveImage)
			wantKind(t, err, engine.ErrNotFound)
		},
		"an archive that is none is refused": func(t *testing.T, s suite) {
			if err := s.Images.LoadImage(t.Context(), strings.NewReader("not an archive")); err == nil {
				t.Error("no error")
			}
		},
		"an image in use is not removed": func(t *testing.T, s suite) {
			s.base(t, s.network(t))
			wantKind(t, s.Images.RemoveImage(t.Context(), s.Image), engine.ErrInUse)
		},
		"a pull from a registry that does not answer may be repeated": func(t *testing.T, s suite) {
			err := s.Images.PullImage(t.Context(), unreachableImage)
			if err == nil {
				t.Fatal("no error")
			}
			for _, kind := range []error{engine.ErrNotFound, engine.ErrDenied, engine.ErrInvalid, engine.ErrUnavailable} {
				if isKind(err, kind) {
					t.Errorf("error %q is %q", err, kind)
				}
			}
		},
	}
}
