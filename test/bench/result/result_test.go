// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package result_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deckyard/deckyard/test/bench/result"
)

func TestQuantilesAreByNearestRank(t *testing.T) {
	t.Parallel()
	hundred := make([]float64, 100)
	for i := range hundred {
		hundred[i] = float64(100 - i)
	}
	for name, test := range map[string]struct {
		values   []float64
		fraction float64
		want     float64
	}{
		"p99 of 100":  {hundred, 0.99, 99},
		"p90 of 100":  {hundred, 0.90, 90},
		"p10 of 5":    {[]float64{5, 4, 3, 2, 1}, 0.1, 1},
		"p90 of 5":    {[]float64{5, 4, 3, 2, 1}, 0.9, 5},
		"all of one":  {[]float64{7}, 1, 7},
		"none of one": {[]float64{7}, 0, 7},
		"of nothing":  {nil, 0.5, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if have := result.Quantile(test.values, test.fraction); have != test.want {
				t.Errorf("have %v, want %v", have, test.want)
			}
		})
	}
}

func TestAimsAreAboutWhatTheySay(t *testing.T) {
	t.Parallel()
	comparison := result.Comparison{Ours: []float64{10, 40, 20, 30}, Against: []float64{10, 10, 10, 20}}
	for measure, want := range map[result.Measure]float64{
		result.Value: 25, result.Ratio: 2.5, result.TailRatio: 4, result.Excess: 15,
	} {
		if have := comparison.Measured(measure); have != want {
			t.Errorf("%s: have %v, want %v", measure, have, want)
		}
	}
	if difference := cmp.Diff([]float64{1, 4, 2, 1.5}, comparison.Ratios()); difference != "" {
		t.Errorf("ratios (-want +have):\n%s", difference)
	}
}

func TestCasesAreReadAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	written := []result.Case{
		{Name: "attach", Comparisons: []result.Comparison{{
			What: "attach", Unit: "ms", Ours: []float64{1, 2}, Reference: "connect", Against: []float64{3, 4},
			Aims: []result.Aim{{Measure: result.Excess, AtMost: 60}},
		}}},
		{Name: "idle", Notes: []string{"a minute"}, Machine: result.Machine{Cores: 2}},
	}
	for _, each := range written {
		if err := each.Write(directory); err != nil {
			t.Fatal(err)
		}
	}
	read, err := result.ReadAll(directory)
	if err != nil {
		t.Fatal(err)
	}
	if difference := cmp.Diff(written, read); difference != "" {
		t.Errorf("(-written +read):\n%s", difference)
	}
}
