// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package generate

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deckyard/deckyard/internal/catalogue"
)

// Scenario 69: what is visible from inside, the names of deckies and LANs, is made
// of words that say nothing of what they are.
func TestWordsGiveNothingAway(t *testing.T) {
	t.Parallel()
	telling := regexp.MustCompile(`deck|decoy|decept|honey|pot|trap|bait|lure|fake|canary|sham|dummy|test|generat`)
	label := regexp.MustCompile(`^[a-z]+(-[a-z]+)?$`)
	seen := map[string]bool{}
	for _, word := range append(append(lanWords(), hostWords()...), dmzName, gatewayName[:2]) {
		if telling.MatchString(word) || !label.MatchString(word) || seen[word] {
			t.Errorf("word %q", word)
		}
		seen[word] = true
	}
}

func TestNamesFollowTheDistribution(t *testing.T) {
	t.Parallel()
	known, err := catalogue.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, archetype := range known.Archetypes() {
		for _, distribution := range archetype.Distributions {
			if _, decided := hostStyles()[distribution]; !decided {
				t.Errorf("distribution %s of archetype %s has no style of host name", distribution, archetype.Name)
			}
		}
	}
	names := namer{map[string]int{}}
	var have []string
	for range 2 {
		for _, distribution := range []string{"debian", "rocky9", ""} {
			name, hostname := names.host(hostStyles()[distribution], "elm")
			have = append(have, fmt.Sprintf("%s|%s", name, hostname))
		}
		have = append(have, names.lan("office"))
	}
	want := []string{
		"srv-elm-01|", "elm01|elm01.localdomain", "elm-01|", "office",
		"srv-elm-02|", "elm02|elm02.localdomain", "elm-02|", "office-2",
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("(-want +have):\n%s", diff)
	}
}
