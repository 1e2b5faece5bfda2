// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package preflight

import (
	"context"
	"fmt"
	"strings"

	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/model"
)

// Read reads the profile of an engine and its host. The error is that of
// engine.Prober, or of the context.
func Read(ctx context.Context, prober engine.Prober, hostProber engine.HostProber) (model.Profile, error) {
	ofEngine, err := prober.Profile(ctx)
	if err != nil {
		return model.Profile{}, err
	}
	ofHost, err := hostProber.HostProfile(ctx, ofEngine)
	if err != nil {
		return model.Profile{}, err
	}
	return model.Profile{Engine: ofEngine, Host: ofHost}, nil
}

// Verdict is what a profile means.
type Verdict struct {
	Profile model.Profile
	// Features are all there are, the required ones first.
	Features []Feature
}

// Judge returns what a profile means.
func Judge(profile model.Profile) Verdict {
	verdict := Verdict{Profile: profile}
	for _, judge := range judges() {
		verdict.Features = append(verdict.Features, judge(profile))
	}
	return verdict
}

// Suitable reports whether topologies can be built: no required feature is off.
func (v Verdict) Suitable() bool { return v.Refusal() == "" }

// Refusal says for a person which required features are off, why, and what to do;
// empty if none is.
func (v Verdict) Refusal() string {
	var refusals []string
	for _, feature := range v.Features {
		if feature.Required && feature.State == Off {
			refusals = append(refusals, feature.Reason+": "+feature.NextStep)
		}
	}
	return strings.Join(refusals, "; ")
}

// Summary says in a sentence what the engine is and which features are off. It is
// the same as long as these are.
func (v Verdict) Summary() string {
	ofEngine := fmt.Sprintf("Docker Engine %s, API %s", v.Profile.Engine.Version, v.Profile.Engine.APIVersion)
	if refusal := v.Refusal(); refusal != "" {
		return ofEngine + ", is not suitable: " + refusal
	}
	var off []string
	for _, feature := range v.Features {
		if feature.State == Off {
			off = append(off, feature.Name)
		}
	}
	if len(off) == 0 {
		return ofEngine + "; no feature is off"
	}
	return ofEngine + "; off: " + strings.Join(off, ", ")
}
