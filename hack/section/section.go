// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package section replaces the generated parts of pages that people write. A part
// lies between <!-- begin NAME --> and <!-- end NAME -->.
package section

import (
	"fmt"
	"os"
	"strings"
)

// Rewrite replaces the named sections of a page, which must have them all.
func Rewrite(path string, sections map[string]string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read page: %w", err)
	}
	text := string(content)
	for name, section := range sections {
		if text, err = replace(text, name, section); err != nil {
			return fmt.Errorf("page %q: %w", path, err)
		}
	}
	if text == string(content) {
		return nil
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	return nil
}

func replace(text, name, section string) (string, error) {
	begin, end := "<!-- begin "+name+" -->\n", "<!-- end "+name+" -->"
	before, rest, found := strings.Cut(text, begin)
	if !found {
		return "", fmt.Errorf("no section begins with %q", strings.TrimSpace(begin))
	}
	_, after, found := strings.Cut(rest, end)
	if !found {
		return "", fmt.Errorf("no section ends with %q", end)
	}
	return before + begin + section + end + after, nil
}
