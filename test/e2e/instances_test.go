//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/config/crd"
	"github.com/deckyard/deckyard/internal/cli"
	"github.com/deckyard/deckyard/internal/engine/docker"
	"github.com/deckyard/deckyard/internal/model"
	"github.com/deckyard/deckyard/internal/operator"
)

// asProgram in the environment makes the test binary the deckyard program.
const asProgram = "DECKYARD_E2E_PROGRAM"

// runProgram is cmd/deckyard.
func runProgram() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return cli.Main(ctx, os.Args[1:], cli.Dependencies{
		Streams: cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}, Getenv: os.Getenv, Executable: os.Args[0], Version: "e2e",
		CRDs: crd.Files, Preflight: operator.Preflight, Purge: operator.Purge,
		// The tests that run at the same time have the same image.
		RemoveImage: func(context.Context, string) error { return nil },
		Operator: func(ctx context.Context, config *rest.Config, options cli.OperatorOptions) error {
			return operator.Run(ctx, config, operator.Options{
				DockerHost: options.DockerHost, NodeName: options.NodeName, Catalogue: options.Catalogue, Logger: options.Logger,
				MetricsAddress: "0", ProbeAddress: "0",
			})
		},
	})
}

// deckyard runs the program and returns what it says.
func deckyard(t *testing.T, arguments ...string) string {
	t.Helper()
	// Also at the end of a test, when its context has ended.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
	defer cancel()
	command := exec.CommandContext(ctx, os.Args[0], arguments...)
	command.Env = append(os.Environ(), asProgram+"=1", "KUBECONFIG=")
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("deckyard %s: %v: %s", strings.Join(arguments, " "), err, output)
	}
	return string(output)
}

// upAnother runs "deckyard up" with a new data directory until the test ends, and
// returns the world of that control plane in a namespace.
func (w *world) upAnother(namespace string) *world {
	w.t.Helper()
	return w.upIn(filepath.Join(w.t.TempDir(), "data"), namespace)
}

// upIn is upAnother with a given data directory.
func (w *world) upIn(data, namespace string) *world {
	w.t.Helper()
	kubeconfig := filepath.Join(w.t.TempDir(), "copy")
	deckyard(w.t, "up", "--detach", "--data-dir", data, "--listen", "127.0.0.1:0", "--kubeconfig", kubeconfig)
	w.t.Cleanup(func() { deckyard(w.t, "down", "--data-dir", data) })
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		w.t.Fatal(err)
	}
	kube, err := newClient(config)
	if err != nil {
		w.t.Fatal(err)
	}
	other := &world{suite: &suite{config: config, kube: kube, proxy: w.proxy, engine: w.engine}, t: w.t, namespace: namespace}
	created := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}
	if err := kube.Create(w.t.Context(), created); err != nil {
		w.t.Fatal(err)
	}
	return other
}

// Scenario 75: two control planes on one engine, with objects of the same names:
// neither touches what the other has, whatever it observes, sweeps and deletes.
// Scenario 85: where a lost one has left a network, the conflict names it and the
// command that purges it.
func TestControlPlanesLeaveEachOtherAlone(t *testing.T) {
	t.Parallel()
	own := newNodeOperator(t, "node-75", func(options *operator.Options) { options.RelistInterval = 200 * time.Millisecond })
	w := own.newWorld()
	topo, web := own.topology("acme"), decky("acme", "web", "dmz", "ssh")
	w.create(topo, dmz("acme", "dmz"), web)
	w.waitReady(topo)
	before, network := w.containers(), w.networks()["dmz"]

	other := w.upAnother(w.namespace)
	theirs, theirDMZ := pooled("acme", "10.215.0.0/16"), dmz("acme", "dmz")
	other.create(theirs, theirDMZ, decky("acme", "web", "dmz", "ssh"))
	message := other.waitCondition(theirDMZ, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonForeignNetwork)
	for _, words := range []string{network.Name, "Deckyard instance " + network.Identity.Owner.Instance, "deckyard purge --instance " + network.Identity.Owner.Instance} {
		if !strings.Contains(message, words) {
			t.Errorf("%q is not in the message: %s", words, message)
		}
	}

	lost := "lost-" + w.namespace
	w.loseNetwork(lost, "globex", "10.215.200.0/24")
	beside, besideDMZ := pooled("globex", "10.215.0.0/16"), dmz("globex", "dmz-2")
	files := decky("globex", "files", "dmz-2", "ssh")
	other.create(beside, besideDMZ, files)
	message = other.waitCondition(besideDMZ, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonForeignNetwork)
	if !strings.Contains(message, w.project("globex")+"_dmz-2") || !strings.Contains(message, "deckyard purge --instance "+lost) {
		t.Errorf("the message is: %s", message)
	}
	if said := deckyard(t, "purge", "--instance", lost); !strings.Contains(said, w.project("globex")+"_dmz-2") {
		t.Errorf("the purge says: %s", said)
	}
	other.waitReady(files, beside)
	known := other.containers()["files"]

	own.awaitLists(4)
	w.waitReady(topo)
	w.assertUntouched(before, "web", "web_ssh")
	other.assertUntouched(map[string]model.Container{"files": known}, "files")
	other.deleteTopologies(theirs, beside)
	w.requestPasses(w.members()...)
	w.waitReady(topo)
	w.assertUntouched(before, "web", "web_ssh")
	if have := w.networks()["dmz"]; have.ID != network.ID {
		t.Errorf("the network is %.12s, it was %.12s", have.ID, network.ID)
	}
}

