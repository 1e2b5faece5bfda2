//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/deckyard/deckyard/test/bench/result"
)

// What the memory of a decky consists of: that of the processes inside its
// containers and of the engine's, by the name of their program; the pages of
// programs that are mapped, which the kernel can drop and read again; and what the
// kernel itself keeps for processes, namespaces and interfaces.
var memoryParts = []string{"inside", "containerd-shim", "dockerd", "containerd", "docker-proxy", "programs", "kernel"}

// BenchmarkHostMemory brings up 30 deckies of one, two and three containers each
// and reports, in MiB a decky, what the memory of the host goes into. Processes
// count with their proportional share of what they have in common.
func BenchmarkHostMemory(b *testing.B) {
	for services := range 3 {
		b.Run(fmt.Sprintf("containers=%d", services+1), func(b *testing.B) {
			shares := map[string][]float64{}
			for b.Loop() {
				for part, share := range memoryOf(b, services) {
					shares[part] = append(shares[part], share)
				}
			}
			total := 0.0
			for _, part := range memoryParts {
				share := result.Median(shares[part])
				total += share
				b.ReportMetric(share, part+"-MiB/decky")
			}
			b.ReportMetric(total, "total-MiB/decky")
		})
	}
}

// memoryOf returns the memory that a decky with a number of services takes, by part.
func memoryOf(b *testing.B, services int) map[string]float64 {
	b.Helper()
	const deckies, inFlight = 30, 8
	network := newSample(fmt.Sprintf("memory-%d", services), 102, deckies, []string{"http", "ftp"}[:services]...)
	before, err := readMemory()
	check(b, err)
	up, err := shared.bare.bringUp(b.Context(), network, inFlight)
	var after map[string]float64
	if err == nil {
		after, err = readMemory()
	}
	check(b, errors.Join(err, up.bringDown(context.WithoutCancel(b.Context()), inFlight)))
	shares := map[string]float64{}
	for _, part := range memoryParts {
		shares[part] = (after[part] - before[part]) / deckies
	}
	return shares
}

// readMemory returns the memory in use by part, in MiB.
func readMemory() (map[string]float64, error) {
	files, err := filepath.Glob("/proc/[0-9]*/smaps_rollup")
	if err != nil {
		return nil, err
	}
	parts := map[string]float64{}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		if part := partOf(filepath.Dir(file)); slices.Contains(memoryParts, part) {
			parts[part] += field(content, "Pss_Anon:") + field(content, "Pss_Shmem:")
			parts["programs"] += field(content, "Pss_File:")
		}
	}
	meminfo, err := os.ReadFile("/proc/meminfo")
	for _, name := range []string{"Slab:", "KernelStack:", "PageTables:", "Percpu:"} {
		parts["kernel"] += field(meminfo, name)
	}
	return parts, err
}

// partOf says which part a process belongs to, by its folder in /proc: none if it
// has ended.
func partOf(process string) string {
	groups, _ := os.ReadFile(filepath.Join(process, "cgroup"))
	if bytes.Contains(groups, []byte("/docker/")) || bytes.Contains(groups, []byte("/docker-")) {
		return "inside"
	}
	name, _ := os.ReadFile(filepath.Join(process, "comm"))
	part := strings.TrimSpace(string(name))
	// The kernel keeps 15 characters of a name.
	if strings.HasPrefix(part, "containerd-shim") {
		return "containerd-shim"
	}
	return part
}

// field reads a line such as "Pss:  123 kB", in MiB.
func field(content []byte, name string) float64 {
	for line := range bytes.Lines(content) {
		if words := strings.Fields(string(line)); len(words) == 3 && words[0] == name {
			kib, err := strconv.ParseFloat(words[1], 64)
			if err != nil {
				return 0
			}
			return kib / 1024
		}
	}
	return 0
}
