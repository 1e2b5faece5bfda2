//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/config/crd"
	"github.com/deckyard/deckyard/internal/controlplane/controlplanetest"
	"github.com/deckyard/deckyard/internal/engine/docker"
	"github.com/deckyard/deckyard/internal/operator"
	"github.com/deckyard/deckyard/internal/status"
)

const (
	// patience is how long a test waits; poll is how often it looks.
	patience = 60 * time.Second
	poll     = 100 * time.Millisecond
)

// program is the manager, built for all tests.
var program string

func TestMain(m *testing.M) {
	code, err := runMain(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func runMain(m *testing.M) (int, error) {
	directory, err := os.MkdirTemp("", "manager-")
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.RemoveAll(directory) }()
	program = filepath.Join(directory, "manager")
	build := exec.CommandContext(context.Background(), "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("build the manager: %w: %s", err, output)
	}
	return m.Run(), nil
}

// cluster is a control plane to which config/default was applied, apart from the
// DaemonSet: it has no nodes.
type cluster struct {
	t     *testing.T
	admin client.Client
	// account is the connection of the manager's service account.
	account *rest.Config
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	config := controlplanetest.Start(t, crd.Files)
	if err := rest.LoadTLSFiles(config); err != nil {
		t.Fatal(err)
	}
	c := &cluster{t: t, admin: newClient(t, config)}
	for _, object := range manifests(t) {
		switch object.GetKind() {
		case "CustomResourceDefinition", "DaemonSet":
			continue
		}
		if err := c.admin.Create(t.Context(), object); err != nil {
			t.Fatalf("create %s %s: %v", object.GetKind(), object.GetName(), err)
		}
	}
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: systemNamespace, Name: managerName}}
	token := &authenticationv1.TokenRequest{}
	if err := c.admin.SubResource("token").Create(t.Context(), account, token); err != nil {
		t.Fatalf("create a token: %v", err)
	}
	c.account = &rest.Config{
		Host: config.Host, BearerToken: token.Status.Token, TLSClientConfig: rest.TLSClientConfig{CAData: config.CAData},
	}
	return c
}

func newClient(t *testing.T, config *rest.Config) client.Client {
	t.Helper()
	scheme, err := operator.Scheme()
	if err != nil {
		t.Fatal(err)
	}
	created, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	return created
}

// eventually waits until check returns nil.
func (c *cluster) eventually(what string, check func() error) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	if err := controlplanetest.Eventually(ctx, poll, check); err != nil {
		c.t.Fatalf("waited for %s: %v", what, err)
	}
}

// process is a running manager.
type process struct {
	command         *exec.Cmd
	metrics, probes string
	mutex           sync.Mutex
	log             strings.Builder
}

// Write implements io.Writer for the process's output.
func (p *process) Write(text []byte) (int, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.log.Write(text)
}

func (p *process) output() string {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.log.String()
}

// start starts the manager as the DaemonSet does, from outside of the cluster
// and with addresses of its own. It ends with the test at the latest.
func (c *cluster) start(nodeName string, further ...string) *process {
	c.t.Helper()
	p := &process{metrics: freeAddress(c.t), probes: freeAddress(c.t)}
	arguments := append(managerArguments(c.t, nodeName),
		"--kubeconfig="+writeKubeconfig(c.t, c.account), "--metrics-bind-address="+p.metrics, "--health-probe-bind-address="+p.probes)
	p.command = exec.CommandContext(c.t.Context(), program, append(arguments, further...)...)
	p.command.Stdout, p.command.Stderr = p, p
	if err := p.command.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() {
		_ = p.command.Process.Kill()
		if c.t.Failed() {
			c.t.Logf("the manager's log:\n%s", p.output())
		}
	})
	return p
}

