// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package smtp_test

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"io"
	"net"
	"net/smtp"
	"strings"
	"testing"

	"github.com/deckyard/deckyard/internal/decoy/decoytest"
)

type conversation struct {
	t     *testing.T
	conn  net.Conn
	input *bufio.Reader
}

func open(t *testing.T, service *decoytest.Service) *conversation {
	t.Helper()
	conn := service.Dial(t)
	return &conversation{t: t, conn: conn, input: bufio.NewReader(conn)}
}

// answer returns the last line of an answer.
func (c *conversation) answer() string {
	c.t.Helper()
	for {
		line, err := c.input.ReadString('\n')
		if err != nil {
			c.t.Fatalf("read answer: %v", err)
		}
		if len(line) > 3 && line[3] == ' ' {
			return strings.TrimRight(line, "\r\n")
		}
	}
}

func (c *conversation) want(line, want string) {
	c.t.Helper()
	if _, err := io.WriteString(c.conn, line+"\r\n"); err != nil {
		c.t.Fatal(err)
	}
	if got := c.answer(); !strings.HasPrefix(got, want) {
		c.t.Errorf("%s: got %q, want %q", line, got, want)
	}
}

func TestPersonasSpeakTheirWords(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ mta, greeting, hello, unknown, relay, accepted string }{
		"postfix":  {"postfix", "220 srv-01 ESMTP Postfix (Debian/GNU)", "250 SMTPUTF8", "502 5.5.2 Error: command not recognized", "554 5.7.1 <a@example.com>: Relay access denied", "250 2.1.5 Ok"},
		"exim":     {"exim", "220 srv-01 ESMTP Exim 4.96 ", "250 HELP", "500 unrecognized command", "550 relay not permitted", "250 Accepted"},
		"sendmail": {"sendmail", "220 srv-01 ESMTP Sendmail 8.17.1.9/", "250 HELP", "500 5.5.1 Command unrecognized", "550 5.7.1 <a@example.com>... Relaying denied", "250 2.1.5 <root@srv-01>... Recipient ok"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := open(t, decoytest.Start(t, "smtpd", map[string]string{"MTA": test.mta}))
			if got := c.answer(); !strings.HasPrefix(got, test.greeting) {
				t.Errorf("greeting is %q", got)
			}
			c.want("EHLO client", test.hello)
			c.want("FROB", test.unknown)
			c.want("MAIL FROM:<x@y>", "250 ")
			c.want("RCPT TO:<a@example.com>", test.relay)
			c.want("RCPT TO:<root@srv-01>", test.accepted)
			c.want("QUIT", "221 ")
		})
	}
}

func TestBothPortsAnswerWithTheBanner(t *testing.T) {
	t.Parallel()
	service := decoytest.Start(t, "smtpd", map[string]string{"BANNER": "mx1.example.com ESMTP ready"})
	if len(service.Addresses) != 2 {
		t.Fatalf("listens on %v", service.Addresses)
	}
	for _, address := range service.Addresses {
		line, err := bufio.NewReader(decoytest.Dial(t, address)).ReadString('\n')
		if err != nil || line != "220 mx1.example.com ESMTP ready\r\n" {
			t.Errorf("got %q, %v", line, err)
		}
	}
}

func TestMailIsKept(t *testing.T) {
	t.Parallel()
	service := decoytest.Start(t, "smtpd", nil)
	client, err := smtp.NewClient(service.Dial(t), "srv-01")
	if err != nil {
		t.Fatal(err)
	}
	if err := client.StartTLS(&tls.Config{InsecureSkipVerify: true}); err != nil {
		t.Fatal(err)
	}
	if err := client.Mail("eve@example.com"); err != nil {
		t.Fatal(err)
	}
	for _, recipient := range []string{"root@srv-01", "postmaster"} {
		if err := client.Rcpt(recipient); err != nil {
			t.Fatal(err)
		}
	}
	body, err := client.Data()
	if err != nil {
		t.Fatal(err)
	}
	const message = "Subject: hello\r\n\r\n.a line with a dot\r\n"
	if _, err := io.WriteString(body, message); err != nil {
		t.Fatal(err)
	}
	if err := body.Close(); err != nil {
		t.Fatal(err)
	}
	if err := client.Quit(); err != nil {
		t.Error(err)
	}
	service.Find(t, "mail", decoytest.Record{
		"protocol": "smtp", "sender": "eve@example.com", "recipients": "root@srv-01,postmaster", "subject": "hello", "size": len(message), "content": message,
	})
}

