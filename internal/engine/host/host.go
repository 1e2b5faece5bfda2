// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/model"
)

// Host implements engine.Host, engine.HostProber and engine.Firewall for the machine that it runs on.
type Host struct {
	// firewall is held by whoever changes our tables: what is deleted depends on
	// what was read before.
	firewall *sync.Mutex
}

var (
	_ engine.Host       = Host{}
	_ engine.HostProber = Host{}
	_ engine.Firewall   = Host{}
)

// New returns the Host.
func New() Host { return Host{firewall: &sync.Mutex{}} }

// Namespace implements engine.Host. A sysctl that the kernel does not have is
// left out.
func (Host) Namespace(ctx context.Context, container model.Container, sysctls []string) (model.Namespace, error) {
	namespace, err := readNamespace(ctx, container, sysctls)
	if err != nil {
		return model.Namespace{}, fmt.Errorf("read network namespace of container %q: %w", container.Name, withKind(err))
	}
	return namespace, nil
}

func readNamespace(ctx context.Context, container model.Container, sysctls []string) (model.Namespace, error) {
	for _, name := range sysctls {
		if err := validateSysctl(name); err != nil {
			return model.Namespace{}, err
		}
	}
	owner, err := openProcess(ctx, container)
	if err != nil {
		return model.Namespace{}, err
	}
	defer owner.close()
	sockets, err := owner.udpSockets()
	if err != nil {
		return model.Namespace{}, err
	}
	seen := model.Namespace{}
	err = owner.inNetworkNamespace(func() error {
		listening, err := tcpListeners()
		if err != nil {
			return err
		}
		sockets = append(sockets, listening...)
		if seen.Routes, err = ownRoutes(); err != nil {
			return err
		}
		seen.Sysctls, err = readSysctls(sysctls)
		return err
	})
	if err != nil {
		return model.Namespace{}, err
	}
	seen.Listening = listeningSockets(sockets)
	return seen, nil
}

// SetSysctl implements engine.Host. A setting that the kernel does not have, or
// a value that it refuses, is ErrInvalid.
func (Host) SetSysctl(ctx context.Context, container model.Container, name, value string) error {
	if err := setSysctl(ctx, container, name, value); err != nil {
		return fmt.Errorf("set sysctl %q of container %q to %q: %w", name, container.Name, value, withKind(err))
	}
	return nil
}

func setSysctl(ctx context.Context, container model.Container, name, value string) error {
	if err := validateSysctl(name); err != nil {
		return err
	}
	owner, err := openProcess(ctx, container)
	if err != nil {
		return err
	}
	defer owner.close()
	return owner.inNetworkNamespace(func() error { return writeSysctl(name, value) })
}

// withKind gives an error of the operating system its kind.
func withKind(err error) error {
	switch {
	case errors.Is(err, engine.ErrInvalid), errors.Is(err, engine.ErrNotFound):
		return err
	case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.EPROTONOSUPPORT), errors.Is(err, unix.EAFNOSUPPORT):
		return fmt.Errorf("%w: %w", engine.ErrUnsupported, err)
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ESRCH):
		return fmt.Errorf("%w: %w", engine.ErrNotFound, err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: %w", engine.ErrDenied, err)
	default:
		return err
	}
}
