// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package ssh

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"

	"github.com/deckyard/deckyard/internal/decoy/shell"
)

const (
	// maxKept bounds what is kept of one uploaded file; all of it counts into
	// its size and digest.
	maxKept = 128 << 10
	// maxUpload bounds what one file may have.
	maxUpload = 256 << 20
)

// upload is a file as it arrives.
type upload struct {
	name   string
	kept   []byte
	size   int64
	digest hash.Hash
}

func newUpload(name string) *upload {
	return &upload{name: name, digest: sha256.New()}
}

// Write takes the next piece.
func (u *upload) Write(piece []byte) (int, error) {
	u.size += int64(len(piece))
	if room := maxKept - len(u.kept); room > 0 {
		u.kept = append(u.kept, piece[:min(room, len(piece))]...)
	}
	return u.digest.Write(piece)
}

// keep gives the file to the session.
func (u *upload) keep(session *shell.Session) error {
	return session.Keep(shell.Upload{
		Name: u.name, Content: u.kept, Size: u.size, SHA256: hex.EncodeToString(u.digest.Sum(nil)),
	})
}
