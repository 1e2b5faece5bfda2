// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package ssh

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"

	"github.com/deckyard/deckyard/internal/decoy/evidence"
	"github.com/deckyard/deckyard/internal/decoy/guard"
	"github.com/deckyard/deckyard/internal/decoy/shell"
)

const (
	// maxChannels bounds the open channels of one connection.
	maxChannels = 2
	// maxOpened bounds the channels one connection may ever open.
	maxOpened = 200
	maxLines  = 2000
)

// client is one logged-in connection.
type client struct {
	evidence *evidence.Session
	machine  *shell.Machine
	user     string
	source   string
}

// serve answers until the client is gone or the context ends, and waits for
// its channels.
func (c *client) serve(ctx context.Context, channels <-chan ssh.NewChannel, requests <-chan *ssh.Request) {
	var running sync.WaitGroup
	defer running.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	running.Go(func() { c.refuseRequests(requests) })
	slots := make(chan struct{}, maxChannels)
	opened := 0
	for offered := range channels {
		if opened++; opened > maxOpened {
			return
		}
		c.open(ctx, offered, slots, &running)
	}
}

func (c *client) open(ctx context.Context, offered ssh.NewChannel, slots chan struct{}, running *sync.WaitGroup) {
	if kind := offered.ChannelType(); kind != "session" {
		c.refuseChannel(offered, kind)
		return
	}
	select {
	case slots <- struct{}{}:
	default:
		_ = offered.Reject(ssh.ResourceShortage, "open failed")
		return
	}
	channel, requests, err := offered.Accept()
	if err != nil {
		<-slots
		return
	}
	running.Go(func() {
		defer func() { <-slots }()
		defer guard.Recover(c.evidence)
		c.session(ctx, channel, requests)
	})
}

// refuseChannel records where a client wanted to be forwarded to.
func (c *client) refuseChannel(offered ssh.NewChannel, kind string) {
	var target struct {
		Host       string
		Port       uint32
		OriginHost string
		OriginPort uint32
	}
	fields := []evidence.Field{evidence.Text("channel", kind)}
	if ssh.Unmarshal(offered.ExtraData(), &target) == nil {
		fields = append(fields, evidence.Text("targetHost", target.Host), evidence.Number("targetPort", int64(target.Port)))
	}
	c.evidence.Record("forward", fields...)
	reason := ssh.Prohibited
	if kind != "direct-tcpip" {
		reason = ssh.UnknownChannelType
	}
	_ = offered.Reject(reason, "open failed")
}

// refuseRequests answers what concerns the connection as a whole.
func (c *client) refuseRequests(requests <-chan *ssh.Request) {
	for request := range requests {
		if request.Type == "tcpip-forward" {
			c.evidence.Record("forward", evidence.Text("channel", request.Type))
		}
		if request.WantReply {
			_ = request.Reply(false, nil)
		}
	}
}

// session answers the requests of one channel. The first shell, exec or
// subsystem starts its work; the rest is answered while it runs.
func (c *client) session(ctx context.Context, channel ssh.Channel, requests <-chan *ssh.Request) {
	var work sync.WaitGroup
	defer work.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer func() { _ = channel.Close() }()
	w := &worker{client: c, channel: channel, environment: make(map[string]string)}
	started := false
	for request := range requests {
		run := w.accept(request)
		accepted := w.understood && (run == nil || !started)
		if request.WantReply && request.Reply(accepted, nil) != nil {
			return
		}
		if run == nil || started {
			continue
		}
		started = true
		work.Go(func() {
			defer func() { _ = channel.Close() }()
			defer guard.Recover(c.evidence)
			status := run(ctx)
			_, _ = channel.SendRequest("exit-status", false, binary.BigEndian.AppendUint32(nil, status))
		})
	}
}

// worker is what a channel was asked for.
type worker struct {
	client      *client
	channel     ssh.Channel
	environment map[string]string
	terminal    bool
	understood  bool
}

// accept takes one request. It returns what the request starts, if anything.
func (w *worker) accept(request *ssh.Request) func(context.Context) uint32 {
	w.understood = true
	switch request.Type {
	case "pty-req":
		w.terminal = true
		var pty struct {
			Term string
			Rest []byte `ssh:"rest"`
		}
		if ssh.Unmarshal(request.Payload, &pty) == nil {
			w.client.evidence.Record("terminal", evidence.Text("term", pty.Term))
		}
	case "env":
		var variable struct{ Name, Value string }
		if ssh.Unmarshal(request.Payload, &variable) == nil {
			w.client.evidence.Record("environment", evidence.Text("name", variable.Name), evidence.Text("value", variable.Value))
		}
	case "window-change", "signal":
	case "shell":
		return w.shell
	case "exec":
		var command struct{ Line string }
		if ssh.Unmarshal(request.Payload, &command) == nil {
			return func(ctx context.Context) uint32 { return w.exec(ctx, command.Line) }
		}
		w.understood = false
	case "subsystem":
		var subsystem struct{ Name string }
		if ssh.Unmarshal(request.Payload, &subsystem) == nil && subsystem.Name == "sftp" {
			return w.sftp
		}
		w.understood = false
	default:
		w.understood = false
	}
	return nil
}

func (w *worker) newSession() *shell.Session {
	return w.client.machine.NewSession(w.client.user, w.client.source, w.client.evidence)
}

func (w *worker) shell(ctx context.Context) uint32 {
	session := w.newSession()
	if w.terminal {
		return uint32(session.Interact(ctx, shell.NewTerminal(w.channel, w.channel))) //nolint:gosec // G115: a status is 0 to 255.
	}
	return w.script(ctx, session)
}

// script runs lines from a client without a terminal.
func (w *worker) script(ctx context.Context, session *shell.Session) uint32 {
	input := bufio.NewReaderSize(w.channel, shell.MaxLine)
	status := 0
	for range maxLines {
		line, err := input.ReadSlice('\n')
		if text := strings.TrimRight(string(line), "\r\n"); text != "" {
			w.recordCommand(text)
			status = session.Run(ctx, text, input, w.channel)
		}
		if err != nil && err != bufio.ErrBufferFull || session.Exited() || ctx.Err() != nil { //nolint:errorlint // ReadSlice returns it bare.
			break
		}
	}
	return uint32(status)
}

func (w *worker) exec(ctx context.Context, line string) uint32 {
	w.recordCommand(line)
	session := w.newSession()
	if target, isSink := scpSink(line); isSink {
		return receive(session, target, w.channel)
	}
	var input io.Reader = w.channel
	var output io.Writer = w.channel
	if w.terminal {
		terminal := shell.NewTerminal(w.channel, w.channel)
		input, output = terminal, terminal
	}
	return uint32(session.Run(ctx, line, input, output)) //nolint:gosec // G115: a status is 0 to 255.
}

func (w *worker) recordCommand(line string) {
	w.client.evidence.Record("command", evidence.Text("username", w.client.user), evidence.Text("command", line))
}
