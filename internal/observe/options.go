// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/utils/clock"

	"github.com/deckyard/deckyard/internal/engine"
)

// Defaults of Options.
const (
	defaultRelistInterval = 45 * time.Second
	defaultBatchWindow    = 20 * time.Millisecond
	defaultStaleAfter     = 3 * time.Minute
	defaultReadTimeout    = 20 * time.Second
)

// Options tune an Observer. The zero value is good for production, apart from
// Host, Firewall and Registerer.
type Options struct {
	// Clock drives all timers; default the real one.
	Clock clock.Clock
	// Host, when set, gives the host's routes to the snapshots.
	Host engine.Host
	// Firewall, when set, gives the host's filter rules to the snapshots.
	Firewall engine.Firewall
	// Registerer, when set, is where the observer's metrics are registered.
	Registerer prometheus.Registerer
	// RelistInterval is the shortest time between two lists; up to a third is
	// added at random. Default 45 s.
	RelistInterval time.Duration
	// BatchWindow is how long events are collected before their objects are
	// looked at. It is an eighth of that for the first after a pause, and grows up
	// to eightfold in a storm of events. Default 20 ms.
	BatchWindow time.Duration
	// StaleAfter is the age of the last list past which it is not served any
	// more. Default 3 minutes.
	StaleAfter time.Duration
	// ReadTimeout bounds one question to the engine. Default 20 s.
	ReadTimeout time.Duration
}

// withDefaults returns the options with what was left out filled in.
func (o Options) withDefaults() Options {
	if o.Clock == nil {
		o.Clock = clock.RealClock{}
	}
	o.RelistInterval = positiveOr(o.RelistInterval, defaultRelistInterval)
	o.BatchWindow = positiveOr(o.BatchWindow, defaultBatchWindow)
	o.StaleAfter = positiveOr(o.StaleAfter, defaultStaleAfter)
	o.ReadTimeout = positiveOr(o.ReadTimeout, defaultReadTimeout)
	return o
}

func positiveOr(duration, fallback time.Duration) time.Duration {
	if duration > 0 {
		return duration
	}
	return fallback
}
