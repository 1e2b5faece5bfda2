// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"crypto/x509"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/tools/clientcmd"
	clocktesting "k8s.io/utils/clock/testing"
)

const day = 24 * time.Hour

func TestCertificatesAreKeptUntilTheyAreAboutToExpire(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		after time.Duration
		want  map[string]bool
	}{
		"AtOnce":                                 {after: 0, want: map[string]bool{}},
		"LongBeforeTheEnd":                       {after: 300 * day, want: map[string]bool{}},
		"ShortlyBeforeTheEnd":                    {after: 310 * day, want: map[string]bool{"admin": true, "serving": true}},
		"AfterTheEnd":                            {after: 400 * day, want: map[string]bool{"admin": true, "serving": true}},
		"LongBeforeTheEndOfTheAuthority":         {after: 3220 * day, want: map[string]bool{"admin": true, "serving": true}},
		"BeforeACertificateOutlivesTheAuthority": {after: 3230 * day, want: map[string]bool{"admin": true, "serving": true, "ca": true}},
		"AfterTheEndOfTheAuthority":              {after: 4000 * day, want: map[string]bool{"admin": true, "serving": true, "ca": true}},
		"ClockSetBack":                           {after: -30 * day, want: map[string]bool{"admin": true, "serving": true, "ca": true}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock := clocktesting.NewFakePassiveClock(time.Now())
			c := newCertificates(t, clock)
			before := issueAndRead(t, c)
			clock.SetTime(clock.Now().Add(test.after))
			after := issueAndRead(t, c)
			changed := map[string]bool{}
			for name, content := range after {
				if content != before[name] {
					changed[name] = true
				}
			}
			if diff := cmp.Diff(test.want, changed); diff != "" {
				t.Errorf("renewed certificates (-want +got):\n%s", diff)
			}
			assertSigned(t, c)
		})
	}
}

func TestServingCertificateFollowsTheAddress(t *testing.T) {
	t.Parallel()
	c := newCertificates(t, clocktesting.NewFakePassiveClock(time.Now()))
	before := issueAndRead(t, c)
	c.addresses = append(c.addresses, net.ParseIP("192.0.2.7"))
	after := issueAndRead(t, c)
	if before["serving"] == after["serving"] {
		t.Error("the serving certificate does not name the new address")
	}
	if before["admin"] != after["admin"] || before["ca"] != after["ca"] {
		t.Error("a certificate that has nothing to do with the address changed")
	}
}

func TestHalfWrittenPairIsReplaced(t *testing.T) {
	t.Parallel()
	c := newCertificates(t, clocktesting.NewFakePassiveClock(time.Now()))
	issueAndRead(t, c)
	key, err := newKey()
	if err != nil {
		t.Fatal(err)
	}
	_, keyFile := c.adminFiles()
	if err := writeKey(keyFile, key); err != nil {
		t.Fatal(err)
	}
	issueAndRead(t, c)
	assertSigned(t, c)
}

// A client that has loaded the old certificate of the authority keeps working after it
// is renewed.
func TestRenewedAuthorityIsTrustedByWhoTrustsTheOld(t *testing.T) {
	t.Parallel()
	clock := clocktesting.NewFakePassiveClock(time.Now())
	c := newCertificates(t, clock)
	issueAndRead(t, c)
	before, err := readKeyPair(c.authorityFile(), c.file("ca.key"))
	if err != nil {
		t.Fatal(err)
	}
	clock.SetTime(clock.Now().Add(3230 * day))
	issueAndRead(t, c)
	assertSignedBy(t, c, before.certificate)
}

func TestDamagedCertificateFileIsNamed(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"ca.crt", "ca.key", "serving.crt", "admin.key"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCertificates(t, clocktesting.NewFakePassiveClock(time.Now()))
			issueAndRead(t, c)
			for _, content := range []string{"", "-----BEGIN CERTIFICATE-----\nZ2FyYmFnZQ==\n-----END CERTIFICATE-----\n"} {
				if err := os.WriteFile(c.file(name), []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
				_, err := c.issue()
				if err == nil || !strings.Contains(err.Error(), c.file(name)) || !strings.Contains(err.Error(), "remove it to have a new one made") {
					t.Errorf("with content %q: got %v, want the file and the next step", content, err)
				}
			}
		})
	}
}

