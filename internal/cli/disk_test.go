// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package cli_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

func TestUpOnADiskThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	const free = "free some space on the file system of "
	tests := map[string]struct {
		options string
		want    []string
	}{
		"Full":     {options: "size=4k", want: []string{"no space left on device", free}},
		"TooSmall": {options: "size=32m", want: []string{"start etcd", "no space left on device", free}},
		"ReadOnly": {options: "ro", want: []string{"read-only file system", "make the file system of ", "or choose another --data-dir"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(mountDisk(t, test.options), "data")
			got := run(t, "up", "--data-dir", path, "--listen", "127.0.0.1:0")
			assertCode(t, got, 1)
			assertContains(t, got.errors, append(test.want, path)...)
			assertNoStack(t, got.errors)
		})
	}
}

// The process ends with the reason, and what it had acknowledged is there again once
// the disk has room.
func TestDiskThatFillsUpWhileRunning(t *testing.T) {
	t.Parallel()
	disk := mountDisk(t, "size=300m")
	path := filepath.Join(disk, "data")
	running := up(t, path)
	filler := filepath.Join(disk, "filler")
	fillDisk(t, filler)
	acknowledged := writeUntilRefused(t, path)
	if code := exitCode(t, running.command.Wait()); code != 1 {
		t.Errorf("exit code: got %d, want 1", code)
	}
	assertContains(t, running.log.String(), "Error: run control plane: run etcd: ", "no space left on device",
		"free some space on the file system of ", "nothing that was acknowledged is lost")
	assertNoStack(t, running.log.String())

	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	running = up(t, path)
	acknowledged.assertKept(t, kubeClient(t, path))
	running.signal(t, syscall.SIGTERM)
}

func writeUntilRefused(t *testing.T, path string) *acknowledgements {
	t.Helper()
	config := restConfig(t, path)
	config.Timeout = 5 * time.Second
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	acknowledged := &acknowledgements{created: map[string]bool{}, counters: map[string]int{}}
	padding := map[string]string{"padding": strings.Repeat("x", 256<<10)}
	for count := 0; ; count++ {
		object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("object-%d", count)}, Data: padding}
		if _, err := client.CoreV1().ConfigMaps(metav1.NamespaceDefault).Create(t.Context(), object, metav1.CreateOptions{}); err != nil {
			return acknowledged
		}
		acknowledged.created[object.Name] = true
	}
}

// mountDisk mounts a file system in memory that only the test sees, through a process
// that lives in a mount namespace of its own, and returns the path of it.
func mountDisk(t *testing.T, options string) string {
	t.Helper()
	directory := t.TempDir()
	arguments := []string{"--mount"}
	if os.Geteuid() != 0 {
		arguments = append(arguments, "--map-root-user")
	}
	arguments = append(arguments, "sh", "-c", `mount -t tmpfs -o "$0" none "$1" && echo mounted && exec cat`, options, directory)
	holder := exec.Command("unshare", arguments...)
	var complaint bytes.Buffer
	holder.Stderr = &complaint
	in, err := holder.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = holder.Wait()
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatalf("mount a disk: got %q, %v\n%s", line, err, &complaint)
	}
	return filepath.Join("/proc", fmt.Sprint(holder.Process.Pid), "root", directory)
}

// remount changes the options of a disk of mountDisk.
func remount(t *testing.T, disk, options string) {
	t.Helper()
	parts := strings.SplitN(disk, "/", 5)
	arguments := []string{"--target", parts[2], "--mount"}
	if os.Geteuid() != 0 {
		arguments = append(arguments, "--user", "--preserve-credentials")
	}
	command := exec.CommandContext(t.Context(), "nsenter", append(arguments, "mount", "-o", "remount,"+options, "/"+parts[4])...)
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("remount: %v: %s", err, output)
	}
}

func fillDisk(t *testing.T, path string) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close() //nolint:errcheck // full
	// Down to the last page.
	for _, size := range []int{1 << 20, 4096} {
		chunk := make([]byte, size)
		for err = nil; err == nil; {
			_, err = file.Write(chunk)
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
	}
}

func assertNoStack(t *testing.T, text string) {
	t.Helper()
	for _, word := range []string{"goroutine ", "panic: "} {
		if strings.Contains(text, word) {
			t.Errorf("got a stack or a panic in %q", text)
		}
	}
}
