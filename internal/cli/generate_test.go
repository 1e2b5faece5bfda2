// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package cli_test

import (
	"path/filepath"
	"strings"
	"testing"
)

// Scenario 66: the command in the first line prints the same bytes again, also after
// a seed that was left to chance, which is said.
func TestGenerateAgain(t *testing.T) {
	t.Parallel()
	services := t.TempDir()
	writeFile(t, filepath.Join(services, "beacon.yaml"), `
name: beacon
summary: Answers.
ports: [{port: 9000, protocol: tcp}]
container: {image: "example.org/beacon:1", command: [beacon], read_only: true, cap_drop: [ALL], security_opt: ["no-new-privileges:true"], pids_limit: 8, mem_limit: 8m}
`)
	for name, arguments := range map[string][]string{
		"defaults": {"generate", "acme"},
		"all": {
			"generate", "acme", "--namespace", "lab", "--depth", "2", "--branching", "3", "--deckies-per-lan", "0-2", "--forward-probability", "0.25",
			"--cross-link-probability", "0.5", "--address-pool", "10.64.0.0/16", "--port-offset", "0", "--archetypes", "web-server,jump-host", "--seed", "18446744073709551615",
		},
		"services": {"generate", "acme", "--services", "ssh,beacon", "--catalogue", services, "--deckies-per-lan", "2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first := here(t, nil, arguments...)
			assertCode(t, first, 0)
			line, _, _ := strings.Cut(first.out, "\n")
			command, found := strings.CutPrefix(line, "# deckyard ")
			if !found {
				t.Fatalf("the first line is %q", line)
			}
			_, seed, _ := strings.Cut(line, "--seed=")
			seed, _, _ = strings.Cut(seed, " ")
			assertContains(t, first.errors, "Seed "+seed+": ")
			again := here(t, nil, strings.Fields(strings.ReplaceAll(command, `"`, ""))...)
			if again.out != first.out {
				t.Errorf("%s gives\n%s\nnot\n%s", command, again.out, first.out)
			}
		})
	}
}

func TestGenerateDrawsSeeds(t *testing.T) {
	t.Parallel()
	first, second := here(t, nil, "generate", "acme"), here(t, nil, "generate", "acme")
	if first.out == second.out {
		t.Error("two runs without a seed gave the same")
	}
}

func TestGenerateRefuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		arguments []string
		want      string
	}{
		"NoName":    {nil, "accepts 1 arg(s), received 0"},
		"NoRange":   {[]string{"acme", "--deckies-per-lan", "few"}, `--deckies-per-lan: "few" is neither a number nor a range: write it such as 2 or 1-3`},
		"OutOfPool": {[]string{"acme", "--address-pool", "10.0.0.0/24"}, "generate acme: the tree of seed "},
		"TooDeep":   {[]string{"acme", "--depth", "17"}, "generate acme: depth 17 is out of bounds: use 1 to 16"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := here(t, nil, append([]string{"generate"}, test.arguments...)...)
			assertCode(t, got, 1)
			assertContains(t, got.errors, test.want)
			if got.out != "" {
				t.Errorf("out: got %q, want nothing", got.out)
			}
		})
	}
}
