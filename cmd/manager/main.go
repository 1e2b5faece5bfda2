// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Command manager is the operator for an existing cluster: it runs on a node,
// reaches the API server by a kubeconfig or from within the cluster, and keeps
// that node's deception networks true on its Docker Engine.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/go-logr/logr"
	"github.com/go-logr/zapr"
	"go.uber.org/zap"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/deckyard/deckyard/internal/engine/docker"
	"github.com/deckyard/deckyard/internal/operator"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second signal ends the process at once.
	context.AfterFunc(ctx, stop)
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, arguments []string) error {
	options, kubeconfig, err := parse(arguments)
	if err != nil {
		return err
	}
	logger, err := newLogger()
	if err != nil {
		return err
	}
	ctrl.SetLogger(logger)
	klog.SetLogger(logger)
	options.Logger = logger
	restConfig, err := loadConfig(kubeconfig)
	if err != nil {
		return err
	}
	return operator.Run(ctx, restConfig, options)
}

func parse(arguments []string) (operator.Options, string, error) {
	options := operator.Options{}
	flags := flag.NewFlagSet("manager", flag.ContinueOnError)
	kubeconfig := flags.String("kubeconfig", "", "kubeconfig file; empty: the cluster that this program runs in")
	flags.StringVar(&options.NodeName, "node-name", "", "name of the node that this operator serves (default: the host's name)")
	flags.StringVar(&options.DockerHost, "docker-host", docker.DefaultHost, "local socket of the Docker Engine, as unix:///PATH")
	flags.BoolVar(&options.LeaderElection, "leader-elect", true, "let one of several operators act for the whole cluster")
	flags.StringVar(&options.LeaderElectionNamespace, "leader-election-namespace", "", "namespace of the election's Lease; empty: that of this program's pod")
	flags.StringVar(&options.MetricsAddress, "metrics-bind-address", "127.0.0.1:8080", "host:port for metrics; 0: none")
	flags.StringVar(&options.ProbeAddress, "health-probe-bind-address", "127.0.0.1:8081", "host:port for /healthz and /readyz; 0: none")
	if err := flags.Parse(arguments); err != nil {
		return options, "", err
	}
	if flags.NArg() > 0 {
		return options, "", fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if options.NodeName == "" {
		hostName, err := os.Hostname()
		if err != nil {
			return options, "", fmt.Errorf("read the host's name: %w; set --node-name", err)
		}
		options.NodeName = hostName
	}
	return options, *kubeconfig, nil
}

func loadConfig(kubeconfig string) (*rest.Config, error) {
	if kubeconfig == "" {
		restConfig, err := rest.InClusterConfig()
		if err != nil {
			return nil, fmt.Errorf("%w; outside of a cluster set --kubeconfig", err)
		}
		return restConfig, nil
	}
	restConfig, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("load kubeconfig: %w", err)
	}
	return restConfig, nil
}

func newLogger() (logr.Logger, error) {
	zapLogger, err := zap.NewProduction()
	if err != nil {
		return logr.Logger{}, fmt.Errorf("create the logger: %w", err)
	}
	return zapr.NewLogger(zapLogger), nil
}
