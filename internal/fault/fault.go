// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"fmt"

	"github.com/deckyard/deckyard/api/v1alpha1"
)

// Fault is a mistake in a spec that only a change by the user can mend.
type Fault struct {
	// Reason is the condition reason.
	Reason v1alpha1.Reason
	// Field is the JSON path of the culprit, such as spec.services[2].config.banner.
	Field string
	// Message is one sentence: what is wrong, the culprit's value, and the next
	// step. Stable text: no times, no random ids.
	Message string
}

// New returns a Fault with a formatted message.
func New(reason v1alpha1.Reason, field, format string, args ...any) *Fault {
	return &Fault{Reason: reason, Field: field, Message: fmt.Sprintf(format, args...)}
}

// Error returns "field: message", or the message alone.
func (f *Fault) Error() string {
	if f.Field == "" {
		return f.Message
	}
	return f.Field + ": " + f.Message
}
