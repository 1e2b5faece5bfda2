// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package identity_test

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deckyard/deckyard/internal/decoy/identity"
	"github.com/deckyard/deckyard/internal/decoy/setting"
)

// one is a seed as the environment holds it.
var one = strings.Repeat("0123456789abcdef", 4)

func read(t *testing.T, value string) identity.Seed {
	t.Helper()
	settings := setting.NewReader(func(string) (string, bool) { return value, true })
	seed := identity.Read(settings)
	if err := settings.Err(); err != nil {
		t.Fatal(err)
	}
	return seed
}

// fingerprints returns a digest of each kind of key.
func fingerprints(t *testing.T, seed identity.Seed, purpose string) map[string]string {
	t.Helper()
	all := map[string]string{}
	add := func(kind string, key any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		encoded, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		digest := sha256.Sum256(encoded)
		all[kind] = hex.EncodeToString(digest[:8])
	}
	edwards, err := seed.Ed25519(purpose)
	add("ed25519", edwards, err)
	curve, err := seed.ECDSA(purpose)
	add("ecdsa", curve, err)
	factors, err := seed.RSA(purpose)
	add("rsa", factors, err)
	if bits := factors.N.BitLen(); bits != 3072 {
		t.Errorf("the RSA key has %d bits", bits)
	}
	return all
}

// A machine must be known again after an upgrade too, so the keys are pinned.
func TestKeysOfASeedNeverChange(t *testing.T) {
	t.Parallel()
	want := map[string]string{"ecdsa": "58745589e65c20f4", "ed25519": "8413570c44de023e", "rsa": "16d38e98606ba63a"}
	if diff := cmp.Diff(want, fingerprints(t, read(t, one), "test")); diff != "" {
		t.Errorf("(-want +have):\n%s", diff)
	}
}

func TestKeysDifferBySeedAndPurpose(t *testing.T) {
	t.Parallel()
	known := map[string]string{}
	for name, each := range map[string]struct {
		seed    identity.Seed
		purpose string
	}{
		"a seed":                    {read(t, one), "a"},
		"the seed, another purpose": {read(t, one), "b"},
		"another seed":              {read(t, strings.Repeat("f", 64)), "a"},
		"no seed":                   {read(t, ""), "a"},
		"no seed again":             {read(t, ""), "a"},
	} {
		for kind, fingerprint := range fingerprints(t, each.seed, each.purpose) {
			if other, taken := known[fingerprint]; taken {
				t.Errorf("the %s key of %s is that of %s", kind, name, other)
			}
			known[fingerprint] = name
		}
	}
}

func TestSeedsThatAreNoneAreRefused(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{"too short": one[2:], "an odd digit": one[1:], "no digits": strings.Repeat("x", 64), "too long": one + "00"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			settings := setting.NewReader(func(string) (string, bool) { return value, true })
			identity.Read(settings)
			if err := settings.Err(); err == nil || !strings.HasPrefix(err.Error(), "SEED must be ") {
				t.Errorf("error is %v", err)
			}
		})
	}
}
