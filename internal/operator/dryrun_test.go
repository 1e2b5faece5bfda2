// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package operator

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/builtin"
	"github.com/deckyard/deckyard/internal/catalogue"
	"github.com/deckyard/deckyard/internal/dryrun"
	"github.com/deckyard/deckyard/internal/plan"
)

// versions returns the resourceVersion of every object of the namespace.
func (w *world) versions() map[string]string {
	w.t.Helper()
	versions := map[string]string{}
	for _, list := range []client.ObjectList{&v1alpha1.TopologyList{}, &v1alpha1.LANList{}, &v1alpha1.DeckyList{}} {
		if err := w.kube.List(w.t.Context(), list, client.InNamespace(w.namespace)); err != nil {
			w.t.Fatal(err)
		}
		switch list := list.(type) {
		case *v1alpha1.TopologyList:
			for _, object := range list.Items {
				versions["Topology "+object.Name] = object.ResourceVersion
			}
		case *v1alpha1.LANList:
			for _, object := range list.Items {
				versions["LAN "+object.Name] = object.ResourceVersion
			}
		case *v1alpha1.DeckyList:
			for _, object := range list.Items {
				versions["Decky "+object.Name] = object.ResourceVersion
			}
		}
	}
	return versions
}

// dryRun plans the topology "acme", with manifests laid over it, and makes sure that it
// neither asked the engine for a change nor changed an object. The operator must not
// run meanwhile: it may still have something to write itself.
func (w *world) dryRun(manifests ...string) dryrun.Report {
	w.t.Helper()
	known, err := catalogue.Load(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	image, err := builtin.Load()
	if err != nil {
		w.t.Fatal(err)
	}
	request := dryrun.Request{
		Topology: types.NamespacedName{Namespace: w.namespace, Name: "acme"}, NodeName: w.node, Catalogue: known, BuiltIn: image.Reference, Clock: clock.RealClock{},
	}
	for _, content := range manifests {
		decoded, _, err := dryrun.Decode([]byte(content), "edit.yaml", w.namespace)
		if err != nil {
			w.t.Fatal(err)
		}
		request.Manifests = append(request.Manifests, decoded...)
	}
	before, written := w.versions(), len(w.engine.Writes())
	report, err := dryrun.Run(w.t.Context(), dryrun.Sources{API: w.kube, Engine: w.engine, Host: w.engine}, request)
	if err != nil {
		w.t.Fatal(err)
	}
	if writes := w.engine.Writes(); len(writes) != written {
		w.t.Errorf("the dry run wrote to the engine: %q", writes[written:])
	}
	if diff := cmp.Diff(before, w.versions()); diff != "" {
		w.t.Errorf("the dry run changed objects (-before +after):\n%s", diff)
	}
	return report
}

// planned returns what the report plans, in the words in which the engine in memory
// says what was written, sorted.
func planned(report dryrun.Report) []string {
	var words []string
	for _, object := range report.Objects {
		for _, action := range object.Plan.Actions {
			kind, target := action.Target()
			switch action := action.(type) {
			case *plan.Connect:
				words = append(words, "connect "+strings.Replace(target, "@"+action.Endpoint.LAN, " to "+action.Endpoint.NetworkName, 1))
			case *plan.SetFilter:
				words = append(words, "set filter "+action.Spec.Owner.Namespace+"/"+action.Spec.Owner.Name)
			case *plan.SetRoute:
				words = append(words, fmt.Sprintf("set route %s of %s", action.Route, action.Container.Name))
			default:
				words = append(words, fmt.Sprintf("%s %s %s", action.Verb(), kind, target))
			}
		}
	}
	slices.Sort(words)
	return words
}

// Scenario 65: a dry run of a suspended topology changes neither an object nor the
// engine, and plans exactly what is then done once the topology goes on; after that
// it plans nothing.
func TestDryRunPlansWhatIsDone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topology := w.topology("acme", "10.151.0.0/16")
	topology.Spec.Suspend = true
	office := lan("acme", "office")
	gateway := decky("acme", "gw", "dmz", publish(22151), visiting("office"), func(d *v1alpha1.Decky) { d.Spec.Forwarding = true })
	web := decky("acme", "web", "dmz")
	files := decky("acme", "files", "office")
	w.create(topology, lan("acme", "dmz", dmz), office, gateway, web, files)
	w.waitFor(v1alpha1.ReasonSuspended, office)
	w.waitFor(v1alpha1.ReasonLANNotReady, gateway, web, files)

	w.stop()
	report := w.dryRun()
	w.start()
	if !cmp.Equal(report.Suspended, []string{w.namespace + "/acme"}) || !report.HasChanges() || report.HasMistakes() {
		t.Errorf("suspended %v, changes %v, mistakes %v", report.Suspended, report.HasChanges(), report.HasMistakes())
	}
	w.engine.ForgetWrites()
	edit(w, topology, func(o *v1alpha1.Topology) { o.Spec.Suspend = false })
	w.waitFor(v1alpha1.ReasonSucceeded, topology)
	done := slices.DeleteFunc(w.engine.Writes(), func(write string) bool { return strings.HasPrefix(write, "load image") })
	slices.Sort(done)
	// Whether the rules of a bridge are set in one step or two is a matter of who is first.
	done = slices.Compact(done)
	if diff := cmp.Diff(planned(report), done); diff != "" {
		t.Errorf("(-planned +done):\n%s", diff)
	}

	w.stop()
	defer w.start()
	if report := w.dryRun(); report.HasChanges() || report.HasMistakes() || len(planned(report)) > 0 {
		t.Errorf("planned for a topology that is Ready: %q", planned(report))
	}
}

