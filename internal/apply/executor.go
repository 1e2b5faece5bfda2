// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/go-logr/logr"

	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/plan"
)

// Engine is what an Executor needs of the Docker Engine.
type Engine interface {
	engine.Reader
	engine.NetworkWriter
	engine.ContainerWriter
	engine.ContainerChanger
}

// Host is what an Executor needs of the engine's host.
type Host interface {
	engine.Host
	engine.Firewall
}

const (
	// defaultParallelism is how many calls are in flight beyond which a Docker Engine
	// gains nothing.
	defaultParallelism = 8
	// defaultActionTimeout is above what the slowest action, a removal on a busy
	// engine, takes: a few seconds. An engine that loses a call, as 20.10 does now and
	// then with an unpause, must not hold a decky for long.
	defaultActionTimeout = 20 * time.Second
	// stopGrace is how long a container has to end by itself.
	stopGrace = 2 * time.Second
)

// Options bound what an Executor does. The zero value is good for production.
type Options struct {
	// Parallelism is how many actions of all plans together are in flight. Default 8.
	Parallelism int
	// ActionTimeout bounds one action. Default 20 s.
	ActionTimeout time.Duration
}

// Executor carries out plans. It is safe for concurrent use.
type Executor struct {
	engine  Engine
	host    Host
	options Options
	// slots holds one token per action in flight.
	slots chan struct{}
}

// New returns an Executor that writes to an engine and its host.
func New(dockerEngine Engine, host Host, options Options) *Executor {
	options.Parallelism = cmp.Or(options.Parallelism, defaultParallelism)
	options.ActionTimeout = cmp.Or(options.ActionTimeout, defaultActionTimeout)
	return &Executor{
		engine: dockerEngine, host: host, options: options,
		slots: make(chan struct{}, options.Parallelism),
	}
}

// Apply carries out a plan: each action after those that it must follow, and
// one at a time per container. It begins nothing after a failure or the end of
// the context, waits for what has begun, and then returns. Of a plan with
// KeepGoing, a failure holds back only the actions that follow it.
//
// A creation that finds its name taken has failed: the next pass observes whose
// it is. The context carries the logger.
func (e *Executor) Apply(ctx context.Context, planned plan.Plan) Report {
	r := newRun(planned)
	results := make(chan result)
	done := ctx.Done()
	for {
		if ctx.Err() != nil {
			r.stop()
		}
		next := r.next()
		if next == nil && r.inFlight == 0 {
			return r.report(ctx.Err())
		}
		// A nil channel is never ready: without an action to begin, only results count.
		var slots chan<- struct{}
		if next != nil {
			slots = e.slots
		}
		select {
		case <-done:
			done = nil
		case slots <- struct{}{}:
			begun := r.begin(next)
			go func() { results <- e.perform(ctx, begun) }()
		case finished := <-results:
			<-e.slots
			r.finish(finished)
		}
	}
}

// perform runs one action within its time.
func (e *Executor) perform(ctx context.Context, step step) result {
	kind, name := step.action.Target()
	meta := step.action.Common()
	logr.FromContextOrDiscard(ctx).Info(announcement(step.action, kind),
		string(kind), name, "reason", meta.Reason, "diff", meta.Detail)

	ctx, cancel := context.WithTimeout(ctx, e.options.ActionTimeout)
	defer cancel()
	created, err := e.call(ctx, step)
	if err != nil {
		err = fmt.Errorf("%s %s %q: %w", step.action.Verb(), kind, name, err)
	}
	return result{step: step, created: created, err: err}
}

// announcement says what is about to be done, such as "Connecting endpoint".
func announcement(action plan.Action, kind plan.TargetKind) string {
	var doing string
	switch action.(type) {
	case *plan.CreateNetwork, *plan.CreateContainer:
		doing = "Creating"
	case *plan.RemoveNetwork, *plan.RemoveContainer, *plan.RemoveRoute, *plan.RemoveFilter:
		doing = "Removing"
	case *plan.Connect:
		doing = "Connecting"
	case *plan.Disconnect:
		doing = "Disconnecting"
	case *plan.StartContainer:
		doing = "Starting"
	case *plan.RestartContainer:
		doing = "Restarting"
	case *plan.SetSysctl, *plan.SetRoute, *plan.SetFilter:
		doing = "Setting"
	case *plan.RenameContainer:
		doing = "Renaming"
	case *plan.ResetRestartPolicy:
		doing = "Updating"
	}
	return doing + " " + string(kind)
}
