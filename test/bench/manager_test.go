//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/deckyard/deckyard/test/engineproxy"
)

const managerProgram = "../../bin/manager"

// manager is the operator as a process of its own, so that its processor time is
// its alone; what it asks of the engine is counted.
type manager struct {
	proxy      *engineproxy.Proxy
	kubeconfig string
	command    *exec.Cmd
	output     bytes.Buffer
}

// newManager prepares a process, which start starts.
func newManager(b *testing.B, dockerHost string) *manager {
	b.Helper()
	proxy, err := engineproxy.Start(dockerHost)
	check(b, err)
	b.Cleanup(proxy.Close)
	m := &manager{proxy: proxy, kubeconfig: filepath.Join(b.TempDir(), "kubeconfig")}
	check(b, m.writeKubeconfig())
	b.Cleanup(func() { m.end(b) })
	return m
}

func (m *manager) writeKubeconfig() error {
	from := rest.CopyConfig(shared.config)
	if err := rest.LoadTLSFiles(from); err != nil {
		return err
	}
	const name = "bench"
	config := clientcmdapi.NewConfig()
	config.Clusters[name] = &clientcmdapi.Cluster{Server: from.Host, CertificateAuthorityData: from.CAData}
	config.AuthInfos[name] = &clientcmdapi.AuthInfo{Token: from.BearerToken, ClientCertificateData: from.CertData, ClientKeyData: from.KeyData}
	config.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	config.CurrentContext = name
	return clientcmd.WriteToFile(*config, m.kubeconfig)
}

func (m *manager) start(b *testing.B) {
	b.Helper()
	m.output.Reset()
	m.command = exec.CommandContext(context.Background(), managerProgram, "--kubeconfig", m.kubeconfig, "--node-name", nodeName,
		"--docker-host", m.proxy.Address(), "--leader-elect=false", "--metrics-bind-address", "0", "--health-probe-bind-address", "0")
	m.command.Stdout, m.command.Stderr = &m.output, &m.output
	check(b, m.command.Start())
}

// end stops the process, as its service manager does.
func (m *manager) end(b *testing.B) {
	b.Helper()
	if m.command == nil {
		return
	}
	err := errors.Join(m.command.Process.Signal(syscall.SIGTERM), m.command.Wait())
	m.command = nil
	if err != nil {
		b.Errorf("the manager ended with %v:\n%s", err, m.output.Bytes())
	}
}

// processorTime is what the process has used of the processor until now.
func (m *manager) processorTime(b *testing.B) time.Duration {
	b.Helper()
	return processorTime(b, strconv.Itoa(m.command.Process.Pid))
}

// processorTime reads the time of a process in its own code and in the kernel.
func processorTime(b *testing.B, pid string) time.Duration {
	b.Helper()
	content, err := os.ReadFile(filepath.Join("/proc", pid, "stat"))
	check(b, err)
	// The name, in parentheses, may hold anything; what follows are numbers.
	fields := strings.Fields(string(content[bytes.LastIndexByte(content, ')')+1:]))
	const (
		user, system = 11, 12
		tick         = 10 * time.Millisecond
	)
	var used time.Duration
	for _, field := range []int{user, system} {
		count, err := strconv.Atoi(fields[field])
		check(b, err)
		used += time.Duration(count) * tick
	}
	return used
}
