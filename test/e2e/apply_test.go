//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	kubectl "k8s.io/kubectl/pkg/cmd"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/model"
)

// Scenario 15: names that differ by case or have illegal characters are refused
// by the API server, of objects and in references alike.
func TestNamesThatAreNotLabelsAreRefused(t *testing.T) {
	w := newWorld(t)
	w.create(lan("acme", "office"))
	for _, name := range []string{"Office", "OFFICE", "of_fice", "office.1", "-office", "office-", "büro", strings.Repeat("o", 64)} {
		refused := lan("acme", name)
		refused.Namespace = w.namespace
		if err := w.kube.Create(t.Context(), refused); !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), "metadata.name") {
			t.Errorf("a LAN named %q: got error %v, want it refused for its metadata.name", name, err)
		}
		visitor := decky("acme", "visitor", name)
		visitor.Namespace = w.namespace
		if err := w.kube.Create(t.Context(), visitor); !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), "spec.home.lan") {
			t.Errorf("a Decky on a LAN named %q: got error %v, want it refused for its spec.home.lan", name, err)
		}
	}
}

// Scenarios 49, 77 and 79: the sample network comes up alike in whatever order
// its files are applied, with its pivot, is left alone when they are applied
// again, and goes without a trace.
func TestFilesMayBeAppliedInAnyOrder(t *testing.T) {
	directory := sampleCopy(t)
	var first map[string]machine
	for name, files := range map[string][]string{
		"directory":        {"."},
		"topology first":   {"topology.yaml", "servers.yaml", "plant.yaml", "office.yaml", "dmz.yaml"},
		"visitors earlier": {"servers.yaml", "office.yaml", "topology.yaml", "plant.yaml", "dmz.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			for _, file := range files {
				w.kubectl("apply", "--filename", filepath.Join(directory, file))
			}
			w.kubectl("wait", "--for=condition=Ready", "topology/acme", "--timeout=60s")
			got := w.machines()
			if first == nil {
				first = got
			}
			if difference := cmp.Diff(first, got); difference != "" {
				t.Errorf("another order gave another network (-first +this):\n%s", difference)
			}
			w.checkPivot()
			before, writes := w.settled(), w.proxy.WriteCount()
			w.kubectl("apply", "--filename", directory)
			if difference := cmp.Diff(before, w.members()); difference != "" {
				t.Errorf("the same files changed something (-before +after):\n%s", difference)
			}
			w.steady()
			w.assertNoWrites(writes, "to apply the same files again")

			w.kubectl("delete", "topology", "acme")
			if left := w.ownedNames(t.Context()); len(left) > 0 {
				t.Errorf("left on the engine: %v", left)
			}
			if left := w.describe(t.Context()); left != "" {
				t.Errorf("left in the API: %s", left)
			}
		})
	}
}

// checkPivot checks that the sample's jump host leads from the DMZ to the LANs it
// is on, and that nothing leads on from there.
func (w *world) checkPivot() {
	w.t.Helper()
	for name, lan := range map[string]string{"files01": "office", "erp01": "servers"} {
		w.reaches("gw01", w.addressOn(at(w, decky("acme", name, lan)), lan)+":22")
	}
	w.isOutOfReach("gw01", w.addressOn(at(w, decky("acme", "hmi01", "plant")), "plant")+":23")
}

// Scenario 80: with its namespace all of a topology goes, and then the namespace.
func TestNamespaceGoesWithItsTopologies(t *testing.T) {
	w := newWorld(t)
	for i, name := range []string{"acme", "other"} {
		edge := inSubnet(dmz(name, name+"-edge"), fmt.Sprintf("10.218.%d.0/24", i))
		w.create(topology(name), edge, lan(name, name+"-office"))
		w.create(attachedTo(decky(name, name+"-gw", name+"-edge", "ssh"), name+"-office"))
	}
	// One that never comes up.
	w.create(decky("nowhere", "lost", "nowhere"))
	for _, member := range w.members() {
		if owner, ok := member.(*v1alpha1.Topology); ok {
			w.waitReady(owner)
		}
	}
	w.kubectl("delete", "namespace", w.namespace, "--timeout=60s")
	var namespace corev1.Namespace
	if err := w.kube.Get(t.Context(), client.ObjectKey{Name: w.namespace}, &namespace); !apierrors.IsNotFound(err) {
		t.Errorf("the namespace is still there: %v", err)
	}
	if left := w.ownedNames(t.Context()); len(left) > 0 {
		t.Errorf("left on the engine: %v", left)
	}
}

