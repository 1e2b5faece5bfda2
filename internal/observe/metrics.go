// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import "github.com/prometheus/client_golang/prometheus"

// Label values of the relists counter.
const (
	resultOK     = "ok"
	resultFailed = "failed"
)

// metrics are the observer's own.
type metrics struct {
	up, age     prometheus.GaugeFunc
	relists     *prometheus.CounterVec
	events      *prometheus.CounterVec
	inspections prometheus.Counter
}

func newMetrics(of *health) metrics {
	return metrics{
		up: prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "deckyard_engine_up",
			Help: "Whether the Docker Engine answered the last time it was asked for a list.",
		}, of.up),
		age: prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "deckyard_engine_snapshot_age_seconds",
			Help: "Age of the last list of everything on the Docker Engine.",
		}, of.ageSeconds),
		relists: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "deckyard_engine_relists_total",
			Help: "Lists of everything on the Docker Engine, by result.",
		}, []string{"result"}),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "deckyard_engine_events_total",
			Help: "Events received from the Docker Engine, by type of object.",
		}, []string{"type"}),
		inspections: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "deckyard_engine_inspections_total",
			Help: "Single objects of the Docker Engine looked at.",
		}),
	}
}

func (m metrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.up, m.age, m.relists, m.events, m.inspections}
}
