// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/deckyard/deckyard/internal/catalogue"
)

// writeServices writes the tables of the catalogue.
func writeServices(ctx context.Context) error {
	known, err := catalogue.Load(ctx)
	if err != nil {
		return err
	}
	return rewrite("services.md", map[string]string{
		"services":   serviceTables(known),
		"archetypes": archetypeTable(known),
	})
}

func serviceTables(known *catalogue.Catalogue) string {
	var out strings.Builder
	for _, definition := range known.Definitions() {
		fmt.Fprintf(&out, "### %s\n\n%s Listens on %s.\n\n", definition.Name, definition.Summary, portWords(definition))
		if len(definition.Settings) == 0 {
			continue
		}
		out.WriteString("| key | type | default | meaning |\n| --- | --- | --- | --- |\n")
		for _, key := range definition.Keys() {
			setting := definition.Settings[key]
			fmt.Fprintf(&out, "| `%s` | %s | %s | %s |\n", key, typeWords(setting), codeOr(setting.Default, ""), setting.Summary)
		}
		out.WriteString("\n")
	}
	return out.String()
}

func portWords(definition catalogue.Definition) string {
	var words []string
	for _, port := range definition.Ports {
		words = append(words, fmt.Sprintf("%d/%s", port.Number, port.Protocol))
	}
	return strings.Join(words, ", ")
}

func typeWords(setting catalogue.Setting) string {
	words := string(setting.Type)
	switch {
	case len(setting.Values) > 0:
		words += ": " + strings.Join(setting.Values, ", ")
	case setting.Form != "":
		words += ": " + setting.Form
	case setting.Min != nil && setting.Max != nil:
		words += fmt.Sprintf(", %d to %d", *setting.Min, *setting.Max)
	}
	return words
}

func codeOr(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return "`" + value + "`"
}

func archetypeTable(known *catalogue.Catalogue) string {
	var out strings.Builder
	out.WriteString("| archetype | services | OS family |\n| --- | --- | --- |\n")
	for _, archetype := range known.Archetypes() {
		if known.Buildable(archetype) {
			fmt.Fprintf(&out, "| `%s` | %s | %s |\n", archetype.Name, strings.Join(archetype.Services, ", "), archetype.OSFamily)
		}
	}
	return out.String()
}
