// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/deckyard/deckyard/api/v1alpha1"
)

// Plan is what is to be done for one owner, and what cannot be done.
type Plan struct {
	// Actions are in an order that may be followed; their After lists say what
	// must be.
	Actions []Action
	// Blocked says what keeps the plan from being complete; nil if nothing does.
	// The actions do not depend on it: they are what can be done all the same.
	Blocked *Block
	// Disruption is what the actions disrupt.
	Disruption Disruption
	// RecreatePending names the API fields, sorted, whose change waits for
	// consent to recreate the base. It is "spec" where only the hash tells.
	RecreatePending []string
	// Findings are what was seen and calls for no action of the operator.
	Findings []Finding
	// KeepGoing makes a failed action hold back only those that depend on it.
	// Otherwise it holds back all that have not begun.
	KeepGoing bool
}

// Block is a reason why something is not done now. Its cause lies outside of
// the owner's spec, so it can go away without the user's doing.
type Block struct {
	Reason v1alpha1.Reason
	// Message is a sentence for a person: the object, the culprit, the next step.
	Message string
}

// Finding is something to report.
type Finding struct {
	Reason v1alpha1.Reason
	// Object is the Docker object's name.
	Object string
	// Message is a sentence for a person.
	Message string
}

// Empty reports whether nothing is to be done and nothing is in the way. A
// change that waits for consent leaves a plan empty.
func (p Plan) Empty() bool { return len(p.Actions) == 0 && p.Blocked == nil }

// String returns one line per action, "[deps] -> #n verb target, reason,
// detail", then what they disrupt, what is in the way, what waits for consent,
// and the findings.
func (p Plan) String() string {
	var out strings.Builder
	deps := make([]string, len(p.Actions))
	width := 0
	for i, action := range p.Actions {
		deps[i] = formatIDs(action.Common().After)
		width = max(width, len(deps[i]))
	}
	for i, action := range p.Actions {
		fmt.Fprintf(&out, "%-*s -> %s\n", width, deps[i], Describe(action))
	}
	if len(p.Actions) > 0 {
		fmt.Fprintf(&out, "disrupts %s\n", p.Disruption)
	}
	if p.Blocked != nil {
		fmt.Fprintf(&out, "blocked: %s, %s\n", p.Blocked.Reason, p.Blocked.Message)
	}
	if len(p.RecreatePending) > 0 {
		fmt.Fprintf(&out, "waits for consent to recreate the base: %s\n", strings.Join(p.RecreatePending, ", "))
	}
	for _, finding := range p.Findings {
		fmt.Fprintf(&out, "finding: %s %s, %s\n", finding.Reason, finding.Object, finding.Message)
	}
	if out.Len() == 0 {
		return "nothing to do\n"
	}
	return out.String()
}

// Describe returns an action in words: "#n verb target, reason, detail".
func Describe(action Action) string {
	kind, name := action.Target()
	meta := action.Common()
	detail := meta.Detail
	if detail == "" {
		detail = "-"
	}
	if meta.Destructive {
		detail += ", destructive"
	}
	return fmt.Sprintf("#%d %s %s %s, %s, %s", meta.ID, action.Verb(), kind, name, meta.Reason, detail)
}

func formatIDs(ids []int) string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = strconv.Itoa(id)
	}
	return "[" + strings.Join(texts, ",") + "]"
}
