// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

const (
	systemNamespace = "deckyard-system"
	managerName     = "deckyard-manager"
	electionName    = "deckyard-leader-election"
)

// manifests builds what "kubectl apply -k config/default" applies.
func manifests(t *testing.T) []*unstructured.Unstructured {
	t.Helper()
	path, err := filepath.Abs("../../config/default")
	if err != nil {
		t.Fatal(err)
	}
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), path)
	if err != nil {
		t.Fatal(err)
	}
	objects := make([]*unstructured.Unstructured, 0, built.Size())
	for _, resource := range built.Resources() {
		content, err := resource.Map()
		if err != nil {
			t.Fatal(err)
		}
		objects = append(objects, &unstructured.Unstructured{Object: content})
	}
	return objects
}

// find converts the manifest of a kind and name.
func find[T any](t *testing.T, objects []*unstructured.Unstructured, kind, name string) T {
	t.Helper()
	var typed T
	for _, object := range objects {
		if object.GetKind() != kind || object.GetName() != name {
			continue
		}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(object.Object, &typed, true); err != nil {
			t.Fatal(err)
		}
		return typed
	}
	t.Fatalf("there is no %s %s", kind, name)
	return typed
}

// The operator's roles give nothing that it does not need: no wildcard, no
// Secret, no way into a pod, no way to more rights.
func TestRolesAreNarrow(t *testing.T) {
	t.Parallel()
	objects := manifests(t)
	cluster := find[rbacv1.ClusterRole](t, objects, "ClusterRole", managerName)
	election := find[rbacv1.Role](t, objects, "Role", electionName)
	allowed := map[string][]string{
		"":                    {"namespaces", "events"},
		"events.k8s.io":       {"events"},
		"coordination.k8s.io": {"leases"},
		"deckyard.dev": {
			"topologies", "topologies/status", "topologies/finalizers", "lans", "lans/status", "lans/finalizers",
			"deckies", "deckies/status", "deckies/finalizers",
		},
	}
	for _, rule := range append(cluster.Rules, election.Rules...) {
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				if !slices.Contains(allowed[group], resource) {
					t.Errorf("a role gives %v of %q in group %q", rule.Verbs, resource, group)
				}
			}
		}
		if len(rule.NonResourceURLs) > 0 {
			t.Errorf("a role gives the paths %q", rule.NonResourceURLs)
		}
		for _, verb := range rule.Verbs {
			if !slices.Contains([]string{"get", "list", "watch", "create", "update", "patch", "delete"}, verb) {
				t.Errorf("a role gives the verb %q", verb)
			}
		}
		if slices.Contains(rule.Resources, "namespaces") && !slices.Equal(rule.ResourceNames, []string{"kube-system"}) {
			t.Errorf("a role gives namespaces %q", rule.ResourceNames)
		}
	}
}

// The operator runs as the account that the roles are bound to.
func TestRolesAreThoseOfTheManager(t *testing.T) {
	t.Parallel()
	objects := manifests(t)
	daemonSet := find[appsv1.DaemonSet](t, objects, "DaemonSet", managerName)
	want := rbacv1.Subject{Kind: "ServiceAccount", Name: daemonSet.Spec.Template.Spec.ServiceAccountName, Namespace: daemonSet.Namespace}
	cluster := find[rbacv1.ClusterRoleBinding](t, objects, "ClusterRoleBinding", managerName)
	election := find[rbacv1.RoleBinding](t, objects, "RoleBinding", electionName)
	if cluster.RoleRef.Name != managerName || !slices.Equal(cluster.Subjects, []rbacv1.Subject{want}) {
		t.Errorf("%s is given to %v", cluster.RoleRef.Name, cluster.Subjects)
	}
	if election.RoleRef.Name != electionName || election.Namespace != systemNamespace || !slices.Equal(election.Subjects, []rbacv1.Subject{want}) {
		t.Errorf("%s is given to %v in %s", election.RoleRef.Name, election.Subjects, election.Namespace)
	}
}

// managerArguments returns the arguments of the DaemonSet's container, as on a node.
func managerArguments(t *testing.T, nodeName string) []string {
	t.Helper()
	daemonSet := find[appsv1.DaemonSet](t, manifests(t), "DaemonSet", managerName)
	containers := daemonSet.Spec.Template.Spec.Containers
	if len(containers) != 1 || len(containers[0].Command) > 0 {
		t.Fatalf("the DaemonSet does not run the image's own program: %+v", containers)
	}
	values := strings.NewReplacer("$(NODE_NAME)", nodeName, "$(POD_NAMESPACE)", daemonSet.Namespace)
	arguments := slices.Clone(containers[0].Args)
	for i := range arguments {
		arguments[i] = values.Replace(arguments[i])
	}
	return arguments
}

// The manifests start the manager with flags that it knows, and probe the
// addresses that these give it.
func TestManifestsFitTheFlags(t *testing.T) {
	t.Parallel()
	given, err := parse(managerArguments(t, "node-7"), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	options := given.options
	if given.kubeconfig != "" || options.NodeName != "node-7" || !options.LeaderElection || options.LeaderElectionNamespace != systemNamespace {
		t.Errorf("have %+v", given)
	}
	container := find[appsv1.DaemonSet](t, manifests(t), "DaemonSet", managerName).Spec.Template.Spec.Containers[0]
	for path, probe := range map[string]*corev1.HTTPGetAction{
		"/healthz": container.LivenessProbe.HTTPGet, "/readyz": container.ReadinessProbe.HTTPGet,
	} {
		if have := probe.Host + ":" + probe.Port.String(); have != options.ProbeAddress || probe.Path != path {
			t.Errorf("probed is %s%s, served %s%s", have, probe.Path, options.ProbeAddress, path)
		}
	}
}
