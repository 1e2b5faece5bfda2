//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deckyard/deckyard/internal/model"
	"github.com/deckyard/deckyard/internal/operator"
)

// composeTool is a program that brings up Compose files.
type composeTool struct {
	name, program string
	// different are patterns for what it alone does in another way.
	different []string
}

// composeTools returns today's Compose, which make builds from hack/compose, and
// the last one of the distributions whose engine is older than API 1.44.
func composeTools(profile model.EngineProfile) []composeTool {
	v5 := composeTool{name: "compose v5", program: "../../bin/tools/compose"}
	if !profile.EndpointMAC {
		// It asks for the MAC where such an engine does not look.
		v5.different = []string{"*|MacAddress"}
	}
	return []composeTool{v5, {
		name: "docker-compose 1.29", program: "docker-compose",
		// Attachable says something in a swarm only.
		different: []string{"network *|Attachable", "network *|Labels|com.docker.compose.network"},
	}}
}

// What "deckyard render" prints, Compose accepts, and brings up as the operator
// does: the same networks and containers, in all that an inspection tells but for
// what is bound to differ.
func TestComposeBringsUpTheSame(t *testing.T) {
	w := newWorld(t)
	w.kubectl("apply", "--filename", sampleCopy(t))
	w.kubectl("wait", "--for=condition=Ready", "topology/acme", "--timeout=60s")
	file, omitted, err := operator.RenderCompose(t.Context(), w.config, w.options.Catalogue, w.namespace, "acme")
	if err != nil || len(omitted) > 0 {
		t.Fatalf("render: %v, without %v", err, omitted)
	}
	operated := w.inspectProject("acme")
	if len(operated) == 0 {
		t.Fatal("there is nothing to compare")
	}
	w.kubectl("delete", "topology", "acme")
	profile, err := w.engine.Profile(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	for _, tool := range composeTools(profile) {
		t.Run(tool.name, func(t *testing.T) {
			w := w.in(t)
			w.compose(t.Context(), tool, file, "config", "--quiet")
			t.Cleanup(func() {
				ctx, cancel := context.WithTimeout(context.Background(), patience)
				defer cancel()
				w.compose(ctx, tool, file, "down", "--timeout", "2")
			})
			w.compose(t.Context(), tool, file, "up", "--detach")
			want, have := maps.Clone(operated), w.inspectProject("acme")
			w.drop(want, tool.different)
			w.drop(have, tool.different)
			for at, value := range operated {
				if have[at] == value {
					delete(want, at)
					delete(have, at)
				}
			}
			if difference := cmp.Diff(want, have); difference != "" {
				t.Errorf("(-operator +compose):\n%s", difference)
			}
		})
	}
	if left := w.inspectProject("acme"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// compose runs a tool on the project of the topology "acme", whose file it reads.
func (w *world) compose(ctx context.Context, tool composeTool, file []byte, arguments ...string) {
	w.t.Helper()
	command := exec.CommandContext(ctx, tool.program, append([]string{"--project-name", w.project("acme"), "--file", "-"}, arguments...)...)
	command.Stdin = bytes.NewReader(file)
	if output, err := command.CombinedOutput(); err != nil {
		w.t.Fatalf("%v: %v (\"make e2e\" builds the tool)\n%s", command.Args, err, output)
	}
}

// incomparable returns the parts of an inspection that differ between two
// creations of the same thing, as patterns of their path.
func incomparable() []string {
	return []string{
		// Chosen by the engine anew each time.
		"*|Id", "*|Created", "*|State|Pid", "*|State|StartedAt", "*|LogPath", "*|ResolvConfPath", "*|HostnamePath", "*|HostsPath", "*|GraphDriver|*",
		"*|NetworkSettings|SandboxID", "*|NetworkSettings|SandboxKey", "*|NetworkSettings|*|EndpointID", "*|NetworkSettings|*|NetworkID",
		"*|Containers|*|EndpointID",
		// Compose has more labels, and we have ours; the hashes are of other things.
		"*|Labels|deckyard.dev/*", "*|Labels|com.docker.compose.config-hash", "*|Labels|com.docker.compose.depends_on",
		"*|Labels|com.docker.compose.image", "*|Labels|com.docker.compose.project.*", "*|Labels|com.docker.compose.version",
		// Ours is made from the LAN's UID, so that filter rules can be there first.
		"*|Options|com.docker.network.bridge.name",
		// Compose would attach to what it starts in the foreground.
		"*|Config|AttachStdout", "*|Config|AttachStderr",
		// It gives each container its service's name as an alias, and cannot not.
		"*|NetworkSettings|*|Aliases|*",
	}
}

// inspectProject returns all that the engine tells of the containers and networks
// of a topology's Compose project, as values by their path. Ids of containers are
// replaced by names.
func (w *world) inspectProject(topology string) map[string]string {
	w.t.Helper()
	filter := "label=com.docker.compose.project=" + w.project(topology)
	networks := strings.Fields(w.docker("network", "ls", "--quiet", "--no-trunc", "--filter", filter))
	var containers, names []string
	for line := range strings.Lines(w.docker("ps", "--all", "--no-trunc", "--filter", filter, "--format", "{{.ID}} {{.Names}}")) {
		id, name, _ := strings.Cut(strings.TrimSpace(line), " ")
		containers, names = append(containers, id), append(names, id, name)
	}
	found := map[string]string{}
	for kind, ids := range map[string][]string{"container": containers, "network": networks} {
		if len(ids) == 0 {
			continue
		}
		text := strings.NewReplacer(names...).Replace(w.docker(append([]string{kind, "inspect"}, ids...)...))
		var things []map[string]any
		if err := json.Unmarshal([]byte(text), &things); err != nil {
			w.t.Fatal(err)
		}
		for _, thing := range things {
			flatten(found, fmt.Sprint(kind, " ", thing["Name"]), thing)
		}
	}
	w.drop(found, incomparable())
	return found
}

// drop removes the values whose path matches a pattern.
func (w *world) drop(found map[string]string, patterns []string) {
	w.t.Helper()
	// In paths it is the bar that separates, so that a star matches slashes too.
	flat := strings.NewReplacer("/", ":")
	for _, pattern := range patterns {
		for at := range found {
			matched, err := path.Match(flat.Replace(pattern), flat.Replace(at))
			if err != nil {
				w.t.Fatal(err)
			}
			if matched {
				delete(found, at)
			}
		}
	}
}

// flatten adds the values below a path, leaving out what is empty.
func flatten(into map[string]string, at string, value any) {
	switch value := value.(type) {
	case map[string]any:
		for key, inner := range value {
			flatten(into, at+"|"+key, inner)
		}
	case []any:
		// Compose writes the environment in any order.
		if strings.HasSuffix(at, "|Env") {
			slices.SortFunc(value, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		}
		for i, inner := range value {
			flatten(into, fmt.Sprint(at, "|", i), inner)
		}
	case nil:
	default:
		if text := fmt.Sprint(value); text != "" && text != "false" && text != "0" {
			into[at] = text
		}
	}
}
