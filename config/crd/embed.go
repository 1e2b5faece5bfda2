// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package crd

import (
	"embed"
	"fmt"
	"io/fs"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"
)

// Files holds the definitions, one YAML file a kind, under bases.
//
//go:embed bases/*.yaml
var Files embed.FS

// CRDs returns the definitions, sorted by file name. The caller owns them.
func CRDs() ([]*apiextensionsv1.CustomResourceDefinition, error) {
	paths, err := fs.Glob(Files, "bases/*.yaml")
	if err != nil {
		return nil, fmt.Errorf("list custom resource definitions: %w", err)
	}
	definitions := make([]*apiextensionsv1.CustomResourceDefinition, 0, len(paths))
	for _, path := range paths {
		content, err := Files.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("read custom resource definition %q: %w", path, err)
		}
		var definition apiextensionsv1.CustomResourceDefinition
		if err := yaml.UnmarshalStrict(content, &definition); err != nil {
			return nil, fmt.Errorf("decode custom resource definition %q: %w", path, err)
		}
		definitions = append(definitions, &definition)
	}
	return definitions, nil
}
