// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/deckyard/deckyard/api/v1alpha1"
)

// removeTopologies deletes every topology and waits until the operator has torn them
// all down, saying what is left whenever that changes. It returns the identity of the
// instance, which is on all that it has on the engine.
func (d *down) removeTopologies(ctx context.Context, config *rest.Config) (instance string, err error) {
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return "", fmt.Errorf("create client: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, d.purgeTimeout)
	defer cancel()
	system, err := client.Resource(corev1.SchemeGroupVersion.WithResource("namespaces")).Get(ctx, metav1.NamespaceSystem, metav1.GetOptions{})
	if err != nil {
		return "", fmt.Errorf("tear down topologies: read namespace %s: %w", metav1.NamespaceSystem, err)
	}
	return string(system.GetUID()), d.removeAll(ctx, client.Resource(v1alpha1.GroupVersion.WithResource("topologies")))
}

func (d *down) removeAll(ctx context.Context, topologies dynamic.NamespaceableResourceInterface) error {
	deleted := map[types.UID]bool{}
	said := ""
	err := wait.PollUntilContextCancel(ctx, pollInterval, true, func(ctx context.Context) (bool, error) {
		list, err := topologies.List(ctx, metav1.ListOptions{})
		if apierrors.IsNotFound(err) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
		// Whoever creates one meanwhile did not mean to keep it.
		for _, topology := range list.Items {
			if err := d.deleteOnce(ctx, topologies, &topology, deleted); err != nil {
				return false, err
			}
		}
		if left := describeTopologies(list.Items); left != said {
			said = left
			if left != "" {
				d.say("Waiting for %s", left)
			}
		}
		return len(list.Items) == 0, nil
	})
	if err != nil && said != "" {
		return fmt.Errorf("tear down topologies: %w; left: %s: see to what it says and run the command again, the data stays until then", err, said)
	}
	if err != nil {
		return fmt.Errorf("tear down topologies: %w", err)
	}
	return nil
}

func (d *down) deleteOnce(ctx context.Context, topologies dynamic.NamespaceableResourceInterface, topology *unstructured.Unstructured, deleted map[types.UID]bool) error {
	if deleted[topology.GetUID()] {
		return nil
	}
	d.say("Deleting topology %s/%s", topology.GetNamespace(), topology.GetName())
	err := topologies.Namespace(topology.GetNamespace()).Delete(ctx, topology.GetName(), metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return err
	}
	deleted[topology.GetUID()] = true
	return nil
}

func describeTopologies(topologies []unstructured.Unstructured) string {
	left := make([]string, 0, len(topologies))
	for _, topology := range topologies {
		left = append(left, strings.TrimSuffix(fmt.Sprintf("%s/%s: %s", topology.GetNamespace(), topology.GetName(), readyMessageOf(&topology)), ": "))
	}
	return strings.Join(left, "; ")
}

// readyMessageOf is what the operator says about the topology, in words.
func readyMessageOf(topology *unstructured.Unstructured) string {
	conditions, _, _ := unstructured.NestedSlice(topology.Object, "status", "conditions")
	for _, condition := range conditions {
		fields, ok := condition.(map[string]any)
		if ok && fields["type"] == "Ready" {
			message, _ := fields["message"].(string)
			return message
		}
	}
	return ""
}