func TestLoginsAreRecordedAndRefused(t *testing.T) {
	t.Parallel()
	encode := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	service := decoytest.Start(t, "smtpd", nil)
	c := open(t, service)
	c.answer()
	c.want("EHLO x", "250 ")
	c.want("AUTH PLAIN "+encode("\x00bob\x00pw1"), "535 5.7.8 ")
	c.want("AUTH LOGIN", "334 VXNlcm5hbWU6")
	c.want(encode("eve"), "334 UGFzc3dvcmQ6")
	c.want(encode("pw2"), "535 5.7.8 ")
	c.want("AUTH PLAIN", "334 ")
	c.want("*", "501 ")
	c.want("AUTH FROB", "535 ")
	service.Find(t, "login", decoytest.Record{"method": "PLAIN", "username": "bob", "password": "pw1", "accepted": false})
	service.Find(t, "login", decoytest.Record{"method": "LOGIN", "username": "eve", "password": "pw2", "accepted": false})
}

func TestCommandsNeedTheirOrder(t *testing.T) {
	t.Parallel()
	c := open(t, decoytest.Start(t, "smtpd", nil))
	c.answer()
	c.want("RCPT TO:<root>", "503 5.5.1 Error: need MAIL command")
	c.want("DATA", "554 5.5.1 Error: no valid recipients")
	c.want("MAIL TO:<x>", "501 5.5.4 Syntax: MAIL FROM:<address>")
	c.want("MAIL FROM:<>", "250 2.1.0 Ok")
	c.want("RSET", "250 2.0.0 Ok")
	c.want("VRFY root", "252 2.0.0 root")
	c.want("HELO", "501 5.5.4 Syntax: HELO hostname")
}

func TestCommandsSentAheadOfTLSAreNotTaken(t *testing.T) {
	t.Parallel()
	c := open(t, decoytest.Start(t, "smtpd", nil))
	c.answer()
	if _, err := io.WriteString(c.conn, "STARTTLS\r\nMAIL FROM:<x>\r\n"); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(c.input); err == nil && len(rest) > 0 {
		t.Errorf("got %q", rest)
	}
}

func TestGarbageLeavesTheServiceStanding(t *testing.T) {
	t.Parallel()
	service := decoytest.Start(t, "smtpd", nil)
	endless := io.MultiReader(strings.NewReader("MAIL FROM:<a>\r\nRCPT TO:<root>\r\nDATA\r\n"), io.LimitReader(letters{}, 25<<20))
	for _, garbage := range []io.Reader{
		strings.NewReader(strings.Repeat("\xff", 100_000)), strings.NewReader(strings.Repeat("FROB\r\n", 1000)),
		strings.NewReader(strings.Repeat("NOOP\r\n", 5000)), endless,
	} {
		conn := service.Dial(t)
		go func() {
			_, _ = io.Copy(conn, garbage)
			if tcp, ok := conn.(*net.TCPConn); ok {
				_ = tcp.CloseWrite()
			}
		}()
		_, _ = io.Copy(io.Discard, conn)
	}
	c := open(t, service)
	c.answer()
	c.want("EHLO x", "250 ")
}

type letters struct{}

func (letters) Read(buffer []byte) (int, error) {
	for i := range buffer {
		buffer[i] = 'x'
	}
	return len(buffer), nil
}
