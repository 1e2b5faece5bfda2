// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package crd_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// TestSamplesApply creates the objects of every sample, refusing fields that the
// API does not know.
//
// Scenario 79: no rule of admission looks at another object, so that the files
// can come in any order, here in the reverse one.
func TestSamplesApply(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../samples/acme/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(files)
	have := map[string]int{}
	for _, file := range files {
		for _, object := range readObjects(t, file) {
			options := metav1.CreateOptions{FieldValidation: metav1.FieldValidationStrict}
			if _, err := resources(object.GetKind()).Create(t.Context(), object, options); err != nil {
				t.Errorf("%s: create %s %q: %v", file, object.GetKind(), object.GetName(), err)
			}
			have[object.GetKind()]++
		}
	}
	if diff := cmp.Diff(map[string]int{"Topology": 1, "LAN": 4, "Decky": 10}, have); diff != "" {
		t.Errorf("objects of the sample (-want +have):\n%s", diff)
	}
}

func readObjects(tb testing.TB, file string) []*unstructured.Unstructured {
	tb.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	var objects []*unstructured.Unstructured
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(content), len(content))
	for {
		object := &unstructured.Unstructured{}
		err := decoder.Decode(object)
		if errors.Is(err, io.EOF) {
			return objects
		}
		if err != nil {
			tb.Fatalf("decode %s: %v", file, err)
		}
		objects = append(objects, object)
	}
}
