//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/deckyard/deckyard/api/v1alpha1"
)

// Scenario 33: a singleton, a value outside an enumeration and one of a wrong
// type are refused before any Docker write, naming the field and what is allowed.
// Scenario 34: so is a second claim on a port, whichever service it is of.
func TestServicesOutsideTheirSchemaAreRefusedBeforeAnyWrite(t *testing.T) {
	t.Parallel()
	configured := func(service, key, value string) []v1alpha1.Service {
		return []v1alpha1.Service{{Name: service, Config: map[string]string{key: value}}}
	}
	relay := v1alpha1.Service{Name: "relay", Image: "relay:1", Ports: []v1alpha1.ServicePort{{ContainerPort: 587}}}
	refused := map[string]struct {
		services []v1alpha1.Service
		reason   v1alpha1.Reason
		words    []string
	}{
		"singleton": {
			[]v1alpha1.Service{{Name: "sniffer"}},
			v1alpha1.ReasonInvalidSpec,
			[]string{"spec.services[0].name", "not allowed on a decky"},
		},
		"enumeration": {
			configured("http", "app", "drupal"), v1alpha1.ReasonInvalidConfig,
			[]string{"spec.services[0].config.app", `"drupal"`, "none, wordpress, phpmyadmin, tomcat, jenkins"},
		},
		"type": {
			configured("ssh", "acceptAfter", "soon"), v1alpha1.ReasonInvalidConfig,
			[]string{"spec.services[0].config.acceptAfter", "a whole number from 0 to 1000", `"soon"`},
		},
		"port": {
			[]v1alpha1.Service{relay, {Name: "smtp"}},
			v1alpha1.ReasonPortConflict,
			[]string{"spec.services[1]", "587/tcp", "service relay"},
		},
	}
	w := newWorld(t)
	w.create(topology("acme"), dmz("acme", "dmz"))
	recorded := w.record()
	good := decky("acme", "good", "dmz", "ssh")
	for name, wrong := range refused {
		created := decky("acme", name, "dmz")
		created.Spec.Services = wrong.services
		w.create(created)
		message := w.waitCondition(created, v1alpha1.ConditionStalled, "True", wrong.reason)
		for _, word := range wrong.words {
			if !strings.Contains(message, word) {
				t.Errorf("%s: %q is not in the message: %s", name, word, message)
			}
		}
	}
	w.create(good)
	w.waitReady(good)
	recorded.want("create good", "start good", "create good_ssh", "start good_ssh")
}

// Scenario 33: what the API server can tell is refused there, naming the field
// and what is allowed.
func TestMalformedDeckyIsRefusedByTheAPIServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	custom := func(name string, port map[string]any) map[string]any {
		return map[string]any{"name": name, "image": "probe:1", "ports": []any{port}}
	}
	for name, wrong := range map[string]struct {
		path  []string
		value any
		words []string
	}{
		"value outside an enumeration": {
			[]string{"spec", "osFamily"},
			"amiga",
			[]string{"spec.osFamily", `"amiga"`, `"linux", "windows", "windows-server", "bsd", "embedded", "cisco"`},
		},
		"number as configuration": {
			[]string{"spec", "services"},
			[]any{map[string]any{"name": "ssh", "config": map[string]any{"acceptAfter": int64(3)}}},
			[]string{"spec.services[0].config.acceptAfter", "must be of type string"},
		},
		"unknown protocol": {
			[]string{"spec", "services"},
			[]any{custom("probe", map[string]any{"containerPort": int64(1), "protocol": "SCTP"})},
			[]string{"spec.services[0].ports[0].protocol", `"TCP", "UDP"`},
		},
		"service listed twice": {
			[]string{"spec", "services"},
			[]any{map[string]any{"name": "ssh"}, map[string]any{"name": "ssh"}},
			[]string{"spec.services[1]", "Duplicate value"},
		},
		"two custom services on one port": {
			[]string{"spec", "services"},
			[]any{custom("one", map[string]any{"containerPort": int64(7)}), custom("two", map[string]any{"containerPort": int64(7)})},
			[]string{"spec.services", "claim the same port and protocol"},
		},
		"name with a dot": {
			[]string{"metadata", "name"},
			"web.one",
			[]string{`"web.one" is not a DNS label`},
		},
	} {
		malformed := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": v1alpha1.GroupVersion.String(), "kind": "Decky",
			"metadata": map[string]any{"name": "web", "namespace": w.namespace},
			"spec":     map[string]any{"topologyRef": map[string]any{"name": "acme"}, "home": map[string]any{"lan": "dmz"}},
		}}
		if err := unstructured.SetNestedField(malformed.Object, wrong.value, wrong.path...); err != nil {
			t.Fatal(err)
		}
		err := w.kube.Create(t.Context(), malformed)
		if !apierrors.IsInvalid(err) && !apierrors.IsBadRequest(err) {
			t.Errorf("%s: the API server answered %v", name, err)
			continue
		}
		for _, word := range wrong.words {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%s: %q is not in the message: %v", name, word, err)
			}
		}
	}
}
