// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package cli_test

import (
	"encoding/json"
	"os"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/yaml"

	"github.com/deckyard/deckyard/api/v1alpha1"
)

// seenLAN is a LAN of acme with what an operator saw of it.
func seenLAN(name string, contained metav1.Condition, outside v1alpha1.Answer, reaches ...string) *v1alpha1.LAN {
	contained.Type = v1alpha1.ConditionContained
	contained.LastTransitionTime = metav1.Now()
	return &v1alpha1.LAN{
		TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "LAN"},
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       v1alpha1.LANSpec{TopologyRef: v1alpha1.TopologyReference{Name: "acme"}},
		Status: v1alpha1.LANStatus{
			Reaches: reaches, ReachesHost: v1alpha1.AnswerNo, ReachesOutside: outside, ReachesMetadata: v1alpha1.AnswerNo,
			Conditions: []metav1.Condition{contained},
		},
	}
}

// plane is a running instance, in which tests play the operator's part.
type plane struct {
	t      *testing.T
	path   string
	client *dynamic.DynamicClient
}

func newPlane(t *testing.T) *plane {
	t.Helper()
	path := dataDirectory(t)
	instance := up(t, path)
	t.Cleanup(func() { instance.signal(t, syscall.SIGTERM) })
	client, err := dynamic.NewForConfig(restConfig(t, path))
	if err != nil {
		t.Fatal(err)
	}
	return &plane{t: t, path: path, client: client}
}

// put creates an object in a namespace, with its status.
func (p *plane) put(namespace, resource string, object any) {
	p.t.Helper()
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		p.t.Fatal(err)
	}
	status := content["status"]
	client := p.client.Resource(v1alpha1.GroupVersion.WithResource(resource)).Namespace(namespace)
	created, err := client.Create(p.t.Context(), &unstructured.Unstructured{Object: content}, metav1.CreateOptions{})
	if err != nil {
		p.t.Fatal(err)
	}
	created.Object["status"] = status
	if _, err := client.UpdateStatus(p.t.Context(), created, metav1.UpdateOptions{}); err != nil {
		p.t.Fatal(err)
	}
}

func (p *plane) putTopology(namespace string) {
	p.t.Helper()
	p.put(namespace, "topologies", &v1alpha1.Topology{
		TypeMeta: metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "Topology"}, ObjectMeta: metav1.ObjectMeta{Name: "acme"},
	})
}

func (p *plane) reach(arguments ...string) result {
	p.t.Helper()
	return here(p.t, nil, append([]string{"reach", "acme", "--kubeconfig", "", "--data-dir", p.path}, arguments...)...)
}

func TestReach(t *testing.T) {
	t.Parallel()
	contained := metav1.Condition{Status: metav1.ConditionTrue, Reason: string(v1alpha1.ReasonSucceeded)}
	p := newPlane(t)
	got := p.reach()
	assertCode(t, got, 1)
	assertContains(t, got.errors, "topology default/acme does not exist: 'deckyard kubectl get topologies -A' lists those that do")

	p.putTopology("default")
	p.put("default", "lans", seenLAN("office", contained, v1alpha1.AnswerNo, "dmz"))
	p.put("default", "lans", seenLAN("dmz", contained, v1alpha1.AnswerYes, "office"))
	other := seenLAN("other", metav1.Condition{Status: metav1.ConditionFalse, Reason: "FilterMissing"}, v1alpha1.AnswerYes)
	other.Spec.TopologyRef.Name = "other"
	p.put("default", "lans", other)
	got = p.reach()
	assertCode(t, got, 0)
	want := "" +
		"FROM     dmz   office   HOST   OUTSIDE   METADATA   CONTAINED\n" +
		"dmz      yes   yes      -      yes       -          True\n" +
		"office   yes   yes      -      -         -          True\n"
	if diff := cmp.Diff(want, got.out); diff != "" {
		t.Errorf("(-want +have):\n%s", diff)
	}

	unseen := &v1alpha1.LAN{TypeMeta: other.TypeMeta, ObjectMeta: metav1.ObjectMeta{Name: "lab"}, Spec: seenLAN("", contained, "").Spec}
	p.put("default", "lans", unseen)
	got = p.reach()
	assertCode(t, got, 1)
	assertContains(t, got.out, "lab      ?     yes   ?        ?      ?         ?          Unknown\n")
	assertContains(t, got.errors, "what LAN lab reaches is not known (Progressing)")

	loose := metav1.Condition{Status: metav1.ConditionFalse, Reason: "EndpointExtra", Message: "Decky web is connected"}
	p.put("default", "lans", seenLAN("plant", loose, v1alpha1.AnswerNo, "prod/core"))
	got = p.reach()
	assertCode(t, got, 2)
	assertContains(t, got.out, "FROM     dmz   lab   office   plant   prod/core   HOST", "plant    -     -     -        yes     yes         -")
	assertContains(t, got.errors, "Error: LAN plant is not contained (EndpointExtra): Decky web is connected")
	p.wantReports()
}

// wantReports checks what other programs read.
func (p *plane) wantReports() {
	p.t.Helper()
	for format, decode := range map[string]func([]byte, any) error{
		"json": json.Unmarshal,
		"yaml": func(data []byte, into any) error { return yaml.Unmarshal(data, into) },
	} {
		got := p.reach("-o", format)
		assertCode(p.t, got, 2)
		var report struct {
			Namespace, Topology, Contained string
			LANs                           []struct {
				Name, Host, Outside, Metadata, Contained, Reason string
				Reaches                                          []string
			}
		}
		if err := decode([]byte(got.out), &report); err != nil {
			p.t.Fatalf("%s: %v: %s", format, err, got.out)
		}
		if report.Namespace != "default" || report.Topology != "acme" || report.Contained != "False" || len(report.LANs) != 4 {
			p.t.Errorf("%s: %+v", format, report)
		}
		if first := report.LANs[0]; first.Name != "dmz" || first.Outside != "Yes" || first.Host != "No" || first.Contained != "True" || !cmp.Equal(first.Reaches, []string{"office"}) {
			p.t.Errorf("%s: %+v", format, first)
		}
	}
}

func TestReachRefusesAnUnknownFormat(t *testing.T) {
	t.Parallel()
	got := here(t, nil, "reach", "acme", "-o", "xml", "--data-dir", os.DevNull)
	assertCode(t, got, 1)
	assertContains(t, got.errors, `--output "xml" is not known: use json or yaml, or leave it out for a table`, "Run 'deckyard reach --help' for usage.")
}