// stop ends the manager as kubelet does, and checks that it ends well.
func (c *cluster) stop(p *process) {
	c.t.Helper()
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil {
		c.t.Fatal(err)
	}
	if err := p.command.Wait(); err != nil {
		c.t.Errorf("the manager ended with %v", err)
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// get asks for a path and returns the status code.
func (c *cluster) get(address, path string) (int, error) {
	request, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, "http://"+address+path, http.NoBody)
	if err != nil {
		return 0, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	return response.StatusCode, response.Body.Close()
}

// answers waits until a path is answered with a status code.
func (c *cluster) answers(address, path string, want int) {
	c.t.Helper()
	c.eventually(fmt.Sprintf("%s to be answered with %d", path, want), func() error {
		have, err := c.get(address, path)
		if err == nil && have != want {
			err = fmt.Errorf("it is %d", have)
		}
		return err
	})
}

// The manager, as an existing cluster runs it: with the account and the rights of
// the manifests and no more, it brings a topology up and tears it down.
func TestManagerInACluster(t *testing.T) {
	c := newCluster(t)
	if err := newClient(t, c.account).List(t.Context(), &corev1.SecretList{}); !apierrors.IsForbidden(err) {
		t.Fatalf("the account may list Secrets: %v", err)
	}
	p := c.start("node-7")
	c.answers(p.probes, "/healthz", http.StatusOK)
	c.answers(p.probes, "/readyz", http.StatusOK)
	c.answers(p.metrics, "/metrics", http.StatusOK)
	holder := func() (string, error) {
		lease := &coordinationv1.Lease{}
		err := c.admin.Get(t.Context(), client.ObjectKey{Namespace: systemNamespace, Name: "deckyard-topology"}, lease)
		if err != nil || lease.Spec.HolderIdentity == nil {
			return "", err
		}
		return *lease.Spec.HolderIdentity, nil
	}

	topology := c.createTopology()
	c.eventually("the topology to be Ready", func() error {
		if err := c.admin.Get(t.Context(), client.ObjectKeyFromObject(topology), topology); err != nil {
			return err
		}
		if !status.IsReady(topology.Status.Conditions, topology.Generation) {
			return fmt.Errorf("conditions %+v", topology.Status.Conditions)
		}
		return nil
	})
	if topology.Status.NodeName != "node-7" {
		t.Errorf("the topology is on node %q", topology.Status.NodeName)
	}
	if built := c.ownedNames(); len(built) != 4 {
		t.Errorf("on the engine: %q", built)
	}
	if name, err := holder(); err != nil || name == "" {
		t.Errorf("nobody holds the Lease: %v", err)
	}
	c.eventually("events", func() error {
		var events eventsv1.EventList
		if err := c.admin.List(t.Context(), &events, client.InNamespace(topology.Namespace)); err != nil {
			return err
		}
		if len(events.Items) == 0 {
			return errors.New("there is none")
		}
		return nil
	})

	if err := c.admin.Delete(t.Context(), topology); err != nil {
		t.Fatal(err)
	}
	c.eventually("the topology to go", func() error {
		err := c.admin.Get(t.Context(), client.ObjectKeyFromObject(topology), topology)
		if apierrors.IsNotFound(err) {
			return nil
		}
		return errors.Join(err, errors.New("it still exists"))
	})
	if left := c.ownedNames(); len(left) > 0 {
		t.Errorf("left on the engine: %q", left)
	}
	c.stop(p)
	if name, err := holder(); err != nil || name != "" {
		t.Errorf("the Lease is still held by %q: %v", name, err)
	}
	for _, word := range []string{"forbidden", "Forbidden"} {
		if strings.Contains(p.output(), word) {
			t.Errorf("the manager lacks rights:\n%s", p.output())
		}
	}
}

// createTopology creates a small topology.
func (c *cluster) createTopology() *v1alpha1.Topology {
	c.t.Helper()
	meta := func(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: "default", Name: name} }
	reference := v1alpha1.TopologyReference{Name: "acme"}
	topology := &v1alpha1.Topology{ObjectMeta: meta("acme"), Spec: v1alpha1.TopologySpec{AddressPools: []string{"10.213.0.0/16"}}}
	for _, object := range []client.Object{
		topology,
		&v1alpha1.LAN{ObjectMeta: meta("dmz"), Spec: v1alpha1.LANSpec{TopologyRef: reference, DMZ: true}},
		&v1alpha1.LAN{ObjectMeta: meta("office"), Spec: v1alpha1.LANSpec{TopologyRef: reference}},
		&v1alpha1.Decky{ObjectMeta: meta("web"), Spec: v1alpha1.DeckySpec{
			TopologyRef: reference, Home: v1alpha1.Attachment{LAN: "dmz"},
			Attachments: []v1alpha1.Attachment{{LAN: "office"}}, Services: []v1alpha1.Service{{Name: "ssh"}},
		}},
	} {
		if err := c.admin.Create(c.t.Context(), object); err != nil {
			c.t.Fatalf("create %s: %v", object.GetName(), err)
		}
	}
	return topology
}

// ownedNames lists what the engine has of this control plane.
func (c *cluster) ownedNames() []string {
	c.t.Helper()
	kubeSystem := &corev1.Namespace{}
	if err := c.admin.Get(c.t.Context(), client.ObjectKey{Name: "kube-system"}, kubeSystem); err != nil {
		c.t.Fatal(err)
	}
	engine, err := docker.New(docker.DefaultHost)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = engine.Close() }()
	var names []string
	containers, err := engine.Containers(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	for _, container := range containers {
		if container.Identity.Owner.Instance == string(kubeSystem.UID) {
			names = append(names, container.Name)
		}
	}
	networks, err := engine.Networks(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	for _, network := range networks {
		if network.Identity.Owner.Instance == string(kubeSystem.UID) {
			names = append(names, network.Name)
		}
	}
	return names
}

// Without an engine the manager lives, is not ready, and ends when told to.
func TestManagerWithoutAnEngine(t *testing.T) {
	c := newCluster(t)
	p := c.start("node-7", "--docker-host=unix://"+filepath.Join(t.TempDir(), "docker.sock"))
	c.answers(p.probes, "/healthz", http.StatusOK)
	c.answers(p.probes, "/readyz", http.StatusInternalServerError)
	topology := c.createTopology()
	c.eventually("the topology to say so", func() error {
		if err := c.admin.Get(t.Context(), client.ObjectKeyFromObject(topology), topology); err != nil {
			return err
		}
		reason, message := status.Because(topology.Status.Conditions, v1alpha1.ConditionReady)
		if reason != v1alpha1.ReasonEngineUnavailable {
			return fmt.Errorf("it says %s: %s", reason, message)
		}
		return nil
	})
	c.stop(p)
}
