// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package certificate

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"fmt"
	"math/big"
	"net"
	"time"

	"github.com/deckyard/deckyard/internal/decoy/identity"
)

const (
	day = 24 * 60 * 60
	// renewal is how often, in seconds, the certificate is replaced; by then it
	// is valid for eight years more.
	renewal       = 730 * day
	validityYears = 10
	serialBytes   = 16
)

// Config returns the TLS settings of a server that shows what SelfSigned returns.
func Config(seed identity.Seed, commonName string, now time.Time) (*tls.Config, error) {
	made, err := SelfSigned(seed, commonName, now)
	if err != nil {
		return nil, fmt.Errorf("make certificate: %w", err)
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{made}}, nil
}

// SelfSigned returns the certificate for a host name or IP address that a seed
// gives at a time. It is the same until its renewal, whose day the seed gives
// too, and its key is the same for ever.
func SelfSigned(seed identity.Seed, commonName string, now time.Time) (tls.Certificate, error) {
	key, err := seed.ECDSA("certificate key")
	if err != nil {
		return tls.Certificate{}, err
	}
	from, err := issued(seed, now)
	if err != nil {
		return tls.Certificate{}, err
	}
	serial, err := seed.Bytes("certificate serial number "+commonName+" "+from.Format(time.DateOnly), serialBytes)
	if err != nil {
		return tls.Certificate{}, err
	}
	serial[0] &= 0x7f // a serial number is positive
	template := &x509.Certificate{
		SerialNumber:          new(big.Int).SetBytes(serial),
		Subject:               pkix.Name{CommonName: commonName},
		NotBefore:             from,
		NotAfter:              from.AddDate(validityYears, 0, 0),
		BasicConstraintsValid: true,
	}
	if ip := net.ParseIP(commonName); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{commonName}
	}
	// Without randomness the signature is the same each time, too.
	der, err := x509.CreateCertificate(nil, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("create certificate for %q: %w", commonName, err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

// issued returns the last time at or before now at which the certificate was
// renewed: some second of the last two years, so that not all machines share one.
func issued(seed identity.Seed, now time.Time) (time.Time, error) {
	phase, err := seed.Bytes("certificate renewal", 4)
	if err != nil {
		return time.Time{}, err
	}
	age := (now.Unix() + int64(binary.BigEndian.Uint32(phase))) % renewal
	return time.Unix(now.Unix()-age, 0).UTC(), nil
}
