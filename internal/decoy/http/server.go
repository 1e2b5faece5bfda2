// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package http

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/deckyard/deckyard/internal/decoy/certificate"
	"github.com/deckyard/deckyard/internal/decoy/evidence"
	"github.com/deckyard/deckyard/internal/decoy/guard"
	"github.com/deckyard/deckyard/internal/decoy/identity"
	"github.com/deckyard/deckyard/internal/decoy/setting"
)

const (
	maxServerHeader = 200
	maxExtraHeaders = 32
	maxHeadersBytes = 4096
	maxBodySetting  = 64 << 10
	maxCommonName   = 64

	readHeaderTimeout = 15 * time.Second
	readTimeout       = 60 * time.Second
	writeTimeout      = 60 * time.Second
	idleTimeout       = 15 * time.Second
	handshakeTimeout  = 15 * time.Second
	maxHeaderBytes    = 12 << 10
	maxStreams        = 16
	shutdownGrace     = time.Second
)

// Server answers web clients.
type Server struct {
	log          *evidence.Log
	protocol     string
	persona      persona
	serverHeader string
	responseCode int
	extraHeaders [][2]string
	body         string
	session      string // of cookies, so that no two servers give the same
	tls          *tls.Config
	protocols    http.Protocols
}

// New reads APP, SERVER_HEADER, RESPONSE_CODE, EXTRA_HEADERS and BODY for a
// server without TLS.
func New(settings *setting.Reader, log *evidence.Log) (*Server, error) {
	s, err := read(settings, log, "http")
	if err != nil {
		return nil, err
	}
	s.protocols.SetHTTP1(true)
	return s, nil
}

// NewTLS reads what New reads, and CERT_COMMON_NAME, HTTP_VERSIONS and SEED, for
// a server with TLS and a certificate of its own making. The common name is the
// host's name unless it is set.
func NewTLS(settings *setting.Reader, hostname string, log *evidence.Log) (*Server, error) {
	s, err := read(settings, log, "https")
	if err != nil {
		return nil, err
	}
	if hostname == "" {
		hostname = "localhost"
	}
	name := settings.Line("CERT_COMMON_NAME", hostname, maxCommonName)
	s.readVersions(settings)
	seed := identity.Read(settings)
	if err := settings.Err(); err != nil {
		return nil, err
	}
	if s.tls, err = certificate.Config(seed, name, time.Now()); err != nil {
		return nil, err
	}
	if s.protocols.HTTP2() {
		s.tls.NextProtos = append(s.tls.NextProtos, "h2")
	}
	if s.protocols.HTTP1() {
		s.tls.NextProtos = append(s.tls.NextProtos, "http/1.1")
	}
	return s, nil
}

func read(settings *setting.Reader, log *evidence.Log, protocol string) (*Server, error) {
	p := newPersona(settings.Choice("APP", "none", "none", "wordpress", "phpmyadmin", "tomcat", "jenkins"))
	s := &Server{
		log:          log,
		protocol:     protocol,
		persona:      p,
		serverHeader: settings.Line("SERVER_HEADER", p.serverHeader, maxServerHeader),
		responseCode: settings.Number("RESPONSE_CODE", http.StatusOK, 200, 599),
		body:         settings.Text("BODY", "", maxBodySetting),
		session:      rand.Text(),
	}
	for _, header := range settings.List("EXTRA_HEADERS", "", maxExtraHeaders, maxHeadersBytes) {
		name, value, found := strings.Cut(header, ":")
		if !found || !headerName(name) {
			settings.Refuse("EXTRA_HEADERS", header, "a comma-separated list of Name: value")
			break
		}
		s.extraHeaders = append(s.extraHeaders, [2]string{name, strings.TrimSpace(value)})
	}
	if err := settings.Err(); err != nil {
		return nil, err
	}
	return s, nil
}

func headerName(name string) bool {
	const allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
	return name != "" && strings.Trim(name, allowed) == ""
}

func (s *Server) readVersions(settings *setting.Reader) {
	for _, version := range settings.List("HTTP_VERSIONS", "1.1,2", 2, 20) {
		switch version {
		case "1.1":
			s.protocols.SetHTTP1(true)
		case "2":
			s.protocols.SetHTTP2(true)
		default:
			settings.Refuse("HTTP_VERSIONS", version, "a comma-separated list of 1.1 and 2")
		}
	}
}

// Serve answers on the listener until the context ends.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	limits := guard.DefaultLimits()
	limits.Idle = readTimeout
	guarded := guard.NewListener(listener, s.protocol, s.log, limits)
	protocols := s.protocols
	server := &http.Server{
		Handler:           http.HandlerFunc(s.answer),
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          log.New(io.Discard, "", 0),
		Protocols:         &protocols,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams:          maxStreams,
			MaxReceiveBufferPerConnection: 1 << 20,
			MaxReceiveBufferPerStream:     64 << 10,
			MaxReadFrameSize:              16 << 10,
			MaxDecoderHeaderTableSize:     4096,
			MaxEncoderHeaderTableSize:     4096,
			PingTimeout:                   idleTimeout,
		},
		ConnContext: withSession,
	}
	stop := context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
		defer cancel()
		_ = server.Shutdown(grace)
		guarded.CloseAll()
	})
	defer stop()
	err := server.Serve(&personaListener{Listener: guarded, server: s})
	if errors.Is(err, http.ErrServerClosed) || ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("serve: %w", err)
}

type sessionKey struct{}

// withSession gives handlers the evidence of their connection.
func withSession(ctx context.Context, conn net.Conn) context.Context {
	for {
		inner, ok := conn.(interface{ NetConn() net.Conn })
		if !ok {
			break
		}
		conn = inner.NetConn()
	}
	if disguised, ok := conn.(*personaConn); ok {
		return context.WithValue(ctx, sessionKey{}, disguised.Session())
	}
	return ctx
}

// answer records a request and gives the persona's response.
func (s *Server) answer(w http.ResponseWriter, r *http.Request) {
	session, ok := r.Context().Value(sessionKey{}).(*evidence.Session)
	if !ok {
		return
	}
	defer guard.Recover(session)
	body := readBody(r)
	shown := s.page(r, s.record(session, r, body))
	// Names go in as they are: Set and Add would write ETag as Etag.
	header := w.Header()
	if s.serverHeader != "" {
		header["Server"] = []string{s.serverHeader}
	}
	for _, pair := range shown.headers {
		header[pair[0]] = append(header[pair[0]], pair[1])
	}
	for _, pair := range s.extraHeaders {
		header[pair[0]] = []string{pair[1]}
	}
	w.WriteHeader(shown.status)
	if r.Method != http.MethodHead {
		_, _ = io.WriteString(w, shown.body)
	}
}

// page is what the persona shows, changed as the configuration says.
func (s *Server) page(r *http.Request, given credentials) page {
	if s.body != "" {
		return text(s.responseCode, bodyType(s.body), s.body)
	}
	shown := s.persona.respond(request{
		method: r.Method, path: r.URL.Path, host: hostOf(r), secure: r.TLS != nil, server: s.serverHeader, session: s.session, credentials: given,
	})
	if shown.status == http.StatusOK {
		shown.status = s.responseCode
	}
	return shown
}

func bodyType(body string) string {
	if strings.HasPrefix(strings.TrimSpace(body), "{") {
		return "application/json"
	}
	return "text/html; charset=UTF-8"
}

// hostOf returns the host the client asked for, if it can stand in a page.
func hostOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	const allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-"
	if host == "" || len(host) > 253 || strings.Trim(host, allowed) != "" {
		return "localhost"
	}
	return host
}