// sampleCopy returns a copy of the sample network on ports and subnets of the
// test's own, so that it also runs beside a demonstration.
func sampleCopy(t *testing.T) string {
	t.Helper()
	files, err := filepath.Glob("../../config/samples/acme/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("find the sample: %v", err)
	}
	directory := t.TempDir()
	own := strings.NewReplacer("hostPort: 2222", "hostPort: 20222", "hostPort: 8080", "hostPort: 20280", "hostPort: 8443", "hostPort: 20243", "10.77.", "10.219.")
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(directory, filepath.Base(file)), []byte(own.Replace(string(content))), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return directory
}

// machine is what a container is, apart from what may be chosen for it.
type machine struct {
	Image, Hostname, NamespaceOf string
	LANs                         []string
	Sysctls                      map[string]string
	HostPorts                    []string
}

// machines returns the namespace's containers, with the LANs of each and whether
// those are internal.
func (w *world) machines() map[string]machine {
	w.t.Helper()
	containers, lans, names := w.containers(), map[string]string{}, map[string]string{}
	for name, network := range w.networks() {
		lans[network.ID] = fmt.Sprintf("%s internal=%t", name, network.Internal)
	}
	for name, container := range containers {
		names[container.ID] = name
	}
	found := map[string]machine{}
	for name, container := range containers {
		seen := machine{Image: container.Image, Hostname: container.Hostname, NamespaceOf: names[container.NamespaceOf], Sysctls: container.Sysctls}
		for _, endpoint := range container.Endpoints {
			seen.LANs = append(seen.LANs, lans[endpoint.NetworkID])
		}
		for _, port := range slices.SortedFunc(slices.Values(container.HostPorts), model.PublishedPort.Compare) {
			seen.HostPorts = append(seen.HostPorts, fmt.Sprintf("%s:%d->%v", port.HostIP, port.HostPort, port.Port))
		}
		slices.Sort(seen.LANs)
		found[name] = seen
	}
	return found
}

// kubectl runs kubectl, the one that the program embeds, in the test's namespace
// and returns what it prints.
func (w *world) kubectl(arguments ...string) string {
	w.t.Helper()
	streams, _, out, errOut := genericiooptions.NewTestIOStreams()
	flags := genericclioptions.NewConfigFlags(true)
	command := kubectl.NewKubectlCommand(kubectl.KubectlOptions{IOStreams: streams, ConfigFlags: flags})
	command.SetArgs(append([]string{"--kubeconfig", w.kubeconfig(), "--namespace", w.namespace}, arguments...))
	command.SetOut(out)
	command.SetErr(errOut)
	command.SilenceUsage = true
	// By its default kubectl ends the process.
	cmdutil.BehaviorOnFatal(func(message string, _ int) {
		w.t.Fatalf("kubectl %s: %s%s", strings.Join(arguments, " "), message, w.describe(w.t.Context()))
	})
	defer cmdutil.DefaultBehaviorOnFatal()
	if err := command.ExecuteContext(w.t.Context()); err != nil {
		w.t.Fatalf("kubectl %s: %v: %s", strings.Join(arguments, " "), err, errOut)
	}
	return out.String()
}

// kubeconfig writes the connection to a file.
func (w *world) kubeconfig() string {
	w.t.Helper()
	const name = "e2e"
	config := clientcmdapi.NewConfig()
	config.Clusters[name] = &clientcmdapi.Cluster{Server: w.config.Host, CertificateAuthority: w.config.CAFile}
	config.AuthInfos[name] = &clientcmdapi.AuthInfo{ClientCertificate: w.config.CertFile, ClientKey: w.config.KeyFile}
	config.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	config.CurrentContext = name
	path := filepath.Join(w.t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		w.t.Fatal(err)
	}
	return path
}
