// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/client"

	"github.com/deckyard/deckyard/internal/engine"
)

// engineError is an error of the client with its kind, nil if it has none. Its
// text is the client's, without the phrase that begins every answer of the engine.
type engineError struct {
	kind, cause error
}

// Error implements error.
func (e *engineError) Error() string {
	return strings.TrimPrefix(e.cause.Error(), "Error response from daemon: ")
}

// Unwrap returns the kind and the cause.
func (e *engineError) Unwrap() []error {
	if e.kind == nil {
		return []error{e.cause}
	}
	return []error{e.kind, e.cause}
}

// withKind gives an error a kind.
func withKind(kind, cause error) error {
	return &engineError{kind: kind, cause: cause}
}

// failure says what was attempted and gives the cause its kind. It is nil if
// the cause is nil.
func failure(cause error, format string, args ...any) error {
	if cause == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), classify(cause))
}

// classify gives an error of the client its kind, unless it has one. A fault
// inside the engine has none, as it may go away by itself, nor has a cancelled call.
func classify(err error) error {
	if _, classified := errors.AsType[*engineError](err); classified {
		return err
	}
	return withKind(kindOf(err), err)
}

// kindOf returns the kind of an error of the client, nil if it has none.
func kindOf(err error) error {
	for _, kind := range []func(error) error{kindOfConnection, kindOfMessage, kindOfClass} {
		if found := kind(err); found != nil {
			return found
		}
	}
	return nil
}

// kindOfConnection returns the kind of an error in reaching the engine or in
// hearing its answer to the end.
func kindOfConnection(err error) error {
	var networkError net.Error
	switch {
	case errors.Is(err, context.Canceled):
		return nil
	case errors.Is(err, fs.ErrPermission):
		return engine.ErrDenied
	case client.IsErrConnectionFailed(err),
		errors.Is(err, context.DeadlineExceeded),
		errors.Is(err, io.EOF),
		errors.Is(err, io.ErrUnexpectedEOF),
		errors.As(err, &networkError):
		return engine.ErrUnavailable
	default:
		return nil
	}
}

// kindOfMessage returns the kind of an error that the engine tells from others
// by its text alone. The texts are those of engines 20.10 to 28; a test pins each.
func kindOfMessage(err error) error {
	message := err.Error()
	for _, known := range messageKinds() {
		if strings.Contains(message, known.text) {
			return known.kind
		}
	}
	return nil
}

type messageKind struct {
	text string
	kind error
}

// messageKinds lists texts of the engine and their kinds.
func messageKinds() []messageKind {
	return []messageKind{
		{"Pool overlaps with other one on this address space", engine.ErrConflict},
		{"networks have overlapping IPv4", engine.ErrConflict},
		{"networks have same bridge name", engine.ErrConflict},
		// An IPv4 address of an endpoint, from the engine's address management.
		{"Address already in use", engine.ErrConflict},
		// A host port that another container holds, and one that a process holds.
		{"port is already allocated", engine.ErrConflict},
		{"address already in use", engine.ErrConflict},
		// A route in the container's namespace that leads to the subnet.
		{"it conflicts with existing route", engine.ErrConflict},
		{"has active endpoints", engine.ErrInUse},
		// Somebody else connected the container since we looked.
		{"already exists in network", engine.ErrConflict},
		{"is already attached to network", engine.ErrConflict},
		{"is not connected to network", engine.ErrNotFound},
		{"is not connected to the network", engine.ErrNotFound},
		{"It does not belong to any of this network's subnets", engine.ErrInvalid},
		{"no configured subnet or ip-range contain the IP address", engine.ErrInvalid},
		{"requires API version", engine.ErrInvalid},
		// A registry's answers, which Debian's engine passes on as a fault of its own.
		{"manifest unknown", engine.ErrNotFound},
		{"name unknown", engine.ErrNotFound},
	}
}

// kindOfClass returns the kind of an error by the class that the engine gave it.
func kindOfClass(err error) error {
	switch {
	case errdefs.IsNotFound(err):
		return engine.ErrNotFound
	case errdefs.IsConflict(err):
		return engine.ErrConflict
	case errdefs.IsInvalidArgument(err), errdefs.IsNotImplemented(err):
		return engine.ErrInvalid
	case errdefs.IsPermissionDenied(err), errdefs.IsUnauthorized(err):
		return engine.ErrDenied
	case errdefs.IsUnavailable(err):
		return engine.ErrUnavailable
	default:
		return nil
	}
}
