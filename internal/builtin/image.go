// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package builtin

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime"
)

const (
	// Repository is the name of the image without its tag.
	Repository = "deckyard/builtin"

	payloadName = "payload/decoy.gz"
	// maxProgram bounds what is unpacked.
	maxProgram = 32 << 20
	// tagLength is how much of the image's digest is its tag.
	tagLength = 16
)

// ErrNoProgram says that the operator was built without the decoys' program.
var ErrNoProgram = errors.New("the decoy program is not part of this build: run `make build`")

// all: takes .gitignore along, so that the package compiles before the program
// has been built.
//
//go:embed all:payload
var payload embed.FS

// Image is the built-in image. It does not change and is safe for concurrent
// use.
type Image struct {
	// Reference is repository and tag. The tag is the beginning of the digest
	// of the content, so another content has another reference.
	Reference string
	// ConfigDigest is the image's ID on an engine with the classic image
	// store, as "sha256:…".
	ConfigDigest string
	// ManifestDigest is its ID on an engine with the containerd image store.
	ManifestDigest string

	archive []byte
}

// Load makes the image from the program that is part of this build. It unpacks
// and hashes some 10 MiB, so callers keep the result. The error is ErrNoProgram
// if the build has no program.
func Load() (*Image, error) {
	compressed, err := payload.ReadFile(payloadName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNoProgram
	}
	if err != nil {
		return nil, fmt.Errorf("read decoy program: %w", err)
	}
	program, err := unpack(compressed)
	if err != nil {
		return nil, fmt.Errorf("unpack decoy program: %w", err)
	}
	return Assemble(program, runtime.GOARCH)
}

// Archive returns the image as `docker load` takes it. Each call returns a
// reader of its own.
func (i *Image) Archive() io.Reader {
	return bytes.NewReader(i.archive)
}

func unpack(compressed []byte) ([]byte, error) {
	reader, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	program, err := io.ReadAll(io.LimitReader(reader, maxProgram+1))
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	if len(program) > maxProgram {
		return nil, fmt.Errorf("read: more than %d bytes", maxProgram)
	}
	return program, nil
}

// Assemble makes an image around a program for an architecture as Go names it.
func Assemble(program []byte, architecture string) (*Image, error) {
	layer, err := layerArchive(program)
	if err != nil {
		return nil, fmt.Errorf("assemble layer: %w", err)
	}
	config, err := json.Marshal(newConfig(architecture, digest(layer)))
	if err != nil {
		return nil, fmt.Errorf("encode image configuration: %w", err)
	}
	manifest, err := json.Marshal(newManifest(config, layer))
	if err != nil {
		return nil, fmt.Errorf("encode manifest: %w", err)
	}
	image := &Image{
		Reference:      Repository + ":" + hexDigest(config)[:tagLength],
		ConfigDigest:   digest(config),
		ManifestDigest: digest(manifest),
	}
	if image.archive, err = imageArchive(image, config, manifest, layer); err != nil {
		return nil, fmt.Errorf("assemble archive: %w", err)
	}
	return image, nil
}

// imageArchive is an OCI layout with the manifest.json that older engines look
// for beside it; it is what newer engines save.
func imageArchive(image *Image, config, manifest, layer []byte) ([]byte, error) {
	index, err := json.Marshal(newIndex(image.Reference, manifest))
	if err != nil {
		return nil, fmt.Errorf("encode index: %w", err)
	}
	saved, err := json.Marshal([]savedImage{{
		Config: blobPath(config), RepoTags: []string{image.Reference}, Layers: []string{blobPath(layer)},
	}})
	if err != nil {
		return nil, fmt.Errorf("encode manifest.json: %w", err)
	}
	var out bytes.Buffer
	archive := tar.NewWriter(&out)
	for _, file := range []struct {
		name    string
		content []byte
	}{
		{"oci-layout", []byte(`{"imageLayoutVersion":"1.0.0"}`)},
		{"index.json", index},
		{"manifest.json", saved},
		{blobPath(config), config},
		{blobPath(manifest), manifest},
		{blobPath(layer), layer},
	} {
		if err := writeFile(archive, file.name, 0o644, file.content); err != nil {
			return nil, err
		}
	}
	if err := archive.Close(); err != nil {
		return nil, fmt.Errorf("end archive: %w", err)
	}
	return out.Bytes(), nil
}

func blobPath(content []byte) string {
	return "blobs/sha256/" + hexDigest(content)
}

func digest(content []byte) string {
	return "sha256:" + hexDigest(content)
}

func hexDigest(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}
