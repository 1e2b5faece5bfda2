//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bufio"
	"bytes"
	"context"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/controlplane"
	"github.com/deckyard/deckyard/internal/engine/docker"
	"github.com/deckyard/deckyard/test/engineproxy"
)

// The program takes running deckies up again from a backup that was made while it ran,
// although all it knew of them was lost: the same containers, and no write.
func TestRestoreTakesRunningDeckiesUpAgain(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.up()
	w := p.newWorld()
	ours, edge, inner := topology("acme"), dmz("acme", "edge"), lan("acme", "inner")
	gateway, files := decky("acme", "gw", "edge", "ssh"), decky("acme", "files", "inner", "ftp")
	gateway.Spec.Attachments = []v1alpha1.Attachment{{LAN: "inner"}}
	w.create(ours, edge, inner, gateway, files)
	w.waitReady(ours, edge, inner, gateway, files)
	before, uid := w.containers(), ours.GetUID()
	backup := filepath.Join(t.TempDir(), "backup.tar.gz")
	p.run("backup", backup)

	p.down()
	if err := os.RemoveAll(p.path); err != nil {
		t.Fatal(err)
	}
	writes := p.proxy.WriteCount()
	if writes == 0 {
		t.Fatal("the instance reached the engine by another way")
	}
	p.run("restore", backup)
	p.up()
	w = p.world(w.namespace)
	w.waitReady(ours, edge, inner, gateway, files)
	if ours.GetUID() != uid {
		t.Errorf("uid of the topology: got %s, want %s", ours.GetUID(), uid)
	}
	// The conditions are those of the backup until a pass was made.
	w.steady()
	w.waitReady(ours, edge, inner, gateway, files)
	w.assertNoWrites(writes, "taking the deckies up again")
	w.assertUntouched(before, slices.Collect(maps.Keys(before))...)
}

// program is the program of this repository, with a data directory of its own.
type program struct {
	t     *testing.T
	file  string
	path  string
	proxy *engineproxy.Proxy
	// process is the running instance; nil while there is none.
	process *exec.Cmd
	log     *bytes.Buffer
}

// newProgram builds it.
func newProgram(t *testing.T) *program {
	t.Helper()
	proxy, err := engineproxy.Start(docker.DefaultHost)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	directory := t.TempDir()
	p := &program{t: t, file: filepath.Join(directory, "deckyard"), path: filepath.Join(directory, "data"), proxy: proxy}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", p.file, "../../cmd/deckyard")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the program: %v: %s", err, output)
	}
	return p
}

// up starts an instance and waits until it is ready.
func (p *program) up() {
	p.t.Helper()
	p.log = &bytes.Buffer{}
	p.process = exec.Command(p.file, "up", "--data-dir", p.path, "--listen", "127.0.0.1:0", "--docker-host", p.proxy.Address())
	p.process.Stderr = p.log
	out, err := p.process.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.process.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(p.kill)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "Deckyard is ready") {
			return
		}
	}
	p.t.Fatalf("it ended before it was ready:\n%s", p.log)
}

// down stops the instance and leaves its deckies.
func (p *program) down() {
	p.t.Helper()
	process := p.process
	ended := make(chan error, 1)
	go func() { ended <- process.Wait() }()
	p.run("down")
	if err := <-ended; err != nil {
		p.t.Errorf("the instance ended with: %v\n%s", err, p.log)
	}
	p.process = nil
}

func (p *program) kill() {
	if p.process == nil {
		return
	}
	_ = p.process.Process.Kill()
	_ = p.process.Wait()
	p.process = nil
}

// run runs one command on the data directory to its end.
func (p *program) run(arguments ...string) {
	p.t.Helper()
	output, err := exec.CommandContext(p.t.Context(), p.file, append(arguments, "--data-dir", p.path)...).CombinedOutput()
	if err != nil {
		p.t.Fatalf("deckyard %s: %v: %s", strings.Join(arguments, " "), err, output)
	}
}

// newWorld gives the test a namespace. What the instance has on the engine is removed
// at the test's end.
func (p *program) newWorld() *world {
	p.t.Helper()
	w := p.world("")
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "e2e-"}}
	if err := w.kube.Create(p.t.Context(), namespace); err != nil {
		p.t.Fatal(err)
	}
	w.namespace = namespace.Name
	var system corev1.Namespace
	if err := w.kube.Get(p.t.Context(), client.ObjectKey{Name: metav1.NamespaceSystem}, &system); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { p.purge(w, string(system.UID)) })
	return w
}

// world sees a namespace through the instance that runs now.
func (p *program) world(namespace string) *world {
	p.t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", controlplane.KubeconfigPath(p.path))
	if err != nil {
		p.t.Fatal(err)
	}
	kube, err := newClient(config)
	if err != nil {
		p.t.Fatal(err)
	}
	return &world{suite: &suite{config: config, kube: kube, proxy: p.proxy, engine: shared.engine}, t: p.t, namespace: namespace}
}

func (p *program) purge(w *world, instance string) {
	p.kill()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if output, err := exec.CommandContext(ctx, p.file, "purge", "--instance", instance).CombinedOutput(); err != nil {
		p.t.Errorf("purge: %v: %s", err, output)
	}
	if left := w.ownedNames(ctx); len(left) > 0 {
		p.t.Errorf("left on the engine: %v", left)
	}
	if left := w.filtersIn(ctx); len(left) > 0 {
		p.t.Errorf("left of the firewall: %v", left)
	}
}
