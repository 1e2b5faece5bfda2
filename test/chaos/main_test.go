//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package chaos

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"
)

var (
	rounds = flag.Int("rounds", 4, "how many rounds are drawn")
	// The rounds of every change are the same, so that a change is judged by what it
	// does; "make chaos" draws new ones.
	seed  = flag.Uint64("seed", 338330602, "seed of the first round, one less than that of the second; 0: a new one")
	every = flag.Bool("every", false, "kill the operator at every action of a plan, not only at one that is drawn")
)

// programs is the folder of the programs under test.
var programs string

func TestMain(m *testing.M) {
	flag.Parse()
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (int, error) {
	ctrl.SetLogger(logr.Discard())
	directory, err := os.MkdirTemp("", "chaos-")
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.RemoveAll(directory) }()
	programs = directory
	build := exec.CommandContext(context.Background(), "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w",
		"-o", programs+string(filepath.Separator), "../../cmd/manager", "../../cmd/deckyard")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("build the programs: %w: %s", err, output)
	}
	return m.Run(), nil
}
