// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/deckyard/deckyard/internal/model"
)

// The kernel's socket diagnosis (linux/inet_diag.h) answers for listening
// sockets alone, whatever the number of connections: an intruder cannot make it
// slow by opening many.
const (
	// maxListeners bounds what is kept of an answer: as many as there are ports.
	maxListeners = 1 << 16

	// sockDiagByFamily is the type of request and answers.
	sockDiagByFamily = 20
	// tcpListen is the state TCP_LISTEN, of which requests take a mask.
	tcpListen = 10

	requestSize = unix.SizeofNlMsghdr + 56
	// The fields of an answer, by offset.
	offsetLocalPort    = 4
	offsetLocalAddress = 8
	offsetInode        = 68
	answerSize         = 72

	receiveBufferSize = 32 << 10
)

// tcpListeners returns the listening TCP sockets of the calling thread's network
// namespace.
func tcpListeners() ([]socket, error) {
	sockets, err := diagnoseListeners()
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EPROTONOSUPPORT) || errors.Is(err, unix.EOPNOTSUPP) {
		// A kernel without the module tcp_diag.
		return ownTCPTable()
	}
	return sockets, err
}

func diagnoseListeners() ([]socket, error) {
	var sockets []socket
	for _, family := range []byte{unix.AF_INET, unix.AF_INET6} {
		found, err := diagnoseFamily(family, maxListeners)
		if err != nil {
			return nil, fmt.Errorf("diagnose sockets of family %d: %w", family, err)
		}
		sockets = append(sockets, found...)
	}
	return sockets, nil
}

// diagnoseFamily asks for the listening sockets of an address family, and stops
// listening to the answer once it has enough of them.
func diagnoseFamily(family byte, enough int) ([]socket, error) {
	descriptor, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return nil, fmt.Errorf("open socket diagnosis: %w", err)
	}
	defer func() { _ = unix.Close(descriptor) }()
	// An answer that never ends would hold a thread for ever.
	err = unix.SetsockoptTimeval(descriptor, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 1})
	if err != nil {
		return nil, fmt.Errorf("bound socket diagnosis in time: %w", err)
	}
	if err := unix.Sendto(descriptor, listenersRequest(family), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return nil, fmt.Errorf("send request: %w", err)
	}
	var sockets []socket
	buffer := make([]byte, receiveBufferSize)
	for {
		size, _, err := unix.Recvfrom(descriptor, buffer, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("receive answer: %w", err)
		}
		found, done, err := parseAnswers(buffer[:size])
		if err != nil {
			return nil, err
		}
		sockets = append(sockets, found...)
		if done || len(sockets) >= enough {
			return sockets, nil
		}
	}
}

// listenersRequest returns a netlink message with a struct inet_diag_req_v2.
func listenersRequest(family byte) []byte {
	request := make([]byte, 0, requestSize)
	request = binary.NativeEndian.AppendUint32(request, requestSize)
	request = binary.NativeEndian.AppendUint16(request, sockDiagByFamily)
	request = binary.NativeEndian.AppendUint16(request, unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	request = append(request, make([]byte, 8)...) // sequence and sender
	request = append(request, family, unix.IPPROTO_TCP, 0, 0)
	request = binary.NativeEndian.AppendUint32(request, 1<<tcpListen)
	return request[:requestSize] // any socket
}

// parseAnswers returns the sockets in what was received at once, and whether it
// is the end of the answer.
func parseAnswers(received []byte) (sockets []socket, done bool, err error) {
	messages, err := syscall.ParseNetlinkMessage(received)
	if err != nil {
		return nil, false, fmt.Errorf("parse answer: %w", err)
	}
	for _, message := range messages {
		switch message.Header.Type {
		case unix.NLMSG_DONE:
			return sockets, true, nil
		case unix.NLMSG_ERROR:
			return nil, false, answerError(message.Data)
		case sockDiagByFamily:
			found, err := parseListener(message.Data)
			if err != nil {
				return nil, false, err
			}
			sockets = append(sockets, found)
		}
	}
	return sockets, false, nil
}

// answerError returns the error in an answer that begins with a negative number.
func answerError(answer []byte) error {
	if len(answer) < 4 {
		return errors.New("answer is too short")
	}
	return unix.Errno(-int32(binary.NativeEndian.Uint32(answer))) //nolint:gosec // G115: the kernel's number has a sign
}

// parseListener reads a struct inet_diag_msg.
func parseListener(answer []byte) (socket, error) {
	if len(answer) < answerSize {
		return socket{}, errors.New("answer is too short")
	}
	addressSize := 4
	if answer[0] == unix.AF_INET6 {
		addressSize = 16
	}
	address, _ := netip.AddrFromSlice(answer[offsetLocalAddress : offsetLocalAddress+addressSize])
	return socket{
		Socket: model.Socket{
			Port:    model.Port{Number: binary.BigEndian.Uint16(answer[offsetLocalPort:]), Protocol: model.TCP},
			Address: address.Unmap(),
		},
		inode: uint64(binary.NativeEndian.Uint32(answer[offsetInode:])),
	}, nil
}
