// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package certificate_test

import (
	"crypto/x509"
	"testing"
	"time"

	"github.com/deckyard/deckyard/internal/decoy/certificate"
)

func TestSelfSignedIsForItsName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"srv-01", "www.example.com", "10.0.0.1"} {
		made, err := certificate.SelfSigned(name)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := x509.ParseCertificate(made.Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		if err := parsed.VerifyHostname(name); err != nil {
			t.Error(err)
		}
		if parsed.Subject.String() != "CN="+name || parsed.Issuer.String() != "CN="+name {
			t.Errorf("subject %s, issuer %s", parsed.Subject, parsed.Issuer)
		}
		if now := time.Now(); !parsed.NotBefore.Before(now.AddDate(0, 0, -1)) || !parsed.NotAfter.After(now.AddDate(5, 0, 0)) {
			t.Errorf("valid from %s to %s", parsed.NotBefore, parsed.NotAfter)
		}
	}
}
