// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package redis_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/deckyard/deckyard/internal/decoy/decoytest"
)

// ask sends inline commands on one connection and returns all answers.
func ask(t *testing.T, conn net.Conn, lines ...string) string {
	t.Helper()
	for _, line := range append(lines, "QUIT") {
		if _, err := io.WriteString(conn, line+"\r\n"); err != nil {
			t.Fatal(err)
		}
	}
	answer, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(string(answer), "+OK\r\n")
}

func TestCommandsAnswerAsRedisDoes(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		commands []string
		want     string
	}{
		"ping":           {[]string{"PING", "ping hi", "ECHO x"}, "+PONG\r\n$2\r\nhi\r\n$1\r\nx\r\n"},
		"strings":        {[]string{"SET a 1", "GET a", "INCR a", "APPEND a x", "STRLEN a", "GET nope"}, "+OK\r\n$1\r\n1\r\n:2\r\n:2\r\n:2\r\n$-1\r\n"},
		"conditions":     {[]string{"SET a 1 NX", "SET a 2 NX", "SET b 1 XX", "SETNX a 3"}, "+OK\r\n$-1\r\n$-1\r\n:0\r\n"},
		"keys":           {[]string{"MSET a 1 b/c 2", "KEYS *", "DBSIZE", "EXISTS a b/c d", "DEL a d", "KEYS b*"}, "+OK\r\n*2\r\n$1\r\na\r\n$3\r\nb/c\r\n:2\r\n:2\r\n:1\r\n*1\r\n$3\r\nb/c\r\n"},
		"databases":      {[]string{"SET a 1", "SELECT 1", "GET a", "SELECT 99", "FLUSHALL", "SELECT 0", "DBSIZE"}, "+OK\r\n+OK\r\n$-1\r\n-ERR DB index is out of range\r\n+OK\r\n+OK\r\n:0\r\n"},
		"expiry":         {[]string{"SET a 1 EX 100", "TTL a", "PERSIST a", "TTL a", "EXPIRE a 0", "TTL nope"}, "+OK\r\n:99\r\n:1\r\n:-1\r\n:1\r\n:-2\r\n"},
		"lists":          {[]string{"RPUSH l a b c", "LPUSH l z", "LRANGE l 0 -1", "LRANGE l -2 9", "LPOP l", "RPOP l", "LLEN l"}, ":3\r\n:4\r\n*4\r\n$1\r\nz\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n*2\r\n$1\r\nb\r\n$1\r\nc\r\n$1\r\nz\r\n$1\r\nc\r\n:2\r\n"},
		"hashes":         {[]string{"HSET h a 1 b 2", "HSET h a 3", "HGET h a", "HLEN h", "HGETALL h"}, ":2\r\n:0\r\n$1\r\n3\r\n:2\r\n*4\r\n$1\r\na\r\n$1\r\n3\r\n$1\r\nb\r\n$1\r\n2\r\n"},
		"sets":           {[]string{"SADD s a b a", "SCARD s", "SMEMBERS s", "TYPE s"}, ":2\r\n:2\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n+set\r\n"},
		"wrong type":     {[]string{"SET a 1", "LPUSH a x"}, "+OK\r\n-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
		"transactions":   {[]string{"MULTI", "SET a 1", "EXEC"}, "+OK\r\n+QUEUED\r\n*1\r\n+OK\r\n"},
		"configuration":  {[]string{"CONFIG GET dir", "CONFIG SET dir /root/.ssh", "CONFIG GET dir"}, "*2\r\n$3\r\ndir\r\n$14\r\n/var/lib/redis\r\n+OK\r\n*2\r\n$3\r\ndir\r\n$10\r\n/root/.ssh\r\n"},
		"replication":    {[]string{"SLAVEOF 198.51.100.1 6379", "MODULE LOAD /tmp/x.so"}, "+OK\r\n-ERR Error loading the extension. Please check the server logs.\r\n"},
		"unknown":        {[]string{"FROB a b"}, "-ERR unknown command 'FROB', with args beginning with: 'a' 'b' \r\n"},
		"arguments":      {[]string{"GET", "GET a b"}, "-ERR wrong number of arguments for 'get' command\r\n-ERR wrong number of arguments for 'get' command\r\n"},
		"no forged line": {[]string{`FROB "a\r\n+OK"`}, "-ERR unknown command 'FROB', with args beginning with: 'a  +OK' \r\n"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := decoytest.Start(t, "redis-server", nil)
			if got := ask(t, service.Dial(t), test.commands...); got != test.want {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}

func TestInfoShowsTheConfiguredVersion(t *testing.T) {
	t.Parallel()
	service := decoytest.Start(t, "redis-server", map[string]string{"VERSION": "6.2.6", "OS": "Linux 5.4 x86_64"})
	got := ask(t, service.Dial(t), "INFO server")
	for _, want := range []string{"redis_version:6.2.6\r\n", "os:Linux 5.4 x86_64\r\n", "tcp_port:6379\r\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in %q", want, got)
		}
	}
}

func TestCommandsAreRecorded(t *testing.T) {
	t.Parallel()
	service := decoytest.Start(t, "redis-server", nil)
	ask(t, service.Dial(t), "AUTH hunter2", `SET x "\n* * * * * root sh\n"`)
	service.Find(t, "login", decoytest.Record{"protocol": "redis", "username": "default", "password": "hunter2", "accepted": false})
	service.Find(t, "command", decoytest.Record{"command": "SET", "arguments": "x \n* * * * * root sh\n"})
}

func TestStoreRefusesMoreThanItHolds(t *testing.T) {
	t.Parallel()
	service := decoytest.Start(t, "redis-server", nil)
	conn := service.Dial(t)
	answers := bufio.NewReader(conn)
	value := strings.Repeat("v", 100_000)
	for i := range 100 {
		if _, err := fmt.Fprintf(conn, "*3\r\n$3\r\nSET\r\n$3\r\nk%02d\r\n$%d\r\n%s\r\n", i, len(value), value); err != nil {
			t.Fatal(err)
		}
		answer, err := answers.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(answer, "-OOM") {
			return
		}
	}
	t.Error("10 MB were stored")
}

func TestGarbageEndsTheConnectionOnly(t *testing.T) {
	t.Parallel()
	service := decoytest.Start(t, "redis-server", nil)
	for _, garbage := range []string{"*1\r\n$99999999\r\n", "*-5\r\n*99999999\r\n", "POST / HTTP/1.1\r\nHost: x\r\n\r\n", strings.Repeat("\xff", 100_000)} {
		conn := service.Dial(t)
		_, _ = io.WriteString(conn, garbage)
		_, _ = io.Copy(io.Discard, conn)
	}
	if got := ask(t, service.Dial(t), "PING"); got != "+PONG\r\n" {
		t.Errorf("got %q", got)
	}
}
