// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/model"
)

// setFilter plans the filter rules of a LAN's bridge, unless they are as desired
// or cannot be known. It returns the action's id, or 0.
func (b *builder) setFilter(desired model.NetworkSpec, observed model.Observed) int {
	want, wanted := desired.FilterSpec()
	if !wanted || observed.FirewallFault != "" {
		return 0
	}
	reason, seen := v1alpha1.ReasonFilterMissing, absent
	if have, found := filterOf(want, observed); found {
		if have.Intact && have.Policy == want.Policy {
			return 0
		}
		reason, seen = v1alpha1.ReasonFilterDrifted, filterText(have)
	}
	return b.add(&SetFilter{Spec: want}, why{reason, desired.Name + ": " + wantText("is", seen, policyText(want.Policy))})
}

// IsFiltered reports whether the filter rules of a network's bridge are seen to be
// as desired.
func IsFiltered(desired model.NetworkSpec, observed model.Observed) bool {
	want, _ := desired.FilterSpec()
	have, found := filterOf(want, observed)
	return found && have.Intact && have.Policy == want.Policy
}

func filterOf(want model.FilterSpec, observed model.Observed) (model.Filter, bool) {
	index := slices.IndexFunc(observed.Filters, func(have model.Filter) bool {
		return have.Bridge == want.Bridge && want.Owner.Owns(have.Identity())
	})
	if index < 0 {
		return model.Filter{}, false
	}
	return observed.Filters[index], true
}

// removeFilters plans the removal of an owner's filter rules but for those of one bridge.
func (b *builder) removeFilters(owner model.Owner, except string, why why, observed model.Observed, after ...int) {
	for _, filter := range observed.Filters {
		if filter.Bridge != except && owner.Owns(filter.Identity()) {
			b.add(&RemoveFilter{Owner: owner, Bridge: filter.Bridge}, why, after...)
		}
	}
}

// firewallFault refuses a network whose filter rules cannot be known or set.
func firewallFault(desired model.NetworkSpec, observed model.Observed) *Block {
	if _, wanted := desired.FilterSpec(); !wanted || observed.FirewallFault == "" {
		return nil
	}
	return &Block{v1alpha1.ReasonFirewallUnavailable, fmt.Sprintf("network %q cannot be contained: %s", desired.Name, observed.FirewallFault)}
}

// filterText says what passes at a bridge whose rules were seen.
func filterText(have model.Filter) string {
	if !have.Intact {
		return "damaged"
	}
	return policyText(have.Policy)
}

// policyText says what passes at a bridge.
func policyText(policy model.FilterPolicy) string {
	var passes []string
	if policy.Published {
		passes = append(passes, "published ports")
	}
	if policy.Egress.IsValid() {
		passes = append(passes, "egress from "+policy.Egress.String())
	}
	if policy.RoutedFrames {
		passes = append(passes, "routed frames")
	}
	if len(passes) == 0 {
		return "nothing passes"
	}
	return strings.Join(passes, ", ") + " may pass"
}
