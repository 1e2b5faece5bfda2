// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/controlplane"
	"github.com/deckyard/deckyard/internal/controlplane/controlplanetest"
	"github.com/deckyard/deckyard/internal/operator"
	"github.com/deckyard/deckyard/internal/status"
)

const (
	poll = 100 * time.Millisecond
	// startUp is what a part of a measurement may take until it can be reached.
	startUp = time.Minute
	// patience is what all may take to come up.
	patience = time.Hour
	// requestsInFlight is how many objects are created at once.
	requestsInFlight = 8
)

// measurement is one run.
type measurement struct {
	settings
	output    io.Writer
	parts     map[string]*exec.Cmd
	kube      client.WithWatch
	clientset *kubernetes.Clientset
	host      *remoteHost
	world     world
}

// measure runs a measurement and writes its table.
func measure(ctx context.Context, s settings, output io.Writer) (err error) {
	s.directory, err = os.MkdirTemp("", "deckyard-scale-")
	if err != nil {
		return fmt.Errorf("create directory: %w", err)
	}
	m := &measurement{settings: s, output: output, parts: map[string]*exec.Cmd{}, world: newWorld(s)}
	defer func() { err = errors.Join(err, m.stop(), os.RemoveAll(s.directory)) }()
	for _, step := range []func(context.Context) error{m.start, m.bringUp, m.leaveAlone, m.change, m.compareEngine} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// start starts the parts, one after the other.
func (m *measurement) start(ctx context.Context) error {
	if err := m.startPart(ctx, roleControlPlane, m.reachKube); err != nil {
		return err
	}
	if err := m.startPart(ctx, roleEngine, m.reachHost); err != nil {
		return err
	}
	return m.startPart(ctx, roleOperator, func(context.Context) error {
		_, err := os.Stat(m.metricsSocket())
		return err
	})
}

// startPart starts the program in a role and waits until it can be reached.
func (m *measurement) startPart(ctx context.Context, role string, reach func(context.Context) error) error {
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find the program: %w", err)
	}
	part := exec.Command(program, "-role", role, "-directory", m.directory, "-times", fmt.Sprint(m.slowdown))
	part.Stderr = os.Stderr
	// What interrupts the measurement does not reach its parts, which it ends itself.
	part.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := part.Start(); err != nil {
		return fmt.Errorf("start %s: %w", role, err)
	}
	m.parts[role] = part
	ctx, cancel := context.WithTimeout(ctx, startUp)
	defer cancel()
	if err := controlplanetest.Eventually(ctx, poll, func() error { return reach(ctx) }); err != nil {
		return fmt.Errorf("reach %s: %w", role, err)
	}
	return nil
}

// stop ends the parts, the operator first.
func (m *measurement) stop() error {
	var failures []error
	for _, role := range []string{roleOperator, roleEngine, roleControlPlane} {
		part, ok := m.parts[role]
		if !ok {
			continue
		}
		if err := part.Process.Signal(syscall.SIGTERM); err != nil {
			failures = append(failures, fmt.Errorf("stop %s: %w", role, err))
		}
		if err := part.Wait(); err != nil {
			failures = append(failures, fmt.Errorf("%s: %w", role, err))
		}
	}
	return errors.Join(failures...)
}

func (m *measurement) reachKube(ctx context.Context) error {
	config, err := clientcmd.BuildConfigFromFlags("", controlplane.KubeconfigPath(m.dataDirectory()))
	if err != nil {
		return err
	}
	config.QPS, config.Burst = 1000, 1000
	return m.connect(ctx, config)
}

func (m *measurement) connect(ctx context.Context, config *rest.Config) error {
	scheme, err := operator.Scheme()
	if err != nil {
		return err
	}
	if m.kube, err = client.NewWithWatch(config, client.Options{Scheme: scheme}); err != nil {
		return err
	}
	if m.clientset, err = kubernetes.NewForConfig(config); err != nil {
		return err
	}
	return errors.Join(m.kube.List(ctx, &v1alpha1.TopologyList{}), m.kube.List(ctx, &v1alpha1.LANList{}), m.kube.List(ctx, &v1alpha1.DeckyList{}))
}

