// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package ftp answers as an FTP server that lets everybody in.
//
// It owns the conversation in the words of vsftpd, a small file system, and
// what is kept of uploads. It is our own rather than ftpserverlib: that one can
// neither bound a line nor the data connections of a session, and its words are
// its own. Data connections are passive only and from the client's own address:
// the server never connects to anybody.
//
// Start reading at Server.
package ftp
