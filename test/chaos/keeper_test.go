//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package chaos

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// keeper keeps a program running, as a service manager or kubelet does.
type keeper struct {
	launch func() *exec.Cmd
	log    string

	mutex sync.Mutex
	// changed tells of held and closing.
	changed       *sync.Cond
	held, closing bool
	// excused programs may end by themselves: they are started again.
	excused bool
	process *os.Process
	// killed says that the present process was killed by a test.
	killed bool
	kills  int
	// failures are the ends that no test caused.
	failures []string
	done     chan struct{}
}

// keep starts a program, and starts it again each time that it ends, until the
// test ends. It logs to a file.
func keep(t *testing.T, log string, launch func() *exec.Cmd) *keeper {
	t.Helper()
	k := &keeper{launch: launch, log: log, done: make(chan struct{})}
	k.changed = sync.NewCond(&k.mutex)
	go k.run()
	t.Cleanup(func() {
		k.end()
		if t.Failed() {
			t.Logf("the end of the operator's log:\n%s", k.logEnd())
		}
		for _, failure := range k.failures {
			t.Errorf("the operator ended by itself: %s", failure)
		}
	})
	return k
}

func (k *keeper) run() {
	// The program ends with the thread that started it.
	runtime.LockOSThread()
	defer close(k.done)
	for k.mayStart() {
		if err := k.runOnce(); err != nil {
			k.mutex.Lock()
			k.failures = append(k.failures, err.Error())
			k.closing = true
			k.mutex.Unlock()
		}
	}
}

func (k *keeper) mayStart() bool {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	for k.held && !k.closing {
		k.changed.Wait()
	}
	return !k.closing
}

// runOnce runs the program to its end. An end that a test caused is no error.
func (k *keeper) runOnce() error {
	log, err := os.OpenFile(k.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	command := k.launch()
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	k.mutex.Lock()
	err = command.Start()
	k.process, k.killed = command.Process, false
	excused := k.excused
	if k.held || k.closing {
		k.killLocked()
	}
	k.mutex.Unlock()
	if err != nil {
		return err
	}
	err = command.Wait()
	k.mutex.Lock()
	defer k.mutex.Unlock()
	k.process = nil
	if k.killed || excused {
		return nil
	}
	return fmt.Errorf("it ended with: %w", err)
}

// excuse has the programs that are started from now on end by themselves or not.
func (k *keeper) excuse(excused bool) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	k.excused = excused
}

func (k *keeper) killLocked() {
	if k.process != nil && !k.killed {
		k.killed = true
		k.kills++
		_ = k.process.Kill()
	}
}

// kill ends the program by SIGKILL. It is started again at once.
func (k *keeper) kill() {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	k.killLocked()
}

// hold kills the program and keeps it away until release.
func (k *keeper) hold() {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	k.held = true
	k.killLocked()
}

func (k *keeper) release() {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	k.held = false
	k.changed.Broadcast()
}

// failed returns an end that no test caused, if there was one.
func (k *keeper) failed() error {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	if len(k.failures) > 0 {
		return fmt.Errorf("the operator ended by itself: %s", k.failures[0])
	}
	return nil
}

func (k *keeper) end() {
	k.mutex.Lock()
	k.closing = true
	k.changed.Broadcast()
	k.killLocked()
	k.mutex.Unlock()
	<-k.done
}

func (k *keeper) logEnd() string {
	const lines = 150
	content, err := os.ReadFile(k.log)
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimSpace(string(content)), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
