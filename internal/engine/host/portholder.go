// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"github.com/deckyard/deckyard/internal/model"
)

// PortHolder implements engine.Host. It looks through the descriptors of all
// processes, so it is for the case that a port was found taken.
func (Host) PortHolder(ctx context.Context, port model.PublishedPort) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	read := tcpListeners
	if port.Port.Protocol == model.UDP {
		read = ownUDPSockets
	}
	sockets, err := read()
	if err != nil {
		return "", fmt.Errorf("look for the holder of port %d: %w", port.HostPort, withKind(err))
	}
	for _, candidate := range sockets {
		if candidate.Port.Number == port.HostPort && overlap(candidate.Address, port.HostIP) {
			return processWith(candidate.inode), nil
		}
	}
	return "", nil
}

// overlap reports whether sockets on two addresses exclude each other.
func overlap(a, b netip.Addr) bool {
	return a == b || a.IsUnspecified() || b.IsUnspecified()
}

// processWith names the process that has a socket open.
func processWith(inode uint64) string {
	link := fmt.Sprintf("socket:[%d]", inode)
	// The only error is that of a malformed pattern.
	descriptors, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, descriptor := range descriptors {
		if target, err := os.Readlink(descriptor); err != nil || target != link {
			continue
		}
		directory := filepath.Dir(filepath.Dir(descriptor))
		name, err := os.ReadFile(filepath.Join(directory, "comm"))
		if err != nil {
			continue
		}
		return fmt.Sprintf("process %q (pid %s)", strings.TrimSpace(string(name)), filepath.Base(directory))
	}
	return "another process"
}
