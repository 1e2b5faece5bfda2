// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// contextName names the cluster, the context and thereby the file: a kubeconfig
// with any other cluster in it was not written by us.
const contextName = "deckyard"

// writeKubeconfig writes the administrator's kubeconfig, which needs no other file.
// It refuses to replace a kubeconfig that holds somebody else's clusters.
func (c certificates) writeKubeconfig(path, server string) error {
	if err := checkReplaceable(path); err != nil {
		return err
	}
	certificateFile, keyFile := c.adminFiles()
	contents := make([][]byte, 0, 3)
	for _, file := range []string{c.authorityFile(), certificateFile, keyFile} {
		content, err := os.ReadFile(file) //nolint:gosec // a file of our own data directory
		if err != nil {
			return fmt.Errorf("write kubeconfig %q: %w", path, err)
		}
		contents = append(contents, content)
	}
	config := clientcmdapi.NewConfig()
	config.Clusters[contextName] = &clientcmdapi.Cluster{Server: server, CertificateAuthorityData: contents[0]}
	config.AuthInfos[administrator] = &clientcmdapi.AuthInfo{ClientCertificateData: contents[1], ClientKeyData: contents[2]}
	config.Contexts[contextName] = &clientcmdapi.Context{Cluster: contextName, AuthInfo: administrator, Namespace: "default"}
	config.CurrentContext = contextName
	content, err := clientcmd.Write(*config)
	if err != nil {
		return fmt.Errorf("write kubeconfig %q: %w", path, err)
	}
	return writeFileAtomically(path, content)
}

// CheckKubeconfig tells a kubeconfig with a certificate that is not valid at the given
// time, if this program wrote it: the API server and its clients only say that they
// do not trust each other. Any other file is none of its business.
func CheckKubeconfig(path string, now time.Time) error {
	config, err := clientcmd.LoadFromFile(path)
	if err != nil {
		return nil //nolint:nilerr // whoever uses the file reports it
	}
	cluster, user := config.Clusters[contextName], config.AuthInfos[administrator]
	if cluster == nil || user == nil {
		return nil
	}
	for _, content := range [][]byte{cluster.CertificateAuthorityData, user.ClientCertificateData} {
		block, _ := pem.Decode(content)
		if block == nil {
			continue
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			continue
		}
		if err := checkValid(path, certificate, now); err != nil {
			return err
		}
	}
	return nil
}

func checkValid(path string, certificate *x509.Certificate, now time.Time) error {
	name := certificate.Subject.CommonName
	if now.After(certificate.NotAfter) {
		return fmt.Errorf("kubeconfig %q: the certificate of %q expired on %s: a copy is not renewed, so copy the kubeconfig in the data directory again; 'deckyard up' renews that one",
			path, name, certificate.NotAfter.Format(time.DateOnly))
	}
	if now.Before(certificate.NotBefore) {
		return fmt.Errorf("kubeconfig %q: the certificate of %q is not valid before %s, and the clock of this machine says %s: set the clock, or run 'deckyard up' to have it renewed",
			path, name, certificate.NotBefore.Format(time.DateOnly), now.Format(time.DateOnly))
	}
	return nil
}

func checkReplaceable(path string) error {
	config, err := clientcmd.LoadFromFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("write kubeconfig %q: the file is there and is no kubeconfig: %w", path, err)
	}
	for name := range config.Clusters {
		if name != contextName {
			return fmt.Errorf("write kubeconfig %q: the file is there and holds the cluster %q: name another file", path, name)
		}
	}
	return nil
}
