//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/go-logr/logr"
	"github.com/go-logr/zapr"
	"go.uber.org/zap"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/deckyard/deckyard/config/crd"
	"github.com/deckyard/deckyard/internal/controlplane/controlplanetest"
	"github.com/deckyard/deckyard/internal/engine/docker"
	"github.com/deckyard/deckyard/internal/operator"
	"github.com/deckyard/deckyard/test/engineproxy"
)

// nodeName is the node of the operator that all tests share.
const nodeName = "node-1"

// shared is what all tests of the package use; TestMain sets it up.
var shared *suite

// suite is one control plane, one operator, and the engine seen directly.
type suite struct {
	config *rest.Config
	kube   client.Client
	proxy  *engineproxy.Proxy
	engine *docker.Engine

	options      operator.Options
	stopOperator func() error
}

// restartOperator ends the operator and starts it anew, as an upgrade does.
func (s *suite) restartOperator() error {
	err := s.stopOperator()
	s.stopOperator = startOperator(s.config, s.options)
	return err
}

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Exit(runProgram())
	}
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (int, error) {
	logger, err := newLogger()
	if err != nil {
		return 0, err
	}
	ctrl.SetLogger(logger)
	config, stopControlPlane, err := controlplanetest.StartForMain(crd.Files)
	if err != nil {
		return 0, err
	}
	defer func() { _ = stopControlPlane() }()
	proxy, err := engineproxy.Start(docker.DefaultHost)
	if err != nil {
		return 0, err
	}
	defer proxy.Close()
	engine, err := docker.New(docker.DefaultHost)
	if err != nil {
		return 0, err
	}
	kube, err := newClient(config)
	if err != nil {
		return 0, err
	}
	shared = &suite{config: config, kube: kube, proxy: proxy, engine: engine, options: operator.Options{
		DockerHost: proxy.Address(), NodeName: nodeName, Logger: logger, MetricsAddress: "0", ProbeAddress: "0",
	}}
	shared.stopOperator = startOperator(config, shared.options)
	code := m.Run()
	return code, shared.stopOperator()
}

// startOperator runs an operator until the returned function is called, which
// returns how it ended.
func startOperator(config *rest.Config, options operator.Options) (stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- operator.Run(ctx, config, options) }()
	return func() error {
		cancel()
		return <-ended
	}
}

func newClient(config *rest.Config) (client.Client, error) {
	scheme, err := operator.Scheme()
	if err != nil {
		return nil, err
	}
	return client.New(config, client.Options{Scheme: scheme})
}

// newLogger returns a logger to a file named by DECKYARD_E2E_LOG, or none.
func newLogger() (logr.Logger, error) {
	path := os.Getenv("DECKYARD_E2E_LOG")
	if path == "" {
		return logr.Discard(), nil
	}
	config := zap.NewDevelopmentConfig()
	config.OutputPaths = []string{path}
	logger, err := config.Build()
	if err != nil {
		return logr.Logger{}, err
	}
	return zapr.NewLogger(logger), nil
}
