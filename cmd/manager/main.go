// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Command manager is the operator for an existing cluster: it runs on a node,
// reaches the API server by a kubeconfig or from within the cluster, and keeps
// that node's deception networks true on its Docker Engine.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
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

	"github.com/deckyard/deckyard/internal/catalogue"
	"github.com/deckyard/deckyard/internal/engine/docker"
	"github.com/deckyard/deckyard/internal/operator"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second signal ends the process at once.
	context.AfterFunc(ctx, stop)
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

// run runs the operator until ctx is done; with --help it prints the flags.
func run(ctx context.Context, arguments []string, output io.Writer) error {
	given, err := parse(arguments, output)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	if given.options.Catalogue, err = catalogue.LoadDirectory(ctx, given.catalogue); err != nil {
		return err
	}
	logger, err := newLogger()
	if err != nil {
		return err
	}
	ctrl.SetLogger(logger)
	klog.SetLogger(logger)
	given.options.Logger = logger
	restConfig, err := loadConfig(given.kubeconfig)
	if err != nil {
		return err
	}
	return operator.Run(ctx, restConfig, given.options)
}

// settings are what the arguments say.
type settings struct {
	options operator.Options
	// kubeconfig is a file, catalogue a directory.
	kubeconfig, catalogue string
}

// parse returns what the arguments say. Asked for help, it prints the flags and
// returns flag.ErrHelp.
func parse(arguments []string, output io.Writer) (settings, error) {
	var given settings
	options := &given.options
	flags := flag.NewFlagSet("manager", flag.ContinueOnError)
	// A mistake is told once, by the caller.
	flags.SetOutput(io.Discard)
	flags.Usage = func() {}
	flags.StringVar(&given.kubeconfig, "kubeconfig", "", "kubeconfig file; empty: the cluster that this program runs in")
	flags.StringVar(&options.NodeName, "node-name", "", "name of the node that this operator serves (default: the host's name)")
	flags.StringVar(&options.DockerHost, "docker-host", docker.DefaultHost, "local socket of the Docker Engine, as unix:///PATH")
	flags.StringVar(&given.catalogue, "catalogue", "", "`directory` of further services, a YAML file each")
	flags.BoolVar(&options.LeaderElection, "leader-elect", true, "let one of several operators act for the whole cluster")
	flags.StringVar(&options.LeaderElectionNamespace, "leader-election-namespace", "", "namespace of the election's Lease; empty: that of this program's pod")
	flags.StringVar(&options.MetricsAddress, "metrics-bind-address", "127.0.0.1:8080", "host:port for metrics; 0: none")
	flags.StringVar(&options.ProbeAddress, "health-probe-bind-address", "127.0.0.1:8081", "host:port for /healthz and /readyz; 0: none")
	err := flags.Parse(arguments)
	switch {
	case errors.Is(err, flag.ErrHelp):
		flags.SetOutput(output)
		_, _ = fmt.Fprintln(output, "Usage: manager [flags]")
		flags.PrintDefaults()
		return settings{}, err
	case err != nil:
		return settings{}, fmt.Errorf("%w; see manager --help", err)
	case flags.NArg() > 0:
		return settings{}, fmt.Errorf("unexpected argument %q; see manager --help", flags.Arg(0))
	case given.kubeconfig != "" && options.LeaderElection && options.LeaderElectionNamespace == "":
		return settings{}, errors.New("outside of a cluster the election needs a namespace: set --leader-election-namespace, or --leader-elect=false")
	}
	if options.NodeName == "" {
		if options.NodeName, err = os.Hostname(); err != nil {
			return settings{}, fmt.Errorf("read the host's name: %w; set --node-name", err)
		}
	}
	return given, nil
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
