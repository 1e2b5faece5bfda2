// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controlplane_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"

	"github.com/deckyard/deckyard/internal/controlplane"
)

// Objects are written all the while. What was acknowledged before the backup began is
// in it, and of the rest only the beginning: it is the state of one moment.
func TestBackupOfARunningInstance(t *testing.T) {
	t.Parallel()
	running := newPlane(t, filepath.Join(t.TempDir(), "data"), nil)
	running.start(t)
	defer running.stop(t)
	widgets := widgetsIn(t, running.server.RESTConfig(), "default")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	written := make(chan int)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		writeWidgets(ctx, widgets, written)
	}()
	acknowledged := 0
	for acknowledged < 50 {
		acknowledged = <-written
	}
	file := filepath.Join(t.TempDir(), "backup.tar.gz")
	done := make(chan error, 1)
	go func() { done <- backUp(t.Context(), running.directory.Path(), file) }()
	last := acknowledged
	for waiting := true; waiting; {
		select {
		case last = <-written:
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			waiting = false
		}
	}
	stop()
	<-ended
	assertMode(t, file, 0o600)
	newest, err := widgets.List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}

	restored := restore(t, file, filepath.Join(t.TempDir(), "data"))
	assertMode(t, restored, 0o700)
	assertMode(t, filepath.Join(restored, "pki", "ca.key"), 0o600)
	second := newPlane(t, restored, nil)
	second.start(t)
	defer second.stop(t)
	got, err := widgetsIn(t, second.server.RESTConfig(), "default").List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Items) < acknowledged || len(got.Items) > last+1 {
		t.Errorf("got %d objects, want at least the %d that were there and at most the %d that came to be", len(got.Items), acknowledged, last+1)
	}
	names := map[string]bool{}
	for _, widget := range got.Items {
		names[widget.GetName()] = true
	}
	for number := range len(got.Items) {
		if !names[widgetName(number)] {
			t.Errorf("%s is missing, and later ones are there", widgetName(number))
		}
	}
	assertSameInstance(t, running, second)
	assertLaterRevisions(t, second, newest.GetResourceVersion(), got.GetResourceVersion())
}

func widgetName(number int) string { return fmt.Sprintf("widget-%d", number) }

// writeWidgets tells how many there are, after each one, until ctx is done.
func writeWidgets(ctx context.Context, widgets dynamic.ResourceInterface, written chan<- int) {
	for number := 0; ; number++ {
		if _, err := widgets.Create(ctx, newWidget(widgetName(number), nil), metav1.CreateOptions{}); err != nil {
			return
		}
		select {
		case written <- number + 1:
		case <-ctx.Done():
			return
		}
	}
}

// assertSameInstance compares what resources on the engine and clients go by.
func assertSameInstance(t *testing.T, before, after *plane) {
	t.Helper()
	var uids, credentials []string
	for _, p := range []*plane{before, after} {
		namespace, err := clientset(t, p.server.RESTConfig()).CoreV1().Namespaces().Get(t.Context(), metav1.NamespaceSystem, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		uids = append(uids, string(namespace.GetUID()))
		credentials = append(credentials, string(withoutServer(t, p.directory.Kubeconfig())))
		key, err := os.ReadFile(p.directory.File("pki", "service-account.key"))
		if err != nil {
			t.Fatal(err)
		}
		credentials[len(credentials)-1] += string(key)
	}
	if uids[0] != uids[1] {
		t.Errorf("uid of %s: got %s, want %s", metav1.NamespaceSystem, uids[1], uids[0])
	}
	if credentials[0] != credentials[1] {
		t.Error("the credentials changed")
	}
}

// assertLaterRevisions wants every revision that the lost instance may have told to
// be over: a watch that starts there would miss changes.
func assertLaterRevisions(t *testing.T, restored *plane, before, after string) {
	t.Helper()
	if revision(t, after) <= revision(t, before) {
		t.Errorf("revision: got %s, want it above %s", after, before)
	}
	widgets := widgetsIn(t, restored.server.RESTConfig(), "default")
	changes, err := widgets.Watch(t.Context(), metav1.ListOptions{ResourceVersion: before})
	if err == nil {
		defer changes.Stop()
		err = apierrors.FromObject((<-changes.ResultChan()).Object)
	}
	if !apierrors.IsResourceExpired(err) && !apierrors.IsGone(err) {
		t.Errorf("watch from revision %s: got %v, want it to be over", before, err)
	}
	if _, err := widgets.Create(t.Context(), newWidget("after", nil), metav1.CreateOptions{}); err != nil {
		t.Error(err)
	}
}

func revision(t *testing.T, text string) int {
	t.Helper()
	number, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return number
}

func backUp(ctx context.Context, path, file string) error {
	_, err := controlplane.Backup(ctx, controlplane.BackupOptions{DataDirectory: path, File: file, Program: "v1.2.3"})
	return err
}

func restore(t *testing.T, file, path string) string {
	t.Helper()
	manifest, err := controlplane.Restore(t.Context(), controlplane.RestoreOptions{DataDirectory: path, File: file})
	if err != nil {
		t.Fatal(err)
	}
	if manifest.Program != "v1.2.3" || manifest.Created.IsZero() {
		t.Errorf("got %+v, want the program and the time", manifest)
	}
	return path
}
