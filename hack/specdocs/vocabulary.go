// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
)

// vocabulary is what the constants of the API say about conditions and reasons.
type vocabulary struct {
	conditions []word
	// reasons are grouped as in the source.
	reasons []reasonGroup
}

// word is one constant: a condition type or a reason.
type word struct {
	name    string
	meaning string
	// kinds are the kinds that a condition is for; empty for a reason.
	kinds []string
}

type reasonGroup struct {
	title string
	words []word
}

func readVocabulary(path string) (vocabulary, error) {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
	if err != nil {
		return vocabulary{}, fmt.Errorf("parse constants: %w", err)
	}
	var read vocabulary
	for _, declaration := range file.Decls {
		constants, ok := declaration.(*ast.GenDecl)
		if !ok || constants.Tok != token.CONST {
			continue
		}
		words, err := readWords(constants)
		if err != nil {
			return vocabulary{}, err
		}
		if strings.HasPrefix(words[0].name, "Condition") {
			read.conditions = append(read.conditions, asConditions(words)...)
			continue
		}
		group := reasonGroup{title: strings.TrimSuffix(strings.TrimSpace(constants.Doc.Text()), "."), words: words}
		for i := range group.words {
			group.words[i].name = strings.TrimPrefix(group.words[i].name, "Reason")
		}
		read.reasons = append(read.reasons, group)
	}
	return read, nil
}

func readWords(constants *ast.GenDecl) ([]word, error) {
	words := make([]word, 0, len(constants.Specs))
	for _, spec := range constants.Specs {
		value, ok := spec.(*ast.ValueSpec)
		if !ok || value.Doc == nil {
			return nil, fmt.Errorf("constant without a comment in %q", constants.Doc.Text())
		}
		name := value.Names[0].Name
		text := strings.Join(strings.Fields(value.Doc.Text()), " ")
		text = strings.TrimPrefix(strings.TrimPrefix(text, name), ":")
		words = append(words, word{name: name, meaning: strings.TrimSpace(text)})
	}
	return words, nil
}

// asConditions splits "(LAN, Decky) is True when …" into kinds and meaning. No
// kinds, or "all kinds", means all.
func asConditions(words []word) []word {
	all := []string{"Topology", "LAN", "Decky"}
	for i, condition := range words {
		condition.name = strings.TrimPrefix(condition.name, "Condition")
		condition.kinds = all
		if list, rest, found := strings.Cut(strings.TrimPrefix(condition.meaning, "("), ") "); found && strings.HasPrefix(condition.meaning, "(") {
			condition.meaning = rest
			if list != "all kinds" {
				condition.kinds = strings.Split(list, ", ")
			}
		}
		words[i] = condition
	}
	return words
}

func (v vocabulary) conditionTable(kind string) string {
	var table strings.Builder
	table.WriteString("| condition | meaning |\n| --- | --- |\n")
	for _, condition := range v.conditions {
		if slices.Contains(condition.kinds, kind) {
			fmt.Fprintf(&table, "| `%s` | %s |\n", condition.name, sentence(condition.meaning))
		}
	}
	return table.String()
}

func (v vocabulary) reasonTables() string {
	var text strings.Builder
	for i, group := range v.reasons {
		if i > 0 {
			text.WriteString("\n")
		}
		fmt.Fprintf(&text, "## %s\n\n| reason | meaning |\n| --- | --- |\n", group.title)
		for _, reason := range group.words {
			fmt.Fprintf(&text, "| `%s` | %s |\n", reason.name, sentence(reason.meaning))
		}
	}
	return text.String()
}
