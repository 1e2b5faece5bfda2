// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package ftp

import (
	"context"
	"net"
	"strings"
	"time"

	"github.com/deckyard/deckyard/internal/decoy/evidence"
	"github.com/deckyard/deckyard/internal/decoy/guard"
	"github.com/deckyard/deckyard/internal/decoy/setting"
)

const (
	defaultBanner = "(vsFTPd 3.0.3)"
	maxBanner     = 1024
	maxLine       = 1024
	maxLines      = 2000
	maxMistakes   = 50
	// maxUpload is what an upload may send, maxKept what is kept of it.
	maxUpload   = 32 << 20
	maxKept     = 64 << 10
	dataTimeout = 60 * time.Second
)

// Server answers FTP clients.
type Server struct {
	log    *evidence.Log
	banner string
}

// New reads BANNER, which is the greeting behind "220 ".
func New(settings *setting.Reader, log *evidence.Log) (*Server, error) {
	s := &Server{log: log, banner: settings.Line("BANNER", defaultBanner, maxBanner)}
	if err := settings.Err(); err != nil {
		return nil, err
	}
	s.banner = strings.TrimPrefix(s.banner, "220 ")
	return s, nil
}

// Serve answers on the listener until the context ends.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	return guard.NewListener(listener, "ftp", s.log, guard.DefaultLimits()).Serve(ctx, s.handle)
}
