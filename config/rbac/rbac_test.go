// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package rbac_test checks the operator's roles on an API server.
package rbac_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"testing"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	rbacclient "k8s.io/client-go/kubernetes/typed/rbac/v1"
	"k8s.io/client-go/rest"

	"github.com/deckyard/deckyard/config/crd"
	"github.com/deckyard/deckyard/internal/controlplane/controlplanetest"
)

const group = "deckyard.dev"

// TestOperatorMay shows what the operator's service account may do, and what it
// is kept from.
func TestOperatorMay(t *testing.T) {
	t.Parallel()
	config := controlplanetest.Start(t, crd.Files)
	install(t, kubernetes.NewForConfigOrDie(config))
	operator := rest.CopyConfig(config)
	operator.QPS = -1
	operator.Impersonate = rest.ImpersonationConfig{
		UserName: "system:serviceaccount:system:manager",
		Groups:   []string{"system:serviceaccounts", "system:serviceaccounts:system", "system:authenticated"},
	}
	client := kubernetes.NewForConfigOrDie(operator)
	awaitRoles(t, client)
	for name, test := range map[string]struct {
		attributes authorizationv1.ResourceAttributes
		want       bool
	}{
		"watch topologies everywhere":   {authorizationv1.ResourceAttributes{Verb: "watch", Group: group, Resource: "topologies"}, true},
		"label lans":                    {authorizationv1.ResourceAttributes{Verb: "patch", Group: group, Resource: "lans", Namespace: "prod"}, true},
		"write a decky's status":        {authorizationv1.ResourceAttributes{Verb: "patch", Group: group, Resource: "deckies", Subresource: "status", Namespace: "prod"}, true},
		"delete a topology's deckies":   {authorizationv1.ResourceAttributes{Verb: "delete", Group: group, Resource: "deckies", Namespace: "prod"}, true},
		"record events":                 {authorizationv1.ResourceAttributes{Verb: "create", Group: "events.k8s.io", Resource: "events", Namespace: "prod"}, true},
		"read the cluster's identity":   {authorizationv1.ResourceAttributes{Verb: "get", Resource: "namespaces", Name: "kube-system", Namespace: "kube-system"}, true},
		"create its lease":              {authorizationv1.ResourceAttributes{Verb: "create", Group: "coordination.k8s.io", Resource: "leases", Namespace: "system"}, true},
		"renew its lease":               {authorizationv1.ResourceAttributes{Verb: "update", Group: "coordination.k8s.io", Resource: "leases", Namespace: "system", Name: "deckyard-topology"}, true},
		"not another's lease":           {authorizationv1.ResourceAttributes{Verb: "update", Group: "coordination.k8s.io", Resource: "leases", Namespace: "system", Name: "scheduler"}, false},
		"not leases elsewhere":          {authorizationv1.ResourceAttributes{Verb: "create", Group: "coordination.k8s.io", Resource: "leases", Namespace: "kube-system"}, false},
		"not create deckies":            {authorizationv1.ResourceAttributes{Verb: "create", Group: group, Resource: "deckies", Namespace: "prod"}, false},
		"not delete topologies":         {authorizationv1.ResourceAttributes{Verb: "delete", Group: group, Resource: "topologies", Namespace: "prod"}, false},
		"not read secrets":              {authorizationv1.ResourceAttributes{Verb: "get", Resource: "secrets", Namespace: "system"}, false},
		"not list namespaces":           {authorizationv1.ResourceAttributes{Verb: "list", Resource: "namespaces"}, false},
		"not create pods":               {authorizationv1.ResourceAttributes{Verb: "create", Resource: "pods", Namespace: "system"}, false},
		"not run commands in pods":      {authorizationv1.ResourceAttributes{Verb: "create", Resource: "pods", Subresource: "exec", Namespace: "system"}, false},
		"not change the definitions":    {authorizationv1.ResourceAttributes{Verb: "patch", Group: "apiextensions.k8s.io", Resource: "customresourcedefinitions"}, false},
		"not give itself further roles": {authorizationv1.ResourceAttributes{Verb: "create", Group: "rbac.authorization.k8s.io", Resource: "clusterrolebindings"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			review := ask(t, client, &test.attributes)
			if review.Status.Allowed != test.want {
				t.Errorf("got allowed=%t, want %t (%s)", review.Status.Allowed, test.want, review.Status.Reason)
			}
		})
	}
}

