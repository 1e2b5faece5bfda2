//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/deckyard/deckyard/internal/model"
)

// telltale matches words that give the deception away. The tests' own names
// hold none of them.
func telltale() *regexp.Regexp {
	return regexp.MustCompile(`(?i)decky|decoy|deckyard|honeypot|deception`)
}

// Scenario 69: no name that is seen from inside a LAN reveals what it is.
func TestNamesSeenFromInsideRevealNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	web, files := attachedTo(decky("acme", "web", "dmz", "ssh"), "office"), decky("acme", "files", "office", "ftp", "redis")
	w.create(topology("acme"), dmz("acme", "dmz"), lan("acme", "office"), web, files)
	w.waitReady(web, files)

	subnets := w.networks()
	addresses := []string{web.Status.Interfaces[0].Address, web.Status.Interfaces[1].Address, files.Status.Interfaces[0].Address}
	for _, network := range subnets {
		addresses = append(addresses, network.Gateway.String())
	}
	found := 0
	for _, from := range []string{"web", "files"} {
		for _, address := range addresses {
			for _, name := range w.pointersFrom(from, address) {
				found++
				if telltale().MatchString(name) {
					t.Errorf("%s is called %s, asked from %s", address, name, from)
				}
			}
		}
	}
	if found == 0 {
		t.Error("no name was found: the resolver does not answer")
	}
	want := w.project("acme") + "_web." + w.project("acme") + "_office."
	w.eventually("files to know web by name", func() error {
		if names := w.pointersFrom("files", web.Status.Interfaces[1].Address); !slices.Contains(names, want) {
			return fmt.Errorf("it is called %v", names)
		}
		return nil
	})
}

// pointersFrom asks the engine's resolver, from a container, for the names of
// an address.
func (w *world) pointersFrom(container, address string) []string {
	w.t.Helper()
	resolver := net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return w.dialUDPFrom(container, [4]byte{127, 0, 0, 11}, 53)
	}}
	// The engine knows a name at once, or asks a resolver that does not exist.
	ctx, cancel := context.WithTimeout(w.t.Context(), 400*time.Millisecond)
	defer cancel()
	names, err := resolver.LookupAddr(ctx, address)
	var failure *net.DNSError
	if err != nil && !errors.As(err, &failure) {
		w.t.Fatal(err)
	}
	return names
}

// Scenario 69: neither does what a process inside a decky can read of itself
// and of its surroundings.
func TestSurroundingsSeenFromInsideRevealNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create(topology("acme"), dmz("acme", "dmz"), decky("acme", "web", "dmz", "ssh", "http", "https", "ftp", "smtp", "redis", "telnet"))
	web := decky("acme", "web", "dmz")
	web.Namespace = w.namespace
	w.waitReady(web)
	for name, container := range w.containers() {
		for source, text := range surroundings(t, container) {
			if word := telltale().FindString(text); word != "" {
				t.Errorf("%s of %s says %q:\n%s", source, name, word, text)
			}
		}
		if hostname := surroundings(t, container)["etc/hostname"]; strings.TrimSpace(hostname) != "web" {
			t.Errorf("%s calls itself %q", name, hostname)
		}
	}
}

// surroundings returns what a container's processes can read.
func surroundings(t *testing.T, container model.Container) map[string]string {
	t.Helper()
	process := fmt.Sprintf("/proc/%d", container.PID)
	seen := map[string]string{}
	for _, name := range []string{"environ", "cmdline", "comm", "cgroup", "mountinfo", "mounts"} {
		seen[name] = readText(t, filepath.Join(process, name))
	}
	for _, name := range []string{"etc/hosts", "etc/hostname", "etc/resolv.conf"} {
		seen[name] = readText(t, filepath.Join(process, "root", name))
	}
	for _, name := range []string{"exe", "cwd"} {
		target, err := os.Readlink(filepath.Join(process, name))
		if err != nil {
			t.Fatal(err)
		}
		seen[name] = target
	}
	namespace, err := os.Readlink(filepath.Join(process, "ns/pid"))
	if err != nil {
		t.Fatal(err)
	}
	seen["process list"] = processList(namespace)
	seen["files"] = fileList(t, filepath.Join(process, "root"))
	return seen
}

// processList returns the command lines of the processes in a PID namespace.
func processList(namespace string) string {
	var lines []string
	links, _ := filepath.Glob("/proc/[0-9]*/ns/pid")
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil && target == namespace {
			for _, name := range []string{"cmdline", "comm"} {
				// A process may have ended since.
				text, _ := os.ReadFile(filepath.Join(filepath.Dir(filepath.Dir(link)), name))
				lines = append(lines, strings.ReplaceAll(string(text), "\x00", " "))
			}
		}
	}
	return strings.Join(lines, "\n")
}

// fileList returns the paths in a root file system, apart from the kernel's.
func fileList(t *testing.T, root string) string {
	t.Helper()
	var paths []string
	for _, top := range []string{"bin", "etc", "home", "lib", "opt", "root", "run", "sbin", "srv", "tmp", "usr", "var"} {
		err := filepath.Walk(filepath.Join(root, top), func(path string, _ os.FileInfo, err error) error {
			if err == nil {
				paths = append(paths, strings.TrimPrefix(path, root))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return strings.Join(paths, "\n")
}

func readText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(text), "\x00", "\n")
}
