// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/rest"
	sigsyaml "sigs.k8s.io/yaml"
)

const (
	fieldManager = "deckyard"
	// pollInterval is short because the wait is for this very process.
	pollInterval = 20 * time.Millisecond
)

// customResourceDefinition is a definition as its author wrote it: applying the
// decoded type instead would own every empty field of it.
type customResourceDefinition struct {
	name string
	json []byte
	// groupVersions are those that are served.
	groupVersions []string
}

// readCRDs decodes every document of every .yaml file.
func readCRDs(files fs.FS) ([]customResourceDefinition, error) {
	var definitions []customResourceDefinition
	err := fs.WalkDir(files, ".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path.Ext(file) != ".yaml" {
			return err
		}
		content, err := fs.ReadFile(files, file)
		if err != nil {
			return err
		}
		decoded, err := decodeCRDs(content)
		if err != nil {
			return fmt.Errorf("decode %q: %w", file, err)
		}
		definitions = append(definitions, decoded...)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read custom resource definitions: %w", err)
	}
	return definitions, nil
}

func decodeCRDs(content []byte) ([]customResourceDefinition, error) {
	var definitions []customResourceDefinition
	reader := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(content)))
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return definitions, nil
		}
		if err != nil {
			return nil, err
		}
		definition, err := decodeCRD(document)
		if err != nil {
			return nil, err
		}
		if definition.name != "" {
			definitions = append(definitions, definition)
		}
	}
}

func decodeCRD(document []byte) (customResourceDefinition, error) {
	encoded, err := sigsyaml.YAMLToJSON(document)
	if err != nil || string(encoded) == "null" {
		return customResourceDefinition{}, err
	}
	var decoded apiextensionsv1.CustomResourceDefinition
	if err := sigsyaml.UnmarshalStrict(document, &decoded); err != nil {
		return customResourceDefinition{}, err
	}
	if decoded.Kind != "CustomResourceDefinition" || decoded.Name == "" {
		return customResourceDefinition{}, fmt.Errorf("%s %q is not a named custom resource definition", decoded.Kind, decoded.Name)
	}
	definition := customResourceDefinition{name: decoded.Name, json: encoded}
	for _, version := range decoded.Spec.Versions {
		if version.Served {
			definition.groupVersions = append(definition.groupVersions, decoded.Spec.Group+"/"+version.Name)
		}
	}
	return definition, nil
}

// installCRDs applies the definitions and waits until each is Established and in
// the discovery documents.
func installCRDs(ctx context.Context, config *rest.Config, definitions []customResourceDefinition) error {
	client, err := clientset.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("create client for custom resource definitions: %w", err)
	}
	for _, definition := range definitions {
		if err := applyCRD(ctx, client, definition); err != nil {
			return err
		}
	}
	for _, definition := range definitions {
		if err := waitEstablished(ctx, client, definition); err != nil {
			return err
		}
	}
	return nil
}

// applyCRD retries while the server is still starting.
func applyCRD(ctx context.Context, client clientset.Interface, definition customResourceDefinition) error {
	options := metav1.PatchOptions{FieldManager: fieldManager, Force: new(true)}
	var last error
	err := wait.PollUntilContextCancel(ctx, pollInterval, true, func(ctx context.Context) (bool, error) {
		_, last = client.ApiextensionsV1().CustomResourceDefinitions().Patch(ctx, definition.name, types.ApplyPatchType, definition.json, options)
		if apierrors.IsInvalid(last) || apierrors.IsBadRequest(last) {
			return false, last
		}
		return last == nil, nil
	})
	if err != nil {
		return fmt.Errorf("apply custom resource definition %q: %w", definition.name, errors.Join(err, last))
	}
	return nil
}

func waitEstablished(ctx context.Context, client clientset.Interface, definition customResourceDefinition) error {
	var observed *apiextensionsv1.CustomResourceDefinition
	err := wait.PollUntilContextCancel(ctx, pollInterval, true, func(ctx context.Context) (bool, error) {
		var err error
		observed, err = client.ApiextensionsV1().CustomResourceDefinitions().Get(ctx, definition.name, metav1.GetOptions{})
		if err != nil || !established(observed) {
			return false, nil //nolint:nilerr // the server is still starting; the context bounds the wait
		}
		return discovered(client, definition), nil
	})
	if err != nil {
		return fmt.Errorf("wait for custom resource definition %q to be served (%s): %w", definition.name, describeConditions(observed), err)
	}
	return nil
}

func established(definition *apiextensionsv1.CustomResourceDefinition) bool {
	for _, condition := range definition.Status.Conditions {
		if condition.Type == apiextensionsv1.Established {
			return condition.Status == apiextensionsv1.ConditionTrue
		}
	}
	return false
}

// discovered reports whether a client that starts now learns of the resource. An
// Established definition is some milliseconds ahead of that.
func discovered(client clientset.Interface, definition customResourceDefinition) bool {
	for _, groupVersion := range definition.groupVersions {
		resources, err := client.Discovery().ServerResourcesForGroupVersion(groupVersion)
		if err != nil {
			return false
		}
		if !listsResource(resources, definition.name, groupVersion) {
			return false
		}
	}
	return true
}

// listsResource knows that a definition is named PLURAL.GROUP.
func listsResource(resources *metav1.APIResourceList, name, groupVersion string) bool {
	group := path.Dir(groupVersion)
	for _, resource := range resources.APIResources {
		if resource.Name+"."+group == name {
			return true
		}
	}
	return false
}

func describeConditions(definition *apiextensionsv1.CustomResourceDefinition) string {
	if definition == nil || len(definition.Status.Conditions) == 0 {
		return "no conditions yet"
	}
	described := make([]string, 0, len(definition.Status.Conditions))
	for _, condition := range definition.Status.Conditions {
		described = append(described, fmt.Sprintf("%s=%s %s", condition.Type, condition.Status, condition.Message))
	}
	return strings.Join(described, "; ")
}
