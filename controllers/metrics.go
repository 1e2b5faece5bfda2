// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/deckyard/deckyard/internal/apply"
	"github.com/deckyard/deckyard/internal/plan"
)

// Values of the label result of the actions counter.
const (
	resultDone   = "done"
	resultFailed = "failed"
)

// Metrics count what the LAN and Decky controllers of a node find and do.
type Metrics struct {
	driftFound    *prometheus.CounterVec
	driftRepaired *prometheus.CounterVec
	actions       *prometheus.CounterVec
}

// NewMetrics returns metrics that are registered where registerer is not nil.
func NewMetrics(registerer prometheus.Registerer) *Metrics {
	m := &Metrics{
		driftFound: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "deckyard_drift_found_total",
			Help: "Times that a LAN or Decky was found changed on the Docker Engine, by the reason of the first repair.",
		}, []string{"reason"}),
		driftRepaired: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "deckyard_drift_repaired_total",
			Help: "Times that a change on the Docker Engine was undone, by the reason of the first repair.",
		}, []string{"reason"}),
		actions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "deckyard_plan_actions_total",
			Help: "Actions of plans that were carried out, by verb, target and result.",
		}, []string{"verb", "target", "result"}),
	}
	if registerer != nil {
		registerer.MustRegister(m.driftFound, m.driftRepaired, m.actions)
	}
	return m
}

func (m *Metrics) found(planned plan.Plan) { m.driftFound.WithLabelValues(reasonOf(planned)).Inc() }

func (m *Metrics) repaired(planned plan.Plan) {
	m.driftRepaired.WithLabelValues(reasonOf(planned)).Inc()
}

func reasonOf(planned plan.Plan) string { return string(planned.Actions[0].Common().Reason) }

func (m *Metrics) carriedOut(report apply.Report) {
	m.count(report.Done, resultDone)
	m.count(report.Failed, resultFailed)
}

func (m *Metrics) count(actions []plan.Action, result string) {
	for _, action := range actions {
		kind, _ := action.Target()
		m.actions.WithLabelValues(action.Verb(), string(kind), result).Inc()
	}
}
