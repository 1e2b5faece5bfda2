// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"slices"
	"time"

	"k8s.io/utils/clock"
)

const (
	authorityLifetime   = 10 * 365 * 24 * time.Hour
	certificateLifetime = 365 * 24 * time.Hour
	// renewBefore leaves a running control plane many attempts, and one that is
	// started once a month a valid kubeconfig in between.
	renewBefore = 60 * 24 * time.Hour
	// renewAuthorityBefore lets no certificate outlive the authority that it is
	// verified with.
	renewAuthorityBefore = certificateLifetime + renewBefore

	administrator = "deckyard-admin"
	// administratorsGroup is bound to cluster-admin by the API server itself.
	administratorsGroup = "system:masters"
)

// certificates are the files of the control plane's own authority. A file that is
// there and still good is kept, so that clients survive a restart.
type certificates struct {
	directory *DataDirectory
	clock     clock.PassiveClock
	addresses []net.IP
}

type keyPair struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// certificateDirectory is the folder of the data directory that holds them.
const certificateDirectory = "pki"

// certificateFiles are the names of all files that issue may write.
func certificateFiles() []string {
	return []string{"ca.crt", "ca.key", "serving.crt", "serving.key", "admin.crt", "admin.key", "service-account.key"}
}

func (c certificates) file(name string) string { return c.directory.File(certificateDirectory, name) }

func (c certificates) authorityFile() string { return c.file("ca.crt") }

func (c certificates) servingFiles() (certificate, key string) {
	return c.file("serving.crt"), c.file("serving.key")
}

func (c certificates) adminFiles() (certificate, key string) {
	return c.file("admin.crt"), c.file("admin.key")
}

func (c certificates) serviceAccountFile() string { return c.file("service-account.key") }

// issue creates what is missing, renews what is about to expire, and reports
// whether the authority or the administrator's certificate changed, also beside an
// error.
func (c certificates) issue() (changed bool, err error) {
	if err := makePrivateDirectory(c.directory.File(certificateDirectory)); err != nil {
		return false, err
	}
	if err := c.ensureServiceAccountKey(); err != nil {
		return false, err
	}
	authority, changed, err := c.authority()
	if err != nil {
		return changed, err
	}
	certificateFile, keyFile := c.servingFiles()
	if _, err := c.ensureSigned(certificateFile, keyFile, c.servingTemplate(), authority); err != nil {
		return changed, err
	}
	certificateFile, keyFile = c.adminFiles()
	adminChanged, err := c.ensureSigned(certificateFile, keyFile, adminTemplate(), authority)
	return changed || adminChanged, err
}

// authority keeps its key when its certificate is renewed, so that whoever trusts the
// old certificate trusts what the new one signs until the old one ends.
func (c certificates) authority() (authority keyPair, changed bool, err error) {
	certificateFile, keyFile := c.authorityFile(), c.file("ca.key")
	authority, err = readKeyPair(certificateFile, keyFile)
	if err == nil && c.goodFor(authority.certificate, renewAuthorityBefore) {
		return authority, false, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return keyPair{}, false, err
	}
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: "deckyard-ca"},
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	key := authority.key
	if key == nil {
		if key, err = newKey(); err != nil {
			return keyPair{}, false, err
		}
	}
	authority, err = c.sign(template, authorityLifetime, key, nil)
	if err != nil {
		return keyPair{}, false, fmt.Errorf("create certificate authority: %w", err)
	}
	return authority, true, writeKeyPair(certificateFile, keyFile, authority)
}

func (c certificates) servingTemplate() *x509.Certificate {
	return &x509.Certificate{
		Subject:     pkix.Name{CommonName: "deckyard-apiserver"},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:    []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"},
		IPAddresses: c.addresses,
	}
}

