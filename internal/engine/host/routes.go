// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/bits"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Routes implements engine.Host. Routes over interfaces that Docker named are
// left out: a network's subnet is known from the engine.
func (Host) Routes(ctx context.Context) ([]netip.Prefix, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	table, err := readThreadFile("net/route")
	if err != nil {
		return nil, fmt.Errorf("read the host's routes: %w", withKind(err))
	}
	routes, err := parseRoutes(table)
	if err != nil {
		return nil, fmt.Errorf("read the host's routes: %w", err)
	}
	return routes, nil
}

// parseRoutes returns the destinations in the kernel's table, sorted. Its lines
// have the fields: interface, destination, gateway, flags, references, use,
// metric, mask, and more.
func parseRoutes(table string) ([]netip.Prefix, error) {
	var routes []netip.Prefix
	lines := bufio.NewScanner(strings.NewReader(table))
	lines.Scan()
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 8 {
			return nil, fmt.Errorf("route %q has too few fields", lines.Text())
		}
		destination, destinationErr := parseWord(fields[1])
		mask, maskErr := parseWord(fields[7])
		if destinationErr != nil || maskErr != nil {
			return nil, fmt.Errorf("route %q is malformed", lines.Text())
		}
		route := netip.PrefixFrom(netip.AddrFrom4([4]byte(destination)), bits.OnesCount32(binary.BigEndian.Uint32(mask)))
		if route.Bits() > 0 && !isDockerInterface(fields[0]) {
			routes = append(routes, route.Masked())
		}
	}
	slices.SortFunc(routes, netip.Prefix.Compare)
	return slices.Compact(routes), lines.Err()
}

// isDockerInterface reports whether Docker gave an interface its name.
func isDockerInterface(name string) bool {
	return strings.HasPrefix(name, "br-") || name == "docker0" || name == "docker_gwbridge"
}

// parseWord reads 4 bytes from a word in hexadecimal, and returns them in the
// network's order.
func parseWord(text string) ([]byte, error) {
	word, err := hex.DecodeString(text)
	if err != nil {
		return nil, err
	}
	if len(word) != 4 {
		return nil, fmt.Errorf("word %q: %w", text, unix.EINVAL)
	}
	return networkOrder(word), nil
}

// networkOrder turns 4-byte words that the kernel printed as numbers of the
// machine's byte order into the network's.
func networkOrder(words []byte) []byte {
	ordered := make([]byte, len(words))
	for i := 0; i+4 <= len(words); i += 4 {
		binary.NativeEndian.PutUint32(ordered[i:], binary.BigEndian.Uint32(words[i:]))
	}
	return ordered
}
