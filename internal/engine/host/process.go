// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/model"
)

const (
	// ownNetworkNamespace is that of the calling thread. /proc/self would be that
	// of the main thread, which may just be visiting a container.
	ownNetworkNamespace = "/proc/thread-self/ns/net"

	// fullIDLength is that of a container's id in hexadecimal digits.
	fullIDLength = 64

	// maxFileSize bounds what is read of a file under /proc.
	maxFileSize = 1 << 20
)

// process is a running process that is proven to be a container's. Its directory
// under /proc stays open, so that everything read through it is of this very
// process, also when its number is used again: then reading fails.
type process struct {
	directory int
	namespace int
}

// openProcess opens the main process of a container. ErrNotFound if the
// container does not run or the process is not its own.
func openProcess(ctx context.Context, container model.Container) (*process, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if container.PID <= 1 || len(container.ID) != fullIDLength {
		return nil, fmt.Errorf("container does not run: %w", engine.ErrNotFound)
	}
	directory, err := unix.Open("/proc/"+strconv.Itoa(container.PID), unix.O_DIRECTORY|unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open process %d: %w", container.PID, err)
	}
	p := &process{directory: directory, namespace: -1}
	if err := p.prove(container); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// prove checks that the process is in the container's control group and that its
// network namespace is not our own, and keeps that namespace open.
func (p *process) prove(container model.Container) error {
	groups, err := p.read("cgroup")
	if err != nil {
		return err
	}
	if !strings.Contains(groups, container.ID) {
		return fmt.Errorf("process %d is not of container %q: %w", container.PID, container.Name, engine.ErrNotFound)
	}
	p.namespace, err = unix.Openat(p.directory, "ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open network namespace of process %d: %w", container.PID, err)
	}
	var own, other unix.Stat_t
	if err := errors.Join(unix.Stat(ownNetworkNamespace, &own), unix.Fstat(p.namespace, &other)); err != nil {
		return fmt.Errorf("compare network namespaces: %w", err)
	}
	if own.Ino == other.Ino && own.Dev == other.Dev {
		return fmt.Errorf("container %q has the host's network namespace: %w", container.Name, engine.ErrInvalid)
	}
	return nil
}

// read returns the contents of a file in the process's directory.
func (p *process) read(name string) (string, error) {
	descriptor, err := unix.Openat(p.directory, name, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
	if err != nil {
		return "", fmt.Errorf("open %s: %w", name, err)
	}
	file := os.NewFile(uintptr(descriptor), name)
	defer func() { _ = file.Close() }()
	contents, err := io.ReadAll(io.LimitReader(file, maxFileSize))
	if err != nil {
		return "", fmt.Errorf("read %s: %w", name, err)
	}
	return string(contents), nil
}

func (p *process) close() {
	_ = unix.Close(p.directory)
	if p.namespace >= 0 {
		_ = unix.Close(p.namespace)
	}
}

// inNetworkNamespace calls visit on a thread that is in the process's network
// namespace, and returns its error.
func (p *process) inNetworkNamespace(visit func() error) error {
	result := make(chan error, 1)
	go func() { result <- enter(p.namespace, visit) }()
	return <-result
}

// enter takes the calling goroutine's thread to a network namespace and back. It
// must be the last thing that its goroutine does: if there is no way back, the
// goroutine stays locked to the thread and the thread ends with it.
func enter(namespace int, visit func() error) error {
	runtime.LockOSThread()
	own, err := unix.Open(ownNetworkNamespace, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("open own network namespace: %w", err)
	}
	defer func() { _ = unix.Close(own) }()
	if err := unix.Setns(namespace, unix.CLONE_NEWNET); err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("enter network namespace: %w", err)
	}
	visitErr := visit()
	if err := unix.Setns(own, unix.CLONE_NEWNET); err != nil {
		return errors.Join(visitErr, fmt.Errorf("return from network namespace: %w", err))
	}
	runtime.UnlockOSThread()
	return visitErr
}
