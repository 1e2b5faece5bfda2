// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package certificate_test

import (
	"bytes"
	"crypto/x509"
	"testing"
	"time"

	"github.com/deckyard/deckyard/internal/decoy/certificate"
	"github.com/deckyard/deckyard/internal/decoy/identity"
	"github.com/deckyard/deckyard/internal/decoy/setting"
)

func randomSeed() identity.Seed {
	return identity.Read(setting.NewReader(func(string) (string, bool) { return "", false }))
}

func selfSigned(t *testing.T, seed identity.Seed, name string, now time.Time) *x509.Certificate {
	t.Helper()
	made, err := certificate.SelfSigned(seed, name, now)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(made.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func TestSelfSignedIsForItsName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"srv-01", "www.example.com", "10.0.0.1"} {
		parsed := selfSigned(t, randomSeed(), name, time.Now())
		if err := parsed.VerifyHostname(name); err != nil {
			t.Error(err)
		}
		if err := parsed.CheckSignature(parsed.SignatureAlgorithm, parsed.RawTBSCertificate, parsed.Signature); err != nil {
			t.Error(err)
		}
		if parsed.Subject.String() != "CN="+name || parsed.Issuer.String() != "CN="+name {
			t.Errorf("subject %s, issuer %s", parsed.Subject, parsed.Issuer)
		}
		if parsed.SerialNumber.Sign() <= 0 {
			t.Errorf("serial number %s", parsed.SerialNumber)
		}
	}
}

// Over the years a machine shows one certificate after the other, each for two
// years and valid for much longer, and always the same key.
func TestCertificateStaysUntilItsRenewal(t *testing.T) {
	t.Parallel()
	const name, years = "srv-01", 20
	seed := randomSeed()
	start := time.Date(2026, time.January, 1, 12, 0, 0, 0, time.UTC)
	before := selfSigned(t, seed, name, start)
	renewals := 0
	for week := range years * 52 {
		now := start.AddDate(0, 0, 7*week)
		is := selfSigned(t, seed, name, now)
		if is.NotBefore.After(now) || is.NotAfter.Before(now.AddDate(7, 11, 0)) || is.NotBefore.Before(now.AddDate(-2, 0, -1)) {
			t.Fatalf("on %s it is valid from %s to %s", now, is.NotBefore, is.NotAfter)
		}
		if !bytes.Equal(is.RawSubjectPublicKeyInfo, before.RawSubjectPublicKeyInfo) {
			t.Fatalf("on %s it has another key", now)
		}
		if !bytes.Equal(is.Raw, before.Raw) {
			renewals++
			if is.SerialNumber.Cmp(before.SerialNumber) == 0 || is.NotBefore.Equal(before.NotBefore) {
				t.Fatalf("on %s it differs with the same serial number or day", now)
			}
		}
		before = is
	}
	if renewals < years/2-1 || renewals > years/2 {
		t.Errorf("it was renewed %d times in %d years", renewals, years)
	}
}

func TestMachinesDoNotShareACertificate(t *testing.T) {
	t.Parallel()
	now := time.Now()
	a, b := selfSigned(t, randomSeed(), "srv-01", now), selfSigned(t, randomSeed(), "srv-01", now)
	if a.SerialNumber.Cmp(b.SerialNumber) == 0 || a.NotBefore.Equal(b.NotBefore) || bytes.Equal(a.RawSubjectPublicKeyInfo, b.RawSubjectPublicKeyInfo) {
		t.Errorf("both have serial number %s from %s", a.SerialNumber, a.NotBefore)
	}
}
