// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package evidence

import (
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// queueLength bounds the lines that wait for the output.
	queueLength = 256
	// maxLineBytes bounds one line; a longer one loses its last fields.
	maxLineBytes = 16 << 10
)

// Log writes lines to one output. It is safe for concurrent use and never
// blocks its callers.
type Log struct {
	queue   chan []byte
	done    chan struct{}
	closing sync.Once
	stop    chan struct{}
	dropped atomic.Int64
	rates   *rates
}

// NewLog starts a writer to output that runs until Close.
func NewLog(output io.Writer) *Log {
	l := &Log{
		queue: make(chan []byte, queueLength),
		done:  make(chan struct{}),
		stop:  make(chan struct{}),
		rates: newRates(),
	}
	go l.write(output)
	return l
}

// Close writes what is queued and stops the writer. It returns the context's
// error if the output does not take the lines in time.
func (l *Log) Close(ctx context.Context) error {
	l.closing.Do(func() { close(l.stop) })
	select {
	case <-l.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("write queued evidence: %w", ctx.Err())
	}
}

// Session is the evidence of one connection.
type Session struct {
	log         *Log
	protocol    string
	source      string
	host        string
	destination string
}

// Session returns the evidence of a connection from source to destination,
// spoken in protocol.
func (l *Log) Session(protocol string, source, destination net.Addr) *Session {
	return &Session{
		log:         l,
		protocol:    protocol,
		source:      source.String(),
		host:        Host(source),
		destination: destination.String(),
	}
}

// Record queues one line. It does not block.
func (s *Session) Record(event string, fields ...Field) {
	now := time.Now()
	if !s.log.rates.allow(s.host, now) {
		s.log.dropped.Add(1)
		return
	}
	s.log.enqueue(s.line(now, event, fields))
}

// Protocol returns the name of the protocol of the session.
func (s *Session) Protocol() string {
	return s.protocol
}

// Source returns the address of the peer as "ip:port".
func (s *Session) Source() string {
	return s.source
}

// Host returns the address of a peer without its port, which is what counts
// as one source.
func Host(address net.Addr) string {
	host, _, err := net.SplitHostPort(address.String())
	if err != nil {
		return address.String()
	}
	return host
}

func (s *Session) line(now time.Time, event string, fields []Field) []byte {
	line := make([]byte, 0, 256)
	line = append(line, `{"time":"`...)
	line = appendTime(line, now)
	line = append(line, '"')
	var n notes
	head := []Field{
		Text("source", s.source), Text("destination", s.destination),
		Text("protocol", s.protocol), Text("event", event),
	}
	for _, field := range head {
		line = field.appendTo(line, &n)
	}
	if len(fields) > maxFields {
		fields = fields[:maxFields]
		n.truncated = true
	}
	for _, field := range fields {
		before := len(line)
		line = field.appendTo(line, &n)
		if len(line) > maxLineBytes-64 {
			line = line[:before]
			n.truncated = true
		}
	}
	if n.truncated {
		line = append(line, `,"truncated":true`...)
	}
	if n.escaped {
		line = append(line, `,"escaped":true`...)
	}
	return append(line, '}', '\n')
}

func appendTime(line []byte, now time.Time) []byte {
	return now.UTC().AppendFormat(line, "2006-01-02T15:04:05.000000000Z07:00")
}

func (l *Log) enqueue(line []byte) {
	select {
	case l.queue <- line:
	default:
		l.dropped.Add(1)
	}
}

func (l *Log) write(output io.Writer) {
	defer close(l.done)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case line := <-l.queue:
			_, _ = output.Write(line)
		case <-tick.C:
			l.writeDropped(output)
		case <-l.stop:
			l.drain(output)
			l.writeDropped(output)
			return
		}
	}
}

func (l *Log) drain(output io.Writer) {
	for {
		select {
		case line := <-l.queue:
			_, _ = output.Write(line)
		default:
			return
		}
	}
}

// writeDropped says how many lines were lost since it last did.
func (l *Log) writeDropped(output io.Writer) {
	count := l.dropped.Swap(0)
	if count == 0 {
		return
	}
	line := appendTime([]byte(`{"time":"`), time.Now())
	line = append(line, `","event":"dropped","count":`...)
	line = strconv.AppendInt(line, count, 10)
	_, _ = output.Write(append(line, '}', '\n'))
}
