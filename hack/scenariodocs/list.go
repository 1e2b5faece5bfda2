// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"

	"sigs.k8s.io/yaml"
)

// group is a chapter of the list: behaviours by their numbers.
type group struct {
	Title      string         `json:"title"`
	Behaviours map[int]string `json:"behaviours"`
}

// parseGroups reads the list and refuses a number that is there twice.
func parseGroups(content []byte) ([]group, error) {
	var groups []group
	if err := yaml.UnmarshalStrict(content, &groups); err != nil {
		return nil, err
	}
	titles := map[int]string{}
	for _, group := range groups {
		for number := range group.Behaviours {
			if other, taken := titles[number]; taken {
				return nil, fmt.Errorf("scenario %d is in %q and in %q", number, other, group.Title)
			}
			titles[number] = group.Title
		}
	}
	return groups, nil
}

// checkNumbers refuses proofs of what the list does not hold.
func checkNumbers(groups []group, proofs []proof) error {
	known := map[int]bool{}
	for _, group := range groups {
		for number := range group.Behaviours {
			known[number] = true
		}
	}
	var unknown []error
	for _, proof := range proofs {
		if !known[proof.scenario] {
			unknown = append(unknown, fmt.Errorf("%s: %s names scenario %d, which does not exist", proof.file, proof.test, proof.scenario))
		}
	}
	return errors.Join(unknown...)
}
