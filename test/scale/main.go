// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
)

// settings are what is measured.
type settings struct {
	topologies, deckies, lans, services, changes int
	// slowdown multiplies the times of the simulated engine.
	slowdown float64
	idle     time.Duration
	profiles string
	// role and directory are those of a process of the program's own.
	role, directory string
}

func main() {
	klog.SetLogger(logr.Discard())
	ctrl.SetLogger(logr.Discard())
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, arguments []string, output io.Writer) error {
	var s settings
	flags := flag.NewFlagSet("scale", flag.ContinueOnError)
	flags.IntVar(&s.topologies, "topologies", 1, "how many topologies the deckies and LANs are in")
	flags.IntVar(&s.deckies, "deckies", 100, "how many deckies there are")
	flags.IntVar(&s.lans, "lans", 10, "how many LANs they are on")
	flags.IntVar(&s.services, "services", 1, "how many services each has")
	flags.IntVar(&s.changes, "changes", 50, "how many deckies are changed, one after the other")
	flags.Float64Var(&s.slowdown, "times", 0.1, "multiplies the times of the simulated engine; 1 is that of a real one")
	flags.DurationVar(&s.idle, "idle", time.Minute, "how long all is left alone")
	flags.StringVar(&s.profiles, "profiles", "", "write profiles of the operator to this folder")
	flags.StringVar(&s.role, "role", "", "be a part of a measurement (for the program itself)")
	flags.StringVar(&s.directory, "directory", "", "where the parts of a measurement meet (for the program itself)")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	switch s.role {
	case "":
		return measure(ctx, s, output)
	case roleEngine:
		return runEngine(ctx, s)
	case roleControlPlane:
		return runControlPlane(ctx, s)
	case roleOperator:
		return runOperator(ctx, s)
	}
	return fmt.Errorf("unknown role %q", s.role)
}
