// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import "errors"

// The kinds of error. Adapters wrap them; callers ask with errors.Is and never
// read an error's text.
var (
	// ErrUnavailable: the engine does not answer. Nothing is known.
	ErrUnavailable = errors.New("engine unavailable")
	// ErrNotFound: the named object does not exist.
	ErrNotFound = errors.New("not found")
	// ErrExists: the name is taken. The caller observes again and decides whose it is.
	ErrExists = errors.New("exists already")
	// ErrConflict: an address, port or subnet is taken, or a connection exists that differs.
	ErrConflict = errors.New("conflict")
	// ErrInUse: the object has users, such as a network its endpoints.
	ErrInUse = errors.New("in use")
	// ErrInvalid: the engine does not accept the request; repeating it is useless.
	ErrInvalid = errors.New("invalid request")
	// ErrDenied: the socket or the engine forbids it.
	ErrDenied = errors.New("permission denied")
	// ErrUnsupported: the host lacks what the request needs, such as a program, a
	// module of its kernel or a chain of its firewall. It may come.
	ErrUnsupported = errors.New("not supported by the host")
)
