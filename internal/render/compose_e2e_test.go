//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"bytes"
	"os/exec"
	"testing"

	"github.com/deckyard/deckyard/internal/render"
)

// The Compose tool of this machine accepts what "deckyard render" prints.
func TestComposeToolAcceptsTheProject(t *testing.T) {
	t.Parallel()
	spec, _ := render.Topology(acme(t))
	content, err := render.ComposeYAML(spec.Compose())
	if err != nil {
		t.Fatal(err)
	}
	command := composeTool(t, "--project-name", spec.Project, "--file", "-", "config")
	command.Stdin = bytes.NewReader(content)
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", command.Args, err, output)
	}
	for _, want := range []string{"lab_acme_gw-1_http", "lab_acme_dmz", "costs $$5 and $${HOME}"} {
		if !bytes.Contains(output, []byte(want)) {
			t.Errorf("%q is not in\n%s", want, output)
		}
	}
}

// composeTool finds docker compose, or the older docker-compose.
func composeTool(t *testing.T, arguments ...string) *exec.Cmd {
	t.Helper()
	if exec.CommandContext(t.Context(), "docker", "compose", "version").Run() == nil {
		return exec.CommandContext(t.Context(), "docker", append([]string{"compose"}, arguments...)...)
	}
	return exec.CommandContext(t.Context(), "docker-compose", arguments...)
}