func adminTemplate() *x509.Certificate {
	return &x509.Certificate{
		Subject:     pkix.Name{CommonName: administrator, Organization: []string{administratorsGroup}},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
}

// ensureSigned keeps the certificate when it is fresh, signed by the authority and
// says what the template says; else it replaces it and its key.
func (c certificates) ensureSigned(certificateFile, keyFile string, template *x509.Certificate, authority keyPair) (changed bool, err error) {
	current, err := readKeyPair(certificateFile, keyFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	if err == nil && c.goodFor(current.certificate, renewBefore) && covers(current.certificate, template) &&
		current.certificate.CheckSignatureFrom(authority.certificate) == nil {
		return false, nil
	}
	key, err := newKey()
	if err != nil {
		return false, err
	}
	signed, err := c.sign(template, certificateLifetime, key, &authority)
	if err != nil {
		return false, fmt.Errorf("sign certificate %q: %w", certificateFile, err)
	}
	return true, writeKeyPair(certificateFile, keyFile, signed)
}

func (c certificates) ensureServiceAccountKey() error {
	_, err := os.Stat(c.serviceAccountFile())
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	key, err := newKey()
	if err != nil {
		return err
	}
	return writeKey(c.serviceAccountFile(), key)
}

// goodFor reports whether the certificate is valid now and stays so for the time.
func (c certificates) goodFor(certificate *x509.Certificate, remaining time.Duration) bool {
	now := c.clock.Now()
	return !now.Before(certificate.NotBefore) && now.Add(remaining).Before(certificate.NotAfter)
}

func covers(certificate, template *x509.Certificate) bool {
	for _, address := range template.IPAddresses {
		if !slices.ContainsFunc(certificate.IPAddresses, address.Equal) {
			return false
		}
	}
	return certificate.Subject.CommonName == template.Subject.CommonName
}

// sign creates the certificate of a key. Without an authority the key signs itself.
func (c certificates) sign(template *x509.Certificate, lifetime time.Duration, key *ecdsa.PrivateKey, authority *keyPair) (keyPair, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return keyPair{}, err
	}
	template.SerialNumber = serial
	// The clock of a machine that has just booted may still be set back a little.
	template.NotBefore = c.clock.Now().Add(-time.Hour)
	template.NotAfter = c.clock.Now().Add(lifetime)
	parent := keyPair{certificate: template, key: key}
	if authority != nil {
		parent = *authority
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent.certificate, key.Public(), parent.key)
	if err != nil {
		return keyPair{}, err
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return keyPair{}, err
	}
	return keyPair{certificate: certificate, key: key}, nil
}

func newKey() (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("create private key: %w", err)
	}
	return key, nil
}

func readKeyPair(certificateFile, keyFile string) (keyPair, error) {
	certificateBlock, err := readPEM(certificateFile)
	if err != nil {
		return keyPair{}, err
	}
	keyBlock, err := readPEM(keyFile)
	if err != nil {
		return keyPair{}, err
	}
	certificate, err := x509.ParseCertificate(certificateBlock.Bytes)
	if err != nil {
		return keyPair{}, damagedFile(certificateFile, err)
	}
	key, err := x509.ParseECPrivateKey(keyBlock.Bytes)
	if err != nil {
		return keyPair{}, damagedFile(keyFile, err)
	}
	if !key.PublicKey.Equal(certificate.PublicKey) {
		// A crash between the two writes leaves such a pair; it is of no use to anyone.
		return keyPair{}, fmt.Errorf("match %q with %q: %w", certificateFile, keyFile, fs.ErrNotExist)
	}
	return keyPair{certificate: certificate, key: key}, nil
}

func readPEM(path string) (*pem.Block, error) {
	content, err := os.ReadFile(path) //nolint:gosec // a file of our own data directory
	if err != nil {
		return nil, fmt.Errorf("read %q: %w", path, err)
	}
	block, _ := pem.Decode(content)
	if block == nil {
		return nil, damagedFile(path, errors.New("no PEM block"))
	}
	return block, nil
}

// damagedFile does not replace the file by itself: there may be a backup of it.
func damagedFile(path string, cause error) error {
	return fmt.Errorf("read %q: the file is damaged (%w): restore it, or remove it to have a new one made", path, cause)
}

func writeKeyPair(certificateFile, keyFile string, pair keyPair) error {
	if err := writeKey(keyFile, pair.key); err != nil {
		return err
	}
	block := pem.Block{Type: "CERTIFICATE", Bytes: pair.certificate.Raw}
	return writeFileAtomically(certificateFile, pem.EncodeToMemory(&block))
}

func writeKey(path string, key *ecdsa.PrivateKey) error {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return fmt.Errorf("encode private key %q: %w", path, err)
	}
	block := pem.Block{Type: "EC PRIVATE KEY", Bytes: der}
	return writeFileAtomically(path, pem.EncodeToMemory(&block))
}
