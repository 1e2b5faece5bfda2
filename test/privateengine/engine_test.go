//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package privateengine

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deckyard/deckyard/internal/builtin"
	"github.com/deckyard/deckyard/internal/engine/docker"
)

// A private engine is apart from the machine's, keeps what it has when it is
// stopped or killed, and leaves nothing when its test ends, also if that is while
// it is killed.
func TestPrivateEngine(t *testing.T) {
	t.Parallel()
	var own *Engine
	t.Run("lives and dies", func(t *testing.T) {
		own = Start(t)
		image := loadBuiltIn(t, own)
		network := own.run(t, "network", "create", "--subnet", "10.213.0.0/24", "lan")
		// Of the same name and block as on another engine, were it the same.
		other := Start(t)
		other.run(t, "network", "create", "--subnet", "10.213.0.0/24", "lan")
		if seen := other.run(t, "network", "ls", "--quiet", "--no-trunc"); strings.Contains(seen, network) {
			t.Errorf("another engine has the network too:\n%s", seen)
		}
		container := own.run(t, "run", "--detach", "--restart", "unless-stopped", "--network", "lan", "--publish", "2222:22", image, "/sbin/init")
		if err := own.Restart(); err != nil {
			t.Fatal(err)
		}
		if running := own.run(t, "ps", "--quiet", "--no-trunc"); running != container {
			t.Errorf("after a restart of the engine, containers %q run, want %s", running, container)
		}
		if err := own.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := own.Start(); err != nil {
			t.Fatal(err)
		}
		// An engine that was killed, as 20.10 is, does not follow restart policies.
		own.run(t, "start", container)
		links, err := own.Command(t.Context(), "ip", "-brief", "link").Output()
		if err != nil {
			t.Fatal(err)
		}
		if bridge := "br-" + network[:12]; !strings.Contains(string(links), bridge) {
			t.Errorf("no %s is among the links:\n%s", bridge, links)
		}
		if err := own.Kill(); err != nil {
			t.Fatal(err)
		}
	})
	own.assertGone(t)
}

func (e *Engine) run(t *testing.T, arguments ...string) string {
	t.Helper()
	output, err := e.Docker(t.Context(), arguments...)
	if err != nil {
		t.Fatal(err)
	}
	return output
}

func (e *Engine) assertGone(t *testing.T) {
	t.Helper()
	processes, err := e.processes()
	if err != nil {
		t.Fatal(err)
	}
	cgroups, err := e.cgroups()
	if err != nil {
		t.Fatal(err)
	}
	mounts, err := e.mounts()
	if err != nil {
		t.Fatal(err)
	}
	namespaces, err := os.ReadDir("/run/netns")
	if err != nil {
		t.Fatal(err)
	}
	isOwn := func(entry os.DirEntry) bool { return entry.Name() == e.name }
	left := []any{len(processes), len(mounts), len(cgroups), slices.ContainsFunc(namespaces, isOwn)}
	if difference := cmp.Diff([]any{0, 0, 0, false}, left); difference != "" {
		t.Errorf("processes, mounts, cgroups and a network namespace are left (-want +have):\n%s", difference)
	}
	if _, err := os.Stat(e.directory); !os.IsNotExist(err) {
		t.Errorf("the directory is left: %v", err)
	}
}

// loadBuiltIn puts the image of decoys on the engine and returns its reference.
func loadBuiltIn(t *testing.T, e *Engine) string {
	t.Helper()
	image, err := builtin.Load()
	if err != nil {
		t.Fatal(err)
	}
	client, err := docker.New(e.Host())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	if err := client.LoadImage(t.Context(), image.Archive()); err != nil {
		t.Fatal(err)
	}
	return image.Reference
}
