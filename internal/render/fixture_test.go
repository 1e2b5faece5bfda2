// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/catalogue"
	"github.com/deckyard/deckyard/internal/fault"
	"github.com/deckyard/deckyard/internal/model"
	"github.com/deckyard/deckyard/internal/render"
)

const builtIn = "deckyard/builtin:0123456789abcdef"

func load(t testing.TB) *catalogue.Catalogue {
	t.Helper()
	known, err := catalogue.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return known
}

// acme is the topology of testdata/acme.yaml.
func acme(t testing.TB) render.TopologyInput {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", "acme.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	input := render.TopologyInput{Instance: "u-instance", Catalogue: load(t), BuiltIn: builtIn}
	for document := range bytes.SplitSeq(content, []byte("\n---\n")) {
		var kind metav1.TypeMeta
		decode(t, document, &kind, yaml.Unmarshal)
		switch kind.Kind {
		case "Topology":
			input.Topology = &v1alpha1.Topology{}
			decode(t, document, input.Topology, yaml.UnmarshalStrict)
		case "LAN":
			input.LANs = append(input.LANs, v1alpha1.LAN{})
			decode(t, document, &input.LANs[len(input.LANs)-1], yaml.UnmarshalStrict)
		case "Decky":
			input.Deckies = append(input.Deckies, v1alpha1.Decky{})
			decode(t, document, &input.Deckies[len(input.Deckies)-1], yaml.UnmarshalStrict)
		}
	}
	return input
}

func decode(t testing.TB, document []byte, into any, unmarshal func([]byte, any, ...yaml.JSONOpt) error) {
	t.Helper()
	if err := unmarshal(document, into); err != nil {
		t.Fatal(err)
	}
}

// home is the DMZ on which the deckies of the tables live.
func home(change ...func(*v1alpha1.LAN)) *v1alpha1.LAN {
	lan := &v1alpha1.LAN{ObjectMeta: metav1.ObjectMeta{Namespace: "lab", Name: "dmz", UID: "u-dmz"}}
	lan.Spec.TopologyRef.Name = "acme"
	lan.Spec.DMZ = true
	for _, apply := range change {
		apply(lan)
	}
	return lan
}

func decky(change ...func(*v1alpha1.Decky)) *v1alpha1.Decky {
	made := &v1alpha1.Decky{ObjectMeta: metav1.ObjectMeta{Namespace: "lab", Name: "web", UID: "u-web", Generation: 3}}
	made.Spec.TopologyRef.Name = "acme"
	made.Spec.Home.LAN = "dmz"
	made.Spec.Services = []v1alpha1.Service{{Name: "ssh"}, {Name: "http", Config: map[string]string{"app": "tomcat"}}}
	for _, apply := range change {
		apply(made)
	}
	return made
}

func input(known *catalogue.Catalogue, decky *v1alpha1.Decky, home *v1alpha1.LAN) render.DeckyInput {
	return render.DeckyInput{
		Instance: "u-instance",
		Topology: &v1alpha1.Topology{ObjectMeta: metav1.ObjectMeta{Namespace: "lab", Name: "acme"}},
		Decky:    decky, Home: home, Catalogue: known, BuiltIn: builtIn,
		Interfaces: []model.EndpointSpec{{
			NetworkName: "lab_acme_dmz", NetworkID: "n-dmz", LAN: "dmz",
			Address: netip.MustParseAddr("10.0.0.2"), MAC: "00:50:56:00:00:02",
		}},
		ImageIDs: map[string]string{builtIn: "sha256:b"},
	}
}

func mustRender(t testing.TB, in render.DeckyInput) model.DeckySpec {
	t.Helper()
	spec, mistake := render.Decky(in)
	if mistake != nil {
		t.Fatal(mistake)
	}
	return spec
}

// expect compares a mistake; an empty reason wants none.
func expect(t *testing.T, want fault.Fault, have *fault.Fault) {
	t.Helper()
	if want.Reason == "" {
		if have != nil {
			t.Errorf("refused: %s: %v", have.Reason, have)
		}
		return
	}
	if have == nil {
		t.Fatalf("accepted, want %s: %s", want.Reason, want.Message)
	}
	if diff := cmp.Diff(want, *have); diff != "" {
		t.Errorf("(-want +have):\n%s", diff)
	}
}
