// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package lines reads the commands of protocols that speak in lines of text.
//
// It owns the limits of such a conversation: the length of a line, the number
// of lines and of mistakes. It imports the standard library only. Start reading
// at Reader.
package lines
