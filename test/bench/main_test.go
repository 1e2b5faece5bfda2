//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/deckyard/deckyard/config/crd"
	"github.com/deckyard/deckyard/internal/controlplane/controlplanetest"
	"github.com/deckyard/deckyard/internal/engine/docker"
	"github.com/deckyard/deckyard/internal/operator"
)

const (
	// nodeName is the node of the operators that are measured.
	nodeName = "node-1"
	// patience is how long a benchmark waits for one thing.
	patience = 3 * time.Minute
)

// shared is what all benchmarks of the package use; TestMain sets it up.
var shared *suite

// suite is one control plane, and the engine seen directly.
type suite struct {
	config *rest.Config
	kube   client.WithWatch
	engine *docker.Engine
	bare   *bareSide
}

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (int, error) {
	ctrl.SetLogger(logr.Discard())
	config, stop, err := controlplanetest.StartForMain(crd.Files)
	if err != nil {
		return 0, err
	}
	defer func() { _ = stop() }()
	scheme, err := operator.Scheme()
	if err != nil {
		return 0, err
	}
	kube, err := client.NewWithWatch(config, client.Options{Scheme: scheme})
	if err != nil {
		return 0, err
	}
	engine, err := docker.New(docker.DefaultHost)
	if err != nil {
		return 0, err
	}
	defer func() { _ = engine.Close() }()
	bare, err := newBareSide(context.Background(), engine)
	if err != nil {
		return 0, err
	}
	shared = &suite{config: config, kube: kube, engine: engine, bare: bare}
	return m.Run(), nil
}

// startOperator runs an operator, straight on the engine, until the benchmark's end.
func (s *suite) startOperator(b *testing.B, logger logr.Logger) {
	b.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- operator.Run(ctx, s.config, operator.Options{
			DockerHost: docker.DefaultHost, NodeName: nodeName, Logger: logger, MetricsAddress: "0", ProbeAddress: "0",
		})
	}()
	b.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			b.Error(err)
		}
	})
}

// newNamespace creates a namespace, which is left to the end of the control plane.
func (s *suite) newNamespace(b *testing.B, prefix string) string {
	b.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: prefix + "-"}}
	check(b, s.kube.Create(b.Context(), namespace))
	return namespace.Name
}

// setting returns a number of the environment, which makes a run shorter than
// the one that is reported.
func setting(b *testing.B, name string, fallback int) int {
	b.Helper()
	return settings(b, name, fallback)[0]
}

// settings is setting for numbers with commas between them.
func settings(b *testing.B, name string, fallback ...int) []int {
	b.Helper()
	text := os.Getenv(name)
	if text == "" {
		return fallback
	}
	var numbers []int
	for word := range strings.SplitSeq(text, ",") {
		number, err := strconv.Atoi(word)
		check(b, err)
		numbers = append(numbers, number)
	}
	return numbers
}

func check(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}
