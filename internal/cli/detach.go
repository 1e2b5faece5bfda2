// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"

	"github.com/deckyard/deckyard/internal/controlplane"
)

const (
	logFile     = "deckyard.log"
	previousLog = "deckyard.log.old"
	// readyMessage tells readiness from the end of a process that never got there.
	readyMessage = "ready"
	// readyDescriptor is the first one after the standard streams.
	readyDescriptor = 3
	shownLogLines   = 15
)

// runDetached starts this program anew in a session of its own, so that it survives
// the terminal, and returns when that is ready.
func (u *up) runDetached(ctx context.Context) error {
	// What would stop the new process at once is better said here than in its log.
	if err := u.requireSuitable(ctx, u.dockerHost); err != nil {
		return err
	}
	log, err := u.prepareLog()
	if err != nil {
		return err
	}
	defer log.Close() //nolint:errcheck // only the child writes to it
	process, ready, err := u.startProcess(log)
	if err != nil {
		return err
	}
	defer ready.Close() //nolint:errcheck // only read
	if err := waitReady(ctx, process, ready); err != nil {
		if ctx.Err() != nil {
			return err
		}
		return fmt.Errorf("%w; the end of its log %s:\n%s", err, log.Name(), lastLines(log.Name(), shownLogLines))
	}
	u.announce(process.Pid)
	return process.Release()
}

// prepareLog keeps the log of one earlier run.
func (u *up) prepareLog() (*os.File, error) {
	directory, err := u.openDataDirectory()
	if err != nil {
		return nil, err
	}
	defer directory.Close() //nolint:errcheck // only the lock is given back
	path := directory.File(logFile)
	if err := os.Rename(path, directory.File(previousLog)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("keep the log of the last run: %w", err)
	}
	log, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600) //nolint:gosec // in the data directory
	if err != nil {
		return nil, fmt.Errorf("create log: %w", err)
	}
	return log, nil
}

func (u *up) startProcess(log *os.File) (process *os.Process, ready *os.File, err error) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, nil, fmt.Errorf("start a detached process: %w", err)
	}
	defer null.Close() //nolint:errcheck // never written
	ready, announce, err := os.Pipe()
	if err != nil {
		return nil, nil, fmt.Errorf("start a detached process: %w", err)
	}
	// The child alone must hold the writing end, so that its death ends the reading.
	defer announce.Close() //nolint:errcheck // never written
	process, err = os.StartProcess(u.Executable, u.arguments(), &os.ProcAttr{
		Dir:   "/",
		Files: []*os.File{null, log, log, announce},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("start a detached process: %w", err), ready.Close())
	}
	return process, ready, nil
}

// arguments are those of the detached process.
func (u *up) arguments() []string {
	arguments := []string{
		u.Executable, "up",
		"--data-dir", u.dataDirectory,
		"--listen", u.listen,
		"--docker-host", u.dockerHost,
		"--ready-fd", fmt.Sprint(readyDescriptor),
	}
	if u.kubeconfig != "" {
		arguments = append(arguments, "--kubeconfig", u.kubeconfig)
	}
	if u.catalogueDirectory != "" {
		arguments = append(arguments, "--catalogue", u.catalogueDirectory)
	}
	if u.verbose {
		arguments = append(arguments, "--verbose")
	}
	return arguments
}

// waitReady ends the process when ctx is done before it is ready.
func waitReady(ctx context.Context, process *os.Process, ready io.Reader) error {
	message := make(chan string, 1)
	go func() {
		content, _ := io.ReadAll(ready)
		message <- string(content)
	}()
	select {
	case content := <-message:
		if content == readyMessage {
			return nil
		}
		state, err := process.Wait()
		if err != nil {
			return fmt.Errorf("wait for the detached process: %w", err)
		}
		return fmt.Errorf("the detached process ended before it was ready (%s)", state)
	case <-ctx.Done():
		return errors.Join(context.Cause(ctx), process.Signal(syscall.SIGTERM))
	}
}

func lastLines(path string, count int) string {
	content, err := os.ReadFile(path) //nolint:gosec // in the data directory
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(string(bytes.TrimSpace(content)), "\n")
	return "  " + strings.Join(lines[max(0, len(lines)-count):], "\n  ")
}

// lockHolder is the process that runs on the data directory, zero when none does.
func (e *environment) lockHolder() (int, error) { return controlplane.Holder(e.dataDirectory) }
