//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"github.com/deckyard/deckyard/test/netns"
)

// interfaces follows the interfaces of one network namespace as the kernel tells
// of them, which is at the very moment.
type interfaces struct {
	conn *netlink.Conn
	// flags are those of the links, addresses their IPv4 addresses, by index.
	flags     map[uint32]uint32
	addresses map[uint32]netip.Addr
	// gone are the addresses that were taken away.
	gone map[netip.Addr]bool
}

// followInterfaces begins to follow the interfaces of a process's namespace.
func followInterfaces(b *testing.B, pid int) *interfaces {
	b.Helper()
	namespace, err := os.Open(netns.OfProcess(pid))
	check(b, err)
	defer func() { _ = namespace.Close() }()
	conn, err := netlink.Dial(unix.NETLINK_ROUTE, &netlink.Config{
		Groups: unix.RTMGRP_LINK | unix.RTMGRP_IPV4_IFADDR, NetNS: int(namespace.Fd()),
	})
	check(b, err)
	return &interfaces{conn: conn, flags: map[uint32]uint32{}, addresses: map[uint32]netip.Addr{}, gone: map[netip.Addr]bool{}}
}

// awaitUp returns the time at which an interface with the address is up.
func (i *interfaces) awaitUp(b *testing.B, address netip.Addr) time.Time {
	b.Helper()
	return i.await(b, "an interface with "+address.String(), func() bool {
		const up = unix.IFF_UP | unix.IFF_RUNNING
		for index, has := range i.addresses {
			if has == address && i.flags[index]&up == up {
				return true
			}
		}
		return false
	})
}

// awaitGone returns the time at which the address goes.
func (i *interfaces) awaitGone(b *testing.B, address netip.Addr) time.Time {
	b.Helper()
	return i.await(b, "the end of the interface with "+address.String(), func() bool { return i.gone[address] })
}

func (i *interfaces) await(b *testing.B, what string, done func() bool) time.Time {
	b.Helper()
	defer func() { _ = i.conn.Close() }()
	check(b, i.conn.SetReadDeadline(time.Now().Add(patience)))
	for {
		messages, err := i.conn.Receive()
		if err != nil {
			b.Fatalf("waited for %s: %v", what, err)
		}
		now := time.Now()
		for _, message := range messages {
			check(b, i.take(message))
		}
		if done() {
			return now
		}
	}
}

// take notes what a message tells.
func (i *interfaces) take(message netlink.Message) error {
	kind := uint16(message.Header.Type)
	switch kind {
	case unix.RTM_NEWLINK, unix.RTM_DELLINK:
		if len(message.Data) < unix.SizeofIfInfomsg {
			return errors.New("a message about a link is too short")
		}
		index := binary.NativeEndian.Uint32(message.Data[4:])
		i.flags[index] = binary.NativeEndian.Uint32(message.Data[8:])
		if kind == unix.RTM_DELLINK {
			delete(i.flags, index)
		}
	case unix.RTM_NEWADDR, unix.RTM_DELADDR:
		if len(message.Data) < unix.SizeofIfAddrmsg {
			return errors.New("a message about an address is too short")
		}
		index := binary.NativeEndian.Uint32(message.Data[4:])
		attributes, err := netlink.UnmarshalAttributes(message.Data[unix.SizeofIfAddrmsg:])
		if err != nil {
			return err
		}
		for _, attribute := range attributes {
			if address, ok := netip.AddrFromSlice(attribute.Data); ok && attribute.Type == unix.IFA_LOCAL {
				i.addresses[index], i.gone[address] = address, kind == unix.RTM_DELADDR
			}
		}
	}
	return nil
}

// answerPoll is how often a port is tried.
const answerPoll = 2 * time.Millisecond

// awaitAnswer returns the time at which a port of a process's own namespace
// accepts a connection.
func awaitAnswer(b *testing.B, pid int, port uint16) (at time.Time) {
	b.Helper()
	check(b, netns.Within(netns.OfProcess(pid), func() (err error) {
		at, err = dialOnThisThread(port)
		return err
	}))
	return at
}

// dialOnThisThread tries a port of the thread's network namespace until it answers.
func dialOnThisThread(port uint16) (time.Time, error) {
	ticker := time.NewTicker(answerPoll)
	defer ticker.Stop()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); <-ticker.C {
		socket, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return time.Time{}, err
		}
		err = unix.Connect(socket, &unix.SockaddrInet4{Port: int(port), Addr: [4]byte{127, 0, 0, 1}})
		now := time.Now()
		_ = unix.Close(socket)
		if err == nil {
			return now, nil
		}
	}
	return time.Time{}, fmt.Errorf("nothing answers on port %d", port)
}
