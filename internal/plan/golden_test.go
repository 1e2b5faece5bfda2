// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deckyard/deckyard/internal/plan"
)

var update = flag.Bool("update", false, "write the golden files anew")

// checkGolden compares a plan's text with testdata/NAME.golden.
func checkGolden(t *testing.T, name string, planned plan.Plan) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	have := planned.String()
	if *update {
		if err := os.WriteFile(path, []byte(have), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), have); diff != "" {
		t.Errorf("plan differs from %s (-want +have):\n%s", path, diff)
	}
}
