// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package ssh

import "context"

// sftp ends at once, as a server without the program does.
func (w *worker) sftp(context.Context) uint32 {
	return 127
}
