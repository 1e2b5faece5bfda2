// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"sigs.k8s.io/yaml"
)

// writeEncoded writes a report for programs, in the format json or yaml.
func writeEncoded(out io.Writer, format string, report any) error {
	encode := yaml.Marshal
	if format == "json" {
		encode = marshalLines
	}
	encoded, err := encode(report)
	if err != nil {
		return err
	}
	_, err = out.Write(encoded)
	return err
}

// marshalLines encodes as JSON that people can read as well.
func marshalLines(report any) ([]byte, error) {
	encoded, err := json.MarshalIndent(report, "", "  ")
	return append(encoded, '\n'), err
}

// writeColumns writes rows with their cells below each other, padding apart. A row
// without cells parts two tables.
func writeColumns(out io.Writer, padding int, rows [][]string) error {
	table := tabwriter.NewWriter(out, 0, 0, padding, ' ', 0)
	for _, row := range rows {
		// An error stays with the writer.
		_, _ = fmt.Fprintln(table, strings.Join(row, "\t"))
	}
	return table.Flush()
}