// What the program promises of "down --purge": nothing of the instance stays, neither on
// the engine, nor in the firewall's tables, nor on disk, and of nobody else anything
// goes. It takes what no object stands for along, such as a network that was declared
// after a backup which was restored.
func TestDownPurgeLeavesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bystander := dmz("acme", "dmz")
	w.create(topology("acme"), bystander)
	w.waitReady(bystander)
	theirs := w.filters()

	data := filepath.Join(t.TempDir(), "data")
	var instance string
	t.Cleanup(func() {
		// Where the test has failed.
		if instance != "" {
			deckyard(t, "purge", "--instance", instance)
		}
	})
	other := w.upIn(data, "purged-"+w.namespace)
	gateway := attachedTo(decky("acme", "gw", "dmz", "ssh"), "office")
	gateway.Spec.Forwarding = true
	acme := pooled("acme", "10.216.0.0/16")
	other.create(acme, dmz("acme", "dmz"), lan("acme", "office"), gateway)
	other.waitReady(acme, gateway)
	instance = other.networks()["dmz"].Identity.Owner.Instance
	for where, rules := range other.rulesOfHost() {
		if !strings.Contains(rules, "deckyard-"+instance) {
			t.Fatalf("no rule of the instance in %s:\n%s", where, rules)
		}
	}
	other.loseNetwork(instance, "globex", "10.216.200.0/24")

	said := deckyard(t, "down", "--purge", "--data-dir", data)
	if left := other.ownedNames(t.Context()); len(left) > 0 {
		t.Errorf("left on the engine: %v\n%s", left, said)
	}
	for where, rules := range other.rulesOfHost() {
		if strings.Contains(rules, instance) {
			t.Errorf("left in %s:\n%s", where, rules)
		}
	}
	if _, err := os.Stat(data); !os.IsNotExist(err) {
		t.Errorf("the data directory: %v", err)
	}
	if have := w.filters(); !maps.Equal(have, theirs) {
		t.Errorf("filters of others are %+v, were %+v", have, theirs)
	}
}

// rulesOfHost returns what both firewalls hold that may be of an operator.
func (w *world) rulesOfHost() map[string]string {
	w.t.Helper()
	return map[string]string{
		"nf_tables":   w.nft("list", "tables"),
		"DOCKER-USER": mustRun(w.t, "iptables", "-w", "5", "-S", "DOCKER-USER"),
	}
}

// loseNetwork leaves the network of a LAN dmz-2 that no control plane knows; the
// instance is that of its labels.
func (w *world) loseNetwork(lost, topology, subnet string) {
	w.t.Helper()
	prefix := netip.MustParsePrefix(subnet)
	id, err := w.engine.CreateNetwork(w.t.Context(), model.NetworkSpec{
		Name: w.project(topology) + "_dmz-2", Driver: "bridge", Subnet: prefix, Gateway: prefix.Addr().Next(),
		Identity: model.Identity{Role: model.RoleNetwork, SpecHash: "v1:lost", Owner: model.Owner{
			Instance: lost, Kind: model.OwnerLAN, Namespace: w.namespace, Name: "dmz-2", Topology: topology, UID: lost,
		}},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if err := w.engine.RemoveNetwork(context.WithoutCancel(w.t.Context()), id); err != nil {
			w.t.Error(err)
		}
	})
}

// awaitLists waits until the operator has listed the whole engine so often again,
// and with that looked for leftovers.
func (o *nodeOperator) awaitLists(n int) {
	o.t.Helper()
	lists := docker.Endpoint{}
	for _, each := range docker.Endpoints() {
		if each.Method == http.MethodGet && each.Path == "/containers/json" {
			lists = each
		}
	}
	before := o.Counts()[lists]
	(&world{suite: shared, t: o.t}).eventually("the engine to be listed again", func() error {
		if listed := o.Counts()[lists] - before; listed < n {
			return fmt.Errorf("it was %d times", listed)
		}
		return nil
	})
}

// deleteTopologies deletes topologies and waits until they are gone.
func (w *world) deleteTopologies(topologies ...*v1alpha1.Topology) {
	w.t.Helper()
	for _, topology := range topologies {
		w.remove(topology)
	}
}
