// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package admission_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	kubejson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/yaml"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/admission"
	"github.com/deckyard/deckyard/internal/catalogue"
	"github.com/deckyard/deckyard/internal/fault"
	"github.com/deckyard/deckyard/internal/render"
)

// gates returns those of all kinds, sorted by their definition's file.
func gates(tb testing.TB) []admission.Gate {
	tb.Helper()
	all, err := admission.Gates()
	if err != nil {
		tb.Fatal(err)
	}
	return all
}

// Whatever a client sends is refused in words, or is what the operator can read
// and judge. No rule of admission fails at its work.
func FuzzAdmission(f *testing.F) {
	all := gates(f)
	seed(f, all)
	known, err := catalogue.Load(f.Context())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, kind byte, name string, spec []byte) {
		g := all[int(kind)%len(all)]
		// Numbers are read as the API server reads them.
		var content any
		if kubejson.Unmarshal(spec, &content) != nil {
			return
		}
		object := map[string]any{
			"apiVersion": v1alpha1.GroupVersion.String(), "kind": g.Kind,
			"metadata": map[string]any{"name": name, "namespace": "default"}, "spec": content,
		}
		if refusals := g.Admit(t.Context(), object, nil); len(refusals) > 0 {
			checkWords(t, refusals)
			return
		}
		admitted := runtime.DeepCopyJSON(object)
		if refusals := g.Admit(t.Context(), object, nil); len(refusals) > 0 || !reflect.DeepEqual(admitted, object) {
			t.Errorf("what was admitted changes or is refused when it comes again: %v", refusals)
		}
		if mistake := judge(t, g.Kind, object, known); mistake != nil && (mistake.Reason == "" || mistake.Message == "") {
			t.Errorf("a mistake without words: %+v", mistake)
		}
	})
}

// seed adds the objects of the samples, and some that are hardly objects.
func seed(f *testing.F, all []admission.Gate) {
	f.Helper()
	files, err := filepath.Glob("../../config/samples/acme/*.yaml")
	if err != nil || len(files) == 0 {
		f.Fatalf("no samples: %v", err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for document := range strings.SplitSeq(string(content), "\n---\n") {
			var object struct {
				Kind     string
				Metadata struct{ Name string }
				Spec     map[string]any
			}
			if err := yaml.Unmarshal([]byte(document), &object); err != nil {
				f.Fatal(err)
			}
			encoded, err := json.Marshal(object.Spec)
			if err != nil {
				f.Fatal(err)
			}
			for kind, g := range all {
				if g.Kind == object.Kind {
					f.Add(byte(kind), object.Metadata.Name, encoded)
				}
			}
		}
	}
	for kind := range all {
		for _, spec := range []string{`null`, `[]`, `{}`, `{"topologyRef":null}`, `{"topologyRef":{"name":"a"},"home":{"lan":"","address":"1.2.3.4.5"},"publish":{"ports":[{}]}}`} {
			f.Add(byte(kind), "a", []byte(spec))
		}
	}
}

// checkWords checks that a user can understand why an object is refused.
func checkWords(t *testing.T, refusals field.ErrorList) {
	t.Helper()
	for _, refusal := range refusals {
		text := refusal.Error()
		for _, failure := range []string{"evaluating rule", "failed rule:", "cost", "call arguments did not match"} {
			if refusal.Type == field.ErrorTypeInternal || strings.Contains(refusal.Detail, failure) {
				t.Errorf("a rule fails: %s", text)
			}
		}
	}
}

// judge reads an object and validates it as the operator does.
func judge(t *testing.T, kind string, object map[string]any, known *catalogue.Catalogue) *fault.Fault {
	t.Helper()
	var topology v1alpha1.Topology
	var lan v1alpha1.LAN
	var decky v1alpha1.Decky
	into := map[string]any{"Topology": &topology, "LAN": &lan, "Decky": &decky}[kind]
	if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(object, into, true); err != nil {
		t.Errorf("admitted, and not to be read: %v", err)
		return nil
	}
	switch kind {
	case "LAN":
		return render.ValidateLAN(&lan)
	case "Decky":
		return render.ValidateDecky(&decky, known, render.Engine{EndpointMAC: true})
	}
	return nil
}
