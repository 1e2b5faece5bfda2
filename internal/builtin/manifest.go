// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package builtin

import "time"

const (
	indexType    = "application/vnd.oci.image.index.v1+json"
	manifestType = "application/vnd.oci.image.manifest.v1+json"
	configType   = "application/vnd.oci.image.config.v1+json"
	layerType    = "application/vnd.oci.image.layer.v1.tar"
)

// imageConfig is the configuration object of the image. Its digest is the
// image's ID, so its fields and their order are part of the identity. It holds
// nothing that tells an intruder where the image comes from.
type imageConfig struct {
	Architecture string    `json:"architecture"`
	OS           string    `json:"os"`
	Created      string    `json:"created"`
	Config       runConfig `json:"config"`
	RootFS       rootFS    `json:"rootfs"`
	History      []history `json:"history"`
}

type runConfig struct {
	User       string   `json:"User"`
	Env        []string `json:"Env"`
	Cmd        []string `json:"Cmd"`
	WorkingDir string   `json:"WorkingDir"`
}

type rootFS struct {
	Type    string   `json:"type"`
	DiffIDs []string `json:"diff_ids"`
}

type history struct {
	Created string `json:"created"`
}

// descriptor names a blob.
type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int               `json:"size"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

type manifest struct {
	SchemaVersion int          `json:"schemaVersion"`
	MediaType     string       `json:"mediaType"`
	Config        descriptor   `json:"config"`
	Layers        []descriptor `json:"layers"`
}

type index struct {
	SchemaVersion int          `json:"schemaVersion"`
	MediaType     string       `json:"mediaType"`
	Manifests     []descriptor `json:"manifests"`
}

// savedImage is an entry of manifest.json.
type savedImage struct {
	Config   string   `json:"Config"`
	RepoTags []string `json:"RepoTags"`
	Layers   []string `json:"Layers"`
}

func newConfig(architecture, layerDigest string) imageConfig {
	created := time.Unix(epoch, 0).UTC().Format(time.RFC3339)
	return imageConfig{
		Architecture: architecture,
		OS:           "linux",
		Created:      created,
		Config: runConfig{
			User:       "65532:65532",
			Env:        []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
			Cmd:        []string{"/" + programPath},
			WorkingDir: "/",
		},
		RootFS:  rootFS{Type: "layers", DiffIDs: []string{layerDigest}},
		History: []history{{Created: created}},
	}
}

func newManifest(config, layer []byte) manifest {
	return manifest{
		SchemaVersion: 2,
		MediaType:     manifestType,
		Config:        descriptor{MediaType: configType, Digest: digest(config), Size: len(config)},
		Layers:        []descriptor{{MediaType: layerType, Digest: digest(layer), Size: len(layer)}},
	}
}

func newIndex(reference string, manifest []byte) index {
	return index{
		SchemaVersion: 2,
		MediaType:     indexType,
		Manifests: []descriptor{{
			MediaType: manifestType, Digest: digest(manifest), Size: len(manifest),
			Annotations: map[string]string{
				"io.containerd.image.name":          "docker.io/" + reference,
				"org.opencontainers.image.ref.name": reference[len(Repository)+1:],
			},
		}},
	}
}
