// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// settings makes a directory like that of the kernel's IPv4 settings, with the value
// of ip_forward and those of interfaces. One that is empty is about to go.
func settings(t *testing.T, general string, links map[string]string) forwarding {
	t.Helper()
	f := forwarding{t.TempDir()}
	put := func(path, value string) {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if value == "" {
			return
		}
		if err := os.WriteFile(path, []byte(value+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put(f.general(), general)
	for name, value := range links {
		put(f.of(name), value)
	}
	return f
}

func TestForwardingOfEachInterfaceIsReadAndSet(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		general string
		links   map[string]string
		want    string
	}{
		"none forwards":          {"0", map[string]string{"all": "0", "default": "0", "lo": "0", "eth0": "0"}, "0"},
		"all forward":            {"1", map[string]string{"all": "1", "default": "1", "lo": "1", "eth0": "1"}, "1"},
		"one forwards":           {"0", map[string]string{"default": "0", "eth0": "0", "eth1": "1"}, "0 (eth1: 1)"},
		"two and the next do":    {"0", map[string]string{"default": "1", "eth0": "2", "eth1": "1"}, "0 (default: 1, eth0: 2, eth1: 1)"},
		"one does not":           {"1", map[string]string{"default": "1", "eth0": "0"}, "1 (eth0: 0)"},
		"an interface that goes": {"0", map[string]string{"default": "0", "eth0": ""}, "0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := settings(t, tc.general, tc.links)
			if have, err := f.read(); err != nil || have != tc.want {
				t.Errorf("read %q, %v, want %q", have, err, tc.want)
			}
			for _, value := range []string{"1", "0"} {
				if err := f.write(value); err != nil {
					t.Fatal(err)
				}
				if have, err := f.read(); err != nil || have != value {
					t.Errorf("set to %q, read %q, %v", value, have, err)
				}
			}
		})
	}
}

func TestForwardingThatTheKernelDoesNotHave(t *testing.T) {
	t.Parallel()
	f := forwarding{t.TempDir()}
	if have, err := f.read(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("read %q, %v", have, err)
	}
	if err := f.write("1"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("set: %v", err)
	}
}
