// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package smtp

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"time"

	"github.com/deckyard/deckyard/internal/decoy/evidence"
	"github.com/deckyard/deckyard/internal/decoy/guard"
	"github.com/deckyard/deckyard/internal/decoy/lines"
)

const handshakeTimeout = 15 * time.Second

// conversation is one connection.
type conversation struct {
	server   *Server
	evidence *evidence.Session
	conn     net.Conn
	input    *lines.Reader
	secured  bool
	mistakes int

	sender     string
	hasSender  bool
	recipients []string
}

// verb answers one command and says whether the conversation goes on.
type verb func(*conversation, context.Context, string) bool

func verbs() map[string]verb {
	return map[string]verb{
		"HELO": (*conversation).helo, "EHLO": (*conversation).ehlo, "MAIL": (*conversation).mail, "RCPT": (*conversation).rcpt,
		"DATA": (*conversation).data, "RSET": (*conversation).rset, "NOOP": (*conversation).noop, "QUIT": (*conversation).quit,
		"VRFY": (*conversation).vrfy, "EXPN": (*conversation).vrfy, "HELP": (*conversation).noop, "ETRN": (*conversation).noop,
		"AUTH": (*conversation).auth, "STARTTLS": (*conversation).startTLS,
	}
}

func (s *Server) handle(ctx context.Context, conn *guard.Conn) {
	c := &conversation{server: s, evidence: conn.Session(), conn: conn, input: lines.NewReader(conn, maxLine, maxLines)}
	if !c.say("220 " + s.greeting()) {
		return
	}
	known := verbs()
	for ctx.Err() == nil {
		line, err := c.input.Read()
		if errors.Is(err, lines.ErrTooLong) {
			if !c.mistake("500 5.5.2 Error: line too long") {
				return
			}
			continue
		}
		if err != nil {
			return
		}
		name, argument := lines.Command(line)
		if name != "AUTH" {
			c.evidence.Record("command", evidence.Text("command", line))
		}
		answer, found := known[name]
		if !found {
			if !c.mistake(s.persona.unknown) {
				return
			}
			continue
		}
		if !answer(c, ctx, argument) {
			return
		}
	}
}

// say sends lines of an answer and says whether that worked.
func (c *conversation) say(answer ...string) bool {
	_, err := io.WriteString(c.conn, strings.Join(answer, "\r\n")+"\r\n")
	return err == nil
}

// mistake answers a mistake; too many of them end the conversation.
func (c *conversation) mistake(answer string) bool {
	c.mistakes++
	if c.mistakes > maxMistakes {
		c.say("421 4.7.0 " + c.server.host + " Error: too many errors")
		return false
	}
	return c.say(answer)
}

func (c *conversation) reset() {
	c.sender, c.hasSender, c.recipients = "", false, nil
}

func (c *conversation) hello(argument string) string {
	return fill(c.server.persona.hello, c.server.host, argument, evidence.Host(c.conn.RemoteAddr()))
}

func (c *conversation) helo(_ context.Context, argument string) bool {
	if argument == "" {
		return c.mistake(fill(c.server.persona.syntax, "HELO hostname"))
	}
	c.reset()
	return c.say("250 " + c.hello(argument))
}

func (c *conversation) ehlo(_ context.Context, argument string) bool {
	if argument == "" {
		return c.mistake(fill(c.server.persona.syntax, "EHLO hostname"))
	}
	c.reset()
	answer := []string{c.hello(argument)}
	for _, extension := range c.server.persona.extensions {
		if extension != "STARTTLS" || !c.secured {
			answer = append(answer, extension)
		}
	}
	for i := range answer {
		separator := "-"
		if i == len(answer)-1 {
			separator = " "
		}
		answer[i] = "250" + separator + answer[i]
	}
	return c.say(answer...)
}

// address takes the address out of "FROM:<address> options".
func address(argument, keyword string) (string, bool) {
	if len(argument) < len(keyword) || !strings.EqualFold(argument[:len(keyword)], keyword) {
		return "", false
	}
	rest := strings.TrimSpace(argument[len(keyword):])
	if inside, found := strings.CutPrefix(rest, "<"); found {
		address, _, closed := strings.Cut(inside, ">")
		return address, closed
	}
	address, _, _ := strings.Cut(rest, " ")
	return address, address != ""
}

func (c *conversation) mail(_ context.Context, argument string) bool {
	sender, ok := address(argument, "FROM:")
	if !ok {
		return c.mistake(fill(c.server.persona.syntax, "MAIL FROM:<address>"))
	}
	c.reset()
	c.sender, c.hasSender = sender, true
	return c.say(fill(c.server.persona.sender, sender))
}

func (c *conversation) rcpt(_ context.Context, argument string) bool {
	recipient, ok := address(argument, "TO:")
	switch {
	case !c.hasSender:
		return c.mistake(c.server.persona.sequence)
	case !ok || recipient == "":
		return c.mistake(fill(c.server.persona.syntax, "RCPT TO:<address>"))
	case len(c.recipients) >= maxRcpt:
		return c.say(c.server.persona.tooMany)
	case !c.server.local(recipient):
		c.evidence.Record("relay", evidence.Text("sender", c.sender), evidence.Text("recipient", recipient))
		return c.say(fill(c.server.persona.noRelay, recipient))
	}
	c.recipients = append(c.recipients, recipient)
	return c.say(fill(c.server.persona.recipient, recipient))
}

