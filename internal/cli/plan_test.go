// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package cli_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/deckyard/deckyard/internal/cli"
	"github.com/deckyard/deckyard/internal/dryrun"
)

// planOffline plans as the program does, and fails if it may ask anybody.
func planOffline(deps *cli.Dependencies) {
	deps.Plan = func(ctx context.Context, sources cli.PlanSources, request dryrun.Request) (dryrun.Report, error) {
		if sources != (cli.PlanSources{}) {
			return dryrun.Report{}, errors.New("it would ask somebody")
		}
		return dryrun.Run(ctx, dryrun.Sources{}, request)
	}
}

const lanManifest = "apiVersion: deckyard.dev/v1alpha1\nkind: LAN\nmetadata: {name: dmz}\nspec: {topologyRef: {name: acme}, dmz: true}\n"

// Scenario 65: files are planned with neither a control plane nor an engine. The exit
// code tells whether something would change, or is wrong.
func TestPlanOffline(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	writeFile(t, filepath.Join(directory, "topology.yaml"), "apiVersion: deckyard.dev/v1alpha1\nkind: Topology\nmetadata: {name: acme}\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: lab}\n")
	writeFile(t, filepath.Join(directory, "dmz.yml"), lanManifest)
	writeFile(t, filepath.Join(directory, "notes.txt"), "not a manifest")
	bad := filepath.Join(t.TempDir(), "bad.yaml")
	writeFile(t, bad, strings.Replace(lanManifest, "dmz: true", "subnet: 10.0.0.1/24", 1))
	for name, test := range map[string]struct {
		arguments []string
		input     string
		code      int
		out, errs []string
	}{
		"Directory": {
			arguments: []string{"-n", "lab", "-f", directory}, code: 2,
			out:  []string{"LAN lab/dmz created:\n", "  disrupts nothing\n", "[1] -> #2 create network lab_acme_dmz, NetworkMissing, is absent want 172.16.0.0/24\n", "2 actions; 0 of 2 objects as they should be.\n"},
			errs: []string{"topology.yaml: Namespace lab is passed over: it is not of deckyard.dev/v1alpha1"},
		},
		"Input": {
			arguments: []string{"-f", "-"}, input: lanManifest, code: 2,
			out: []string{"LAN default/dmz created: waiting, TopologyNotFound: "},
		},
		"Mistake": {
			arguments: []string{"-f", bad}, code: 1,
			errs: []string{bad + ": LAN default/dmz: ", "subnet 10.0.0.1/24 has host bits set: write 10.0.0.0/24", "Error: not all of it can be done as it is written: see above"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := here(t, func(deps *cli.Dependencies) {
				planOffline(deps)
				deps.In = strings.NewReader(test.input)
			}, append([]string{"plan", "--offline"}, test.arguments...)...)
			assertCode(t, got, test.code)
			assertContains(t, got.out, test.out...)
			assertContains(t, got.errors, test.errs...)
		})
	}
}

func TestPlanFormats(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "dmz.yaml")
	writeFile(t, file, lanManifest)
	got := here(t, planOffline, "plan", "--offline", "-f", file, "-o", "json")
	var report struct {
		Changes bool
		Objects []struct{ Kind, Name, State string }
	}
	if err := json.Unmarshal([]byte(got.out), &report); err != nil {
		t.Fatal(err)
	}
	if !report.Changes || len(report.Objects) != 1 || report.Objects[0].State != "waiting" {
		t.Errorf("got %+v", report)
	}
	got = here(t, planOffline, "plan", "--offline", "-f", file, "-o", "yaml")
	assertContains(t, got.out, "changes: true\n", "  kind: LAN\n")
}

func TestPlanRefuses(t *testing.T) {
	t.Parallel()
	empty := t.TempDir()
	// What is below a directory is not read, whatever its name.
	if err := os.Mkdir(filepath.Join(empty, "old.yaml"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		arguments []string
		want      string
	}{
		"Nothing":         {nil, "there is nothing to plan: name a topology, or files with -f"},
		"OfflineTopology": {[]string{"acme", "--offline", "-f", empty}, "--offline knows no topology acme: name files alone, or leave --offline out"},
		"OfflineNothing":  {[]string{"--offline"}, "there is nothing to plan: name a topology, or files with -f"},
		"Format":          {[]string{"acme", "-o", "xml"}, `--output "xml" is not known: use json, yaml or wide`},
		"NoFile":          {[]string{"--offline", "-f", filepath.Join(empty, "a.yaml")}, "read manifests: stat " + filepath.Join(empty, "a.yaml")},
		"EmptyDirectory":  {[]string{"--offline", "-f", empty}, empty + ": there is no Topology, LAN or Decky in it"},
		"RemoteDocker":    {[]string{"acme", "--docker-host", "tcp://192.0.2.1:2375"}, `docker host "tcp://192.0.2.1:2375" is not a local socket`},
		"NoControlPlane":  {[]string{"acme", "--data-dir", empty}, "--offline plans files without a control plane"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := here(t, planOffline, append([]string{"plan"}, test.arguments...)...)
			assertCode(t, got, 1)
			assertContains(t, got.errors, test.want)
		})
	}
}
