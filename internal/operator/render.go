// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package operator

import (
	"context"
	"fmt"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/builtin"
	"github.com/deckyard/deckyard/internal/catalogue"
	"github.com/deckyard/deckyard/internal/render"
)

// RenderCompose returns a topology as a Compose file, and a line for each of its
// members that is not part of it. Without a catalogue it is the built-in one.
func RenderCompose(ctx context.Context, config *rest.Config, known *catalogue.Catalogue, namespace, name string) (file []byte, omitted []string, err error) {
	scheme, err := Scheme()
	if err != nil {
		return nil, nil, err
	}
	kube, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		return nil, nil, fmt.Errorf("create client: %w", err)
	}
	input, err := readTopology(ctx, kube, namespace, name)
	if err != nil {
		return nil, nil, err
	}
	if input.Catalogue, err = catalogueOrBuiltIn(ctx, known); err != nil {
		return nil, nil, err
	}
	spec, omissions := render.Topology(input)
	for _, omission := range omissions {
		omitted = append(omitted, fmt.Sprintf("%s %s is left out: %s", omission.Kind, omission.Name, omission.Fault))
	}
	file, err = render.ComposeYAML(spec.Compose())
	return file, omitted, err
}

func readTopology(ctx context.Context, kube client.Reader, namespace, name string) (render.TopologyInput, error) {
	topology := &v1alpha1.Topology{}
	if err := kube.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, topology); err != nil {
		return render.TopologyInput{}, fmt.Errorf("read Topology %s/%s: %w", namespace, name, err)
	}
	image, err := builtin.Load()
	if err != nil {
		return render.TopologyInput{}, err
	}
	input := render.TopologyInput{Topology: topology, BuiltIn: image.Reference}
	var lans v1alpha1.LANList
	if err := kube.List(ctx, &lans, client.InNamespace(namespace)); err != nil {
		return render.TopologyInput{}, fmt.Errorf("list LANs: %w", err)
	}
	for _, lan := range lans.Items {
		if lan.Spec.TopologyRef.Name == name {
			input.LANs = append(input.LANs, lan)
		}
	}
	var deckies v1alpha1.DeckyList
	if err := kube.List(ctx, &deckies, client.InNamespace(namespace)); err != nil {
		return render.TopologyInput{}, fmt.Errorf("list Deckies: %w", err)
	}
	for _, decky := range deckies.Items {
		if decky.Spec.TopologyRef.Name == name {
			input.Deckies = append(input.Deckies, decky)
		}
	}
	return input, nil
}
