// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package catalogue_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/deckyard/deckyard/internal/catalogue"
)

func TestLoadDirectory(t *testing.T) {
	t.Parallel()
	builtIn := load(t).ServiceNames()
	cases := map[string]struct {
		files map[string]string
		want  string
	}{
		"no directory":            {nil, ""},
		"a file and a note":       {map[string]string{"db.yaml": further, "README.md": "about"}, "mysql"},
		"the other ending":        {map[string]string{"db.yml": further}, "mysql"},
		"a mounted configuration": {map[string]string{"..data/db.yaml": further, "db.yaml": "-> ..data/db.yaml"}, "mysql"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := ""
			if tc.files != nil {
				path = directoryOf(t, tc.files)
			}
			loaded, err := catalogue.LoadDirectory(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			added := slices.DeleteFunc(loaded.ServiceNames(), func(name string) bool { return slices.Contains(builtIn, name) })
			if have := strings.Join(added, " "); have != tc.want {
				t.Errorf("added %q, want %q", have, tc.want)
			}
		})
	}
}

// The example in the documentation is a service file.
func TestDocumentedServiceCanBeLoaded(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/spec/v1alpha1/services.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```yaml\n")
	example, _, _ := strings.Cut(rest, "```\n")
	loaded, err := catalogue.LoadDirectory(t.Context(), directoryOf(t, map[string]string{"imap.yaml": example}))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(loaded.ServiceNames(), "imap") {
		t.Errorf("have %v", loaded.ServiceNames())
	}
}

// Each error names the directory, the culprit and the next step.
func TestBadDirectoryIsRefused(t *testing.T) {
	t.Parallel()
	file := filepath.Join(directoryOf(t, map[string]string{"db.yaml": further}), "db.yaml")
	broken := directoryOf(t, map[string]string{"good.yaml": further, "bad.yaml": strings.Replace(further, "read_only: true", "read_only: false", 1)})
	taken := directoryOf(t, map[string]string{"a.yaml": further, "b.yaml": further})
	nested := directoryOf(t, map[string]string{"db.yaml/db.yaml": further})
	empty := directoryOf(t, map[string]string{"README.md": "about", "more/db.yaml": further})
	cases := map[string]struct {
		path  string
		words []string
	}{
		"missing":            {filepath.Join(empty, "none"), []string{"does not exist", "create it, or name another"}},
		"a file":             {file, []string{"is not a directory", "name the directory that holds the service files"}},
		"nothing in it":      {empty, []string{"holds no *.yaml file", "put a service file into it"}},
		"a bad file":         {broken, []string{"bad.yaml: container: read_only must be true", "correct the file, or take it out"}},
		"a service twice":    {taken, []string{`b.yaml: service "mysql" is in the catalogue already`, "give it another name"}},
		"a folder as a file": {nested, []string{"read db.yaml", "correct the file, or take it out"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := catalogue.LoadDirectory(t.Context(), tc.path)
			if err == nil {
				t.Fatal("it is loaded")
			}
			for _, word := range append(tc.words, tc.path) {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("error %q does not say %q", err, word)
				}
			}
		})
	}
}

// directoryOf makes a directory with files; "-> path" makes a link.
func directoryOf(t *testing.T, files map[string]string) string {
	t.Helper()
	directory := t.TempDir()
	for name, content := range files {
		path := filepath.Join(directory, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		var err error
		if target, isLink := strings.CutPrefix(content, "-> "); isLink {
			err = os.Symlink(target, path)
		} else {
			err = os.WriteFile(path, []byte(content), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return directory
}
