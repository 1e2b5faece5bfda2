//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/model"
)

// in returns the world as a subtest sees it.
func (w *world) in(t *testing.T) *world {
	t.Helper()
	sub := *w
	sub.t = t
	return &sub
}

// pooled returns a topology whose LANs get their subnets from a pool of the
// test's own.
func pooled(name, pool string) *v1alpha1.Topology {
	created := topology(name)
	created.Spec.AddressPools = []string{pool}
	return created
}

// inSubnet sets the subnet of a LAN.
func inSubnet(lan *v1alpha1.LAN, subnet string) *v1alpha1.LAN {
	lan.Spec.Subnet = subnet
	return lan
}

// attachedTo adds attachments to a decky.
func attachedTo(decky *v1alpha1.Decky, lans ...string) *v1alpha1.Decky {
	for _, lan := range lans {
		decky.Spec.Attachments = append(decky.Spec.Attachments, v1alpha1.Attachment{LAN: lan})
	}
	return decky
}

// waitMessage waits until a condition of the object's generation is False with a
// reason and exactly this message.
func (w *world) waitMessage(object reporter, conditionType string, reason v1alpha1.Reason, want string) {
	w.t.Helper()
	w.eventually(fmt.Sprintf("%s of %s to say %q", conditionType, object.GetName(), want), func() error {
		if got := w.waitCondition(object, conditionType, metav1.ConditionFalse, reason); got != want {
			return fmt.Errorf("it says %q", got)
		}
		return nil
	})
}

// created returns when the engine created a network or container.
func (w *world) created(id string) time.Time {
	w.t.Helper()
	text := strings.Trim(w.docker("inspect", "--format", "{{json .Created}}", id), `"`)
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		w.t.Fatal(err)
	}
	return at
}

// assertUntouched fails the test if a container is not the same one, running
// since the same moment.
func (w *world) assertUntouched(before map[string]model.Container, names ...string) {
	w.t.Helper()
	after := w.containers()
	for _, name := range names {
		was, is := before[name], after[name]
		if was.ID == "" || is.ID != was.ID || !is.StartedAt.Equal(was.StartedAt) || !is.IsRunning() {
			w.t.Errorf("container %s was touched: it was %.12s since %s and is %.12s since %s, %s",
				name, was.ID, was.StartedAt, is.ID, is.StartedAt, is.State)
		}
	}
}

// inside runs a command of the host in a container's network namespace.
func (w *world) inside(container string, command ...string) (string, error) {
	w.t.Helper()
	seen := w.containers()[container]
	if seen.PID == 0 {
		return "", errors.New("container " + container + " does not run")
	}
	arguments := append([]string{"--target", strconv.Itoa(seen.PID), "--net", "--"}, command...)
	output, err := exec.CommandContext(w.t.Context(), "nsenter", arguments...).CombinedOutput()
	if err != nil {
		return "", errors.Join(err, errors.New(string(output)))
	}
	return strings.TrimSpace(string(output)), nil
}

// mustInside is inside for commands that cannot fail.
func (w *world) mustInside(container string, command ...string) string {
	w.t.Helper()
	output, err := w.inside(container, command...)
	if err != nil {
		w.t.Fatalf("%s in the namespace of %s: %v", strings.Join(command, " "), container, err)
	}
	return output
}
