// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package model_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/deckyard/deckyard/internal/model"
)

// TestNamesHoldOnlyTheUsersWords pins the form that the API promises.
func TestNamesHoldOnlyTheUsersWords(t *testing.T) {
	t.Parallel()

	tests := map[string]struct{ have, want string }{
		"project": {model.ProjectName("lab", "acme"), "lab_acme"},
		"network": {model.NetworkName("lab", "acme", "dmz"), "lab_acme_dmz"},
		"base":    {model.BaseName("lab", "acme", "web-1"), "lab_acme_web-1"},
		"service": {model.ServiceName("lab", "acme", "web-1", "ssh"), "lab_acme_web-1_ssh"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tc.have != tc.want {
				t.Errorf("have %q, want %q", tc.have, tc.want)
			}
		})
	}
}

// TestBridgeNames checks that a bridge can be named so, and that LANs differ
// whatever it is that tells them apart.
func TestBridgeNames(t *testing.T) {
	t.Parallel()

	lan := model.Owner{Instance: "instance", Kind: model.OwnerLAN, Namespace: "lab", Topology: "acme", Name: "dmz", UID: "uid"}
	seen := map[string]string{}
	for name, change := range map[string]func(*model.Owner){
		"the LAN itself": func(*model.Owner) {},
		"instance":       func(o *model.Owner) { o.Instance = "other" },
		"namespace":      func(o *model.Owner) { o.Namespace = "other" },
		"topology":       func(o *model.Owner) { o.Topology = "other" },
		"name":           func(o *model.Owner) { o.Name = "other" },
		"uid":            func(o *model.Owner) { o.UID = "other" },
	} {
		changed := lan
		change(&changed)
		bridge := model.BridgeName(changed)
		if len(bridge) > 15 || !strings.HasPrefix(bridge, "br-") {
			t.Errorf("%s: %q cannot be or does not look like a bridge of the engine", name, bridge)
		}
		if other, taken := seen[bridge]; taken {
			t.Errorf("%s and %s both give %s", name, other, bridge)
		}
		seen[bridge] = name
	}
}

// TestContainerNamesNeverCollide is Scenario 35 and the naming half of
// Scenario 36: whatever DNS labels the parts are, two containers share a name
// only if they are the same one.
func TestContainerNamesNeverCollide(t *testing.T) {
	t.Parallel()

	// Few, hostile labels make equal joins likely if the separator were weak.
	label := rapid.SampledFrom([]string{"a", "b", "a-b", "a--b", "b-a", "ssh", "a-ssh", "web-1", "web-10", "1", "x1-2-3"})
	rapid.Check(t, func(t *rapid.T) {
		name := func(parts []string) string {
			if len(parts) == 3 {
				return model.BaseName(parts[0], parts[1], parts[2])
			}
			return model.ServiceName(parts[0], parts[1], parts[2], parts[3])
		}
		a := rapid.SliceOfN(label, 3, 4).Draw(t, "a")
		b := rapid.SliceOfN(label, 3, 4).Draw(t, "b")
		same := strings.Join(a, "\x00") == strings.Join(b, "\x00")
		if (name(a) == name(b)) != same {
			t.Fatalf("%q and %q: names %q and %q", a, b, name(a), name(b))
		}
	})
}
