// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package graph_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/fault"
)

// meta is an object of the namespace lab, created in the given second.
func meta(name string, second int) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Namespace: "lab", Name: name, UID: types.UID(name),
		CreationTimestamp: metav1.NewTime(time.Unix(int64(second), 0)),
	}
}

func lan(name string, second int, change ...func(*v1alpha1.LAN)) v1alpha1.LAN {
	made := v1alpha1.LAN{ObjectMeta: meta(name, second)}
	made.Spec.TopologyRef.Name = "acme"
	for _, apply := range change {
		apply(&made)
	}
	return made
}

func dmz(l *v1alpha1.LAN)         { l.Spec.DMZ = true }
func lanDeleting(l *v1alpha1.LAN) { l.DeletionTimestamp = deletion() }
func built(l *v1alpha1.LAN)       { l.Status.NetworkID = "n-" + l.Name }

func pinnedSubnet(subnet string) func(*v1alpha1.LAN) {
	return func(l *v1alpha1.LAN) { l.Spec.Subnet = subnet }
}

func allocatedSubnet(subnet string) func(*v1alpha1.LAN) {
	return func(l *v1alpha1.LAN) { l.Status.Subnet = subnet }
}

func elsewhere(l *v1alpha1.LAN) { l.Namespace = "other" }

func deletion() *metav1.Time {
	now := metav1.NewTime(time.Unix(1000, 0))
	return &now
}

func decky(name string, second int, change ...func(*v1alpha1.Decky)) v1alpha1.Decky {
	made := v1alpha1.Decky{ObjectMeta: meta(name, second)}
	made.Spec.TopologyRef.Name = "acme"
	made.Spec.Home.LAN = "dmz"
	for _, apply := range change {
		apply(&made)
	}
	return made
}

func deckyDeleting(d *v1alpha1.Decky) { d.DeletionTimestamp = deletion() }
func running(d *v1alpha1.Decky)       { d.Status.Base.ContainerID = "c-" + d.Name }

func on(lans ...string) func(*v1alpha1.Decky) {
	return func(d *v1alpha1.Decky) {
		d.Spec.Home.LAN = lans[0]
		for _, name := range lans[1:] {
			d.Spec.Attachments = append(d.Spec.Attachments, v1alpha1.Attachment{LAN: name})
		}
	}
}

// pinned asks for an address on the home LAN.
func pinned(address string) func(*v1alpha1.Decky) {
	return func(d *v1alpha1.Decky) { d.Spec.Home.Address = address }
}

// allocated records an address on the DMZ in status.
func allocated(address string) func(*v1alpha1.Decky) {
	return func(d *v1alpha1.Decky) {
		d.Status.Interfaces = append(d.Status.Interfaces, v1alpha1.InterfaceStatus{LAN: "dmz", Address: address})
	}
}

func services(names ...string) func(*v1alpha1.Decky) {
	return func(d *v1alpha1.Decky) {
		for _, name := range names {
			d.Spec.Services = append(d.Spec.Services, v1alpha1.Service{Name: name})
		}
	}
}

func publishing(hostIP string, ports ...v1alpha1.PublishedPort) func(*v1alpha1.Decky) {
	return func(d *v1alpha1.Decky) { d.Spec.Publish = &v1alpha1.Publish{HostIP: hostIP, Ports: ports} }
}

func port(containerPort, hostPort int32) v1alpha1.PublishedPort {
	return v1alpha1.PublishedPort{ContainerPort: containerPort, HostPort: hostPort}
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
