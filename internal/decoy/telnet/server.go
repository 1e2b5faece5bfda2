// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package telnet

import (
	"context"
	"io"
	"net"
	"strings"
	"time"

	"github.com/deckyard/deckyard/internal/decoy/evidence"
	"github.com/deckyard/deckyard/internal/decoy/guard"
	"github.com/deckyard/deckyard/internal/decoy/login"
	"github.com/deckyard/deckyard/internal/decoy/setting"
	"github.com/deckyard/deckyard/internal/decoy/shell"
)

const (
	defaultBanner = "Debian GNU/Linux 12"
	maxBanner     = 1024
	maxTries      = 5
	// loginGrace is how long a client may take to log in.
	loginGrace = 60 * time.Second
	// failurePause slows guessing down as login does.
	failurePause = 500 * time.Millisecond
)

// Server answers telnet clients.
type Server struct {
	log      *evidence.Log
	policy   *login.Policy
	machines *shell.Machines
	banner   string
	host     string
}

// New reads BANNER, which is shown before the login prompt, USERS and
// ACCEPT_AFTER.
func New(settings *setting.Reader, hostname string, log *evidence.Log) (*Server, error) {
	policy := login.NewPolicy(settings)
	s := &Server{
		log:      log,
		policy:   policy,
		machines: shell.NewMachines(hostname, policy.Users()),
		banner:   settings.Text("BANNER", defaultBanner, maxBanner),
		host:     hostname,
	}
	if err := settings.Err(); err != nil {
		return nil, err
	}
	return s, nil
}

// Serve answers on the listener until the context ends.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	limits := guard.DefaultLimits()
	limits.Total = time.Hour
	return guard.NewListener(listener, "telnet", s.log, limits).Serve(ctx, s.handle)
}

func (s *Server) handle(ctx context.Context, conn *guard.Conn) {
	if err := conn.SetDeadline(time.Now().Add(loginGrace)); err != nil {
		return
	}
	if _, err := conn.Write(opening()); err != nil {
		return
	}
	terminal := shell.NewTerminal(&reader{from: conn, to: conn}, conn)
	banner := strings.TrimRight(strings.ReplaceAll(s.banner, "\r\n", "\n"), "\n")
	if _, err := io.WriteString(terminal, banner+"\n"); err != nil {
		return
	}
	user, accepted := s.logIn(ctx, conn, terminal)
	if !accepted || conn.SetDeadline(time.Time{}) != nil {
		return
	}
	session := s.machines.At(conn.LocalAddr()).NewSession(user, conn.RemoteAddr().String(), conn.Session())
	session.Interact(ctx, terminal)
}

// logIn asks for user and password until they are accepted or too often.
func (s *Server) logIn(ctx context.Context, conn *guard.Conn, terminal *shell.Terminal) (string, bool) {
	for range maxTries {
		user, err := terminal.ReadLine(s.host + " login: ")
		if err != nil {
			return "", false
		}
		if user = strings.TrimSpace(user); user == "" {
			continue
		}
		password, err := terminal.ReadPassword("Password: ")
		if err != nil {
			conn.Session().Record("login", evidence.Text("username", user), evidence.Flag("accepted", false))
			return "", false
		}
		accepted := s.policy.Accept(conn.Host(), user, password)
		conn.Session().Record("login", evidence.Text("username", user), evidence.Text("password", password),
			evidence.Flag("accepted", accepted))
		if accepted {
			terminal.Forget()
			return user, true
		}
		if !pause(ctx, failurePause) {
			return "", false
		}
		if _, err := io.WriteString(terminal, "\nLogin incorrect\n"); err != nil {
			return "", false
		}
	}
	_, _ = io.WriteString(terminal, "Maximum number of tries exceeded (5)\n")
	return "", false
}

func pause(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
