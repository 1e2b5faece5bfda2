// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package result

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// Case is one run of one case.
type Case struct {
	// Name is that of its file and of its section in the page.
	Name string `json:"name"`
	// Notes are further facts, such as the parallelism that was found best.
	Notes       []string     `json:"notes,omitempty"`
	Comparisons []Comparison `json:"comparisons"`
	Machine     Machine      `json:"machine"`
}

// Comparison is one row: what was measured, and what it is measured against.
type Comparison struct {
	What string `json:"what"`
	Unit string `json:"unit"`
	// Ours are the figures in the order of the rounds.
	Ours []float64 `json:"ours"`
	// Reference names what Against are figures of, round by round; empty if there
	// is nothing to compare with.
	Reference string    `json:"reference,omitempty"`
	Against   []float64 `json:"against,omitempty"`
	Aims      []Aim     `json:"aims,omitempty"`
}

// Measure says which figure of a comparison an aim is about.
type Measure string

// The measures.
const (
	// Value is the median of ours.
	Value Measure = "value"
	// Ratio is ours divided by the reference, both at the median.
	Ratio Measure = "ratio"
	// TailRatio is ours at the 99th of 100 divided by the median of the reference.
	TailRatio Measure = "p99 ratio"
	// Excess is ours less the reference, both at the median.
	Excess Measure = "excess"
)

// Aim is the most that a measure is to be.
type Aim struct {
	Measure Measure `json:"measure"`
	AtMost  float64 `json:"atMost"`
}

// Machine is what a case ran on.
type Machine struct {
	Date      string `json:"date"`
	Processor string `json:"processor"`
	Cores     int    `json:"cores"`
	Kernel    string `json:"kernel"`
	Engine    string `json:"engine"`
	Go        string `json:"go"`
	Revision  string `json:"revision"`
	// Load is the load average at the end, which tells of others on the machine.
	Load string `json:"load"`
}

// Measured returns the figure that an aim is about.
func (c Comparison) Measured(measure Measure) float64 {
	switch measure {
	case Ratio:
		return Median(c.Ours) / Median(c.Against)
	case TailRatio:
		const tail = 0.99
		return Quantile(c.Ours, tail) / Median(c.Against)
	case Excess:
		return Median(c.Ours) - Median(c.Against)
	case Value:
	}
	return Median(c.Ours)
}

// Ratios returns ours divided by the reference, round by round.
func (c Comparison) Ratios() []float64 {
	ratios := make([]float64, 0, len(c.Ours))
	for i := range min(len(c.Ours), len(c.Against)) {
		ratios = append(ratios, c.Ours[i]/c.Against[i])
	}
	return ratios
}

// Median returns the middle of the values; 0 of none.
func Median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}

// Quantile returns the smallest value that at least a fraction of the values does
// not exceed; 0 of none.
func Quantile(values []float64, fraction float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	index := int(fraction * float64(len(sorted)))
	if float64(index) == fraction*float64(len(sorted)) {
		index--
	}
	return sorted[min(max(index, 0), len(sorted)-1)]
}

// Write writes the case to a file of its name in a directory.
func (c Case) Write(directory string) error {
	content, err := json.MarshalIndent(c, "", " ")
	if err != nil {
		return fmt.Errorf("encode case %q: %w", c.Name, err)
	}
	if err := os.WriteFile(filepath.Join(directory, c.Name+".json"), append(content, '\n'), 0o644); err != nil {
		return fmt.Errorf("write case %q: %w", c.Name, err)
	}
	return nil
}

// ReadAll reads the cases of a directory, in the order of their names.
func ReadAll(directory string) ([]Case, error) {
	files, err := filepath.Glob(filepath.Join(directory, "*.json"))
	if err != nil {
		return nil, fmt.Errorf("find cases in %q: %w", directory, err)
	}
	slices.Sort(files)
	cases := make([]Case, 0, len(files))
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read case: %w", err)
		}
		var read Case
		if err := json.Unmarshal(content, &read); err != nil {
			return nil, fmt.Errorf("decode case %q: %w", file, err)
		}
		cases = append(cases, read)
	}
	return cases, nil
}
