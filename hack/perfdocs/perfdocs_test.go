// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/deckyard/deckyard/test/bench/result"
)

func measuredCase() result.Case {
	return result.Case{
		Name:  "repair",
		Notes: []string{"100 deckies"},
		Comparisons: []result.Comparison{
			{
				What: "connected again", Unit: "ms", Ours: []float64{40, 50, 600}, Reference: "a < b", Against: []float64{20, 25, 30},
				Aims: []result.Aim{{Measure: result.Ratio, AtMost: 3}, {Measure: result.TailRatio, AtMost: 10}},
			},
			{What: "lists", Unit: "calls", Ours: []float64{0, 0, 0}, Aims: []result.Aim{{Measure: result.Value, AtMost: 1}}},
		},
	}
}

func TestTableSaysWhatWasAimedAtAndWhetherItWasMet(t *testing.T) {
	t.Parallel()
	text := describe(measuredCase())
	for _, line := range []string{
		"100 deckies.",
		"| connected again | 50 ms (40 to 600, 3×) | a < b 25 ms (20 to 30, 3×) | 2 (2 to 20) | at most 3 times: met; 99th of 100 at most 10 times, is 24: **missed** |",
		"| lists | 0 calls (0 to 0, 3×) |  |  | at most 1 calls: met |",
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("no line %q in:\n%s", line, text)
		}
	}
}

func TestPlotHasADotForEachFigure(t *testing.T) {
	t.Parallel()
	dots := 0
	for decoder := xml.NewDecoder(strings.NewReader(plot(measuredCase()))); ; {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if start, ok := token.(xml.StartElement); ok && start.Name.Local == "circle" {
			dots++
		}
	}
	if dots != 9 {
		t.Errorf("%d dots for 9 figures", dots)
	}
}