func TestCheckKubeconfig(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		after time.Duration
		want  string
	}{
		"Fresh":       {after: 0},
		"Expired":     {after: 400 * day, want: `the certificate of "deckyard-admin" expired on `},
		"OldCopy":     {after: 4000 * day, want: `the certificate of "deckyard-ca" expired on `},
		"NotYetValid": {after: -30 * day, want: "is not valid before "},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCertificates(t, clocktesting.NewFakePassiveClock(time.Now()))
			issueAndRead(t, c)
			path := filepath.Join(t.TempDir(), "config")
			if err := c.writeKubeconfig(path, "https://127.0.0.1:1"); err != nil {
				t.Fatal(err)
			}
			err := CheckKubeconfig(path, c.clock.Now().Add(test.after))
			if test.want == "" {
				if err != nil {
					t.Errorf("got %v, want nothing", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("got %v, want it to contain %q and %q", err, test.want, path)
			}
		})
	}
}

func TestCheckKubeconfigLeavesOthersAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "config")
	contents := []string{"#!/bin/sh\n", "apiVersion: v1\nkind: Config\nclusters: [{name: production, cluster: {server: https://prod}}]\n"}
	for _, content := range contents {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := CheckKubeconfig(path, time.Now()); err != nil {
			t.Errorf("%q: got %v, want nothing", content, err)
		}
	}
}

func TestKubeconfigNeedsNoOtherFile(t *testing.T) {
	t.Parallel()
	c := newCertificates(t, clocktesting.NewFakePassiveClock(time.Now()))
	issueAndRead(t, c)
	path := filepath.Join(t.TempDir(), "config")
	for range 2 {
		if err := c.writeKubeconfig(path, "https://127.0.0.1:1"); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode: got %o, want 600", info.Mode().Perm())
	}
	config, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		t.Fatal(err)
	}
	if config.Host != "https://127.0.0.1:1" || len(config.CertData) == 0 || len(config.KeyData) == 0 || len(config.CAData) == 0 {
		t.Errorf("got %s with %d, %d and %d bytes of certificates", config.Host, len(config.CertData), len(config.KeyData), len(config.CAData))
	}
}

func TestKubeconfigOfOthersIsNotReplaced(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ content, want string }{
		"AnotherCluster": {
			content: "apiVersion: v1\nkind: Config\nclusters: [{name: production, cluster: {server: https://prod}}]\n",
			want:    `the file is there and holds the cluster "production": name another file`,
		},
		"AnotherFormat": {content: "#!/bin/sh\nexit 1\n", want: "the file is there and is no kubeconfig"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCertificates(t, clocktesting.NewFakePassiveClock(time.Now()))
			issueAndRead(t, c)
			path := filepath.Join(t.TempDir(), "config")
			if err := os.WriteFile(path, []byte(test.content), 0o600); err != nil {
				t.Fatal(err)
			}
			err := c.writeKubeconfig(path, "https://127.0.0.1:1")
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want it to contain %q", err, test.want)
			}
			content, err := os.ReadFile(path)
			if err != nil || string(content) != test.content {
				t.Errorf("the file changed: %q, %v", content, err)
			}
		})
	}
}

func newCertificates(t *testing.T, clock *clocktesting.FakePassiveClock) certificates {
	t.Helper()
	directory, err := OpenDataDirectory(filepath.Join(t.TempDir(), "data"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = directory.Close() })
	return certificates{directory: directory, clock: clock, addresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
}

func issueAndRead(t *testing.T, c certificates) map[string]string {
	t.Helper()
	if _, err := c.issue(); err != nil {
		t.Fatal(err)
	}
	contents := map[string]string{}
	for _, name := range []string{"ca", "serving", "admin"} {
		content, err := os.ReadFile(c.file(name + ".crt"))
		if err != nil {
			t.Fatal(err)
		}
		contents[name] = string(content)
	}
	return contents
}

func assertSigned(t *testing.T, c certificates) {
	t.Helper()
	authority, err := readKeyPair(c.authorityFile(), c.file("ca.key"))
	if err != nil {
		t.Fatal(err)
	}
	assertSignedBy(t, c, authority.certificate)
}

func assertSignedBy(t *testing.T, c certificates, authority *x509.Certificate) {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(authority)
	uses := map[string]x509.ExtKeyUsage{"serving": x509.ExtKeyUsageServerAuth, "admin": x509.ExtKeyUsageClientAuth}
	for name, use := range uses {
		pair, err := readKeyPair(c.file(name+".crt"), c.file(name+".key"))
		if err != nil {
			t.Error(err)
			continue
		}
		options := x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{use}, CurrentTime: c.clock.Now()}
		if _, err := pair.certificate.Verify(options); err != nil {
			t.Errorf("verify %s: %v", name, err)
		}
	}
}