func (c *conversation) data(_ context.Context, _ string) bool {
	if len(c.recipients) == 0 {
		return c.mistake(c.server.persona.noRcpt)
	}
	if !c.say(c.server.persona.data) {
		return false
	}
	message, err := c.readMessage()
	if err != nil {
		return false
	}
	queue := queueName()
	c.evidence.Record("mail",
		evidence.Text("sender", c.sender),
		evidence.Text("recipients", strings.Join(c.recipients, ",")),
		evidence.Text("subject", header(message.kept, "subject")),
		evidence.Number("size", int64(message.size)),
		evidence.Text("sha256", hex.EncodeToString(message.digest.Sum(nil))),
		evidence.Text("queue", queue),
		evidence.Text("content", string(message.kept)))
	c.reset()
	if message.size > maxMessage {
		return c.say(c.server.persona.tooBig)
	}
	return c.say(fill(c.server.persona.queued, queue))
}

// message is a mail as it arrives: its beginning is kept, all of it counts
// into size and digest.
type message struct {
	kept   []byte
	size   int
	digest hash.Hash
}

// readMessage reads up to the line with a single dot.
func (c *conversation) readMessage() (*message, error) {
	m := &message{digest: sha256.New()}
	for range maxDataLines {
		line, err := c.input.ReadData()
		if err != nil {
			return nil, fmt.Errorf("read message: %w", err)
		}
		if line == ".\r\n" || line == ".\n" {
			return m, nil
		}
		m.add(strings.TrimPrefix(line, "."))
		if m.size > 2*maxMessage {
			break
		}
	}
	return nil, lines.ErrTooMany
}

func (m *message) add(line string) {
	m.size += len(line)
	_, _ = io.WriteString(m.digest, line)
	if room := maxKept - len(m.kept); room > 0 {
		m.kept = append(m.kept, line[:min(room, len(line))]...)
	}
}

// header returns the value of a header field of a message.
func header(message []byte, name string) string {
	for line := range strings.Lines(string(message)) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			break
		}
		if key, value, found := strings.Cut(line, ":"); found && strings.EqualFold(key, name) {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func queueName() string {
	const letters = "0123456789ABCDEF"
	name := make([]byte, 10)
	for i := range name {
		name[i] = letters[rand.IntN(len(letters))] //nolint:gosec // G404: a name, not a secret.
	}
	return string(name)
}

func (c *conversation) rset(context.Context, string) bool {
	c.reset()
	return c.say(c.server.persona.ok)
}

func (c *conversation) noop(context.Context, string) bool {
	return c.say(c.server.persona.ok)
}

func (c *conversation) quit(context.Context, string) bool {
	c.say(fill(c.server.persona.bye, c.server.host))
	return false
}

func (c *conversation) vrfy(_ context.Context, argument string) bool {
	return c.say(fill(c.server.persona.verify, argument))
}

// auth records what a client logs in with and refuses it.
func (c *conversation) auth(_ context.Context, argument string) bool {
	mechanism, initial, hasInitial := strings.Cut(argument, " ")
	var user, password string
	var ok bool
	switch strings.ToUpper(mechanism) {
	case "PLAIN":
		user, password, ok = c.authPlain(initial, hasInitial)
	case "LOGIN":
		user, password, ok = c.authLogin(initial, hasInitial)
	default:
		return c.mistake("535 5.7.8 Error: authentication failed: no mechanism available")
	}
	if !ok {
		return c.mistake("501 5.5.4 Error: malformed authentication data")
	}
	c.evidence.Record("login", evidence.Text("method", strings.ToUpper(mechanism)), evidence.Text("username", user),
		evidence.Text("password", password), evidence.Flag("accepted", false))
	return c.mistake(c.server.persona.authFailed)
}

func (c *conversation) authPlain(initial string, hasInitial bool) (user, password string, ok bool) {
	if !hasInitial {
		if initial, ok = c.ask(""); !ok {
			return "", "", false
		}
	}
	decoded, err := base64.StdEncoding.DecodeString(initial)
	parts := strings.Split(string(decoded), "\x00")
	if err != nil || len(parts) != 3 {
		return "", "", false
	}
	return parts[1], parts[2], true
}

func (c *conversation) authLogin(initial string, hasInitial bool) (user, password string, ok bool) {
	if !hasInitial {
		if initial, ok = c.ask("Username:"); !ok {
			return "", "", false
		}
	}
	second, ok := c.ask("Password:")
	if !ok {
		return "", "", false
	}
	name, errName := base64.StdEncoding.DecodeString(initial)
	secret, errSecret := base64.StdEncoding.DecodeString(second)
	return string(name), string(secret), errName == nil && errSecret == nil
}

func (c *conversation) ask(prompt string) (string, bool) {
	if !c.say("334 " + base64.StdEncoding.EncodeToString([]byte(prompt))) {
		return "", false
	}
	line, err := c.input.Read()
	return line, err == nil && line != "*"
}

func (c *conversation) startTLS(ctx context.Context, _ string) bool {
	if c.secured {
		return c.mistake("554 5.5.1 Error: TLS already active")
	}
	// What was sent ahead in the clear must not count as sent in secret.
	if c.input.Buffered() > 0 {
		return false
	}
	if !c.say(c.server.persona.startTLS) {
		return false
	}
	secured := tls.Server(c.conn, c.server.tls)
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	if err := secured.HandshakeContext(ctx); err != nil {
		c.evidence.Record("handshake", evidence.Text("error", err.Error()))
		return false
	}
	c.conn, c.secured = secured, true
	c.input = lines.NewReader(secured, maxLine, maxLines)
	c.reset()
	return true
}
