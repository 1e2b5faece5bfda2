// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package shell emulates the shell of a Linux machine for ssh and telnet.
//
// It owns the machine's persona (host name, kernel, users), its in-memory file
// system, the command language and the line editor. Nothing is ever executed,
// opened or fetched: a command reads and writes only the session's own copy of
// the file system, whose size is bounded, as are the length of a line, its
// output, the number of commands it may start and how deep they may nest.
// What a session does is told to its Recorder.
//
// It imports nothing of the protocols. Start reading at Machine, then Session.
package shell
