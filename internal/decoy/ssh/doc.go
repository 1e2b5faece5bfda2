// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package ssh answers as an OpenSSH server with an emulated shell behind it.
//
// The protocol is golang.org/x/crypto/ssh, offering what the OpenSSH of its
// banner offers as far as that library goes. This package owns who may log in,
// the sessions (shell, exec, scp and sftp uploads) and their limits. The library
// buffers up to 2 MiB for a channel that is not read, so channels are few and
// always read; the guard's memory limit stands behind that. Forwarding is
// recorded and refused: nothing leaves the machine. The host keys are those of
// the service's seed, so that a client that comes back knows the machine again.
//
// Start reading at Server.
package ssh
