// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package catalogue

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"

	"github.com/deckyard/deckyard/api/v1alpha1"
)

// variableSeed is what a fragment interpolates for a service that has keys of
// its own, such as SSH host keys. It is not a config key.
const variableSeed = "seed"

// seed returns the secret from which a service of a decky derives its keys, so
// that they outlive its containers. It is made from the decky's UID: a decky
// that is deleted and created again is another machine. A decky that no API
// server knows has no seed, and so keys by chance.
func seed(decky *v1alpha1.Decky, service string) string {
	if decky.UID == "" {
		return ""
	}
	mac := hmac.New(sha256.New, []byte(decky.UID))
	_, _ = io.WriteString(mac, "deckyard seed of service "+service) // a hash accepts everything
	return hex.EncodeToString(mac.Sum(nil))
}
