// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

const gadgets = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gadgets.example.test}
spec:
  group: example.test
  versions:
    - {name: v1, served: true, storage: true}
    - {name: v1alpha1, served: false, storage: false}
`

func TestReadCRDs(t *testing.T) {
	t.Parallel()
	definitions, err := readCRDs(fstest.MapFS{
		"bases/two.yaml":   {Data: []byte("---\n" + gadgets + "---\n" + strings.ReplaceAll(gadgets, "gadget", "widget"))},
		"bases/empty.yaml": {Data: []byte("# nothing\n---\n")},
		"kustomize.json":   {Data: []byte("{")},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	for _, definition := range definitions {
		got[definition.name] = definition.groupVersions
	}
	want := map[string][]string{"gadgets.example.test": {"example.test/v1"}, "widgets.example.test": {"example.test/v1"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("definitions (-want +got):\n%s", diff)
	}
}

func TestReadCRDsRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ content, want string }{
		"AnotherKind":  {content: "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n", want: `Secret "a" is not a named custom resource definition`},
		"UnknownField": {content: strings.Replace(gadgets, "group:", "grupo:", 1), want: `unknown field "grupo"`},
		"NoYAML":       {content: "\tx", want: "decode \"a.yaml\""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := readCRDs(fstest.MapFS{"a.yaml": {Data: []byte(test.content)}})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want it to contain %q", err, test.want)
			}
		})
	}
}
