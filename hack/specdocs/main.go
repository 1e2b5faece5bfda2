// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Command specdocs writes the generated parts of docs/spec: the tables of fields
// from the CustomResourceDefinitions, the tables of conditions and reasons from
// the constants of api/v1alpha1. Run it in the root of the repository.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"

	"github.com/deckyard/deckyard/config/crd"
	"github.com/deckyard/deckyard/hack/section"
)

const (
	pagesFolder    = "docs/spec/v1alpha1"
	conditionsFile = "api/v1alpha1/conditions.go"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "specdocs:", err)
		os.Exit(1)
	}
}

func run() error {
	vocabulary, err := readVocabulary(conditionsFile)
	if err != nil {
		return err
	}
	definitions, err := crd.CRDs()
	if err != nil {
		return err
	}
	for _, definition := range definitions {
		if err := writeKind(definition, vocabulary); err != nil {
			return err
		}
	}
	if err := writeServices(context.Background()); err != nil {
		return err
	}
	return rewrite("reasons.md", map[string]string{"reasons": vocabulary.reasonTables()})
}

func writeKind(definition *apiextensionsv1.CustomResourceDefinition, vocabulary vocabulary) error {
	kind := definition.Spec.Names.Kind
	schema := definition.Spec.Versions[0].Schema.OpenAPIV3Schema
	return rewrite(strings.ToLower(kind)+".md", map[string]string{
		"spec":       fieldTable("spec", schema),
		"status":     fieldTable("status", schema),
		"conditions": vocabulary.conditionTable(kind),
	})
}

// rewrite replaces the named sections of a page.
func rewrite(page string, sections map[string]string) error {
	return section.Rewrite(filepath.Join(pagesFolder, page), sections)
}
