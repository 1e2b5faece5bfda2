// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package dryrun

import (
	"encoding/json"

	"github.com/deckyard/deckyard/internal/plan"
)

// reportJSON is the form of a report for programs.
type reportJSON struct {
	Changes   bool         `json:"changes"`
	Mistakes  bool         `json:"mistakes"`
	Refusals  []string     `json:"refusals,omitempty"`
	Objects   []objectJSON `json:"objects"`
	Suspended []string     `json:"suspended,omitempty"`
	Images    []string     `json:"images,omitempty"`
}

type objectJSON struct {
	Kind            string       `json:"kind"`
	Namespace       string       `json:"namespace"`
	Name            string       `json:"name"`
	Change          Change       `json:"change,omitempty"`
	Disruption      string       `json:"disrupts,omitempty"`
	Actions         []actionJSON `json:"actions,omitempty"`
	Blocked         string       `json:"blocked,omitempty"`
	RecreatePending []string     `json:"recreatePending,omitempty"`
	State           State        `json:"state,omitempty"`
	Reason          string       `json:"reason,omitempty"`
	Message         string       `json:"message,omitempty"`
}

type actionJSON struct {
	ID          int    `json:"id"`
	After       []int  `json:"after,omitempty"`
	Verb        string `json:"verb"`
	TargetKind  string `json:"targetKind"`
	Target      string `json:"target"`
	Reason      string `json:"reason"`
	Detail      string `json:"detail,omitempty"`
	Destructive bool   `json:"destructive,omitempty"`
}

// MarshalJSON implements json.Marshaler.
func (r Report) MarshalJSON() ([]byte, error) {
	form := reportJSON{
		Changes: r.HasChanges(), Mistakes: r.HasMistakes(), Refusals: r.Refusals, Objects: []objectJSON{}, Suspended: r.Suspended, Images: r.Images,
	}
	for _, object := range r.Objects {
		form.Objects = append(form.Objects, object.json())
	}
	return json.Marshal(form)
}

func (o Object) json() objectJSON {
	form := objectJSON{
		Kind: o.Kind, Namespace: o.Namespace, Name: o.Name, Change: o.Change, RecreatePending: o.Plan.RecreatePending,
		State: o.State, Reason: string(o.Reason), Message: o.Message,
	}
	if len(o.Plan.Actions) > 0 {
		form.Disruption = o.Plan.Disruption.String()
	}
	if o.Plan.Blocked != nil {
		form.Blocked = o.Plan.Blocked.Message
	}
	for _, action := range o.Plan.Actions {
		form.Actions = append(form.Actions, o.actionJSON(action))
	}
	return form
}

func (o Object) actionJSON(action plan.Action) actionJSON {
	kind, target := action.Target()
	about := action.Common()
	return actionJSON{
		ID: about.ID, After: about.After, Verb: action.Verb(), TargetKind: string(kind), Target: o.Readable(target),
		Reason: string(about.Reason), Detail: about.Detail, Destructive: about.Destructive,
	}
}
