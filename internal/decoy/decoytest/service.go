// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package decoytest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/deckyard/deckyard/internal/decoy"
)

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

// Service is a running service.
type Service struct {
	*Evidence

	// Addresses are those of its ports, in the order of the program's.
	Addresses []string
}

// Start runs the service with this program name and configuration until the
// test ends, on free ports of loopback, as a machine called "srv-01".
func Start(t *testing.T, program string, config map[string]string) *Service {
	t.Helper()
	s := &Service{Evidence: NewEvidence()}
	ready := make(chan struct{}, 8)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	environment := decoy.Environment{
		Lookup: func(name string) (string, bool) {
			value, found := config[name]
			return value, found
		},
		Hostname: "srv-01",
		Output:   s.Evidence,
		Listen: func(ctx context.Context, _ int) (net.Listener, error) {
			var config net.ListenConfig
			listener, err := config.Listen(ctx, "tcp4", "127.0.0.1:0")
			if err == nil {
				s.Addresses = append(s.Addresses, listener.Addr().String())
			}
			ready <- struct{}{}
			return listener, err
		},
	}
	go func() { ended <- decoy.Run(ctx, program, environment) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("%s ended with an error: %v", program, err)
			}
		case <-time.After(patience):
			t.Errorf("%s did not end", program)
		}
	})
	for range ports(t, program) {
		select {
		case <-ready:
		case err := <-ended:
			ended <- err
			t.Fatalf("%s did not start: %v", program, err)
		}
	}
	return s
}

// Refused returns the error of a service that must not start with a
// configuration. It never listens.
func Refused(t *testing.T, program string, config map[string]string) error {
	t.Helper()
	return decoy.Run(t.Context(), program, decoy.Environment{
		Lookup: func(name string) (string, bool) {
			value, found := config[name]
			return value, found
		},
		Output: NewEvidence(),
		Listen: func(context.Context, int) (net.Listener, error) { return nil, errListen },
	})
}

var errListen = errors.New("the service listens")

func ports(t *testing.T, name string) []int {
	t.Helper()
	for _, program := range decoy.Programs() {
		if program.Name == name {
			return program.Ports
		}
	}
	t.Fatalf("no program %q", name)
	return nil
}

// Dial connects to the first port of the service. The connection is closed
// when the test ends.
func (s *Service) Dial(t *testing.T) net.Conn {
	t.Helper()
	return Dial(t, s.Addresses[0])
}

// Dial connects to an address and sets a deadline.
func Dial(t *testing.T, address string) net.Conn {
	t.Helper()
	var dialer net.Dialer
	conn, err := dialer.DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatalf("dial %s: %v", address, err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// Record is one line of evidence.
type Record map[string]any

// Evidence collects what a service writes.
type Evidence struct {
	mu      sync.Mutex
	changed chan struct{}
	partial []byte
	records []Record
	broken  []string
}

// NewEvidence collects nothing yet.
func NewEvidence() *Evidence {
	return &Evidence{changed: make(chan struct{})}
}

// Write takes output.
func (e *Evidence) Write(data []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.partial = append(e.partial, data...)
	for {
		line, rest, found := bytes.Cut(e.partial, []byte("\n"))
		if !found {
			break
		}
		record := Record{}
		if err := json.Unmarshal(line, &record); err != nil {
			e.broken = append(e.broken, string(line))
		} else {
			e.records = append(e.records, record)
		}
		e.partial = bytes.Clone(rest)
	}
	close(e.changed)
	e.changed = make(chan struct{})
	return len(data), nil
}

// Find returns the first record of an event whose fields have all these
// values, and waits for it. It fails the test if a line is not JSON.
func (e *Evidence) Find(t *testing.T, event string, fields Record) Record {
	t.Helper()
	timeout := time.After(patience)
	for {
		found, changed := e.search(t, event, fields)
		if found != nil {
			return found
		}
		select {
		case <-changed:
		case <-timeout:
			t.Fatalf("no %q with %v in the evidence:\n%v", event, fields, e.All())
		}
	}
}

// All returns what has been recorded so far.
func (e *Evidence) All() []Record {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]Record(nil), e.records...)
}

// Broken returns the lines so far that are not JSON.
func (e *Evidence) Broken() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]string(nil), e.broken...)
}

func (e *Evidence) search(t *testing.T, event string, fields Record) (Record, <-chan struct{}) {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.broken) > 0 {
		t.Fatalf("evidence is not JSON: %q", e.broken)
	}
	for _, record := range e.records {
		if record["event"] == event && matches(record, fields) {
			return record, e.changed
		}
	}
	return nil, e.changed
}

func matches(record, fields Record) bool {
	for key, want := range fields {
		if number, isInt := want.(int); isInt {
			want = float64(number)
		}
		if record[key] != want {
			return false
		}
	}
	return true
}
