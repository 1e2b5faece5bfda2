// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deckyard/deckyard/internal/model"
)

func examplePolicies() map[string]model.FilterPolicy {
	return map[string]model.FilterPolicy{
		"inner":     {},
		"published": {Published: true},
		"egress":    {Published: true, Egress: netip.MustParsePrefix("10.1.2.0/24")},
		"other":     {Published: true, Egress: netip.MustParsePrefix("10.1.0.0/17")},
	}
}

func TestPolicyIsRecognisedByItsRules(t *testing.T) {
	t.Parallel()
	for name, policy := range examplePolicies() {
		rules := compile("br-1", policy)
		slices.Reverse(rules)
		have, whole := decompile("br-1", rules)
		if !whole || have != policy {
			t.Errorf("%s: %+v, whole %t", name, have, whole)
		}
	}
}

// Rules that lack one, or are another bridge's, are no policy's.
func TestIncompleteRulesAreNoPolicy(t *testing.T) {
	t.Parallel()
	for name, policy := range examplePolicies() {
		rules := compile("br-1", policy)
		for i := range rules {
			if have, whole := decompile("br-1", slices.Delete(slices.Clone(rules), i, i+1)); whole {
				t.Errorf("%s without rule %d is taken for %+v", name, i, have)
			}
		}
		if _, whole := decompile("br-1", append(slices.Clone(rules), rules[0])); whole {
			t.Errorf("%s with a rule twice is whole", name)
		}
		if _, whole := decompile("br-2", rules); whole {
			t.Errorf("%s is taken for another bridge's", name)
		}
	}
}

func TestOwnerIsReadBackFromItsTag(t *testing.T) {
	t.Parallel()
	owner := model.Owner{Instance: "8c1f-1", Kind: model.OwnerLAN, Namespace: "lab", Name: "dmz", UID: "77-a"}
	if have, ok := ownerOf(tagOf(owner)); !ok || have != owner {
		t.Errorf("owner %+v, %t", have, ok)
	}
	for _, tag := range []string{"", "deckyard-", "deckyard-i u", "deckyard-i u n", "deckyard- u n/l", "i u n/l", "deckyard-i u n/l x"} {
		if have, ok := ownerOf(tag); ok {
			t.Errorf("%q is of %+v", tag, have)
		}
	}
}

func TestAcceptedFramesAreFoundAmongTheRulesOfOthers(t *testing.T) {
	t.Parallel()
	listed := `-N DOCKER-USER
-A DOCKER-USER -i br-1 -o br-1 -m comment --comment "deckyard-i u n/l" -j ACCEPT
-A DOCKER-USER -i br-1 -o br-2 -m comment --comment "deckyard-i u n/l" -j ACCEPT
-A DOCKER-USER -i br-3 -o br-3 -m comment --comment "deckyard-i u n/l" -j DROP
-A DOCKER-USER -i br-4 -o br-4 -m comment --comment "somebody else's" -j ACCEPT
-A DOCKER-USER -i br-5 -o br-5 -p tcp -m comment --comment "deckyard-i u n/l" -j ACCEPT
-A DOCKER-USER -j RETURN
`
	want := []acceptance{{tag: "deckyard-i u n/l", bridge: "br-1"}}
	if diff := cmp.Diff(want, parseAcceptances(listed), cmp.AllowUnexported(acceptance{})); diff != "" {
		t.Errorf("accepted (-want +have):\n%s", diff)
	}
}

// A spec that could not be read back, or let more pass than it says, is refused.
func TestInvalidFiltersAreRefused(t *testing.T) {
	t.Parallel()
	valid := model.FilterSpec{
		Owner:  model.Owner{Instance: "i", Namespace: "n", Name: "l", UID: "u"},
		Bridge: "br-0123456789ab",
		Policy: model.FilterPolicy{Published: true, Egress: netip.MustParsePrefix("10.0.0.0/24")},
	}
	if err := validateFilter(valid); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*model.FilterSpec){
		"no bridge":              func(s *model.FilterSpec) { s.Bridge = "" },
		"long bridge":            func(s *model.FilterSpec) { s.Bridge += "c" },
		"quoted bridge":          func(s *model.FilterSpec) { s.Bridge = `br-"` },
		"no instance":            func(s *model.FilterSpec) { s.Owner.Instance = "" },
		"blank in the namespace": func(s *model.FilterSpec) { s.Owner.Namespace = "a b" },
		"slash in the name":      func(s *model.FilterSpec) { s.Owner.Name = "a/b" },
		"egress of an inner LAN": func(s *model.FilterSpec) { s.Policy.Published = false },
		"egress of everybody":    func(s *model.FilterSpec) { s.Policy.Egress = netip.MustParsePrefix("0.0.0.0/0") },
		"egress of IPv6":         func(s *model.FilterSpec) { s.Policy.Egress = netip.MustParsePrefix("fd00::/64") },
		"unmasked egress":        func(s *model.FilterSpec) { s.Policy.Egress = netip.MustParsePrefix("10.0.0.1/24") },
	} {
		spec := valid
		change(&spec)
		if validateFilter(spec) == nil {
			t.Errorf("%s is not refused", name)
		}
	}
}
