//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"slices"
	"strings"

	eventsv1 "k8s.io/api/events/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// told returns what the events about an object of the test say, each as
// "Type Reason: note".
func (w *world) told(name string) []string {
	w.t.Helper()
	var events eventsv1.EventList
	if err := w.kube.List(w.t.Context(), &events, client.InNamespace(w.namespace)); err != nil {
		w.t.Fatal(err)
	}
	var told []string
	for _, event := range events.Items {
		if event.Regarding.Name == name {
			told = append(told, event.Type+" "+event.Reason+": "+event.Note)
		}
	}
	return told
}

// waitTold waits for an event about an object of the test that says all the words.
func (w *world) waitTold(name string, words ...string) {
	w.t.Helper()
	w.eventually(fmt.Sprintf("an event of %s that says %q", name, words), func() error {
		told := w.told(name)
		if !slices.ContainsFunc(told, func(event string) bool { return containsAll(event, words) }) {
			return fmt.Errorf("events: %q", told)
		}
		return nil
	})
}

// containsAll reports whether a text holds all the words.
func containsAll(text string, words []string) bool {
	return !slices.ContainsFunc(words, func(each string) bool { return !strings.Contains(text, each) })
}
