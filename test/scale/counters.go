// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"k8s.io/client-go/kubernetes"
)

// ticksPerSecond is the unit of processor time in /proc.
const ticksPerSecond = 100

// counters are what was used up to a moment.
type counters struct {
	at time.Time
	// docker counts calls of the engine's API, kube requests to the API server, by
	// verb and resource.
	docker, kube map[string]int
	// processor is the time that each part has used.
	processor map[string]time.Duration
}

// since returns what was used after an earlier moment.
func (c counters) since(before counters) counters {
	used := counters{docker: less(c.docker, before.docker), kube: less(c.kube, before.kube), processor: map[string]time.Duration{}}
	for role, total := range c.processor {
		used.processor[role] = total - before.processor[role]
	}
	return used
}

func less(after, before map[string]int) map[string]int {
	difference := maps.Clone(after)
	for name, count := range before {
		if difference[name] -= count; difference[name] == 0 {
			delete(difference, name)
		}
	}
	return difference
}

// matching adds up the counts whose name has the prefix.
func matching(counts map[string]int, prefixes ...string) int {
	sum := 0
	for name, count := range counts {
		for _, prefix := range prefixes {
			if strings.HasPrefix(name, prefix) {
				sum += count
			}
		}
	}
	return sum
}

// read takes the counters of a running measurement.
func (m *measurement) read(ctx context.Context) (counters, error) {
	now := counters{at: time.Now(), docker: map[string]int{}, processor: map[string]time.Duration{}}
	if err := m.host.ask("Calls", None{}, &now.docker); err != nil {
		return counters{}, err
	}
	var err error
	if now.kube, err = readRequests(ctx, m.clientset); err != nil {
		return counters{}, err
	}
	for role, part := range m.parts {
		if now.processor[role], err = processorTime(part.Process.Pid); err != nil {
			return counters{}, err
		}
	}
	return now, nil
}

// readRequests reads the API server's own count of requests about our kinds and events.
func readRequests(ctx context.Context, clientset *kubernetes.Clientset) (map[string]int, error) {
	text, err := clientset.Discovery().RESTClient().Get().AbsPath("/metrics").DoRaw(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the API server's metrics: %w", err)
	}
	label := regexp.MustCompile(`(\w+)="([^"]*)"`)
	counts := map[string]int{}
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "apiserver_request_total{") {
			continue
		}
		labels := map[string]string{}
		for _, found := range label.FindAllStringSubmatch(line, -1) {
			labels[found[1]] = found[2]
		}
		fields := strings.Fields(line)
		value, err := strconv.ParseFloat(fields[len(fields)-1], 64)
		if group := labels["group"]; err != nil || group != "deckyard.dev" && group != "events.k8s.io" {
			continue
		}
		name := strings.TrimSuffix(labels["verb"]+" "+labels["resource"]+"/"+labels["subresource"], "/")
		counts[name] += int(value)
	}
	return counts, nil
}

// processorTime returns the processor time that a process has used.
func processorTime(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("read processor time: %w", err)
	}
	// The program's name, which may contain spaces, is in brackets.
	_, rest, _ := bytes.Cut(text, []byte(") "))
	fields := strings.Fields(string(rest))
	const user, system = 11, 12
	ticks := 0
	for _, index := range []int{user, system} {
		value, err := strconv.Atoi(fields[index])
		if err != nil {
			return 0, fmt.Errorf("read processor time: %w", err)
		}
		ticks += value
	}
	return time.Duration(ticks) * time.Second / ticksPerSecond, nil
}

// resident returns the resident memory of a process now, and the most that it was,
// in MiB.
func resident(pid int) (now, most float64, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0, fmt.Errorf("read memory: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) != 3 {
			continue
		}
		kib, _ := strconv.ParseFloat(fields[1], 64)
		switch fields[0] {
		case "VmRSS:":
			now = kib / 1024
		case "VmHWM:":
			most = kib / 1024
		}
	}
	return now, most, nil
}
