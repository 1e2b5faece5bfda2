// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"html"
	"slices"
	"strings"

	"github.com/deckyard/deckyard/test/bench/result"
)

// Sizes in the plot's own units.
const (
	labelWidth  = 390
	chartWidth  = 420
	valueWidth  = 110
	rowHeight   = 24
	titleHeight = 26
)

// The colours of ours and of what it is compared with, on light and on dark.
const (
	ourColour   = "#1f77b4"
	otherColour = "#c2710c"
	textColour  = "#808080"
)

// A row is one series of a plot.
type row struct {
	label  string
	values []float64
	colour string
}

// plot draws every figure of a case: a panel for each unit, a row for each series,
// a dot for each figure and a stroke at the median.
func plot(measured result.Case) string {
	var body strings.Builder
	height := 0
	for _, unit := range units(measured) {
		height = drawPanel(&body, rows(measured, unit), unit, height)
	}
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="%[1]d" height="%[2]d" viewBox="0 0 %[1]d %[2]d" font-family="sans-serif" font-size="12">`+"\n%[3]s</svg>\n",
		labelWidth+chartWidth+valueWidth, height, body.String())
}

func units(measured result.Case) []string {
	var found []string
	for _, comparison := range measured.Comparisons {
		if !slices.Contains(found, comparison.Unit) {
			found = append(found, comparison.Unit)
		}
	}
	return found
}

// rows returns the series of one unit, each once.
func rows(measured result.Case, unit string) []row {
	var found []row
	add := func(label string, values []float64, colour string) {
		isThere := slices.ContainsFunc(found, func(other row) bool { return other.label == label })
		if !isThere && len(values) > 0 {
			found = append(found, row{label, values, colour})
		}
	}
	for _, comparison := range measured.Comparisons {
		if comparison.Unit != unit {
			continue
		}
		add(comparison.What, comparison.Ours, ourColour)
		if comparison.Reference != "" {
			add(comparison.What+" — "+comparison.Reference, comparison.Against, otherColour)
		}
	}
	return found
}

// drawPanel draws the rows of one unit below what is there, and returns where it ends.
func drawPanel(body *strings.Builder, drawn []row, unit string, top int) int {
	most := 0.0
	for _, each := range drawn {
		most = max(most, slices.Max(each.values))
	}
	if most == 0 {
		most = 1
	}
	at := func(value float64) float64 { return labelWidth + chartWidth*value/most }
	fmt.Fprintf(body, `<text x="%d" y="%d" fill="%s">0</text><text x="%d" y="%d" fill="%s" text-anchor="end">%s %s</text>`+"\n",
		labelWidth, top+titleHeight-8, textColour, labelWidth+chartWidth, top+titleHeight-8, textColour, number(most), html.EscapeString(unit))
	top += titleHeight
	for _, each := range drawn {
		middle := top + rowHeight/2
		fmt.Fprintf(body, `<text x="%d" y="%d" fill="%s" text-anchor="end">%s</text>`, labelWidth-10, middle+4, textColour, html.EscapeString(each.label))
		fmt.Fprintf(body, `<line x1="%d" y1="%d" x2="%d" y2="%d" stroke="%s" stroke-opacity="0.3"/>`, labelWidth, middle, labelWidth+chartWidth, middle, textColour)
		for _, value := range each.values {
			fmt.Fprintf(body, `<circle cx="%.1f" cy="%d" r="3.5" fill="%s" fill-opacity="0.35"/>`, at(value), middle, each.colour)
		}
		median := result.Median(each.values)
		fmt.Fprintf(body, `<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="%s" stroke-width="2.5"/>`, at(median), middle-9, at(median), middle+9, each.colour)
		fmt.Fprintf(body, `<text x="%d" y="%d" fill="%s">%s</text>`+"\n", labelWidth+chartWidth+10, middle+4, each.colour, number(median)+" "+html.EscapeString(unit))
		top += rowHeight
	}
	return top + rowHeight/2
}
