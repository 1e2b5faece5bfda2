//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/deckyard/deckyard/internal/catalogue"
	"github.com/deckyard/deckyard/internal/generate"
)

// Scenario 66: a generated topology comes up as it is. What its gateway publishes
// answers, and so does the deepest LAN, from the gateway, over bridges that forward.
func TestGeneratedTopologyBecomesReady(t *testing.T) {
	w := newWorld(t)
	known, err := catalogue.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p := generate.Defaults()
	p.Name, p.Depth, p.Branching, p.MaxDeckies, p.Seed = "acme", 2, 2, 1, 5
	p.AddressPool, p.Services, p.CrossLinkProbability = "10.217.0.0/16", []string{"ssh"}, 0.5
	network, err := generate.Topology(p, known)
	if err != nil {
		t.Fatal(err)
	}
	manifests, err := network.Manifests()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "acme.yaml")
	if err := os.WriteFile(path, manifests, 0o600); err != nil {
		t.Fatal(err)
	}
	w.kubectl("apply", "--filename", path)
	w.kubectl("wait", "--for=condition=Ready", "topology/acme", "--timeout=60s")

	if networks := w.networks(); len(networks) != len(network.Segments) {
		t.Errorf("%d networks of %d LANs", len(networks), len(network.Segments))
	}
	if _, err := greeting("tcp", fmt.Sprintf("127.0.0.1:%d", 22+p.PortOffset)); err != nil {
		t.Errorf("the gateway's published port: %v", err)
	}
	deepest := network.Segments[len(network.Segments)-1].Deckies
	bridge := w.containers()[deepest[len(deepest)-1].Name]
	for _, endpoint := range bridge.Endpoints {
		w.reaches("gw01", endpoint.Address.String()+":22")
	}
}
