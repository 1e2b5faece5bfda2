// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// WatchFilters implements engine.Firewall. The kernel announces every change of
// its firewall, also those that iptables makes through it; announcements that name
// neither our tables nor the engine's chain for such as us are nobody's business.
func (Host) WatchFilters(ctx context.Context, changed func()) error {
	announcements, err := openAnnouncements()
	if err != nil {
		return fmt.Errorf("watch the firewall: %w", withKind(err))
	}
	defer func() { _ = announcements.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = announcements.Close() })
	defer stop()
	changed()
	buffer := make([]byte, receiveBufferSize)
	for {
		size, err := announcements.Read(buffer)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, unix.ENOBUFS):
			// The kernel had more to say than there was room for.
			changed()
		case err != nil:
			return fmt.Errorf("watch the firewall: %w", withKind(err))
		case concernsUs(buffer[:size]):
			changed()
		}
	}
}

// concernsUs looks for names in the attributes of announcements. To be wrong
// costs one look too many.
func concernsUs(announced []byte) bool {
	return bytes.Contains(announced, []byte(tablePrefix)) || bytes.Contains(announced, []byte(userChain))
}

// openAnnouncements subscribes to changes of nf_tables.
func openAnnouncements() (*os.File, error) {
	descriptor, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_NETFILTER)
	if err != nil {
		return nil, err
	}
	address := &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: 1 << (unix.NFNLGRP_NFTABLES - 1)}
	if err := unix.Bind(descriptor, address); err != nil {
		_ = unix.Close(descriptor)
		return nil, err
	}
	return os.NewFile(uintptr(descriptor), "nf_tables"), nil
}
