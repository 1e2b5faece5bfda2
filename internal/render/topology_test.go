// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"sigs.k8s.io/yaml"

	"github.com/deckyard/deckyard/internal/render"
	"github.com/deckyard/deckyard/test/golden"
)

// Scenarios 1 and 37.
func TestTopologyInTheModel(t *testing.T) {
	t.Parallel()
	spec, omitted := render.Topology(acme(t))
	have, err := yaml.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "acme.model.yaml", string(have))

	var summary []string
	for _, each := range omitted {
		summary = append(summary, string(each.Kind)+" "+each.Name+": "+string(each.Fault.Reason)+": "+each.Fault.Error())
	}
	want := []string{
		"LAN vault: LANNotReady: status.subnet: LAN vault has no subnet yet",
		"Decky safe: LANNotReady: spec.home.lan: LAN vault is not part of the topology yet, for a reason of its own",
	}
	if diff := cmp.Diff(want, summary); diff != "" {
		t.Errorf("omitted (-want +have):\n%s", diff)
	}
}

func TestTopologyAsComposeProject(t *testing.T) {
	t.Parallel()
	spec, _ := render.Topology(acme(t))
	have, err := render.ComposeYAML(spec.Compose())
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "acme.compose.yaml", string(have))
}

// Scenario 79: the order of objects does not matter.
func TestOrderOfMembersDoesNotMatter(t *testing.T) {
	t.Parallel()
	in := acme(t)
	want, _ := render.Topology(in)
	slices.Reverse(in.LANs)
	slices.Reverse(in.Deckies)
	have, _ := render.Topology(in)
	if diff := cmp.Diff(encode(t, want), encode(t, have)); diff != "" {
		t.Errorf("(-want +have):\n%s", diff)
	}
}

func encode(t *testing.T, value any) string {
	t.Helper()
	text, err := json.MarshalIndent(value, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// What Compose reads from the file is what was meant: no variable is replaced,
// no port or key is lost.
func TestComposeReadsTheProjectBack(t *testing.T) {
	t.Parallel()
	spec, _ := render.Topology(acme(t))
	project := spec.Compose()
	content, err := render.ComposeYAML(project)
	if err != nil {
		t.Fatal(err)
	}
	read, err := loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir:  t.TempDir(),
		ConfigFiles: []types.ConfigFile{{Filename: "compose.yaml", Content: content}},
		Environment: types.Mapping{"HOME": "/somewhere"},
	}, func(options *loader.Options) { options.SetProjectName(project.Name, true) })
	if err != nil {
		t.Fatal(err)
	}
	for _, decky := range spec.Deckies {
		base := read.Services[decky.Owner.Name]
		if base.ContainerName != decky.Base.Name || len(base.Ports) != len(decky.Base.Published) || len(base.Networks) != len(decky.Endpoints) {
			t.Errorf("have base %+v", base)
		}
		for _, service := range decky.Services {
			container := read.Services[service.ExtraLabels["com.docker.compose.service"]]
			if container.ContainerName != service.Name || container.NetworkMode != "service:"+decky.Owner.Name {
				t.Errorf("have service %+v", container)
			}
			if diff := cmp.Diff(service.Command, []string(container.Command)); diff != "" {
				t.Errorf("%s: command (-want +have):\n%s", service.Name, diff)
			}
			var env []string
			for name, value := range container.Environment {
				env = append(env, name+"="+*value)
			}
			slices.Sort(env)
			if diff := cmp.Diff(service.Env, env, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s: environment (-want +have):\n%s", service.Name, diff)
			}
		}
	}
	if have, want := len(read.Networks), len(spec.Networks); have != want {
		t.Errorf("have %d networks, want %d", have, want)
	}
}
