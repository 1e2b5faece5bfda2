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

// Today's Compose, which make builds from hack/compose, and the last one of older
// distributions accept what "deckyard render" prints, and mean the same by it.
func TestComposeToolsAcceptTheProject(t *testing.T) {
	t.Parallel()
	spec, _ := render.Topology(acme(t))
	content, err := render.ComposeYAML(spec.Compose())
	if err != nil {
		t.Fatal(err)
	}
	for name, program := range map[string]string{"compose v5": "../../bin/tools/compose", "docker-compose 1.29": "docker-compose"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			command := exec.CommandContext(t.Context(), program, "--project-name", spec.Project, "--file", "-", "config")
			command.Stdin = bytes.NewReader(content)
			output, err := command.CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %v (\"make e2e\" builds the tool)\n%s", command.Args, err, output)
			}
			for _, want := range []string{"lab_acme_gw-1_http", "lab_acme_dmz", "costs $$5 and $${HOME}", "00:50:56:01:02:03"} {
				if !bytes.Contains(output, []byte(want)) {
					t.Errorf("%q is not in\n%s", want, output)
				}
			}
		})
	}
}
