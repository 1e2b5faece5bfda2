// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controlplane_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/deckyard/deckyard/internal/controlplane"
)

func TestDataDirectoryIsHeldByOne(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "data")
	directory, err := controlplane.OpenDataDirectory(path)
	if err != nil {
		t.Fatal(err)
	}
	assertMode(t, path, 0o700)
	assertMode(t, filepath.Join(path, "deckyard.lock"), 0o600)
	assertMode(t, filepath.Join(path, "version"), 0o600)
	assertHolder(t, path, os.Getpid())

	_, err = controlplane.OpenDataDirectory(path)
	if !errors.Is(err, controlplane.ErrInUse) {
		t.Errorf("second open: got %v, want ErrInUse", err)
	}
	if err := directory.Close(); err != nil {
		t.Fatal(err)
	}
	assertHolder(t, path, 0)
	again, err := controlplane.OpenDataDirectory(path)
	if err != nil {
		t.Fatalf("open after close: %v", err)
	}
	if err := again.Remove(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after removal: got %v, want it gone", err)
	}
}

func TestOpenDataDirectoryRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		reason string
		files  map[string]string
		want   string
	}{
		"NewerVersion": {
			reason: "an older program would damage what it does not know",
			files:  map[string]string{"deckyard.lock": "", "version": "2\n"},
			want:   "has version 2 and this program knows versions up to 1: use the newer deckyard",
		},
		"UnreadableVersion": {
			reason: "a damaged file must not be taken for an old version",
			files:  map[string]string{"deckyard.lock": "", "version": "one\n"},
			want:   `"one" is not a number`,
		},
		"ForeignContent": {
			reason: "a purge would remove what belongs to somebody else",
			files:  map[string]string{"thesis.txt": "all of it"},
			want:   "is not empty and holds nothing of deckyard: name a new or empty one",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := t.TempDir()
			for file, content := range test.files {
				if err := os.WriteFile(filepath.Join(path, file), []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			directory, err := controlplane.OpenDataDirectory(path)
			if err == nil {
				_ = directory.Close()
				t.Fatalf("opened, although %s", test.reason)
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %q, want it to contain %q", err, test.want)
			}
			assertHolder(t, path, 0)
		})
	}
}

func TestInitialized(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "data")
	assertInitialized(t, path, false)
	directory, err := controlplane.OpenDataDirectory(path)
	if err != nil {
		t.Fatal(err)
	}
	defer directory.Close() //nolint:errcheck // a test's
	assertInitialized(t, path, true)
}

func assertInitialized(t *testing.T, path string, want bool) {
	t.Helper()
	got, err := controlplane.Initialized(path)
	if err != nil || got != want {
		t.Errorf("initialized: got %t, %v, want %t", got, err, want)
	}
}

func assertHolder(t *testing.T, path string, want int) {
	t.Helper()
	got, err := controlplane.Holder(path)
	if err != nil || got != want {
		t.Errorf("holder: got %d, %v, want %d", got, err, want)
	}
}

func assertMode(t *testing.T, path string, want os.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Error(err)
		return
	}
	if got := info.Mode().Perm(); got != want {
		t.Errorf("mode of %s: got %o, want %o", filepath.Base(path), got, want)
	}
}
