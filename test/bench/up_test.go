//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/deckyard/deckyard/test/bench/result"
)

const (
	program = "../../bin/deckyard"
	// idleTime is how long an instance is left alone before its memory is read.
	idleTime = 15 * time.Second
)

// BenchmarkUp starts the built program on a new data directory, stops it and
// starts it again. It reports the medians from the start of the process to all
// definitions Established, in seconds, and of the resident memory when idle.
func BenchmarkUp(b *testing.B) {
	var firsts, seconds, resident []float64
	for b.Loop() {
		directory := b.TempDir()
		firsts = append(firsts, up(b, directory))
		resident = append(resident, residentMiB(b, directory))
		deckyard(b, directory, "down")
		seconds = append(seconds, up(b, directory))
		deckyard(b, directory, "down", "--purge")
	}
	b.ReportMetric(result.Median(firsts), "first-start-s")
	b.ReportMetric(result.Median(seconds), "restart-s")
	b.ReportMetric(result.Median(resident), "resident-MiB")
}

// up returns when all definitions are Established: that is what --detach waits for.
func up(b *testing.B, directory string) float64 {
	b.Helper()
	start := time.Now()
	deckyard(b, directory, "up", "--detach", "--listen", "127.0.0.1:6447")
	return time.Since(start).Seconds()
}

func deckyard(b *testing.B, directory string, arguments ...string) {
	b.Helper()
	command := exec.CommandContext(b.Context(), program, append([]string{"--data-dir", directory}, arguments...)...)
	if output, err := command.CombinedOutput(); err != nil {
		b.Fatalf("deckyard %s: %v: %s", strings.Join(arguments, " "), err, output)
	}
}

// residentMiB leaves the instance alone for a while and reads its memory.
func residentMiB(b *testing.B, directory string) float64 {
	b.Helper()
	idle, cancel := context.WithTimeout(b.Context(), idleTime)
	defer cancel()
	<-idle.Done()
	pid, err := instancePID(directory)
	check(b, err)
	status, err := os.ReadFile(filepath.Join("/proc", pid, "status"))
	check(b, err)
	for lines := bufio.NewScanner(bytes.NewReader(status)); lines.Scan(); {
		if fields := strings.Fields(lines.Text()); len(fields) == 3 && fields[0] == "VmRSS:" {
			kib, err := strconv.ParseFloat(fields[1], 64)
			check(b, err)
			return kib / 1024
		}
	}
	b.Fatalf("process %s has no VmRSS", pid)
	return 0
}

// instancePID finds the process that was given the data directory.
func instancePID(directory string) (string, error) {
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return "", err
	}
	for _, file := range files {
		line, err := os.ReadFile(file)
		if err == nil && bytes.Contains(line, []byte(directory)) && bytes.Contains(line, []byte("\x00up\x00")) {
			return filepath.Base(filepath.Dir(file)), nil
		}
	}
	return "", fmt.Errorf("no process runs on %s", directory)
}
