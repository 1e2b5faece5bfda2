// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package telnet_test

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/deckyard/deckyard/internal/decoy/decoytest"
)

// expect reads until a text has come.
func expect(t *testing.T, input *bufio.Reader, want string) {
	t.Helper()
	var seen strings.Builder
	for !strings.HasSuffix(seen.String(), want) {
		char, err := input.ReadByte()
		if err != nil {
			t.Fatalf("no %q but %q: %v", want, seen.String(), err)
		}
		seen.WriteByte(char)
	}
}

func send(t *testing.T, conn net.Conn, line string) {
	t.Helper()
	if _, err := io.WriteString(conn, line+"\r\n"); err != nil {
		t.Fatal(err)
	}
}

func TestLoginLeadsToAShell(t *testing.T) {
	t.Parallel()
	service := decoytest.Start(t, "telnetd", map[string]string{"BANNER": "Welcome\nto srv", "USERS": "root:xc3511"})
	conn := service.Dial(t)
	input := bufio.NewReader(conn)
	expect(t, input, "\xff\xfb\x03")
	expect(t, input, "Welcome\r\nto srv\r\n")
	expect(t, input, "srv-01 login: ")
	send(t, conn, "root")
	expect(t, input, "Password: ")
	send(t, conn, "wrong")
	expect(t, input, "\r\nLogin incorrect\r\n")
	expect(t, input, "srv-01 login: ")
	send(t, conn, "root")
	expect(t, input, "Password: ")
	send(t, conn, "xc3511")
	expect(t, input, "root@srv-01:~# ")
	send(t, conn, "/bin/busybox MIRAI")
	expect(t, input, "MIRAI: applet not found\r\n")
	send(t, conn, "exit")
	if _, err := io.Copy(io.Discard, input); err != nil {
		t.Errorf("after exit: %v", err)
	}
	service.Find(t, "login", decoytest.Record{"protocol": "telnet", "username": "root", "password": "wrong", "accepted": false})
	service.Find(t, "login", decoytest.Record{"username": "root", "password": "xc3511", "accepted": true})
	service.Find(t, "command", decoytest.Record{"command": "/bin/busybox MIRAI"})
}

func TestLoginEndsAfterTooManyTries(t *testing.T) {
	t.Parallel()
	service := decoytest.Start(t, "telnetd", nil)
	conn := service.Dial(t)
	input := bufio.NewReader(conn)
	for range 5 {
		expect(t, input, "login: ")
		send(t, conn, "a")
		expect(t, input, "Password: ")
		send(t, conn, "b")
	}
	expect(t, input, "Maximum number of tries exceeded (5)\r\n")
	if _, err := input.ReadByte(); err == nil {
		t.Error("the connection is left open")
	}
}

func TestGarbageLeavesTheServiceStanding(t *testing.T) {
	t.Parallel()
	service := decoytest.Start(t, "telnetd", nil)
	for _, garbage := range []string{strings.Repeat("\xff", 100_001), strings.Repeat("x", 300_000), "\xff\xfa" + strings.Repeat("\x00", 100_000), strings.Repeat("\r\n", 10_000)} {
		conn := service.Dial(t)
		go func() {
			_, _ = io.WriteString(conn, garbage)
			if tcp, ok := conn.(*net.TCPConn); ok {
				_ = tcp.CloseWrite()
			}
		}()
		_, _ = io.Copy(io.Discard, conn)
	}
	expect(t, bufio.NewReader(service.Dial(t)), "srv-01 login: ")
}
