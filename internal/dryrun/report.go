// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package dryrun

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/plan"
)

// Change is what applying the manifests does to an object of the API.
type Change string

// The changes. The zero value is that of an object of which there is no manifest.
const (
	Created    Change = "created"
	Configured Change = "configured"
	Unchanged  Change = "unchanged"
)

// State is how an object stands for which nothing is planned.
type State string

// The states. The zero value is that of one that is as desired, or has a plan.
const (
	// StateWaiting needs something else first.
	StateWaiting State = "waiting"
	// StateMistaken needs a change by the user.
	StateMistaken State = "mistaken"
	// StatePending needs the consent of the user to recreate a base.
	StatePending State = "pending"
)

// Object is what is planned for one object.
type Object struct {
	Kind, Namespace, Name string
	Change                Change
	// Plan is what the object's next pass does to the engine.
	Plan plan.Plan
	// State, with its reason and message, says why nothing is planned.
	State   State
	Reason  v1alpha1.Reason
	Message string

	// bridge is the name of a bridge that cannot be known yet.
	bridge string
}

// Report is what the operator would do.
type Report struct {
	// Refusals say why the API server would refuse manifests. There is nothing else
	// in the report then.
	Refusals []string
	// Objects are those of the topologies that were planned, a topology before its
	// LANs, and those before its deckies.
	Objects []Object
	// Suspended are topologies in which nothing is done until they go on.
	Suspended []string
	// Images are references that would be brought to the engine.
	Images []string
}

// conclude takes over what a pass that planned nothing says.
func (o *Object) conclude(conditions []metav1.Condition) {
	ready := meta.FindStatusCondition(conditions, v1alpha1.ConditionReady)
	if ready == nil || ready.Status == metav1.ConditionTrue {
		return
	}
	o.State, o.Reason, o.Message = StateWaiting, v1alpha1.Reason(ready.Reason), ready.Message
	switch {
	case o.Reason == v1alpha1.ReasonRecreatePending:
		o.State = StatePending
	case meta.IsStatusConditionTrue(conditions, v1alpha1.ConditionStalled):
		o.State = StateMistaken
	}
}

// HasMistakes reports whether the API server or the operator would refuse something.
func (r Report) HasMistakes() bool {
	if len(r.Refusals) > 0 {
		return true
	}
	for _, object := range r.Objects {
		if object.State == StateMistaken {
			return true
		}
	}
	return false
}

// HasChanges reports whether something would change, on the engine or in the API, or waits
// for consent to.
func (r Report) HasChanges() bool {
	for _, object := range r.Objects {
		if len(object.Plan.Actions) > 0 || object.State == StatePending || object.Change == Created || object.Change == Configured {
			return true
		}
	}
	return false
}

// IsQuiet reports whether there is nothing to say of an object.
func (o Object) IsQuiet() bool {
	return len(o.Plan.Actions) == 0 && o.State == "" && (o.Change == "" || o.Change == Unchanged)
}

// String returns the object, what becomes of it, and its plan, indented.
func (o Object) String() string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s %s/%s", o.Kind, o.Namespace, o.Name)
	if o.Change != "" {
		fmt.Fprintf(&out, " %s", o.Change)
	}
	switch {
	case len(o.Plan.Actions) > 0:
		out.WriteString(":\n")
		for line := range strings.Lines(o.Plan.String()) {
			out.WriteString("  " + o.Readable(line))
		}
	case o.State != "":
		fmt.Fprintf(&out, ": %s, %s: %s\n", o.State, o.Reason, o.Message)
	default:
		out.WriteString(": nothing to do\n")
	}
	return out.String()
}

// Readable replaces in a text what is made up: a bridge's name that depends on the UID
// of an object that does not exist.
func (o Object) Readable(text string) string {
	if o.bridge == "" {
		return text
	}
	return strings.ReplaceAll(text, o.bridge, "of the new bridge")
}