func ask(tb testing.TB, client kubernetes.Interface, attributes *authorizationv1.ResourceAttributes) *authorizationv1.SelfSubjectAccessReview {
	tb.Helper()
	review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: attributes}}
	review, err := client.AuthorizationV1().SelfSubjectAccessReviews().Create(tb.Context(), review, metav1.CreateOptions{})
	if err != nil {
		tb.Fatal(err)
	}
	return review
}

// awaitRoles waits until the API server acts on each role and its binding: it decides
// by a copy of them, which follows within moments.
func awaitRoles(tb testing.TB, client kubernetes.Interface) {
	tb.Helper()
	for _, allowed := range []authorizationv1.ResourceAttributes{
		{Verb: "watch", Group: group, Resource: "topologies"},
		{Verb: "create", Group: "coordination.k8s.io", Resource: "leases", Namespace: "system"},
	} {
		err := wait.PollUntilContextTimeout(tb.Context(), 20*time.Millisecond, 30*time.Second, true, func(context.Context) (bool, error) {
			return ask(tb, client, &allowed).Status.Allowed, nil
		})
		if err != nil {
			tb.Fatalf("%s %s is not allowed: %v", allowed.Verb, allowed.Resource, err)
		}
	}
}

// install creates what "kubectl apply -k config/rbac" would.
func install(tb testing.TB, client kubernetes.Interface) {
	tb.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "system"}}
	if _, err := client.CoreV1().Namespaces().Create(tb.Context(), namespace, metav1.CreateOptions{}); err != nil {
		tb.Fatal(err)
	}
	for _, file := range []string{"manager_role.yaml", "manager_role_binding.yaml", "leader_election_role.yaml", "leader_election_role_binding.yaml", "user_roles.yaml"} {
		for _, object := range readObjects(tb, file) {
			if err := create(tb, client.RbacV1(), object); err != nil {
				tb.Fatalf("%s: %v", file, err)
			}
		}
	}
}

func create(tb testing.TB, client rbacclient.RbacV1Interface, object runtime.Object) error {
	tb.Helper()
	var err error
	switch object := object.(type) {
	case *rbacv1.ClusterRole:
		_, err = client.ClusterRoles().Create(tb.Context(), object, metav1.CreateOptions{})
	case *rbacv1.ClusterRoleBinding:
		_, err = client.ClusterRoleBindings().Create(tb.Context(), object, metav1.CreateOptions{})
	case *rbacv1.Role:
		_, err = client.Roles(object.Namespace).Create(tb.Context(), object, metav1.CreateOptions{})
	case *rbacv1.RoleBinding:
		_, err = client.RoleBindings(object.Namespace).Create(tb.Context(), object, metav1.CreateOptions{})
	default:
		err = fmt.Errorf("unexpected %T", object)
	}
	if apierrors.IsAlreadyExists(err) && isUserRole(object) {
		// Without the name prefix of config/default these are the cluster's own.
		return nil
	}
	return err
}

func isUserRole(object runtime.Object) bool {
	role, ok := object.(*rbacv1.ClusterRole)
	return ok && slices.Contains([]string{"view", "edit", "admin"}, role.Name)
}

func readObjects(tb testing.TB, file string) []runtime.Object {
	tb.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	var objects []runtime.Object
	reader := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(content)))
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return objects
		}
		if err != nil {
			tb.Fatalf("read %s: %v", file, err)
		}
		object, _, err := scheme.Codecs.UniversalDeserializer().Decode(document, nil, nil)
		if err != nil {
			tb.Fatalf("decode %s: %v", file, err)
		}
		objects = append(objects, object)
	}
}
