// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"bufio"
	"cmp"
	"encoding/hex"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/deckyard/deckyard/internal/model"
)

// The kernel's words for the states of sockets, in hexadecimal.
const (
	stateListen = "0A"
	// stateUnconnected is that of a UDP socket which takes datagrams from anyone.
	stateUnconnected = "07"
)

// socket is a socket with the number by which processes refer to it.
type socket struct {
	model.Socket
	inode uint64
}

// listeningSockets returns sockets in the model's order, without repetitions.
func listeningSockets(sockets []socket) []model.Socket {
	var listening []model.Socket
	for _, found := range sockets {
		listening = append(listening, found.Socket)
	}
	slices.SortFunc(listening, func(a, b model.Socket) int {
		return cmp.Or(
			cmp.Compare(a.Port.Protocol, b.Port.Protocol),
			cmp.Compare(a.Port.Number, b.Port.Number),
			a.Address.Compare(b.Address),
		)
	})
	return slices.Compact(listening)
}

// udpSockets returns the bound UDP sockets of the process's network namespace.
func (p *process) udpSockets() ([]socket, error) {
	return readTables(p.read, model.UDP, "net/udp", "net/udp6")
}

// ownUDPSockets returns the bound UDP sockets of the calling thread's namespace.
func ownUDPSockets() ([]socket, error) {
	return readTables(readThreadTable, model.UDP, "net/udp", "net/udp6")
}

// ownTCPTable returns the listening TCP sockets of the calling thread's
// namespace as the kernel's text has them. That costs milliseconds: the kernel
// looks through all connections of the host.
func ownTCPTable() ([]socket, error) {
	return readTables(readThreadTable, model.TCP, "net/tcp", "net/tcp6")
}

// readThreadFile returns the contents of a file in the calling thread's directory.
func readThreadFile(name string) (string, error) {
	contents, err := os.ReadFile("/proc/thread-self/" + name)
	return string(contents), err
}

// readThreadTable returns the beginning of a file in the calling thread's directory,
// which may be that of a decky's namespace: those who are in it decide how long it is.
func readThreadTable(name string) (string, error) {
	file, err := os.Open("/proc/thread-self/" + name)
	if err != nil {
		return "", err
	}
	defer file.Close() //nolint:errcheck // only read
	contents, err := io.ReadAll(io.LimitReader(file, maxFileSize))
	return string(contents), err
}

// wholeLines leaves out what is left of a line in contents that were cut off at the
// bound of what is read. Whoever opens that many sockets hides a port of its own, whose
// service then does not answer; it does not keep the rest from being seen and repaired.
func wholeLines(contents string) string {
	if len(contents) < maxFileSize {
		return contents
	}
	return contents[:strings.LastIndexByte(contents, '\n')+1]
}

// readTables returns the sockets in an IPv4 and an IPv6 table. There is none of
// the latter where IPv6 is off.
func readTables(read func(string) (string, error), protocol model.Protocol, tables ...string) ([]socket, error) {
	var sockets []socket
	for i, table := range tables {
		contents, err := read(table)
		if err != nil && i > 0 {
			continue
		}
		if err != nil {
			return nil, err
		}
		parsed, err := parseTable(wholeLines(contents), protocol)
		if err != nil {
			return nil, fmt.Errorf("parse %s: %w", table, err)
		}
		sockets = append(sockets, parsed...)
	}
	return sockets, nil
}

// parseTable returns the sockets of a table that wait for peers. Its lines have
// the fields: slot, local address, remote address, state, queues, timer,
// retransmissions, user, timeout, inode, and more.
func parseTable(table string, protocol model.Protocol) ([]socket, error) {
	waiting := stateListen
	if protocol == model.UDP {
		waiting = stateUnconnected
	}
	var sockets []socket
	lines := bufio.NewScanner(strings.NewReader(table))
	lines.Scan()
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 10 {
			return nil, fmt.Errorf("socket %q has too few fields", lines.Text())
		}
		if fields[3] != waiting {
			continue
		}
		local, err := parseSocketAddress(fields[1])
		if err != nil {
			return nil, err
		}
		inode, err := strconv.ParseUint(fields[9], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("socket %q: %w", lines.Text(), err)
		}
		sockets = append(sockets, socket{
			Socket: model.Socket{Port: model.Port{Number: local.Port(), Protocol: protocol}, Address: local.Addr()},
			inode:  inode,
		})
	}
	return sockets, lines.Err()
}

// parseSocketAddress reads an address and port such as 0100007F:0050. The
// address is in words of the machine's byte order, the port is not.
func parseSocketAddress(text string) (netip.AddrPort, error) {
	addressText, portText, _ := strings.Cut(text, ":")
	port, err := strconv.ParseUint(portText, 16, 16)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("port of socket address %q: %w", text, err)
	}
	words, err := hex.DecodeString(addressText)
	if err != nil || len(words)%4 != 0 {
		return netip.AddrPort{}, fmt.Errorf("address of socket address %q is malformed", text)
	}
	address, ok := netip.AddrFromSlice(networkOrder(words))
	if !ok {
		return netip.AddrPort{}, fmt.Errorf("address of socket address %q is malformed", text)
	}
	return netip.AddrPortFrom(address.Unmap(), uint16(port)), nil
}
