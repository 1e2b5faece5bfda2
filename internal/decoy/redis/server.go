// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package redis

import (
	"bufio"
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/deckyard/deckyard/internal/decoy/evidence"
	"github.com/deckyard/deckyard/internal/decoy/guard"
	"github.com/deckyard/deckyard/internal/decoy/setting"
)

const (
	defaultVersion = "7.0.15"
	defaultOS      = "Linux 6.1.0-37-amd64 x86_64"
	maxSetting     = 200
)

// Server answers redis clients.
type Server struct {
	log      *evidence.Log
	version  string
	os       string
	store    *store
	commands map[string]command
	started  time.Time
	runID    string
	config   settings
	clients  atomic.Int64
	served   atomic.Int64
	total    atomic.Int64
}

// New reads VERSION and OS, both as INFO shows them.
func New(reader *setting.Reader, log *evidence.Log) (*Server, error) {
	s := &Server{
		log:      log,
		version:  reader.Line("VERSION", defaultVersion, maxSetting),
		os:       reader.Line("OS", defaultOS, maxSetting),
		store:    newStore(),
		commands: commandTable(),
		started:  time.Now(),
		runID:    newRunID(),
	}
	if err := reader.Err(); err != nil {
		return nil, err
	}
	s.config.values = defaultConfig()
	return s, nil
}

// Serve answers on the listener until the context ends.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	return guard.NewListener(listener, "redis", s.log, guard.DefaultLimits()).Serve(ctx, s.handle)
}

// client is one connection.
type client struct {
	reply

	server   *Server
	evidence *evidence.Session
	id       int64
	source   string
	local    string
	name     string
	database int
	queued   int
	inMulti  bool
	closing  bool
}

func (s *Server) handle(ctx context.Context, conn *guard.Conn) {
	s.clients.Add(1)
	defer s.clients.Add(-1)
	output := bufio.NewWriterSize(conn, 8<<10)
	input := bufio.NewReaderSize(conn, maxInline)
	c := &client{
		reply: reply{out: output}, server: s, evidence: conn.Session(), id: s.total.Add(1),
		source: conn.RemoteAddr().String(), local: conn.LocalAddr().String(),
	}
	for !c.closing && ctx.Err() == nil {
		args, err := readCommand(input)
		if mistake, ok := errors.AsType[protocolError](err); ok {
			c.evidence.Record("malformed", evidence.Text("error", string(mistake)))
			c.fail("ERR " + string(mistake))
			c.closing = true
		} else if err != nil {
			return
		}
		if len(args) > 0 {
			c.run(args)
		}
		// Answers to pipelined commands go out together.
		if input.Buffered() == 0 || c.closing {
			if output.Flush() != nil {
				return
			}
		}
	}
}

// run records a command and answers it.
func (c *client) run(args []string) {
	c.server.served.Add(1)
	name := strings.ToLower(args[0])
	c.record(name, args[1:])
	run, known := c.server.commands[name]
	switch {
	case name == "post" || name == "host:":
		// A browser made to talk to us; the real server hangs up as well.
		c.closing = true
	case !known:
		c.fail("ERR unknown command '" + clip(args[0]) + "', with args beginning with: " + beginnings(args[1:]))
	case len(args) < run.arguments || (run.exact && len(args) != run.arguments):
		c.fail("ERR wrong number of arguments for '" + name + "' command")
	case c.inMulti && name != "exec" && name != "discard" && name != "multi":
		// Queued commands are recorded, and answered by nothing at EXEC.
		c.queued++
		c.simple("QUEUED")
	default:
		run.do(c, args)
	}
}

func (c *client) record(name string, args []string) {
	if name == "auth" {
		c.recordLogin(args)
		return
	}
	fields := []evidence.Field{evidence.Text("command", strings.ToUpper(name)), evidence.Text("arguments", joined(args))}
	if size := totalSize(args); size > 1024 {
		fields = append(fields, evidence.Digest([]byte(args[len(args)-1]))...)
	}
	c.evidence.Record("command", fields...)
}

func (c *client) recordLogin(args []string) {
	if len(args) == 0 {
		return
	}
	user, password := "default", args[0]
	if len(args) > 1 {
		user, password = args[0], args[1]
	}
	c.evidence.Record("login", evidence.Text("username", user), evidence.Text("password", password), evidence.Flag("accepted", false))
}

// joined shows arguments in one text of bounded size.
func joined(args []string) string {
	const most = 4096
	var out strings.Builder
	for i, arg := range args {
		if i > 0 {
			out.WriteByte(' ')
		}
		out.WriteString(arg[:min(len(arg), most)])
		if out.Len() > most {
			break
		}
	}
	return out.String()
}

func totalSize(args []string) int {
	size := 0
	for _, arg := range args {
		size += len(arg)
	}
	return size
}

func clip(text string) string {
	return text[:min(len(text), 128)]
}

func beginnings(args []string) string {
	var out strings.Builder
	for _, arg := range args {
		if out.Len() > 128 {
			break
		}
		out.WriteString("'" + clip(arg) + "' ")
	}
	return out.String()
}
