// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"context"
	"fmt"
	"slices"

	"github.com/deckyard/deckyard/internal/engine"
)

// Operation is a call of the ports.
type Operation string

// The operations. Those up to OpRemoveImage are writes.
const (
	OpCreateNetwork    Operation = "create network"
	OpRemoveNetwork    Operation = "remove network"
	OpConnect          Operation = "connect"
	OpDisconnect       Operation = "disconnect"
	OpCreateContainer  Operation = "create container"
	OpStartContainer   Operation = "start container"
	OpStopContainer    Operation = "stop container"
	OpRestartContainer Operation = "restart container"
	OpRemoveContainer  Operation = "remove container"
	OpRenameContainer  Operation = "rename container"
	OpResetPolicy      Operation = "reset restart policy"
	OpSetSysctl        Operation = "set sysctl"
	OpSetRoute         Operation = "set route"
	OpRemoveRoute      Operation = "remove route"
	OpPullImage        Operation = "pull image"
	OpLoadImage        Operation = "load image"
	OpSetFilter        Operation = "set filter"
	OpRemoveFilter     Operation = "remove filter"
	OpRemoveImage      Operation = "remove image"

	OpNetworks     Operation = "list networks"
	OpContainers   Operation = "list containers"
	OpNetwork      Operation = "inspect network"
	OpContainer    Operation = "inspect container"
	OpResolveImage Operation = "resolve image"
	OpImages       Operation = "list images"
	OpSubscribe    Operation = "subscribe"
	OpProfile      Operation = "profile"
	OpNamespace    Operation = "read namespace"
	OpRoutes       Operation = "read routes"
	OpPortHolder   Operation = "look for port holder"
	OpFilters      Operation = "read filters"
	OpWatchFilters Operation = "watch filters"
	OpHostProfile  Operation = "host profile"
	OpListening    Operation = "list listening"
)

// isWrite reports whether an operation is to change something.
func (o Operation) isWrite() bool {
	switch o {
	case OpCreateNetwork, OpRemoveNetwork, OpConnect, OpDisconnect,
		OpCreateContainer, OpStartContainer, OpStopContainer, OpRestartContainer, OpRemoveContainer, OpRenameContainer, OpResetPolicy,
		OpSetSysctl, OpSetRoute, OpRemoveRoute, OpSetFilter, OpRemoveFilter, OpPullImage, OpLoadImage, OpRemoveImage:
		return true
	default:
		return false
	}
}

// faultState is what is counted, and what is to go wrong.
type faultState struct {
	down      bool
	muted     bool
	intercept func(context.Context, Operation, string) error
	faults    []*Fault
	calls     map[Operation]int
	writes    []string
}

// Fault makes one call fail.
type Fault struct {
	Operation Operation
	// Nth is which call from now on fails; 0 is the next, as is 1.
	Nth int
	// Err is the error; ErrUnavailable if nil.
	Err error
	// AnswerLost lets the operation be done and only its answer be lost.
	AnswerLost bool
}

// Fail makes a call fail, once.
func (e *Engine) Fail(fault Fault) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.faults = append(e.faults, &fault)
}

// Intercept sets a function that is called before each operation with what it
// aims at, outside of any lock: it can block, call the engine, or return an error
// that becomes the call's. Nil takes it away.
func (e *Engine) Intercept(intercept func(ctx context.Context, operation Operation, target string) error) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.intercept = intercept
}

// SetDown stops the engine from answering, or lets it answer again. Its streams
// of events break; containers go on.
func (e *Engine) SetDown(down bool) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.down = down
	if down {
		e.breakStreams()
	}
}

// BreakStreams ends all subscriptions.
func (e *Engine) BreakStreams() {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.breakStreams()
}

// DropEvents makes the engine lose all events, or stop losing them.
func (e *Engine) DropEvents(drop bool) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.muted = drop
}

// Writes returns what was asked of the engine and host that changes something,
// in order, whether or not it succeeded: "connect acme_web01 to acme_office".
func (e *Engine) Writes() []string {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	return slices.Clone(e.writes)
}

// ForgetWrites empties what Writes returns.
func (e *Engine) ForgetWrites() {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.writes = nil
}

// Calls returns how often an operation was called.
func (e *Engine) Calls(operation Operation) int {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	return e.calls[operation]
}

// call does an operation, unless something is to go wrong with it. The target is
// an id or name.
func (e *Engine) call(ctx context.Context, operation Operation, target string, perform func() error) error {
	err := e.attempt(ctx, operation, target, perform)
	if err != nil {
		return fmt.Errorf("%s: %w", describe(operation, target), err)
	}
	return nil
}

func (e *Engine) attempt(ctx context.Context, operation Operation, target string, perform func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if intercept := e.interceptor(); intercept != nil {
		if err := intercept(ctx, operation, e.nameOf(target)); err != nil {
			return err
		}
	}
	e.mutex.Lock()
	defer e.mutex.Unlock()
	if e.down {
		return engine.ErrUnavailable
	}
	e.calls[operation]++
	if operation.isWrite() {
		e.writes = append(e.writes, describe(operation, e.nameFor(target)))
	}
	fault := e.takeFault(operation)
	if fault != nil && !fault.AnswerLost {
		return fault.Err
	}
	err := perform()
	if fault != nil && err == nil {
		return fault.Err
	}
	return err
}

// describe returns an operation and its target in words.
func describe(operation Operation, target string) string {
	if target == "" {
		return string(operation)
	}
	return string(operation) + " " + target
}

func (e *Engine) interceptor() func(context.Context, Operation, string) error {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	return e.intercept
}

// takeFault returns the fault that is due for an operation, and removes it.
func (e *Engine) takeFault(operation Operation) *Fault {
	var due *Fault
	e.faults = slices.DeleteFunc(e.faults, func(fault *Fault) bool {
		if fault.Operation != operation {
			return false
		}
		fault.Nth--
		if fault.Nth > 0 || due != nil {
			return false
		}
		due = fault
		return true
	})
	if due != nil && due.Err == nil {
		due.Err = engine.ErrUnavailable
	}
	return due
}

// nameOf returns the name of what has an id, else the text itself.
func (e *Engine) nameOf(target string) string {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	return e.nameFor(target)
}

func (e *Engine) nameFor(target string) string {
	if found, ok := e.containers[target]; ok {
		return found.spec.Name
	}
	if found, ok := e.networks[target]; ok {
		return found.Name
	}
	return target
}
