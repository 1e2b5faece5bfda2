//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package privateengine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	// patience is how long an engine may take to start or to stop; one with many
	// containers takes some seconds.
	patience = 60 * time.Second
	poll     = 20 * time.Millisecond
)

// Engine is a Docker Engine that can be stopped and killed. Its methods are for
// one goroutine at a time.
type Engine struct {
	// name is that of the network namespace and of the cgroup.
	name, directory string
	// ended tells how the running engine ended; nil while none runs.
	ended   chan error
	process *os.Process
}

// Start starts an engine, which ends with the test.
func Start(tb testing.TB) *Engine {
	tb.Helper()
	e, err := create()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if tb.Failed() {
			tb.Logf("the end of the engine's log:\n%s", e.logEnd())
		}
		if err := e.destroy(); err != nil {
			tb.Error(err)
		}
	})
	if err := e.Start(); err != nil {
		tb.Fatal(err)
	}
	return e
}

// create makes the place for an engine.
func create() (*Engine, error) {
	// The paths of sockets below it must be shorter than 108 bytes.
	directory, err := os.MkdirTemp("", "engine-")
	if err != nil {
		return nil, fmt.Errorf("create the engine's directory: %w", err)
	}
	e := &Engine{name: "deckyard-" + filepath.Base(directory), directory: directory}
	for _, step := range [][]string{
		{"netns", "add", e.name},
		{"-n", e.name, "link", "set", "lo", "up"},
	} {
		if err := ip(step...); err != nil {
			return nil, errors.Join(err, e.destroy())
		}
	}
	// The configuration of the machine's own engine is not this one's.
	if err := os.WriteFile(e.path("daemon.json"), []byte("{}"), 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("configure the engine: %w", err), e.destroy())
	}
	return e, nil
}

func ip(arguments ...string) error {
	output, err := exec.CommandContext(context.Background(), "ip", arguments...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(arguments, " "), err, output)
	}
	return nil
}

func (e *Engine) path(name string) string { return filepath.Join(e.directory, name) }

// Socket is the path of the engine's socket.
func (e *Engine) Socket() string { return e.path("docker.sock") }

// Host is the address of that socket, as unix:///PATH.
func (e *Engine) Host() string { return "unix://" + e.Socket() }

// NetworkNamespace is the path of the engine's network namespace.
func (e *Engine) NetworkNamespace() string { return filepath.Join("/run/netns", e.name) }

// Command returns a program that will run in the engine's network namespace, and
// for which this engine is Docker's. The program replaces nsenter, so signals to
// the process reach it.
func (e *Engine) Command(ctx context.Context, program string, arguments ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, "nsenter", append([]string{"--net=" + e.NetworkNamespace(), program}, arguments...)...)
	command.Env = append(os.Environ(), "DOCKER_HOST="+e.Host())
	return command
}

// Docker runs the Docker command line on the engine and returns what it prints.
func (e *Engine) Docker(ctx context.Context, arguments ...string) (string, error) {
	var problems strings.Builder
	command := e.Command(ctx, "docker", arguments...)
	command.Stderr = &problems
	output, err := command.Output()
	if err != nil {
		err = fmt.Errorf("docker %s: %w: %s", strings.Join(arguments, " "), err, problems.String())
	}
	return strings.TrimSpace(string(output)), err
}

// Start starts the engine, with all that it had before, and waits until it answers.
func (e *Engine) Start() error {
	if e.ended != nil {
		return errors.New("start the engine: it runs")
	}
	log, err := os.OpenFile(e.path("log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("start the engine: %w", err)
	}
	defer func() { _ = log.Close() }()
	command := e.Command(context.Background(), "dockerd",
		"--config-file", e.path("daemon.json"), "--data-root", e.path("data"), "--exec-root", e.path("exec"),
		"--host", e.Host(), "--pidfile", e.path("pid"),
		"--exec-opt", "native.cgroupdriver=cgroupfs", "--cgroup-parent", "/"+e.name)
	command.Stdout, command.Stderr = log, log
	// An engine does not outlive the tests, however these end.
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	started, ended := make(chan error), make(chan error, 1)
	go func() {
		// The signal comes at the death of the thread, which this keeps alive.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := command.Start()
		started <- err
		if err == nil {
			ended <- command.Wait()
		}
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("start the engine: %w", err)
	}
	e.process, e.ended = command.Process, ended
	return e.awaitAnswer()
}

func (e *Engine) awaitAnswer() error {
	dialer := &net.Dialer{}
	client := &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", e.Socket())
		},
		DisableKeepAlives: true,
	}}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return await(ctx, func() (bool, error) {
		select {
		case err := <-e.ended:
			e.ended = nil
			return false, fmt.Errorf("the engine ended at its start: %w:\n%s", err, e.logEnd())
		default:
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://engine/_ping", http.NoBody)
		if err != nil {
			return false, err
		}
		response, err := client.Do(request)
		if err != nil {
			//nolint:nilerr // it does not answer yet
			return false, nil
		}
		return response.StatusCode == http.StatusOK, response.Body.Close()
	})
}

// Stop ends the engine as a service manager does, containers first.
func (e *Engine) Stop() error { return e.end(syscall.SIGTERM) }

// Kill ends the engine by SIGKILL, and its containerd after it, as a crash of the
// machine's memory would: containers run on, without anybody's care.
func (e *Engine) Kill() error { return e.end(syscall.SIGKILL) }

// Restart stops and starts the engine.
func (e *Engine) Restart() error {
	if err := e.Stop(); err != nil {
		return err
	}
	return e.Start()
}

func (e *Engine) end(signal syscall.Signal) error {
	if e.ended == nil {
		return errors.New("end the engine: it does not run")
	}
	if err := e.process.Signal(signal); err != nil {
		return fmt.Errorf("end the engine: %w", err)
	}
	select {
	case <-e.ended: //nolint:errcheck // that a signal ended it
		e.ended = nil
	case <-time.After(patience):
		return fmt.Errorf("the engine did not end after %s:\n%s", signal, e.logEnd())
	}
	if signal != syscall.SIGKILL {
		return nil
	}
	if err := e.endContainerd(); err != nil {
		return err
	}
	// It would keep the next engine from starting, should its number be taken.
	if err := os.Remove(e.path("pid")); err != nil {
		return fmt.Errorf("end the engine: %w", err)
	}
	return nil
}

// endContainerd ends what a killed engine leaves behind, which the next would
// neither end nor share.
func (e *Engine) endContainerd() error {
	file := e.path("exec/containerd/containerd.pid")
	content, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("end containerd: %w", err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(content)))
	if err != nil {
		return fmt.Errorf("end containerd: %w", err)
	}
	// Its number may have become another's, and the next engine would wait for that.
	own, err := e.owns(pid)
	if err != nil {
		return err
	}
	if own {
		if err := endProcess(pid); err != nil {
			return fmt.Errorf("end containerd: %w", err)
		}
	}
	if err := os.Remove(file); err != nil {
		return fmt.Errorf("end containerd: %w", err)
	}
	return nil
}

// logEnd returns the last lines of the engine's log.
func (e *Engine) logEnd() string {
	const lines = 40
	content, err := os.ReadFile(e.path("log"))
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimSpace(string(content)), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// await looks again and again until check returns true or an error.
func await(ctx context.Context, check func() (bool, error)) error {
	ticker := time.NewTicker(poll)
	defer ticker.Stop()
	for {
		if done, err := check(); done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}
