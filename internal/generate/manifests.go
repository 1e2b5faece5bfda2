// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package generate

import (
	"bytes"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/deckyard/deckyard/api/v1alpha1"
)

// manifest is what a user writes of an object: no status, nothing that the API
// server fills in.
type manifest struct {
	metav1.TypeMeta `json:",inline"`
	Metadata        metadata `json:"metadata"`
	Spec            any      `json:"spec"`
}

type metadata struct {
	Name      string `json:"name"`
	Namespace string `json:"namespace,omitempty"`
}

// Manifests returns the objects as a YAML stream, for "kubectl apply": the topology,
// then each LAN followed by the deckies that live on it. Equal networks give equal
// bytes.
func (n Network) Manifests() ([]byte, error) {
	all := []manifest{newManifest("Topology", n.Topology.ObjectMeta, n.Topology.Spec)}
	for _, segment := range n.Segments {
		all = append(all, newManifest("LAN", segment.LAN.ObjectMeta, segment.LAN.Spec))
		for i := range segment.Deckies {
			all = append(all, newManifest("Decky", segment.Deckies[i].ObjectMeta, segment.Deckies[i].Spec))
		}
	}
	var stream bytes.Buffer
	for i, each := range all {
		encoded, err := yaml.Marshal(each)
		if err != nil {
			return nil, fmt.Errorf("write manifest of %s %s: %w", each.Kind, each.Metadata.Name, err)
		}
		if i > 0 {
			stream.WriteString("---\n")
		}
		stream.Write(encoded)
	}
	return stream.Bytes(), nil
}

func newManifest(kind string, meta metav1.ObjectMeta, spec any) manifest {
	return manifest{
		TypeMeta: metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: kind},
		Metadata: metadata{Name: meta.Name, Namespace: meta.Namespace},
		Spec:     spec,
	}
}
