//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"net"
	"testing"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/model"
)

// Scenario 1: one bridge per LAN, only the DMZ not internal, and each decky's
// networks before its containers.
func TestTopologyComesUp(t *testing.T) {
	w := newWorld(t)
	topo := topology("acme")
	web := decky("acme", "web", "dmz", "ssh", "http")
	web.Spec.Attachments = []v1alpha1.Attachment{{LAN: "office"}}
	files := decky("acme", "files", "office", "ftp")
	w.create(topo, dmz("acme", "dmz"), lan("acme", "office"), web, files)
	w.waitReady(topo)

	networks := w.networks()
	if len(networks) != 2 || networks["dmz"].Internal || !networks["office"].Internal || networks["dmz"].Masquerade {
		t.Fatalf("networks: %+v", networks)
	}
	containers := w.containers()
	if len(containers) != 5 {
		t.Fatalf("containers: %v", containers)
	}
	for name, container := range containers {
		if container.State != model.StateRunning {
			t.Errorf("%s is %s", name, container.State)
		}
	}
	w.waitReady(files, web)
	w.reaches("files", net.JoinHostPort(web.Status.Interfaces[1].Address, "22"))
	w.reaches("web", net.JoinHostPort(files.Status.Interfaces[0].Address, "21"))
}
