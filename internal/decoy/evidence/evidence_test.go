// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package evidence_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/deckyard/deckyard/internal/decoy/decoytest"
	"github.com/deckyard/deckyard/internal/decoy/evidence"
)

func address(t *testing.T, text string) net.Addr {
	t.Helper()
	tcp, err := net.ResolveTCPAddr("tcp", text)
	if err != nil {
		t.Fatal(err)
	}
	return tcp
}

func session(t *testing.T, log *evidence.Log, source string) *evidence.Session {
	t.Helper()
	return log.Session("test", address(t, source), address(t, "10.0.0.2:22"))
}

func closed(t *testing.T, log *evidence.Log) {
	t.Helper()
	if err := log.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestRecordWritesOneJSONLine(t *testing.T) {
	t.Parallel()
	output := decoytest.NewEvidence()
	log := evidence.NewLog(output)
	session(t, log, "10.0.0.9:4711").Record("login", evidence.Text("username", "root"), evidence.Number("tries", 3), evidence.Flag("accepted", true))
	closed(t, log)

	got := output.Find(t, "login", nil)
	when, ok := got["time"].(string)
	if _, err := time.Parse("2006-01-02T15:04:05.000000000Z", when); !ok || err != nil {
		t.Errorf("time is %q: %v", when, err)
	}
	delete(got, "time")
	want := decoytest.Record{
		"source": "10.0.0.9:4711", "destination": "10.0.0.2:22", "protocol": "test", "event": "login",
		"username": "root", "tries": 3.0, "accepted": true,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestRecordMakesArbitraryBytesSafe(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		value   string
		want    string
		escaped any
	}{
		"a forged line":            {"x\"}\n{\"event\":\"forged\"}\n", "x\"}\n{\"event\":\"forged\"}\n", nil},
		"control characters":       {"\x00\x1b[31m\u0085\u202e", "\x00\x1b[31m\u0085\u202e", nil},
		"bytes that are not UTF-8": {"a\\b\xff\xfe", `a\\b\xff\xfe`, true},
		"beyond the first plane":   {"\U0001F600\U000E0001", "\U0001F600\U000E0001", nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			output := decoytest.NewEvidence()
			log := evidence.NewLog(output)
			session(t, log, "10.0.0.9:1").Record("login", evidence.Text("password", test.value))
			closed(t, log)
			all := output.All()
			if len(all) != 1 || len(output.Broken()) > 0 {
				t.Fatalf("got %d lines and broken ones %q, want one line", len(all), output.Broken())
			}
			if all[0]["password"] != test.want || all[0]["escaped"] != test.escaped {
				t.Errorf("got %q, escaped %v", all[0]["password"], all[0]["escaped"])
			}
		})
	}
}

func TestRecordBoundsALine(t *testing.T) {
	t.Parallel()
	output := &longest{}
	log := evidence.NewLog(output)
	var fields []evidence.Field
	for range 100 {
		fields = append(fields, evidence.Text("key", strings.Repeat("\x01", 10_000)))
	}
	session(t, log, "10.0.0.9:1").Record("flood", fields...)
	closed(t, log)
	if output.length > 16<<10 {
		t.Errorf("line of %d bytes", output.length)
	}
	if !json.Valid(output.line) || !strings.Contains(string(output.line), `"truncated":true`) {
		t.Errorf("line is not JSON that says it was cut: %s", output.line)
	}
}

type longest struct {
	length int
	line   []byte
}

func (l *longest) Write(line []byte) (int, error) {
	if len(line) > l.length {
		l.length, l.line = len(line), append([]byte(nil), line...)
	}
	return len(line), nil
}

func TestRecordDoesNotBlockOnABlockedOutput(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	output := decoytest.NewEvidence()
	log := evidence.NewLog(blocked{release: release, then: output})
	for source := range 100 {
		s := session(t, log, "10.0.1."+string(rune('0'+source%10))+":1")
		for range 100 {
			s.Record("flood")
		}
	}
	expired, cancel := context.WithCancel(t.Context())
	cancel()
	if err := log.Close(expired); !errors.Is(err, context.Canceled) {
		t.Errorf("Close on a blocked output returns %v", err)
	}
	close(release)
	closed(t, log)
	dropped := output.Find(t, "dropped", nil)
	kept := len(output.All()) - 1
	if count, ok := dropped["count"].(float64); !ok || int(count)+kept != 10_000 {
		t.Errorf("kept %d, dropped %v, want 10000 together", kept, dropped["count"])
	}
}

// blocked is an output that takes nothing until it is released.
type blocked struct {
	release chan struct{}
	then    *decoytest.Evidence
}

func (b blocked) Write(line []byte) (int, error) {
	<-b.release
	return b.then.Write(line)
}

func TestRecordGivesEverySourceAShare(t *testing.T) {
	t.Parallel()
	output := decoytest.NewEvidence()
	log := evidence.NewLog(output)
	noisy := session(t, log, "10.0.0.9:1")
	for range 5000 {
		noisy.Record("noise")
	}
	session(t, log, "10.0.0.8:1").Record("quiet")
	closed(t, log)
	if count := len(output.All()); count > 1000 {
		t.Errorf("a flooding source wrote %d lines", count)
	}
}

func FuzzRecordIsAlwaysOneJSONLine(f *testing.F) {
	f.Add("a", "b")
	f.Add("\xff\n\"\\", "\u2028\U0010ffff\x00")
	f.Fuzz(func(t *testing.T, first, second string) {
		output := &longest{}
		log := evidence.NewLog(output)
		session(t, log, "10.0.0.9:1").Record("x", evidence.Text("first", first), evidence.Text("second", second))
		if err := log.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !json.Valid(output.line) || strings.Count(string(output.line), "\n") != 1 {
			t.Errorf("not one JSON line: %q", output.line)
		}
	})
}
