// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"
)

// supervise is the first process of a machine's base. It holds the network
// namespace that the services share, so all it does is stay: it collects dead
// children and ends on SIGTERM or SIGINT. Every other signal is taken and
// ignored, also those that would normally be fatal.
func supervise() int {
	runtime.GOMAXPROCS(1)
	debug.SetGCPercent(collectAt)
	signals := make(chan os.Signal, 64)
	signal.Notify(signals)
	reap()
	debug.FreeOSMemory()
	for received := range signals {
		switch received {
		case syscall.SIGTERM, syscall.SIGINT:
			return 0
		case syscall.SIGCHLD:
			reap()
		}
	}
	return 0
}

// reap collects every child that has ended.
func reap() {
	for {
		pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || pid <= 0 {
			return
		}
	}
}
