// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Command scenariodocs writes docs/scenarios.md: the behaviours of
// docs/scenarios.yaml, each with the tests that name its number in a comment. A
// number that no behaviour has is an error. Run it in the root of the repository.
package main

import (
	"fmt"
	"os"
)

const (
	listFile = "docs/scenarios.yaml"
	pageFile = "docs/scenarios.md"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "scenariodocs:", err)
		os.Exit(1)
	}
}

func run() error {
	list, err := os.ReadFile(listFile)
	if err != nil {
		return fmt.Errorf("read list: %w", err)
	}
	groups, err := parseGroups(list)
	if err != nil {
		return fmt.Errorf("parse %s: %w", listFile, err)
	}
	proofs, err := findProofs(os.DirFS("."))
	if err != nil {
		return err
	}
	if err := checkNumbers(groups, proofs); err != nil {
		return err
	}
	if err := os.WriteFile(pageFile, []byte(page(groups, proofs)), 0o644); err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	return nil
}
