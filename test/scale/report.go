// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// line writes one row: what, and its figures.
func (m *measurement) line(what, format string, figures ...any) {
	_, _ = fmt.Fprintf(m.output, "%-44s "+format+"\n", append([]any{what}, figures...)...)
}

func (m *measurement) reportConverge(_ context.Context, created, took time.Duration, used counters) error {
	deckies, objects := float64(len(m.world.deckies)), float64(len(m.world.deckies)+len(m.world.lans)+len(m.world.topologies))
	writes := matching(used.kube, "PATCH", "PUT", "DELETE", "POST events")
	m.line("deckies / LANs / topologies / services each", "%d / %d / %d / %d", len(m.world.deckies), len(m.world.lans), len(m.world.topologies), m.services)
	m.line("converge", "%.2f s, of which objects were created in %.2f s", took.Seconds(), created.Seconds())
	m.line("converge, per decky", "%.2f ms", took.Seconds()*1000/deckies)
	m.line("operator's processor time, per decky", "%.2f ms", used.processor[roleOperator].Seconds()*1000/deckies)
	m.line("API server's processor time, per decky", "%.2f ms", used.processor[roleControlPlane].Seconds()*1000/deckies)
	m.line("API requests / writes / writes per object", "%d / %d / %.2f", matching(used.kube, ""), writes, float64(writes)/objects)
	m.line("  by verb and resource", "%s", list(used.kube))
	m.line("Docker calls / per decky", "%d / %.2f", matching(used.docker, ""), float64(matching(used.docker, ""))/deckies)
	m.line("  by operation", "%s", list(used.docker))
	return m.reportMemory("after converge")
}

func (m *measurement) reportMemory(when string) error {
	for _, role := range []string{roleOperator, roleControlPlane} {
		now, most, err := resident(m.parts[role].Process.Pid)
		if err != nil {
			return err
		}
		m.line("resident memory of "+role+" "+when, "%.0f MiB, at most %.0f MiB", now, most)
	}
	return nil
}

func (m *measurement) reportIdle(took time.Duration, used counters) {
	m.line("idle for", "%.0f s", took.Seconds())
	m.line("  operator's processor time", "%.2f %% of a core", 100*used.processor[roleOperator].Seconds()/took.Seconds())
	m.line("  Docker calls", "%s", list(used.docker))
	m.line("  API requests", "%s", list(used.kube))
}

func (m *measurement) reportChanges(took []time.Duration, used counters) {
	count := float64(len(took))
	m.reportLatency("one service changed", took)
	m.line("  Docker calls for one", "%.2f writes, %.2f inspections, %.2f lists",
		float64(matching(used.docker, "POST", "DELETE"))/count,
		float64(matching(used.docker, "GET /containers/{id}/json", "GET /networks/{id}", "GET /images/{name}"))/count,
		float64(matching(used.docker, "GET /containers/json", "GET /networks")-matching(used.docker, "GET /networks/{id}"))/count)
	m.line("  API writes for one", "%.2f", float64(matching(used.kube, "PATCH", "PUT", "POST events"))/count-1)
	m.line("  operator's processor time for one", "%.2f ms", used.processor[roleOperator].Seconds()*1000/count)
	m.line("  API server's processor time for one", "%.2f ms", used.processor[roleControlPlane].Seconds()*1000/count)
	_ = m.reportMemory("after changes")
}

func (m *measurement) reportLatency(what string, took []time.Duration) {
	const half, almostAll = 50, 99
	m.line(what, "p50 %.1f ms, p99 %.1f ms", milliseconds(percentile(took, half)), milliseconds(percentile(took, almostAll)))
}

func milliseconds(duration time.Duration) float64 { return duration.Seconds() * 1000 }

// list writes counts in order.
func list(counts map[string]int) string {
	var words []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		words = append(words, fmt.Sprintf("%s %d", name, counts[name]))
	}
	return strings.Join(words, ", ")
}
