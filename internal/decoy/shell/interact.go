// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package shell

import (
	"context"
	"errors"
	"io"

	"github.com/deckyard/deckyard/internal/decoy/evidence"
)

// Interact runs the session on a terminal until it exits, the input ends or
// the context does. Every line is recorded with its raw keys. It returns the
// status of the last command.
func (s *Session) Interact(ctx context.Context, terminal *Terminal) int {
	if _, err := io.WriteString(terminal, s.Greeting()); err != nil {
		return 1
	}
	for !s.exited && ctx.Err() == nil {
		line, err := terminal.ReadLine(s.Prompt())
		if errors.Is(err, ErrInterrupted) {
			s.recordLine(line, terminal.Keys())
			s.status = 130
			continue
		}
		if err != nil {
			_, _ = io.WriteString(terminal, "logout\n")
			break
		}
		s.recordLine(line, terminal.Keys())
		s.Run(ctx, line, terminal, terminal)
	}
	return s.status
}

// recordLine records a line, and its keys where they say more than it does.
func (s *Session) recordLine(line, keys string) {
	if keys == "\r" || keys == "\n" {
		return
	}
	fields := []evidence.Field{evidence.Text("username", s.user.name), evidence.Text("command", line)}
	if keys != line+"\r" && keys != line+"\n" {
		fields = append(fields, evidence.Text("keys", keys))
	}
	s.record.Record("command", fields...)
}