// Scenario 65, of files over live objects: each change with what it disturbs, and what
// the API server or the operator would refuse.
func TestDryRunOfEdits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topology := w.topology("acme", "10.152.0.0/16")
	web := decky("acme", "web", "dmz")
	w.create(topology, lan("acme", "dmz", dmz), lan("acme", "office"), web, decky("acme", "bridge", "office", visiting("dmz")))
	w.waitFor(v1alpha1.ReasonSucceeded, topology)
	w.stop()
	defer w.start()
	const head = "apiVersion: deckyard.dev/v1alpha1\nkind: Decky\nmetadata: {name: web}\nspec: {topologyRef: {name: acme}, home: {lan: dmz}"
	prefix := w.namespace + "_acme_"
	for name, test := range map[string]struct {
		manifest   string
		change     dryrun.Change
		want       []string
		disruption plan.Disruption
		state      dryrun.State
		refusal    string
	}{
		"the same again": {manifest: head + ", services: [{name: ssh}]}", change: dryrun.Unchanged},
		"one more LAN": {
			manifest: head + ", services: [{name: ssh}], attachments: [{lan: office}]}", change: dryrun.Configured,
			want: []string{"connect " + prefix + "web to " + prefix + "office"},
		},
		"one more service": {
			manifest: head + ", services: [{name: ssh}, {name: http}]}", change: dryrun.Configured,
			want: []string{"create container " + prefix + "web_http", "start container " + prefix + "web_http"},
		},
		"another banner": {
			manifest: head + `, services: [{name: ssh, config: {banner: OpenSSH_8.4}}]}`, change: dryrun.Configured, disruption: plan.DisruptsServices,
			want: []string{"create container " + prefix + "web_ssh", "remove container " + prefix + "web_ssh", "start container " + prefix + "web_ssh"},
		},
		"another host name": {
			manifest: head + ", services: [{name: ssh}], hostname: other}", change: dryrun.Configured, state: dryrun.StatePending,
		},
		"another host name with consent": {
			manifest: head + ", services: [{name: ssh}], hostname: other, updateStrategy: Recreate}", change: dryrun.Configured, disruption: plan.DisruptsBase,
			want: []string{
				"create container " + prefix + "web", "create container " + prefix + "web_ssh", "remove container " + prefix + "web",
				"remove container " + prefix + "web_ssh", "start container " + prefix + "web", "start container " + prefix + "web_ssh",
			},
		},
		"an unknown service": {manifest: head + ", services: [{name: shh}]}", change: dryrun.Configured, state: dryrun.StateMistaken},
		"another DMZ": {
			manifest: "apiVersion: deckyard.dev/v1alpha1\nkind: LAN\nmetadata: {name: office}\nspec: {topologyRef: {name: acme}, dmz: true}",
			refusal:  "immutable after deployment",
		},
		"another subnet": {
			manifest: "apiVersion: deckyard.dev/v1alpha1\nkind: LAN\nmetadata: {name: dmz}\nspec: {topologyRef: {name: acme}, dmz: true, subnet: 10.152.9.0/24}",
			refusal:  "immutable after deployment",
		},
	} {
		t.Run(name, func(t *testing.T) {
			part := *w
			part.t = t
			report := part.dryRun(test.manifest)
			if test.refusal != "" {
				if len(report.Refusals) != 1 || !strings.Contains(report.Refusals[0], test.refusal) {
					t.Errorf("refusals %q, want one with %q", report.Refusals, test.refusal)
				}
				return
			}
			index := slices.IndexFunc(report.Objects, func(object dryrun.Object) bool { return object.Kind == "Decky" && object.Name == "web" })
			if index < 0 {
				t.Fatalf("the decky is not in the report: %v", report)
			}
			have := report.Objects[index]
			if have.Change != test.change || have.Plan.Disruption != test.disruption || have.State != test.state {
				t.Errorf("it is %q, %v, %q: %s", have.Change, have.Plan.Disruption, have.State, have)
			}
			if diff := cmp.Diff(test.want, planned(report)); diff != "" {
				t.Errorf("(-want +planned):\n%s", diff)
			}
		})
	}
}

// Drift on the engine is planned too, and an engine that is away is an error, as is a
// topology of another node.
func TestDryRunOfDrift(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topology := w.topology("acme", "10.153.0.0/16")
	w.create(topology, lan("acme", "dmz", dmz), decky("acme", "web", "dmz"))
	w.waitFor(v1alpha1.ReasonSucceeded, topology)
	w.stop()
	defer w.start()
	before := maps.Clone(w.states())
	w.hand.Remove(w.namespace + "_acme_web_ssh")
	report := w.dryRun()
	want := []string{"create container " + w.namespace + "_acme_web_ssh", "start container " + w.namespace + "_acme_web_ssh"}
	if diff := cmp.Diff(want, planned(report)); diff != "" {
		t.Errorf("(-want +planned):\n%s", diff)
	}
	if len(before) != len(w.states())+1 {
		t.Errorf("containers: before %v, after %v", before, w.states())
	}

	run := func(node string) error {
		request := dryrun.Request{Topology: client.ObjectKeyFromObject(topology), NodeName: node, Clock: clock.RealClock{}}
		_, err := dryrun.Run(t.Context(), dryrun.Sources{API: w.kube, Engine: w.engine, Host: w.engine}, request)
		return err
	}
	if err := run("elsewhere"); err == nil || !strings.Contains(err.Error(), `it is carried by node "`+w.node+`", and this is the engine of "elsewhere"`) {
		t.Errorf("got error %v", err)
	}
	w.engine.SetDown(true)
	if err := run(w.node); err == nil || !strings.Contains(err.Error(), "look at the engine: ") {
		t.Errorf("got error %v", err)
	}
	w.engine.SetDown(false)
}
