//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The image is built on an engine that reaches no registry, and holds the
// program alone.
func TestImage(t *testing.T) {
	folder := t.TempDir()
	if err := os.Mkdir(filepath.Join(folder, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	for from, to := range map[string]string{
		program: "bin/manager", "../../Dockerfile": "Dockerfile", "../../.dockerignore": ".dockerignore", "../../go.mod": "go.mod",
	} {
		copyFile(t, from, filepath.Join(folder, to))
	}
	const image = "deckyard/manager:test"
	dockerCommand(t, "build", "--tag", image, folder)
	t.Cleanup(func() {
		if output, err := exec.CommandContext(context.Background(), "docker", "image", "rm", image).CombinedOutput(); err != nil {
			t.Errorf("remove the image: %v: %s", err, output)
		}
	})
	if help := dockerCommand(t, "run", "--rm", "--network=none", image, "--help"); !strings.Contains(help, "-node-name") {
		t.Errorf("the manager says %q", help)
	}
	name := "deckyard-manager-image-test"
	dockerCommand(t, "create", "--name", name, image)
	t.Cleanup(func() {
		if output, err := exec.CommandContext(context.Background(), "docker", "rm", name).CombinedOutput(); err != nil {
			t.Errorf("remove the container: %v: %s", err, output)
		}
	})
	archive := filepath.Join(folder, "content.tar")
	dockerCommand(t, "export", "--output", archive, name)
	listing, err := exec.CommandContext(t.Context(), "tar", "--list", "--file", archive).CombinedOutput()
	if err != nil {
		t.Fatalf("list the image: %v: %s", err, listing)
	}
	if content := string(listing); !strings.Contains(content, "manager\n") || strings.Contains(content, "go.mod") {
		t.Errorf("the image holds %q", content)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, content, 0o755); err != nil {
		t.Fatal(err)
	}
}

func dockerCommand(t *testing.T, arguments ...string) string {
	t.Helper()
	output, err := exec.CommandContext(t.Context(), "docker", arguments...).CombinedOutput()
	if err != nil {
		t.Fatalf("docker %s: %v: %s", strings.Join(arguments, " "), err, output)
	}
	return string(output)
}
