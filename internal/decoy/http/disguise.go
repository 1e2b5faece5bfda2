// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package http

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strconv"
	"time"

	"github.com/deckyard/deckyard/internal/decoy/guard"
)

// personaListener gives net/http connections that speak TLS if they should
// and answer broken requests as the persona would.
type personaListener struct {
	*guard.Listener

	server *Server
}

// Accept returns the next connection.
func (l *personaListener) Accept() (net.Conn, error) {
	accepted, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	guarded, ok := accepted.(*guard.Conn)
	if !ok {
		return nil, errors.New("accept: connection is not guarded")
	}
	conn := &personaConn{Conn: guarded, server: l.server}
	if l.server.tls == nil {
		return conn, nil
	}
	return tls.Server(&plainRefuser{personaConn: conn}, l.server.tls), nil
}

// personaConn replaces net/http's own answers to requests it cannot parse.
type personaConn struct {
	*guard.Conn

	server *Server
}

// Write passes data on, unless it is net/http's own error page.
func (c *personaConn) Write(data []byte) (int, error) {
	status, isOwn := ownError(data)
	if !isOwn {
		return c.Conn.Write(data)
	}
	if _, err := c.Conn.Write(c.server.rawError(status)); err != nil {
		return 0, err
	}
	return len(data), nil
}

// ownError recognises the error pages of net/http by their form, which no page
// of a persona has: the headers are exactly these two.
func ownError(data []byte) (status int, isOwn bool) {
	const headers = "\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"
	line, rest, found := bytes.Cut(data, []byte("\r\n"))
	if !found || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) || len(line) < 12 || !bytes.HasPrefix(rest, []byte(headers[2:])) {
		return 0, false
	}
	status, err := strconv.Atoi(string(line[9:12]))
	return status, err == nil
}

// rawError is the persona's page for a request that cannot be understood, as
// it goes over the wire.
func (s *Server) rawError(status int) []byte {
	shown := s.persona.failure(status, s.serverHeader, "localhost")
	var out bytes.Buffer
	out.WriteString("HTTP/1.1 " + strconv.Itoa(shown.status) + " " + statusText(shown.status) + "\r\n")
	out.WriteString("Date: " + time.Now().UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT") + "\r\n")
	if s.serverHeader != "" {
		out.WriteString("Server: " + s.serverHeader + "\r\n")
	}
	out.WriteString("Content-Length: " + strconv.Itoa(len(shown.body)) + "\r\nConnection: close\r\n")
	for _, pair := range shown.headers {
		out.WriteString(pair[0] + ": " + pair[1] + "\r\n")
	}
	out.WriteString("\r\n" + shown.body)
	return out.Bytes()
}

// plainRefuser lies below TLS. It bounds the handshake and answers a client
// that speaks plain HTTP to the TLS port as Apache does.
type plainRefuser struct {
	*personaConn

	seen bool
}

// Read looks at the first byte that a client sends.
func (c *plainRefuser) Read(buffer []byte) (int, error) {
	if c.seen {
		return c.personaConn.Read(buffer)
	}
	if err := c.SetReadDeadline(time.Now().Add(handshakeTimeout)); err != nil {
		return 0, err
	}
	n, err := c.personaConn.Read(buffer)
	if n == 0 {
		return n, err
	}
	c.seen = true
	const handshakeRecord = 22
	if buffer[0] != handshakeRecord && buffer[0] >= 'A' && buffer[0] <= 'Z' {
		_, _ = c.Conn.Write(c.server.rawError(400))
		_ = c.Close()
		return 0, context.Canceled
	}
	return n, err
}

// NetConn lets withSession find the guarded connection.
func (c *plainRefuser) NetConn() net.Conn {
	return c.personaConn
}
