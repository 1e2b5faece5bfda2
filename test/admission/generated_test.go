// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package admission_test

import (
	"strings"
	"testing"

	kubejson "k8s.io/apimachinery/pkg/util/json"
	"pgregory.net/rapid"
	"sigs.k8s.io/yaml"

	"github.com/deckyard/deckyard/internal/admission"
	"github.com/deckyard/deckyard/internal/catalogue"
	"github.com/deckyard/deckyard/internal/generate"
)

// The manifests of any generated topology are admitted, and the operator finds no
// mistake in them.
func TestGeneratedManifestsAreAdmitted(t *testing.T) {
	t.Parallel()
	byKind := map[string]admission.Gate{}
	for _, g := range gates(t) {
		byKind[g.Kind] = g
	}
	known, err := catalogue.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		p := generate.Defaults()
		p.Name = "acme"
		p.Depth = rapid.IntRange(1, 3).Draw(rt, "depth")
		p.CrossLinkProbability = rapid.Float64Range(0, 1).Draw(rt, "crossLink")
		p.PortOffset = rapid.IntRange(0, generate.MaxPortOffset).Draw(rt, "portOffset")
		p.Services = rapid.SampledFrom([][]string{nil, known.ServiceNames()}).Draw(rt, "services")
		p.Seed = rapid.Uint64().Draw(rt, "seed")
		network, err := generate.Topology(p, known)
		if err != nil {
			rt.Fatal(err)
		}
		manifests, err := network.Manifests()
		if err != nil {
			rt.Fatal(err)
		}
		for document := range strings.SplitSeq(string(manifests), "\n---\n") {
			encoded, err := yaml.YAMLToJSONStrict([]byte(document))
			if err != nil {
				rt.Fatal(err)
			}
			// Numbers are read as the API server reads them.
			var object map[string]any
			if err := kubejson.Unmarshal(encoded, &object); err != nil {
				rt.Fatal(err)
			}
			kind, _ := object["kind"].(string)
			if refusals := byKind[kind].Admit(t.Context(), object, nil); len(refusals) > 0 {
				rt.Errorf("refused: %v\n%s", refusals, document)
			}
			if mistake := judge(t, kind, object, known); mistake != nil {
				rt.Errorf("a mistake: %v\n%s", mistake, document)
			}
		}
	})
}
