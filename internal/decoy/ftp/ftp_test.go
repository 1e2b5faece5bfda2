// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package ftp_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/deckyard/deckyard/internal/decoy/decoytest"
)

// control is a control connection.
type control struct {
	t     *testing.T
	conn  net.Conn
	input *bufio.Reader
}

func open(t *testing.T, service *decoytest.Service) *control {
	t.Helper()
	conn := service.Dial(t)
	return &control{t: t, conn: conn, input: bufio.NewReader(conn)}
}

// answer reads one answer of one line.
func (c *control) answer() string {
	c.t.Helper()
	line, err := c.input.ReadString('\n')
	if err != nil {
		c.t.Fatalf("read answer: %v", err)
	}
	return strings.TrimRight(line, "\r\n")
}

func (c *control) ask(line string) string {
	c.t.Helper()
	if _, err := io.WriteString(c.conn, line+"\r\n"); err != nil {
		c.t.Fatal(err)
	}
	return c.answer()
}

func (c *control) want(line, want string) {
	c.t.Helper()
	if got := c.ask(line); got != want {
		c.t.Errorf("%s: got %q, want %q", line, got, want)
	}
}

func (c *control) logIn() {
	c.t.Helper()
	c.answer()
	c.ask("USER bob")
	c.want("PASS pw", "230 Login successful.")
}

// passive opens a data connection in extended passive mode.
func (c *control) passive() net.Conn {
	c.t.Helper()
	var port int
	answer := c.ask("EPSV")
	if _, err := fmt.Sscanf(answer, "229 Entering Extended Passive Mode (|||%d|)", &port); err != nil {
		c.t.Fatalf("%q: %v", answer, err)
	}
	return decoytest.Dial(c.t, fmt.Sprintf("127.0.0.1:%d", port))
}

// fetch returns what a command sends over the data connection.
func (c *control) fetch(command string) string {
	c.t.Helper()
	data := c.passive()
	if got := c.ask(command); !strings.HasPrefix(got, "150 ") {
		c.t.Fatalf("%s: %q", command, got)
	}
	content, err := io.ReadAll(data)
	if err != nil {
		c.t.Fatal(err)
	}
	if got := c.answer(); !strings.HasPrefix(got, "226 ") {
		c.t.Errorf("%s ends with %q", command, got)
	}
	return string(content)
}

func TestLoginAndBrowsing(t *testing.T) {
	t.Parallel()
	service := decoytest.Start(t, "ftpd", map[string]string{"BANNER": "ProFTPD 1.3.8 Server ready."})
	c := open(t, service)
	if got := c.answer(); got != "220 ProFTPD 1.3.8 Server ready." {
		t.Errorf("greeting is %q", got)
	}
	c.want("PWD", "530 Please login with USER and PASS.")
	c.want("USER bob", "331 Please specify the password.")
	c.want("PASS p w", "230 Login successful.")
	c.want("PWD", `257 "/" is the current directory`)
	c.want("CWD pub", "250 Directory successfully changed.")
	c.want("CWD nope", "550 Failed to change directory.")
	c.want("SIZE README", "213 67")
	if got := c.fetch("LIST"); !strings.Contains(got, " README\r\n") || !strings.HasPrefix(got, "-rw-r--r--") {
		t.Errorf("LIST gives %q", got)
	}
	if got := c.fetch("NLST -a /"); got != "backup\r\npub\r\nupload\r\nwww\r\n" {
		t.Errorf("NLST gives %q", got)
	}
	if got := c.fetch("RETR README"); !strings.HasPrefix(got, "Files for partners.") {
		t.Errorf("RETR gives %q", got)
	}
	c.want("FROB", "500 Unknown command.")
	c.want("QUIT", "221 Goodbye.")
	service.Find(t, "login", decoytest.Record{"protocol": "ftp", "username": "bob", "password": "p w", "accepted": true})
	service.Find(t, "command", decoytest.Record{"command": "CWD nope"})
	service.Find(t, "download", decoytest.Record{"path": "/pub/README"})
}

func TestUploadsAreKept(t *testing.T) {
	t.Parallel()
	service := decoytest.Start(t, "ftpd", nil)
	c := open(t, service)
	c.logIn()
	data := c.passive()
	if got := c.ask("STOR /upload/x.bin"); !strings.HasPrefix(got, "150 ") {
		t.Fatal(got)
	}
	if _, err := io.WriteString(data, "hello"); err != nil {
		t.Fatal(err)
	}
	_ = data.Close()
	if got := c.answer(); got != "226 Transfer complete." {
		t.Errorf("got %q", got)
	}
	if got := c.fetch("RETR /upload/x.bin"); got != "hello" {
		t.Errorf("got %q", got)
	}
	c.want("RNFR /upload/x.bin", "350 Ready for RNTO.")
	c.want("RNTO /upload/y", "250 Rename successful.")
	c.want("DELE /upload/y", "250 Delete operation successful.")
	c.want("MKD /upload/d", `257 "/upload/d" created`)
	service.Find(t, "upload", decoytest.Record{
		"username": "bob", "path": "/upload/x.bin", "size": 5, "content": "hello", "stored": true,
		"sha256": "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
	})
}

func TestUploadsAreBounded(t *testing.T) {
	t.Parallel()
	service := decoytest.Start(t, "ftpd", nil)
	c := open(t, service)
	c.logIn()
	stored := 0
	for i := range 20 {
		data := c.passive()
		c.ask(fmt.Sprintf("STOR /upload/%d", i))
		if _, err := data.Write(make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
		_ = data.Close()
		c.answer()
	}
	service.Find(t, "upload", decoytest.Record{"path": "/upload/19", "size": 1 << 20, "stored": false})
	for _, record := range service.All() {
		if record["event"] == "upload" && record["stored"] == true {
			stored++
		}
	}
	if stored > 8 {
		t.Errorf("%d MiB are stored", stored)
	}
}

func TestTheServerConnectsToNobody(t *testing.T) {
	t.Parallel()
	service := decoytest.Start(t, "ftpd", nil)
	c := open(t, service)
	c.logIn()
	c.want("PORT 127,0,0,1,0,80", "500 Illegal PORT command.")
	c.want("EPRT |1|127.0.0.1|80|", "500 Illegal PORT command.")
	c.want("LIST", "425 Use PORT or PASV first.")
	service.Find(t, "command", decoytest.Record{"command": "PORT 127,0,0,1,0,80"})
}

func TestPassiveModeGivesTheOwnAddress(t *testing.T) {
	t.Parallel()
	service := decoytest.Start(t, "ftpd", nil)
	c := open(t, service)
	c.logIn()
	if got := c.ask("PASV"); !strings.HasPrefix(got, "227 Entering Passive Mode (127,0,0,1,") {
		t.Errorf("got %q", got)
	}
}

func TestGarbageLeavesTheServiceStanding(t *testing.T) {
	t.Parallel()
	service := decoytest.Start(t, "ftpd", nil)
	for _, garbage := range []string{strings.Repeat("\xff", 100_000), strings.Repeat("x\r\n", 10_000), "USER " + strings.Repeat("x", 5000) + "\r\n", "\x00\r\n\r\n"} {
		conn := service.Dial(t)
		go func() {
			_, _ = io.WriteString(conn, garbage)
			if tcp, ok := conn.(*net.TCPConn); ok {
				_ = tcp.CloseWrite()
			}
		}()
		_, _ = io.Copy(io.Discard, conn)
	}
	open(t, service).logIn()
}
