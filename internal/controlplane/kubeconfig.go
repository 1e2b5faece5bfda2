// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

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
