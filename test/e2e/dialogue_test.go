//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bufio"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/model"
	"github.com/deckyard/deckyard/test/netns"
)

// answerTime bounds a conversation with a service.
const answerTime = 3 * time.Second

// inNamespace calls a function in a container's network namespace. Only what the
// function does on its own thread happens there.
func (w *world) inNamespace(container string, do func() error) error {
	w.t.Helper()
	seen, ok := w.containers()[container]
	if !ok || seen.PID == 0 {
		return fmt.Errorf("container %s does not run", container)
	}
	return netns.Within(netns.OfProcess(seen.PID), do)
}

// sysctl reads a kernel setting in a container's network namespace.
func (w *world) sysctl(container, name string) string {
	w.t.Helper()
	var value []byte
	err := w.inNamespace(container, func() (err error) {
		value, err = os.ReadFile("/proc/sys/" + strings.ReplaceAll(name, ".", "/"))
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return strings.TrimSpace(string(value))
}

// dialUDPFrom opens a UDP socket to an address in a container's network namespace.
func (w *world) dialUDPFrom(container string, address [4]byte, port int) (net.Conn, error) {
	w.t.Helper()
	var conn net.Conn
	err := w.inNamespace(container, func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		file := os.NewFile(uintptr(fd), "udp")
		defer func() { _ = file.Close() }()
		if err := unix.Connect(fd, &unix.SockaddrInet4{Port: port, Addr: address}); err != nil {
			return err
		}
		conn, err = net.FileConn(file)
		return err
	})
	return conn, err
}

// networkNamespace names the network namespace of a container's process.
func networkNamespace(container model.Container) (string, error) {
	name, err := os.Readlink(netns.OfProcess(container.PID))
	if err != nil {
		return "", fmt.Errorf("%s does not run: %w", container.Name, err)
	}
	return name, nil
}

// redisInfo returns what a Redis service says of itself, asked from a container.
func (w *world) redisInfo(from, address string) (string, error) {
	w.t.Helper()
	conn, err := w.dialFrom(from, address, answerTime)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(answerTime)); err != nil {
		return "", err
	}
	if _, err := conn.Write([]byte("INFO server\r\n")); err != nil {
		return "", err
	}
	answer := make([]byte, 4096)
	n, err := conn.Read(answer)
	return string(answer[:n]), err
}

// greeting reads the first line that a service sends, dialled from the host.
func greeting(network, address string) (string, error) {
	conn, err := net.DialTimeout(network, address, answerTime)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(answerTime)); err != nil {
		return "", err
	}
	lines := bufio.NewScanner(conn)
	if !lines.Scan() {
		return "", errors.Join(errors.New("no greeting"), lines.Err())
	}
	return lines.Text(), nil
}

// identity returns by what a client knows a decky again: the host keys of its
// SSH service, and the certificate of its HTTPS service.
func (w *world) identity(decky *v1alpha1.Decky) map[string]string {
	w.t.Helper()
	known := w.hostKeys(decky)
	w.eventually("a certificate", func() error {
		var err error
		known["certificate"], err = w.certificate(decky.Name, net.JoinHostPort(decky.Status.Interfaces[0].Address, "443"))
		return err
	})
	return known
}

// hostKeys returns the SSH host keys of a decky by their types.
func (w *world) hostKeys(decky *v1alpha1.Decky) map[string]string {
	w.t.Helper()
	address := decky.Status.Interfaces[0].Address
	known := map[string]string{}
	w.eventually("three host keys", func() error {
		answer, err := w.inside(decky.Name, "ssh-keyscan", "-T", "3", address)
		if err != nil {
			return err
		}
		for line := range strings.Lines(answer) {
			if words := strings.Fields(line); len(words) == 3 && words[0] == address {
				known[words[1]] = words[2]
			}
		}
		for _, kind := range []string{"ssh-rsa", "ecdsa-sha2-nistp256", "ssh-ed25519"} {
			if known[kind] == "" {
				return errors.New("no host key " + kind)
			}
		}
		return nil
	})
	return known
}

// certificate returns the certificate that a service shows, asked from a container.
func (w *world) certificate(from, address string) (string, error) {
	w.t.Helper()
	conn, err := w.dialFrom(from, address, answerTime)
	if err != nil {
		return "", err
	}
	secure := tls.Client(conn, &tls.Config{InsecureSkipVerify: true})
	defer func() { _ = secure.Close() }()
	if err := secure.SetDeadline(time.Now().Add(answerTime)); err != nil {
		return "", err
	}
	if err := secure.HandshakeContext(w.t.Context()); err != nil {
		return "", err
	}
	return hex.EncodeToString(secure.ConnectionState().PeerCertificates[0].Raw), nil
}

// hostOf returns the address of a host in a LAN, by its number.
func hostOf(t *testing.T, subnet string, number byte) string {
	t.Helper()
	prefix, err := netip.ParsePrefix(subnet)
	if err != nil {
		t.Fatal(err)
	}
	address := prefix.Addr().As4()
	address[3] += number
	return netip.AddrFrom4(address).String()
}
