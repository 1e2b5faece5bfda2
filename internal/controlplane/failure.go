// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"syscall"

	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// failure holds the reason for which etcd gave up. etcd would end the process, by an
// exit or a panic in any of its goroutines; here that goroutine ends alone, and what
// waits for it never goes on: etcd acknowledges nothing any more and must not be
// closed, which could wait for ever.
type failure struct {
	once   sync.Once
	failed chan struct{}
	err    error
}

func newFailure() *failure { return &failure{failed: make(chan struct{})} }

// catch makes the failure of whoever uses the logger known here.
func (f *failure) catch(logger *zap.Logger) *zap.Logger {
	return logger.WithOptions(zap.WithFatalHook(f), zap.WithPanicHook(f))
}

// OnWrite implements zapcore.CheckWriteHook.
func (f *failure) OnWrite(entry *zapcore.CheckedEntry, fields []zapcore.Field) {
	err := errors.New(entry.Message)
	for _, field := range fields {
		if cause, ok := field.Interface.(error); ok && field.Type == zapcore.ErrorType {
			err = fmt.Errorf("%s: %w", entry.Message, cause)
		}
	}
	f.set(err)
	runtime.Goexit()
}

func (f *failure) set(err error) {
	f.once.Do(func() {
		f.err = err
		close(f.failed)
	})
}

func (f *failure) happened() bool {
	select {
	case <-f.failed:
		return true
	default:
		return false
	}
}

// contain runs what uses the logger in a goroutine of its own, and returns the reason
// when it gives up.
func (f *failure) contain(run func() error) error {
	ended := make(chan error, 1)
	go func() {
		defer close(ended)
		defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
		defer func() {
			if cause := recover(); cause != nil {
				f.set(fmt.Errorf("%v", cause))
			}
		}()
		ended <- run()
	}()
	select {
	case err := <-ended:
		if !f.happened() {
			return err
		}
	case <-f.failed:
	}
	return f.err
}

func (f *failure) startEtcd(config *embed.Config) (*embed.Etcd, error) {
	started := make(chan *embed.Etcd, 1)
	err := f.contain(func() error {
		etcd, err := embed.StartEtcd(config)
		started <- etcd
		return err
	})
	if err != nil {
		return nil, err
	}
	return <-started, nil
}

// remediedError is an error that tells the next step.
type remediedError struct{ error }

// Unwrap gives errors.Is and errors.As the cause.
func (r remediedError) Unwrap() error { return r.error }

// withRemedy adds the next step to the refusals of a file system.
func withRemedy(path string, err error) error {
	switch {
	case errors.As(err, new(remediedError)):
		return err
	case isFull(err):
		return remediedError{fmt.Errorf("%w: free some space on the file system of %q and start again; nothing that was acknowledged is lost", err, path)}
	case errors.Is(err, syscall.EROFS):
		return remediedError{fmt.Errorf("%w: make the file system of %q writable, or choose another --data-dir", err, path)}
	default:
		return err
	}
}

func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
