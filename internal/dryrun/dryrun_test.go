// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package dryrun_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	clocktesting "k8s.io/utils/clock/testing"
	"pgregory.net/rapid"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/catalogue"
	"github.com/deckyard/deckyard/internal/dryrun"
	"github.com/deckyard/deckyard/internal/generate"
	"github.com/deckyard/deckyard/test/golden"
)

func load(tb testing.TB) *catalogue.Catalogue {
	tb.Helper()
	known, err := catalogue.Load(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	return known
}

// fatal is what a test and a property have in common.
type fatal interface {
	Helper()
	Fatal(arguments ...any)
	Fatalf(format string, arguments ...any)
}

func decode(t fatal, content string) []dryrun.Manifest {
	t.Helper()
	manifests, passedOver, err := dryrun.Decode([]byte(content), "acme.yaml", "default")
	if err != nil || len(passedOver) > 0 {
		t.Fatalf("decode: %v, without %v", err, passedOver)
	}
	return manifests
}

// offline plans manifests from nothing but themselves: the sources are none.
func offline(tb testing.TB, t fatal, known *catalogue.Catalogue, manifests []dryrun.Manifest) dryrun.Report {
	t.Helper()
	report, err := dryrun.Run(tb.Context(), dryrun.Sources{}, dryrun.Request{
		Manifests: manifests, NodeName: "node-1", Catalogue: known, BuiltIn: "deckyard/builtin:1",
		Clock: clocktesting.NewFakePassiveClock(time.Date(2026, 1, 1, 1, 0, 0, 0, time.UTC)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func text(report dryrun.Report) string {
	var out strings.Builder
	for _, line := range report.Refusals {
		out.WriteString(line + "\n")
	}
	for _, object := range report.Objects {
		out.WriteString(object.String())
	}
	return out.String()
}

// Scenario 65: the plan of files alone, in words and for programs. No API server and
// no engine is there that could be asked.
func TestFilesArePlannedAlone(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../config/samples/acme/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("find the sample: %v", err)
	}
	var manifests []dryrun.Manifest
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		manifests = append(manifests, decode(t, string(content))...)
	}
	known := load(t)
	report := offline(t, t, known, manifests)
	slices.Reverse(manifests)
	if diff := cmp.Diff(text(report), text(offline(t, t, known, manifests))); diff != "" {
		t.Errorf("the order of files matters (-one +other):\n%s", diff)
	}
	if report.HasMistakes() || !report.HasChanges() {
		t.Errorf("mistakes %v, changes %v", report.HasMistakes(), report.HasChanges())
	}
	if diff := cmp.Diff([]string{"deckyard/builtin:1"}, report.Images); diff != "" {
		t.Errorf("images (-want +have):\n%s", diff)
	}
	encoded, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "acme.golden", text(report))
	golden.Check(t, "acme.golden.json", string(encoded)+"\n")
}

// Every generated topology is planned whole: each LAN and each decky is created, nothing
// waits.
func TestGeneratedTopologiesArePlannedWhole(t *testing.T) {
	t.Parallel()
	known := load(t)
	rapid.Check(t, func(rt *rapid.T) {
		p := generate.Defaults()
		p.Name, p.Depth, p.MaxDeckies = "acme", rapid.IntRange(1, 2).Draw(rt, "depth"), 1
		p.CrossLinkProbability = rapid.Float64Range(0, 1).Draw(rt, "crossLink")
		p.ForwardProbability = rapid.Float64Range(0, 1).Draw(rt, "forward")
		p.Seed = rapid.Uint64().Draw(rt, "seed")
		network, err := generate.Topology(p, known)
		if err != nil {
			rt.Fatal(err)
		}
		stream, err := network.Manifests()
		if err != nil {
			rt.Fatal(err)
		}
		manifests := decode(rt, string(stream))
		report := offline(t, rt, known, manifests)
		for _, object := range report.Objects {
			if object.State != "" || object.Kind != "Topology" && len(object.Plan.Actions) == 0 {
				rt.Errorf("%s", object)
			}
		}
		if len(report.Objects) != len(manifests) {
			rt.Errorf("%d of %d objects are planned", len(report.Objects), len(manifests))
		}
	})
}

const (
	topologyYAML = "apiVersion: deckyard.dev/v1alpha1\nkind: Topology\nmetadata: {name: acme}\n---\n"
	dmzYAML      = "apiVersion: deckyard.dev/v1alpha1\nkind: LAN\nmetadata: {name: dmz}\nspec: {topologyRef: {name: acme}, dmz: true}\n---\n"
)

// Scenario 65, of files with mistakes: what the API server would refuse, and what the
// operator would, is said with the file or object and the reason.
func TestMistakesInFiles(t *testing.T) {
	t.Parallel()
	known := load(t)
	decky := func(spec string) string {
		return "apiVersion: deckyard.dev/v1alpha1\nkind: Decky\nmetadata: {name: web}\nspec: {topologyRef: {name: acme}, home: {lan: dmz}" + spec + "}\n"
	}
	for name, test := range map[string]struct {
		content string
		want    string
		refused bool
	}{
		"an unknown field":    {decky(", fowarding: true"), `acme.yaml: Decky default/web: unknown field "spec.fowarding": correct or remove it`, true},
		"a rule of the API":   {strings.Replace(dmzYAML, "dmz: true", "subnet: 10.0.0.1/24", 1), `subnet 10.0.0.1/24 has host bits set: write 10.0.0.0/24`, true},
		"a schema of the API": {decky(", osFamily: beos"), `acme.yaml: Decky default/web: spec.osFamily: Unsupported value: "beos"`, true},
		"an unknown kind":     {strings.Replace(topologyYAML, "Topology", "Lan", 1), `acme.yaml: Lan default/acme: there is no kind "Lan": use Topology, LAN or Decky`, true},
		"an object twice":     {topologyYAML + topologyYAML, `acme.yaml: Topology default/acme: it is in acme.yaml too: remove one of them`, true},
		"an unknown service":  {topologyYAML + dmzYAML + decky(", services: [{name: shh}]"), "Decky default/web created: mistaken, UnknownService: spec.services[0].name: service \"shh\" is not in the catalogue (did you mean ssh?)", false},
		"a missing LAN":       {topologyYAML + dmzYAML + decky(", attachments: [{lan: office}]"), "Decky default/web created: waiting, LANNotFound: spec.attachments[0].lan: LAN \"office\" does not exist in Topology acme", false},
		"no DMZ":              {topologyYAML, "Topology default/acme created: waiting, DMZMissing: ", false},
		"no topology":         {dmzYAML, "LAN default/dmz created: waiting, TopologyNotFound: Topology acme does not exist in this namespace", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report := offline(t, t, known, decode(t, test.content))
			if have := text(report); !strings.Contains(have, test.want) {
				t.Errorf("have\n%s\nwant\n%s", have, test.want)
			}
			if (len(report.Refusals) > 0) != test.refused {
				t.Errorf("refusals: %q", report.Refusals)
			}
			if mistaken := test.refused || strings.Contains(test.want, string(dryrun.StateMistaken)); report.HasMistakes() != mistaken {
				t.Errorf("mistakes: %v", report.HasMistakes())
			}
		})
	}
}

// A suspended topology is planned as if it were not, and that is said.
func TestSuspendedTopologyIsPlanned(t *testing.T) {
	t.Parallel()
	suspended := strings.Replace(topologyYAML, "metadata: {name: acme}", "metadata: {name: acme}\nspec: {suspend: true}", 1)
	report := offline(t, t, load(t), decode(t, suspended+dmzYAML))
	if diff := cmp.Diff([]string{"default/acme"}, report.Suspended); diff != "" {
		t.Errorf("suspended (-want +have):\n%s", diff)
	}
	if have := text(report); !strings.Contains(have, "create network default_acme_dmz, NetworkMissing, is absent want 172.16.0.0/24") {
		t.Errorf("have\n%s", have)
	}
}

func TestDecode(t *testing.T) {
	t.Parallel()
	manifests, passedOver, err := dryrun.Decode([]byte(
		"# a comment\n---\n"+topologyYAML+"\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: lab}\n---\n"+
			"apiVersion: v1\nkind: List\nitems:\n- {apiVersion: deckyard.dev/v1alpha1, kind: LAN, metadata: {name: dmz, namespace: other}}\n"), "all.yaml", "lab")
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for _, manifest := range manifests {
		have = append(have, manifest.Source+" "+manifest.Object.GetKind()+" "+manifest.Object.GetNamespace()+"/"+manifest.Object.GetName())
	}
	if diff := cmp.Diff([]string{"all.yaml Topology lab/acme", "all.yaml LAN other/dmz"}, have); diff != "" {
		t.Errorf("(-want +have):\n%s", diff)
	}
	if want := []string{"all.yaml: Namespace lab is passed over: it is not of " + v1alpha1.GroupVersion.String()}; !cmp.Equal(want, passedOver) {
		t.Errorf("passed over %q, want %q", passedOver, want)
	}
	for _, bad := range []string{"a: [", "kind: LAN\nmetadata: {name: x}\n", "just words"} {
		if _, _, err := dryrun.Decode([]byte(bad), "bad.yaml", "lab"); err == nil || !strings.HasPrefix(err.Error(), "read bad.yaml: ") {
			t.Errorf("%q: got error %v", bad, err)
		}
	}
}