func (m *measurement) reachHost(context.Context) (err error) {
	m.host, err = dialHost(m.hostSocket())
	return err
}

// bringUp creates all objects and waits until all topologies are ready.
func (m *measurement) bringUp(ctx context.Context) error {
	before, err := m.read(ctx)
	if err != nil {
		return err
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespaceName}}
	if err := m.kube.Create(ctx, namespace); err != nil {
		return fmt.Errorf("create namespace: %w", err)
	}
	profile := m.profile(ctx, "converge")
	if err := m.create(ctx); err != nil {
		return err
	}
	created := time.Since(before.at)
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := controlplanetest.Eventually(ctx, poll, func() error { return m.ready(ctx) }); err != nil {
		return fmt.Errorf("wait for the topologies: %w", err)
	}
	took := time.Since(before.at)
	if err := profile(); err != nil {
		return err
	}
	after, err := m.settle(ctx)
	if err != nil {
		return err
	}
	return m.reportConverge(ctx, created, took, after.since(before))
}

func (m *measurement) create(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(requestsInFlight)
	var objects []client.Object
	for _, topology := range m.world.topologies {
		objects = append(objects, topology)
	}
	for _, lan := range m.world.lans {
		objects = append(objects, lan)
	}
	for _, decky := range m.world.deckies {
		objects = append(objects, decky)
	}
	for _, object := range objects {
		group.Go(func() error { return m.kube.Create(ctx, object) })
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("create objects: %w", err)
	}
	return nil
}

// ready returns nil once all topologies have all their deckies and are ready.
func (m *measurement) ready(ctx context.Context) error {
	var topologies v1alpha1.TopologyList
	if err := m.kube.List(ctx, &topologies, client.InNamespace(namespaceName)); err != nil {
		return err
	}
	counted := 0
	for i := range topologies.Items {
		topology := &topologies.Items[i]
		if !status.IsReady(topology.Status.Conditions, topology.Generation) {
			reason, message := status.Because(topology.Status.Conditions, v1alpha1.ConditionReady)
			return fmt.Errorf("topology %s is %s: %s", topology.Name, reason, message)
		}
		counted += int(topology.Status.Deckies.Total)
	}
	if counted != len(m.world.deckies) {
		return fmt.Errorf("%d deckies are counted", counted)
	}
	return nil
}

// settle waits until nothing is written any more.
func (m *measurement) settle(ctx context.Context) (counters, error) {
	const quiet = 2 * time.Second
	last, err := m.read(ctx)
	if err != nil {
		return counters{}, err
	}
	err = controlplanetest.Eventually(ctx, quiet, func() error {
		now, err := m.read(ctx)
		if err != nil {
			return err
		}
		used := now.since(last)
		last = now
		if writes := matching(used.kube, "PATCH", "POST") + matching(used.docker, "POST", "DELETE"); writes > 0 {
			return fmt.Errorf("%d writes", writes)
		}
		return nil
	})
	return last, err
}

// leaveAlone measures what nothing costs.
func (m *measurement) leaveAlone(ctx context.Context) error {
	before, err := m.read(ctx)
	if err != nil {
		return err
	}
	idle, cancel := context.WithTimeout(ctx, m.idle)
	defer cancel()
	<-idle.Done()
	after, err := m.read(ctx)
	if err != nil {
		return err
	}
	m.reportIdle(after.at.Sub(before.at), after.since(before))
	return m.heapProfile(ctx)
}

// profile writes a processor profile of the operator until the returned function
// is called, where profiles are wanted. It is that of the first minute at most.
func (m *measurement) profile(ctx context.Context, name string) func() error {
	if m.profiles == "" {
		return func() error { return nil }
	}
	ended := make(chan error, 1)
	go func() { ended <- m.fetchProfile(ctx, "profile?seconds=30", filepath.Join(m.profiles, name+".pprof")) }()
	return func() error { return <-ended }
}

func (m *measurement) heapProfile(ctx context.Context) error {
	if m.profiles == "" {
		return nil
	}
	return m.fetchProfile(ctx, "heap?gc=1", filepath.Join(m.profiles, "heap.pprof"))
}
