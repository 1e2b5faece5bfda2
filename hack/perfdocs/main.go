// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Command perfdocs writes the generated parts of docs/performance.md: for each
// case that "make bench" left in docs/performance a table of its figures and a
// plot. Run it in the root of the repository.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/deckyard/deckyard/hack/section"
	"github.com/deckyard/deckyard/test/bench/result"
)

const (
	page    = "docs/performance.md"
	figures = "docs/performance"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "perfdocs:", err)
		os.Exit(1)
	}
}

func run() error {
	cases, err := result.ReadAll(figures)
	if err != nil {
		return err
	}
	sections := map[string]string{}
	for _, measured := range cases {
		sections[measured.Name] = describe(measured)
		path := filepath.Join(figures, measured.Name+".svg")
		if err := os.WriteFile(path, []byte(plot(measured)), 0o644); err != nil {
			return fmt.Errorf("write plot: %w", err)
		}
	}
	return section.Rewrite(page, sections)
}
