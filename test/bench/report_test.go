//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/deckyard/deckyard/test/bench/result"
)

// report prints a case, and writes it where BENCH_RESULTS says.
func report(b *testing.B, name string, notes []string, comparisons ...result.Comparison) {
	b.Helper()
	done := result.Case{Name: name, Notes: notes, Machine: thisMachine(b)}
	for _, comparison := range comparisons {
		comparison.Ours, comparison.Against = rounded(comparison.Ours), rounded(comparison.Against)
		done.Comparisons = append(done.Comparisons, comparison)
		fmt.Fprintln(os.Stderr, describe(name, comparison))
	}
	for _, note := range notes {
		fmt.Fprintln(os.Stderr, name+": "+note)
	}
	if directory := os.Getenv("BENCH_RESULTS"); directory != "" {
		check(b, done.Write(directory))
	}
}

// describe writes a comparison on one line.
func describe(name string, c result.Comparison) string {
	var line strings.Builder
	spread := func(values []float64) string {
		return fmt.Sprintf("%.1f %s (%.1f to %.1f, p99 %.1f, n=%d)", result.Median(values), c.Unit,
			result.Quantile(values, 0.1), result.Quantile(values, 0.9), result.Quantile(values, 0.99), len(values))
	}
	fmt.Fprintf(&line, "%s: %s: %s", name, c.What, spread(c.Ours))
	if c.Reference != "" {
		fmt.Fprintf(&line, "; %s: %s; ratio %.2f", c.Reference, spread(c.Against), c.Measured(result.Ratio))
	}
	for _, aim := range c.Aims {
		fmt.Fprintf(&line, "; %s %.2f, aim %.2f", aim.Measure, c.Measured(aim.Measure), aim.AtMost)
	}
	return line.String()
}

// rounded keeps what a file needs of the figures.
func rounded(values []float64) []float64 {
	const thousand = 1000
	kept := make([]float64, 0, len(values))
	for _, value := range values {
		kept = append(kept, math.Round(value*thousand)/thousand)
	}
	return kept
}

func atMost(measure result.Measure, limit float64) result.Aim {
	return result.Aim{Measure: measure, AtMost: limit}
}

func thisMachine(b *testing.B) result.Machine {
	b.Helper()
	profile, err := shared.engine.Profile(b.Context())
	check(b, err)
	return result.Machine{
		Date:      time.Now().UTC().Format(time.DateOnly),
		Processor: afterColon(read(b, "/proc/cpuinfo"), "model name"),
		Cores:     runtime.NumCPU(),
		Kernel:    strings.TrimSpace(read(b, "/proc/sys/kernel/osrelease")),
		Engine:    fmt.Sprintf("%s, API %s, %s, cgroup v%s", profile.Version, profile.APIVersion, storageDriver(b), profile.CgroupVersion),
		Go:        runtime.Version(),
		Revision:  revision(b),
		Load:      strings.Join(strings.Fields(read(b, "/proc/loadavg"))[:3], " "),
	}
}

func read(b *testing.B, file string) string {
	b.Helper()
	content, err := os.ReadFile(file)
	check(b, err)
	return string(content)
}

// afterColon returns the value of the first line "NAME : VALUE".
func afterColon(text, name string) string {
	for line := range strings.Lines(text) {
		if key, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func storageDriver(b *testing.B) string {
	b.Helper()
	output, err := exec.CommandContext(b.Context(), "docker", "info", "--format", "{{.Driver}}").Output()
	check(b, err)
	return string(bytes.TrimSpace(output))
}

// revision says what was measured; nothing outside of a working copy of Git.
func revision(b *testing.B) string {
	b.Helper()
	output, err := exec.CommandContext(b.Context(), "git", "describe", "--tags", "--always", "--dirty").Output()
	if err != nil {
		return ""
	}
	return string(bytes.TrimSpace(output))
}
