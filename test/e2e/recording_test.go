//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deckyard/deckyard/test/engineproxy"
)

// recording tells what an operator does to the containers and endpoints of one
// test, while others do theirs. Networks are created by a request that does not
// name them, so their creation is not in it.
type recording struct {
	w     *world
	proxy *engineproxy.Proxy
	since int
	// names holds the short names of what exists, by id.
	names map[string]string
}

// record begins a recording of the shared operator's requests.
func (w *world) record() *recording {
	w.t.Helper()
	return w.recordAt(w.proxy)
}

// recordAt begins a recording of the requests through a proxy.
func (w *world) recordAt(proxy *engineproxy.Proxy) *recording {
	w.t.Helper()
	r := &recording{w: w, proxy: proxy, since: proxy.WriteCount(), names: map[string]string{}}
	r.learn()
	return r
}

// learn notes the ids of what the test has now.
func (r *recording) learn() {
	for name, container := range r.w.containers() {
		r.names[container.ID] = name
	}
	for name, network := range r.w.networks() {
		r.names[network.ID] = name
	}
}

// writes returns what was done, in order, as "create web_ssh" or "connect office".
func (r *recording) writes() []string {
	r.w.t.Helper()
	r.learn()
	var own []string
	for _, write := range r.proxy.WritesSince(r.since) {
		if text, ok := r.translate(write); ok {
			own = append(own, text)
		}
	}
	return own
}

// want fails the test unless exactly these writes were made, in any order.
func (r *recording) want(writes ...string) {
	r.w.t.Helper()
	made := slices.Sorted(slices.Values(r.writes()))
	slices.Sort(writes)
	if difference := cmp.Diff(writes, made, cmp.Transformer("empty", func(list []string) []string { return append([]string{}, list...) })); difference != "" {
		r.w.t.Errorf("requests that change the engine (-want +made):\n%s", difference)
	}
}

// translate turns a request such as "POST /v1.41/containers/ID/start" into
// words, if it is about something of the test.
func (r *recording) translate(write string) (text string, own bool) {
	method, target, _ := strings.Cut(write, " ")
	address, err := url.Parse(target)
	if err != nil {
		return write, true
	}
	parts := strings.Split(strings.Trim(address.Path, "/"), "/")
	if len(parts) < 3 {
		return "", false
	}
	object, verb := parts[2], "remove"
	if len(parts) > 3 {
		verb = parts[3]
	}
	if method == "POST" && object == "create" {
		name := address.Query().Get("name")
		return "create " + r.w.short(name), strings.HasPrefix(name, r.w.namespace+"_")
	}
	name, known := r.names[object]
	return verb + " " + name, known
}

// sharesNamespace waits until services run in the network namespace of a base, and
// were told to: after a restart by hand the operator may not have looked yet.
func (w *world) sharesNamespace(base string, services ...string) {
	w.t.Helper()
	w.eventually("the services to share the namespace of their base", func() error {
		containers := w.containers()
		want, err := networkNamespace(containers[base])
		if err != nil {
			return err
		}
		for _, name := range services {
			service := containers[name]
			have, err := networkNamespace(service)
			switch {
			case err != nil:
				return err
			case have != want:
				return fmt.Errorf("%s is in %s, its base in %s", name, have, want)
			case service.NamespaceOf != containers[base].ID:
				return fmt.Errorf("%s was told to share the namespace of %.12s, its base is %.12s", name, service.NamespaceOf, containers[base].ID)
			}
		}
		return nil
	})
}

func sortedNames(t *testing.T, w *world) []string {
	t.Helper()
	names := []string{}
	for name := range w.containers() {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// cleanUpDocker runs the Docker command line at the end of a test, when its
// context has ended.
func cleanUpDocker(t *testing.T, arguments ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if output, err := exec.CommandContext(ctx, "docker", arguments...).CombinedOutput(); err != nil {
		t.Errorf("docker %s: %v: %s", strings.Join(arguments, " "), err, output)
	}
}
