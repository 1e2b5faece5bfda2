// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package cli_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/deckyard/deckyard/internal/controlplane"
)

func TestBackupAndRestore(t *testing.T) {
	t.Parallel()
	path := dataDirectory(t)
	running := up(t, path)
	createConfigMap(t, path, "kept")
	base := t.TempDir()
	hot, cold := filepath.Join(base, "hot.tar.gz"), filepath.Join(base, "cold.tar.gz")
	assertBackup(t, path, hot)
	createConfigMap(t, path, "later")
	got := run(t, "restore", hot, "--data-dir", path)
	assertCode(t, got, 1)
	assertContains(t, got.errors, fmt.Sprintf("data directory %q is in use by process %d", path, running.command.Process.Pid),
		"stop it with 'deckyard down --data-dir "+path+"', or choose another --data-dir")
	// A process that was killed is backed up as one that stopped.
	running.signal(t, syscall.SIGKILL)
	assertBackup(t, path, cold)

	for _, test := range []struct {
		file string
		want int
	}{{hot, 1}, {cold, 2}} {
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
		got := run(t, "restore", test.file, "--data-dir", path)
		assertCode(t, got, 0)
		assertContains(t, got.out, "Restored "+path+" as of 2", ", written by deckyard v1.2.3.", "'deckyard up --data-dir "+path+"' takes its deckies up again.")
		assertFile(t, controlplane.FilePath(path, "docker-host"), "unix:///var/run/docker.sock\n")
		running := up(t, path)
		list, err := kubeClient(t, path).CoreV1().ConfigMaps(metav1.NamespaceDefault).List(t.Context(), metav1.ListOptions{LabelSelector: "test"})
		if err != nil {
			t.Fatal(err)
		}
		if len(list.Items) != test.want {
			t.Errorf("%s: got %d objects, want %d", filepath.Base(test.file), len(list.Items), test.want)
		}
		running.signal(t, syscall.SIGTERM)
	}
}

func assertBackup(t *testing.T, path, file string) {
	t.Helper()
	got := run(t, "backup", file, "--data-dir", path)
	assertCode(t, got, 0)
	assertContains(t, got.out, "Wrote "+file+" (", " KiB, mode 0600).", "It holds private keys: whoever reads it controls the decoys.")
	if got.errors != "" {
		t.Errorf("errors: got %q, want none", got.errors)
	}
}

