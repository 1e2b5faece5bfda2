//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package privateengine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// destroy ends the engine, running or not, and removes all that was its own.
func (e *Engine) destroy() error {
	var problems []error
	if e.ended != nil {
		problems = append(problems, e.removeContainers(), e.Stop())
	}
	problems = append(problems, e.endProcesses(), e.unmount(), e.removeCgroups())
	if _, err := os.Stat(e.NetworkNamespace()); err == nil {
		problems = append(problems, ip("netns", "delete", e.name))
	}
	return errors.Join(append(problems, os.RemoveAll(e.directory))...)
}

// removeContainers spares the engine the time that they get to end by themselves.
func (e *Engine) removeContainers() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	output, err := e.Docker(ctx, "ps", "--all", "--quiet")
	if err != nil || output == "" {
		return err
	}
	_, err = e.Docker(ctx, append([]string{"rm", "--force"}, strings.Fields(output)...)...)
	return err
}

// endProcesses ends what an engine that was killed, or failed, left behind.
func (e *Engine) endProcesses() error {
	left, err := e.processes()
	if err != nil {
		return err
	}
	var problems []error
	for _, pid := range left {
		problems = append(problems, endProcess(pid))
	}
	return errors.Join(problems...)
}

// processes lists the engine's processes, and those in its containers, by their ids.
func (e *Engine) processes() ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var found []int
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if own, err := e.owns(pid); err != nil {
			return nil, err
		} else if own {
			found = append(found, pid)
		}
	}
	contained, err := e.contained()
	return append(found, contained...), err
}

// contained lists the processes in containers.
func (e *Engine) contained() ([]int, error) {
	directories, err := e.cgroups()
	if err != nil {
		return nil, err
	}
	var found []int
	for _, directory := range directories {
		content, err := os.ReadFile(filepath.Join(directory, "cgroup.procs"))
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENODEV) {
			// It went since it was listed.
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("list processes: %w", err)
		}
		for text := range strings.FieldsSeq(string(content)) {
			pid, err := strconv.Atoi(text)
			if err != nil {
				return nil, fmt.Errorf("list processes: %w", err)
			}
			if !slices.Contains(found, pid) {
				found = append(found, pid)
			}
		}
	}
	return found, nil
}

// owns reports whether a process was started with a path of the engine's, as the
// engine, its containerd and the keeper of each container are.
func (e *Engine) owns(pid int) (bool, error) {
	content, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline"))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look at process %d: %w", pid, err)
	}
	program, _, _ := bytes.Cut(content, []byte{0})
	known := slices.Contains([]string{"dockerd", "containerd", "containerd-shim-runc-v2", "containerd-shim"}, filepath.Base(string(program)))
	return known && bytes.Contains(content, []byte(e.directory+"/")), nil
}

// hasEnded reports whether a process is gone, or waits only for its parent to know.
func hasEnded(pid int) bool {
	content, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	// The name before it, in parentheses, may hold anything.
	return err != nil || bytes.HasPrefix(content[bytes.LastIndexByte(content, ')')+1:], []byte(" Z"))
}

// endProcess kills a process and waits until it has ended.
func endProcess(pid int) error {
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("kill process %d: %w", pid, err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return await(ctx, func() (bool, error) {
		return hasEnded(pid), nil
	})
}

// unmount takes away what an engine that was killed has mounted.
func (e *Engine) unmount() error {
	points, err := e.mounts()
	if err != nil {
		return err
	}
	var problems []error
	for _, point := range slices.Backward(points) {
		if err := unix.Unmount(point, unix.MNT_DETACH); err != nil {
			problems = append(problems, fmt.Errorf("unmount %s: %w", point, err))
		}
	}
	return errors.Join(problems...)
}

// mounts lists the mount points below the engine's directory, in their order.
func (e *Engine) mounts() ([]string, error) {
	content, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("list mounts: %w", err)
	}
	var points []string
	for line := range strings.Lines(string(content)) {
		if fields := strings.Fields(line); len(fields) > 4 && strings.HasPrefix(fields[4], e.directory+"/") {
			points = append(points, fields[4])
		}
	}
	return points, nil
}

// removeCgroups removes the engine's cgroups, which the kernel allows a moment
// after the end of the processes in them.
func (e *Engine) removeCgroups() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return await(ctx, func() (bool, error) {
		directories, err := e.cgroups()
		if err != nil {
			return false, err
		}
		for _, directory := range slices.Backward(directories) {
			if err := os.Remove(directory); err != nil && !errors.Is(err, unix.EBUSY) && !errors.Is(err, fs.ErrNotExist) {
				return false, fmt.Errorf("remove cgroup: %w", err)
			}
		}
		directories, err = e.cgroups()
		return len(directories) == 0, err
	})
}

// cgroups lists the directories of the engine's cgroups in each hierarchy,
// parents first.
func (e *Engine) cgroups() ([]string, error) {
	var found []string
	for _, pattern := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/*"} {
		// Only a malformed pattern is an error.
		roots, _ := filepath.Glob(filepath.Join(pattern, e.name))
		for _, root := range roots {
			err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
				if errors.Is(err, fs.ErrNotExist) {
					return nil
				}
				if err == nil && entry.IsDir() {
					found = append(found, path)
				}
				return err
			})
			if err != nil {
				return nil, fmt.Errorf("list cgroups: %w", err)
			}
		}
	}
	return found, nil
}
