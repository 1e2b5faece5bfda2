// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package pass_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/pass"
)

func TestRunEndsWithTheFirstStepThatEndsThePass(t *testing.T) {
	t.Parallel()
	var ran []string
	step := func(name string, outcome pass.Outcome) pass.Step {
		return func(context.Context) pass.Outcome {
			ran = append(ran, name)
			return outcome
		}
	}
	outcome := pass.Run(t.Context(), []pass.Step{
		step("resolve", pass.Continue()), step("validate", pass.Stall(v1alpha1.ReasonInvalidSpec, "no")), step("apply", pass.Continue()),
	})
	if diff := cmp.Diff([]string{"resolve", "validate"}, ran); diff != "" {
		t.Errorf("steps (-want +have):\n%s", diff)
	}
	if outcome.Reason() != v1alpha1.ReasonInvalidSpec || outcome.Message() != "no" || outcome.IsContinue() {
		t.Errorf("outcome %+v", outcome)
	}
}

func TestStepsThatAllContinueAreDone(t *testing.T) {
	t.Parallel()
	outcome := pass.Run(t.Context(), []pass.Step{func(context.Context) pass.Outcome { return pass.Continue() }})
	if outcome.IsContinue() || outcome.Reason() != v1alpha1.ReasonSucceeded {
		t.Errorf("outcome %+v", outcome)
	}
}

// Ids say nothing to a person, and some are new at each attempt.
func TestMessagesHoldNoIDs(t *testing.T) {
	t.Parallel()
	id := strings.Repeat("0a1b2c3d", 8)
	for text, want := range map[string]string{
		`start container "lab_acme_web": start container "` + id + `": no such container: ` + id: `start container "lab_acme_web": start container: no such container`,
		"programming failed on endpoint lab_acme_web (" + id + "): port is already allocated":    "programming failed on endpoint lab_acme_web: port is already allocated",
		"list networks: cannot connect to the engine":                                            "list networks: cannot connect to the engine",
	} {
		outcome := pass.Retry(fmt.Errorf("%s: %w", text, engine.ErrConflict))
		if have := outcome.Message(); have != want+": conflict" {
			t.Errorf("message %q, want %q", have, want)
		}
	}
}
