// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
)

// fieldTable returns one row for every field at or below the named one.
func fieldTable(name string, schema *apiextensionsv1.JSONSchemaProps) string {
	var table strings.Builder
	table.WriteString("| field | type | default | meaning |\n| --- | --- | --- | --- |\n")
	field := schema.Properties[name]
	writeRows(&table, name, &field)
	return table.String()
}

func writeRows(table *strings.Builder, path string, schema *apiextensionsv1.JSONSchemaProps) {
	for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
		field := schema.Properties[name]
		fieldPath := path + "." + name
		if name == "conditions" {
			// Kubernetes defines what a condition consists of.
			fmt.Fprintf(table, "| `%s` | list |  | See below. |\n", fieldPath)
			continue
		}
		fmt.Fprintf(table, "| `%s` | %s | %s | %s |\n", fieldPath, typeOf(&field), defaultOf(&field), meaningOf(schema, path, name))
		switch {
		case field.Items != nil && field.Items.Schema.Type == "object":
			writeRows(table, fieldPath+"[]", field.Items.Schema)
		case field.Type == "object":
			writeRows(table, fieldPath, &field)
		}
	}
}

func typeOf(schema *apiextensionsv1.JSONSchemaProps) string {
	switch {
	case schema.Type == "array":
		return "list"
	case schema.Type == "object" && schema.AdditionalProperties != nil:
		return "map"
	case schema.Format == "date-time":
		return "time"
	default:
		return schema.Type
	}
}

func defaultOf(schema *apiextensionsv1.JSONSchemaProps) string {
	if schema.Default == nil {
		return ""
	}
	return "`" + string(schema.Default.Raw) + "`"
}

// meaningOf joins a field's description with what the schema says about values.
func meaningOf(parent *apiextensionsv1.JSONSchemaProps, path, name string) string {
	schema := parent.Properties[name]
	text := sentence(strings.TrimPrefix(strings.Join(strings.Fields(schema.Description), " "), name+" "))
	// Nobody but the operator writes status.
	if strings.HasPrefix(path, "spec") && slices.Contains(parent.Required, name) {
		text = "**Required.** " + text
	}
	if len(schema.Enum) > 0 {
		values := make([]string, len(schema.Enum))
		for i, value := range schema.Enum {
			values[i] = "`" + strings.Trim(string(value.Raw), `"`) + "`"
		}
		text += " One of " + strings.Join(values, ", ") + "."
	}
	if schema.Minimum != nil && schema.Maximum != nil {
		text += fmt.Sprintf(" From %.0f to %.0f.", *schema.Minimum, *schema.Maximum)
	}
	if schema.MaxItems != nil {
		text += fmt.Sprintf(" At most %d.", *schema.MaxItems)
	}
	if schema.MaxProperties != nil {
		text += fmt.Sprintf(" At most %d keys.", *schema.MaxProperties)
	}
	return strings.ReplaceAll(strings.TrimSpace(text), "|", `\|`)
}

// sentence begins with a capital letter, unless with the path of a field, and
// drops the verb that linked a comment to its identifier.
func sentence(text string) string {
	for _, verb := range []string{"is ", "are ", "says that ", "(Reconciling only) says that "} {
		text = strings.TrimPrefix(text, verb)
	}
	first, _, _ := strings.Cut(text, " ")
	if text == "" || strings.Contains(strings.TrimSuffix(first, "."), ".") {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
