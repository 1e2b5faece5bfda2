//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package netns

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// OfProcess returns the path of a process's network namespace.
func OfProcess(pid int) string { return filepath.Join("/proc", strconv.Itoa(pid), "ns/net") }

// Within calls a function on a thread in the network namespace at a path: sockets
// that it opens, and settings that it reads, are those of the namespace. What it
// leaves to other goroutines is not, and net.Dialer leaves some to them.
func Within(path string, do func() error) error {
	result := make(chan error, 1)
	go func() {
		// The thread ends with the goroutine: it stays locked, so that nothing
		// else ever runs in the foreign namespace.
		runtime.LockOSThread()
		result <- within(path, do)
	}()
	return <-result
}

func within(path string, do func() error) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("enter network namespace: %w", err)
	}
	defer func() { _ = file.Close() }()
	if err := unix.Setns(int(file.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("enter network namespace %s: %w", path, err)
	}
	return do()
}
