// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"syscall"

	"github.com/deckyard/deckyard/internal/decoy"
)

const (
	// softMemory makes the collector work harder long before the container's
	// limit of 64 MiB; collectAt keeps an idle service small.
	softMemory = 30 << 20
	collectAt  = 50
	// maxThreads running Go code at once. The container allows 64 tasks.
	maxThreads = 2

	exitUsage    = 64
	exitNotFound = 127
)

func main() {
	os.Exit(run(os.Args))
}

func run(args []string) int {
	name := filepath.Base(args[0])
	if !known(name) && len(args) > 1 {
		name = args[1]
	}
	if name == "init" {
		return supervise()
	}
	debug.SetMemoryLimit(softMemory)
	debug.SetGCPercent(collectAt)
	runtime.GOMAXPROCS(min(runtime.GOMAXPROCS(0), maxThreads))

	// A closed terminal or a broken log must not end a service.
	signal.Ignore(syscall.SIGHUP, syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	hostname, err := os.Hostname()
	if err != nil {
		hostname = "localhost"
	}
	err = decoy.Run(ctx, name, decoy.Environment{Lookup: os.LookupEnv, Hostname: hostname, Output: os.Stdout})
	switch {
	case errors.Is(err, decoy.ErrUnknownProgram):
		fmt.Fprintf(os.Stderr, "%s: not found\n", name)
		return exitNotFound
	case err != nil:
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		return exitUsage
	}
	return 0
}

func known(name string) bool {
	if name == "init" {
		return true
	}
	for _, program := range decoy.Programs() {
		if program.Name == name {
			return true
		}
	}
	return false
}
