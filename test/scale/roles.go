// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"path/filepath"
	"time"

	"github.com/go-logr/logr"
	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/utils/clock"

	"github.com/deckyard/deckyard/config/crd"
	"github.com/deckyard/deckyard/internal/controlplane"
	"github.com/deckyard/deckyard/internal/engine/fake"
	"github.com/deckyard/deckyard/internal/engine/simulated"
	"github.com/deckyard/deckyard/internal/operator"
)

// The parts of a measurement.
const (
	roleEngine       = "engine"
	roleControlPlane = "control-plane"
	roleOperator     = "operator"
)

// nodeName is the node of the operator.
const nodeName = "node-1"

// The sockets at which the parts meet.
func (s settings) dockerSocket() string  { return filepath.Join(s.directory, "docker.sock") }
func (s settings) hostSocket() string    { return filepath.Join(s.directory, "host.sock") }
func (s settings) metricsSocket() string { return filepath.Join(s.directory, "operator.sock") }
func (s settings) dataDirectory() string { return filepath.Join(s.directory, "data") }

// runEngine serves the engine and its host until ctx ends.
func runEngine(ctx context.Context, s settings) error {
	programs, err := cataloguePrograms(ctx)
	if err != nil {
		return err
	}
	inner := fake.New(fake.WithPrograms(programs), fake.WithClock(time.Now))
	outer := simulated.New(inner, simulated.Measured().Scaled(s.slowdown), clock.RealClock{})
	docker, err := net.Listen("unix", s.dockerSocket())
	if err != nil {
		return fmt.Errorf("listen for the engine: %w", err)
	}
	host, err := net.Listen("unix", s.hostSocket())
	if err != nil {
		return fmt.Errorf("listen for the host: %w", err)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return outer.Serve(ctx, docker) })
	group.Go(func() error { return serveHost(ctx, host, inner, outer) })
	return group.Wait()
}

// runControlPlane serves etcd and the API server until ctx ends.
func runControlPlane(ctx context.Context, s settings) error {
	directory, err := controlplane.OpenDataDirectory(s.dataDirectory())
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	options, err := controlplane.Options{DataDirectory: directory, Listener: listener, CRDs: crd.Files}.Complete()
	if err != nil {
		return err
	}
	server, err := options.New()
	if err != nil {
		return err
	}
	return errors.Join(server.Run(ctx), directory.Close())
}

// runOperator runs the operator as it is, and serves its profiles.
func runOperator(ctx context.Context, s settings) error {
	config, err := clientcmd.BuildConfigFromFlags("", controlplane.KubeconfigPath(s.dataDirectory()))
	if err != nil {
		return fmt.Errorf("read kubeconfig: %w", err)
	}
	host, err := dialHost(s.hostSocket())
	if err != nil {
		return err
	}
	listener, err := net.Listen("unix", s.metricsSocket())
	if err != nil {
		return fmt.Errorf("listen for profiles: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	go func() { _ = server.Serve(listener) }()
	return operator.Run(ctx, config, operator.Options{
		DockerHost: "unix://" + s.dockerSocket(), NodeName: nodeName, Logger: logr.Discard(),
		MetricsAddress: "0", ProbeAddress: "0", Host: host,
	})
}
