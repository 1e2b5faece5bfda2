// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controlplanetest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"

	"github.com/deckyard/deckyard/internal/controlplane"
)

// quietKubernetes silences the process-wide log of the Kubernetes libraries, which
// may be set only before the first of them runs.
var quietKubernetes = sync.OnceFunc(func() { klog.SetLogger(logr.Discard()) })

// Start runs a control plane until the test ends and returns the administrator's
// connection. The definitions are .yaml files in any folder, as in package crd; nil
// means none.
func Start(tb testing.TB, crds fs.FS) *rest.Config {
	tb.Helper()
	config, stop, err := start(tb.TempDir(), crds)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := stop(); err != nil {
			tb.Error(err)
		}
	})
	return config
}

// StartForMain runs a control plane for all tests of a binary: call it in TestMain,
// and stop after the tests and before os.Exit.
func StartForMain(crds fs.FS) (config *rest.Config, stop func() error, err error) {
	directory, err := os.MkdirTemp("", "deckyard-test-")
	if err != nil {
		return nil, nil, fmt.Errorf("create data directory: %w", err)
	}
	config, stopServer, err := start(directory, crds)
	if err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(directory))
	}
	return config, func() error { return errors.Join(stopServer(), os.RemoveAll(directory)) }, nil
}

func start(path string, crds fs.FS) (config *rest.Config, stop func() error, err error) {
	quietKubernetes()
	directory, err := controlplane.OpenDataDirectory(path)
	if err != nil {
		return nil, nil, err
	}
	server, err := newServer(directory, crds)
	if err != nil {
		return nil, nil, errors.Join(err, directory.Close())
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	select {
	case <-server.Ready():
	case err := <-ended:
		cancel()
		return nil, nil, errors.Join(err, directory.Close())
	}
	return server.RESTConfig(), func() error {
		cancel()
		return errors.Join(<-ended, directory.Close())
	}, nil
}

func newServer(directory *controlplane.DataDirectory, crds fs.FS) (*controlplane.Server, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	options, err := controlplane.Options{DataDirectory: directory, Listener: listener, CRDs: crds}.Complete()
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	server, err := options.New()
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	return server, nil
}

// Eventually looks again and again, in an interval, until check returns nil. When
// the context ends before, it returns check's last error.
func Eventually(ctx context.Context, interval time.Duration, check func() error) error {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		err := check()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-ticker.C:
		}
	}
}
