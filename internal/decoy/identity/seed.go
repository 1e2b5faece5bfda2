// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package identity

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/deckyard/deckyard/internal/decoy/setting"
)

const (
	seedBytes = 32
	// curveBytes is the size of a private key on P-256.
	curveBytes = 32
)

// Seed is the secret that all keys of a service come from. Each key has a
// purpose; keys of different purposes tell nothing of each other.
type Seed struct {
	secret []byte
}

// Read reads SEED, 64 hexadecimal digits. Unset means a random seed.
func Read(settings *setting.Reader) Seed {
	digits := settings.Line("SEED", "", 2*seedBytes)
	if digits == "" {
		secret := make([]byte, seedBytes)
		_, _ = rand.Read(secret) // never fails
		return Seed{secret: secret}
	}
	secret, err := hex.DecodeString(digits)
	if err != nil || len(secret) != seedBytes {
		settings.Refuse("SEED", digits, fmt.Sprintf("%d hexadecimal digits", 2*seedBytes))
	}
	return Seed{secret: secret}
}

// Bytes returns secret bytes for a purpose.
func (s Seed) Bytes(purpose string, length int) ([]byte, error) {
	derived, err := hkdf.Key(sha256.New, s.secret, nil, purpose, length)
	if err != nil {
		return nil, fmt.Errorf("derive %s: %w", purpose, err)
	}
	return derived, nil
}

// Ed25519 returns a key on Curve25519.
func (s Seed) Ed25519(purpose string) (ed25519.PrivateKey, error) {
	seed, err := s.Bytes(purpose, ed25519.SeedSize)
	if err != nil {
		return nil, err
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

// ECDSA returns a key on P-256.
func (s Seed) ECDSA(purpose string) (*ecdsa.PrivateKey, error) {
	number, err := s.Bytes(purpose, curveBytes)
	if err != nil {
		return nil, err
	}
	// One number in 2^32 is none of the curve's.
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), number)
	if err != nil {
		return s.ECDSA(purpose + "'")
	}
	return key, nil
}
