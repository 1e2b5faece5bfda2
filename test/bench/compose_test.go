//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bytes"
	"context"
	"os/exec"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/deckyard/deckyard/internal/operator"
)

// composeTool is a program that brings up Compose files.
type composeTool struct {
	name, program string
}

// composeTools returns today's Compose, which make builds from hack/compose, and
// the one of older distributions where it is installed; none if BENCH_PEERS is 0.
func composeTools(b *testing.B) []composeTool {
	b.Helper()
	if setting(b, "BENCH_PEERS", 1) == 0 {
		return nil
	}
	tools := []composeTool{{name: "compose v5", program: "../../bin/tools/compose"}}
	if _, err := exec.LookPath("docker-compose"); err == nil {
		tools = append(tools, composeTool{name: "docker-compose 1.29", program: "docker-compose"})
	}
	return tools
}

// composeProject is what "deckyard render" prints of a sample: as it is, and with
// one service changed.
type composeProject struct {
	name          string
	file, changed []byte
}

// newComposeProject renders a sample, which is created for that on a node that
// nobody serves.
func newComposeProject(b *testing.B, block, deckies int) composeProject {
	b.Helper()
	network := newSample(shared.newNamespace(b, "compose"), block, deckies, convergeServices()...)
	network.topology.Spec.NodeName = "nobody"
	network.create(b)
	project := composeProject{name: network.topology.Namespace + "_" + topologyName}
	project.file = network.renderCompose(b)
	decky := network.deckies[lanCount]
	check(b, shared.kube.Get(b.Context(), client.ObjectKeyFromObject(decky), decky))
	changeService(&decky.Spec)
	check(b, shared.kube.Update(b.Context(), decky))
	project.changed = network.renderCompose(b)
	return project
}

func (s sample) renderCompose(b *testing.B) []byte {
	b.Helper()
	file, omitted, err := operator.RenderCompose(b.Context(), shared.config, nil, s.topology.Namespace, s.topology.Name)
	check(b, err)
	if len(omitted) > 0 {
		b.Fatalf("rendered without %v", omitted)
	}
	return file
}

// run returns how many milliseconds a command on a project takes.
func (t composeTool) run(ctx context.Context, b *testing.B, project composeProject, file []byte, arguments ...string) float64 {
	b.Helper()
	command := exec.CommandContext(ctx, t.program, append([]string{"--project-name", project.name, "--file", "-"}, arguments...)...)
	command.Stdin = bytes.NewReader(file)
	return timed(b, func(context.Context) error {
		output, err := command.CombinedOutput()
		if err != nil {
			b.Logf("%s", output)
		}
		return err
	})
}

// round brings a project up, does nothing, changes one service and removes it.
func (t composeTool) round(b *testing.B, project composeProject) (up, again, change, down float64) {
	b.Helper()
	isUp := true
	b.Cleanup(func() {
		if isUp {
			t.run(context.Background(), b, project, project.file, "down", "--timeout", "0")
		}
	})
	up = t.run(b.Context(), b, project, project.file, "up", "--detach")
	again = t.run(b.Context(), b, project, project.file, "up", "--detach")
	change = t.run(b.Context(), b, project, project.changed, "up", "--detach")
	down = t.run(b.Context(), b, project, project.changed, "down", "--timeout", "0")
	isUp = false
	return up, again, change, down
}