func createConfigMap(t *testing.T, path, name string) {
	t.Helper()
	object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"test": ""}}}
	if _, err := kubeClient(t, path).CoreV1().ConfigMaps(metav1.NamespaceDefault).Create(t.Context(), object, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func assertFile(t *testing.T, path, want string) {
	t.Helper()
	if content, err := os.ReadFile(path); err != nil || string(content) != want {
		t.Errorf("%s: got %q, %v, want %q", path, content, err, want)
	}
}

func TestBackupAndRestoreRefuse(t *testing.T) {
	t.Parallel()
	path, missing := dataDirectory(t), dataDirectory(t)
	up(t, path).signal(t, syscall.SIGTERM)
	base := t.TempDir()
	good, text := filepath.Join(base, "good.tar.gz"), filepath.Join(base, "text")
	assertBackup(t, path, good)
	writeFile(t, text, "text, and no more than that")
	tests := map[string]struct {
		arguments []string
		want      []string
	}{
		"BackupNowhere":    {[]string{"backup", "--data-dir", path}, []string{"accepts 1 arg(s), received 0", "Run 'deckyard backup --help' for usage."}},
		"BackupOverAFile":  {[]string{"backup", text, "--data-dir", path}, []string{`"` + text + `": the file exists: name another, or remove it`}},
		"BackupBelowAFile": {[]string{"backup", filepath.Join(text, "f"), "--data-dir", path}, []string{"not a directory: name a file in a directory that you can write to"}},
		"BackupToNoFolder": {[]string{"backup", filepath.Join(base, "no", "f"), "--data-dir", path}, []string{`create the directory "` + filepath.Join(base, "no") + `", or name a file in another`}},
		"BackupOfNothing":  {[]string{"backup", filepath.Join(base, "f"), "--data-dir", missing}, []string{`data directory "` + missing + `" holds no control plane: name that of the instance with --data-dir`}},
		"RestoreNothing":   {[]string{"restore", filepath.Join(base, "f"), "--data-dir", missing}, []string{`restore backup "` + filepath.Join(base, "f") + `": `, "no such file"}},
		"RestoreText":      {[]string{"restore", text, "--data-dir", missing}, []string{"it is no backup of deckyard: name a file that 'deckyard backup' wrote"}},
		"RestoreOverData":  {[]string{"restore", good, "--data-dir", path}, []string{`data directory "` + path + `" is not empty: move it away, or name a new one with --data-dir`}},
		"RestoreBelowFile": {[]string{"restore", good, "--data-dir", filepath.Join(text, "data")}, []string{"choose a directory that you can write to with --data-dir"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := here(t, nil, test.arguments...)
			assertCode(t, got, 1)
			assertContains(t, got.errors, test.want...)
			if got.out != "" {
				t.Errorf("out: got %q, want nothing", got.out)
			}
		})
	}
	if _, err := os.Stat(missing); !os.IsNotExist(err) {
		t.Errorf("the data directory: got %v, want none", err)
	}
	t.Run("FullDisks", func(t *testing.T) { assertFullDisks(t, path, good) })
}

// assertFullDisks fills the disk of the backup, then those of data directories at
// different points of a restore.
func assertFullDisks(t *testing.T, path, good string) {
	t.Helper()
	disk := mountDisk(t, "size=8k")
	got := run(t, "backup", filepath.Join(disk, "backup.tar.gz"), "--data-dir", path)
	assertCode(t, got, 1)
	assertContains(t, got.errors, "no space left on device", "free some space on the file system of ", "or name a file on another; nothing of it is left")
	assertNoStack(t, got.errors)
	assertEmpty(t, disk)
	for _, options := range []string{"size=4k", "size=32k", "size=1m", "size=32m", "ro"} {
		disk := mountDisk(t, options)
		got := run(t, "restore", good, "--data-dir", filepath.Join(disk, "data"))
		assertCode(t, got, 1)
		want := []string{"no space left on device", "free some space on the file system of "}
		if options == "ro" {
			want = []string{"read-only file system", "or choose another --data-dir"}
		}
		assertContains(t, got.errors, want...)
		assertNoStack(t, got.errors)
		if count := strings.Count(got.errors, "file system of"); count != 1 {
			t.Errorf("got the next step %d times: %q", count, got.errors)
		}
		assertEmpty(t, disk)
	}
}

// The disk of the data is full, or cannot be written any more: that is when a backup is
// wanted most. A copy of the directory is one, too.
func TestBackupOfAStoppedInstanceWhoseDiskCannotBeWritten(t *testing.T) {
	t.Parallel()
	disk := mountDisk(t, "size=300m")
	path, file := filepath.Join(disk, "data"), filepath.Join(t.TempDir(), "backup.tar.gz")
	running := up(t, path)
	createConfigMap(t, path, "kept")
	filler := filepath.Join(disk, "filler")
	fillDisk(t, filler)
	writeUntilRefused(t, path)
	if code := exitCode(t, running.command.Wait()); code != 1 {
		t.Errorf("exit code of the instance: got %d, want 1", code)
	}
	copied := filepath.Join(t.TempDir(), "copy")
	if output, err := exec.CommandContext(t.Context(), "cp", "-a", path, copied).CombinedOutput(); err != nil {
		t.Fatalf("copy: %v: %s", err, output)
	}
	for want, prepare := range map[string]func(){
		"no space left on device": func() {},
		"read-only file system":   func() { remount(t, disk, "ro") },
	} {
		prepare()
		got := run(t, "backup", file, "--data-dir", path)
		assertCode(t, got, 1)
		assertContains(t, got.errors, want, fmt.Sprintf("; or copy the whole directory %q: while nothing runs in it, that is as good a backup", path))
		assertNoStack(t, got.errors)
		if count := strings.Count(got.errors, "file system of"); count != 1 {
			t.Errorf("got the next step %d times: %q", count, got.errors)
		}
		remount(t, disk, "rw")
	}
	assertEmpty(t, filepath.Dir(file))
	running = up(t, copied)
	list, err := kubeClient(t, copied).CoreV1().ConfigMaps(metav1.NamespaceDefault).List(t.Context(), metav1.ListOptions{LabelSelector: "test"})
	if err != nil || len(list.Items) != 1 {
		t.Errorf("in the copy: got %d objects, %v", len(list.Items), err)
	}
	running.signal(t, syscall.SIGTERM)
}

func assertEmpty(t *testing.T, path string) {
	t.Helper()
	entries, err := os.ReadDir(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) > 0 {
		t.Errorf("in %s: got %v, want nothing", path, entries)
	}
}
