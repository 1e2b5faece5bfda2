// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package smtp

import (
	"context"
	"crypto/tls"
	"net"
	"strings"
	"time"

	"github.com/deckyard/deckyard/internal/decoy/certificate"
	"github.com/deckyard/deckyard/internal/decoy/evidence"
	"github.com/deckyard/deckyard/internal/decoy/guard"
	"github.com/deckyard/deckyard/internal/decoy/identity"
	"github.com/deckyard/deckyard/internal/decoy/setting"
)

const (
	maxBanner    = 200
	maxLine      = 2048
	maxLines     = 1000
	maxMistakes  = 10
	maxMessage   = 10_240_000
	maxKept      = 64 << 10
	maxDataLines = 200_000
	maxRcpt      = 50
	idle         = 2 * time.Minute
)

// Server answers mail clients.
type Server struct {
	log     *evidence.Log
	persona persona
	banner  string
	host    string
	tls     *tls.Config
}

// New reads MTA, SEED and BANNER, which is the greeting behind "220 ".
func New(settings *setting.Reader, hostname string, log *evidence.Log) (*Server, error) {
	if hostname == "" {
		hostname = "localhost"
	}
	p := newPersona(settings.Choice("MTA", "postfix", "postfix", "exim", "sendmail"))
	s := &Server{
		log:     log,
		persona: p,
		banner:  settings.Line("BANNER", "", maxBanner),
		host:    hostname,
	}
	seed := identity.Read(settings)
	if err := settings.Err(); err != nil {
		return nil, err
	}
	var err error
	if s.tls, err = certificate.Config(seed, hostname, time.Now()); err != nil {
		return nil, err
	}
	return s, nil
}

// Serve answers on the listener until the context ends.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	limits := guard.DefaultLimits()
	limits.Idle = idle
	return guard.NewListener(listener, "smtp", s.log, limits).Serve(ctx, s.handle)
}

// greeting is the configured banner, or the persona's, which may hold the time.
func (s *Server) greeting() string {
	if s.banner != "" {
		return s.banner
	}
	return fill(s.persona.banner, s.host, time.Now().UTC().Format(time.RFC1123Z))
}

// local says whether mail for an address stays on this host: addresses
// without a domain, at the host's name, its domain, or localhost.
func (s *Server) local(address string) bool {
	_, domain, found := strings.Cut(address, "@")
	if !found {
		return true
	}
	domain = strings.ToLower(strings.TrimSuffix(domain, "."))
	host := strings.ToLower(s.host)
	_, parent, hasParent := strings.Cut(host, ".")
	return domain == host || domain == "localhost" || domain == "localhost.localdomain" || (hasParent && domain == parent)
}
