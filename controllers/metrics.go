// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/apply"
	"github.com/deckyard/deckyard/internal/model"
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
	contained     *prometheus.GaugeVec
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
		contained: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "deckyard_lan_contained",
			Help: "1 while the deckies of a LAN are seen to reach nothing but what its topology allows, 0 while they do, or it is not known.",
		}, []string{"namespace", "topology", "lan"}),
	}
	if registerer != nil {
		registerer.MustRegister(m.driftFound, m.driftRepaired, m.actions, m.contained)
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

// verified notes whether the deckies of a LAN are contained.
func (m *Metrics) verified(lan *v1alpha1.LAN) {
	value := 0.0
	if containment(lan).status == metav1.ConditionTrue {
		value = 1
	}
	m.contained.WithLabelValues(lan.Namespace, topologyName(lan), lan.Name).Set(value)
}

// forget drops what is told of an object that is gone.
func (m *Metrics) forget(kind model.OwnerKind, key types.NamespacedName) {
	if kind == model.OwnerLAN {
		m.contained.DeletePartialMatch(prometheus.Labels{"namespace": key.Namespace, "lan": key.Name})
	}
}

func (m *Metrics) count(actions []plan.Action, result string) {
	for _, action := range actions {
		kind, _ := action.Target()
		m.actions.WithLabelValues(action.Verb(), string(kind), result).Inc()
	}
}
