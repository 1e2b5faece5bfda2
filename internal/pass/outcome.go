// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package pass

import (
	"context"
	"errors"
	"regexp"
	"time"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/fault"
)

// kind is the closed set of ways in which a step or a pass ends.
type kind int

const (
	kindContinue kind = iota
	kindDone
	kindProgress
	kindApplied
	kindSettling
	kindWait
	kindRetry
	kindStall
	kindPause
	kindGone
)

// Outcome is how a step ended. The zero value is Continue.
type Outcome struct {
	kind    kind
	reason  v1alpha1.Reason
	message string
	err     error
	after   time.Duration
}

// Continue goes on with the next step.
func Continue() Outcome { return Outcome{} }

// Done ends a pass that found everything as desired.
func Done(message string) Outcome {
	return Outcome{kind: kindDone, reason: v1alpha1.ReasonSucceeded, message: message}
}

// DoneUntil is Done for what nothing tells the end of: a later pass, after the
// given time, looks again.
func DoneUntil(message string, after time.Duration) Outcome {
	return Outcome{kind: kindDone, reason: v1alpha1.ReasonSucceeded, message: message, after: after}
}

// Progress ends a pass that waits for the effect of changes: a later pass, after
// the given time at the latest, looks again.
func Progress(reason v1alpha1.Reason, message string, after time.Duration) Outcome {
	return Outcome{kind: kindProgress, reason: reason, message: message, after: after}
}

// Applied ends a pass that made changes. A pass that looks at their result
// follows, at once or after the given time at the latest.
func Applied(reason v1alpha1.Reason, message string, after time.Duration) Outcome {
	return Outcome{kind: kindApplied, reason: reason, message: message, after: after}
}

// Settling is Progress for what will be over in a moment, such as a process that
// does not listen yet. It is not written if status says Progressing already, or says
// nothing yet, which means the same.
func Settling(reason v1alpha1.Reason, message string, after time.Duration) Outcome {
	return Outcome{kind: kindSettling, reason: reason, message: message, after: after}
}

// Wait ends a pass that needs something else first; a watch wakes the object.
func Wait(reason v1alpha1.Reason, message string) Outcome {
	return Outcome{kind: kindWait, reason: reason, message: message}
}

// WaitUnwatched is Wait for what no watch tells of: the object is looked at again
// after the given time.
func WaitUnwatched(reason v1alpha1.Reason, message string, after time.Duration) Outcome {
	return Outcome{kind: kindWait, reason: reason, message: message, after: after}
}

// Retry ends a pass because the world failed; it is repeated with back-off.
func Retry(err error) Outcome {
	reason := v1alpha1.ReasonEngineRefused
	switch {
	case errors.Is(err, engine.ErrUnavailable), errors.Is(err, engine.ErrDenied):
		reason = v1alpha1.ReasonEngineUnavailable
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		reason = v1alpha1.ReasonProgressing
	}
	return Outcome{kind: kindRetry, reason: reason, message: withoutIDs(err), err: err}
}

// dockerID matches the id of a Docker object, with what a message puts around it.
var dockerID = regexp.MustCompile(`:? ["(]?[0-9a-f]{64}[")]?`)

// withoutIDs returns an error's text without the ids in it. They say nothing to
// a person, and some are new at each attempt: status would never be at rest.
func withoutIDs(err error) string { return dockerID.ReplaceAllLiteralString(err.Error(), "") }

// RetryBecause is Retry with a reason and message of the caller's.
func RetryBecause(reason v1alpha1.Reason, message string, err error) Outcome {
	return Outcome{kind: kindRetry, reason: reason, message: message, err: err}
}

// Stall ends a pass that only a change by the user can help.
func Stall(reason v1alpha1.Reason, message string) Outcome {
	return Outcome{kind: kindStall, reason: reason, message: message}
}

// StallOn is Stall for a mistake in the spec.
func StallOn(mistake *fault.Fault) Outcome {
	return Stall(mistake.Reason, mistake.Error())
}

// Pause ends a pass of a suspended topology in which something would change.
func Pause(message string) Outcome {
	return Outcome{kind: kindPause, reason: v1alpha1.ReasonSuspended, message: message}
}

// Gone ends a pass after which the object does not exist any more: there is
// nothing to report on.
func Gone() Outcome { return Outcome{kind: kindGone} }

// HasApplied reports whether the pass made changes.
func (o Outcome) HasApplied() bool { return o.kind == kindApplied }

// IsContinue reports whether the next step follows.
func (o Outcome) IsContinue() bool { return o.kind == kindContinue }

// Reason returns why the pass ended.
func (o Outcome) Reason() v1alpha1.Reason { return o.reason }

// Message returns why the pass ended, for a person.
func (o Outcome) Message() string { return o.message }

// Step is one step of a pass.
type Step func(ctx context.Context) Outcome

// Run runs steps until one ends the pass. Steps that all continue are Done.
func Run(ctx context.Context, steps []Step) Outcome {
	for _, step := range steps {
		if outcome := step(ctx); !outcome.IsContinue() {
			return outcome
		}
	}
	return Done("")
}
