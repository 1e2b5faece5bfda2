// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/deckyard/deckyard/test/bench/result"
)

// The spread that is shown lies between these quantiles: of five rounds all.
const lower, upper = 0.1, 0.9

// describe returns the section of a case.
func describe(measured result.Case) string {
	var text strings.Builder
	for _, note := range measured.Notes {
		fmt.Fprintf(&text, "%s.\n", capitalised(strings.TrimRight(note, ".;")))
	}
	text.WriteString("\n| | Deckyard | compared with | ratio | aim |\n| --- | --- | --- | --- | --- |\n")
	for _, comparison := range measured.Comparisons {
		reference, ratio := "", ""
		if comparison.Reference != "" {
			reference = comparison.Reference + " " + spread(comparison.Against, comparison.Unit)
			ratio = number(comparison.Measured(result.Ratio)) + roundRatios(comparison)
		}
		fmt.Fprintf(&text, "| %s | %s | %s | %s | %s |\n",
			comparison.What, spread(comparison.Ours, comparison.Unit), reference, ratio, aims(comparison))
	}
	fmt.Fprintf(&text, "\n![%s](performance/%s.svg)\n\n%s\n", measured.Name, measured.Name, machine(measured.Machine))
	return text.String()
}

func capitalised(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// spread writes the median, the spread and the number of figures.
func spread(values []float64, unit string) string {
	return fmt.Sprintf("%s %s (%s to %s, %d×)", number(result.Median(values)), unit,
		number(result.Quantile(values, lower)), number(result.Quantile(values, upper)), len(values))
}

// fewRounds is how many figures are rounds of which each side had its part.
const fewRounds = 10

// roundRatios writes the spread of the rounds' own ratios, where there are few.
func roundRatios(comparison result.Comparison) string {
	ratios := comparison.Ratios()
	if len(ratios) > fewRounds {
		return ""
	}
	return fmt.Sprintf(" (%s to %s)", number(result.Quantile(ratios, lower)), number(result.Quantile(ratios, upper)))
}

// aims says what was aimed at, and whether it was met.
func aims(comparison result.Comparison) string {
	words := make([]string, 0, len(comparison.Aims))
	for _, aim := range comparison.Aims {
		measured := comparison.Measured(aim.Measure)
		verdict := "met"
		if measured > aim.AtMost {
			verdict = "**missed**"
		}
		words = append(words, fmt.Sprintf("%s: %s", limit(aim, measured, comparison), verdict))
	}
	return strings.Join(words, "; ")
}

func limit(aim result.Aim, measured float64, comparison result.Comparison) string {
	switch aim.Measure {
	case result.Ratio:
		return fmt.Sprintf("at most %s times", number(aim.AtMost))
	case result.TailRatio:
		return fmt.Sprintf("99th of 100 at most %s times, is %s", number(aim.AtMost), number(measured))
	case result.Excess:
		return fmt.Sprintf("at most %s %s more, is %s", number(aim.AtMost), comparison.Unit, number(measured))
	case result.Value:
	}
	return fmt.Sprintf("at most %s %s", number(aim.AtMost), comparison.Unit)
}

// number writes a figure with what can be told of it.
func number(value float64) string {
	const many, some = 100, 10
	switch {
	case value == math.Trunc(value) || math.Abs(value) >= many:
		return strconv.FormatFloat(value, 'f', 0, 64)
	case math.Abs(value) >= some:
		return strconv.FormatFloat(value, 'f', 1, 64)
	default:
		return strconv.FormatFloat(value, 'f', 2, 64)
	}
}

func machine(m result.Machine) string {
	return fmt.Sprintf("%s: %d × %s, Linux %s, Docker Engine %s, %s, revision %s, load average at the end %s.",
		m.Date, m.Cores, m.Processor, m.Kernel, m.Engine, m.Go, m.Revision, m.Load)
}
