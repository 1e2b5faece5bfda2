// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controlplane_test

import (
	"testing"
	"testing/fstest"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"github.com/deckyard/deckyard/internal/controlplane/controlplanetest"
)

var widgetResource = schema.GroupVersionResource{Group: "test.deckyard.dev", Version: "v1", Resource: "widgets"}

// widgets is a definition as small as one can be.
const widgets = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: widgets.test.deckyard.dev
spec:
  group: test.deckyard.dev
  scope: Namespaced
  names: {plural: widgets, singular: widget, kind: Widget, listKind: WidgetList}
  versions:
    - name: v1
      served: true
      storage: true
      subresources: {status: {}}
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              properties:
                size: {type: integer, default: 3}
              x-kubernetes-validations:
                - rule: self.size < 10
                  message: size must be below 10
            status:
              type: object
              x-kubernetes-preserve-unknown-fields: true
`

func widgetFiles() fstest.MapFS {
	return fstest.MapFS{"bases/widgets.yaml": &fstest.MapFile{Data: []byte(widgets)}}
}

func TestServesGivenDefinitions(t *testing.T) {
	t.Parallel()
	config := controlplanetest.Start(t, widgetFiles())
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	list, err := client.Resource(widgetResource).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(list.Items) != 0 {
		t.Errorf("got %d widgets, want none", len(list.Items))
	}
}
