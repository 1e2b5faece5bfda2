// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/model"
)

// This process stands for the engine: it can be seen, and has our network.
func TestProfileOfThisHost(t *testing.T) {
	t.Parallel()
	profile, err := New().HostProfile(t.Context(), model.EngineProfile{PID: os.Getpid()})
	if err != nil {
		t.Fatal(err)
	}
	if profile.EngineVisible != model.Yes || profile.EngineNetwork != model.Yes {
		t.Errorf("profile %+v", profile)
	}
	want := model.No
	if value, err := os.ReadFile("/proc/sys/net/bridge/bridge-nf-call-iptables"); err == nil {
		want = model.AnswerOf(strings.TrimSpace(string(value)) == "1")
	}
	if profile.BridgedFrames != want {
		t.Errorf("bridged frames %s, want %s", profile.BridgedFrames, want)
	}
	if output, err := exec.CommandContext(t.Context(), "iptables", "--version").Output(); err == nil {
		if have := "iptables " + profile.Iptables; have != strings.TrimSpace(string(output)) {
			t.Errorf("iptables %q, want %q", have, output)
		}
	}
}

// Without a process that can be seen nothing is known of where the engine runs.
func TestEngineOutOfSight(t *testing.T) {
	t.Parallel()
	profile, err := New().HostProfile(t.Context(), model.EngineProfile{})
	if err != nil {
		t.Fatal(err)
	}
	if profile.EngineVisible != model.No || profile.EngineNetwork != model.Unknown {
		t.Errorf("profile %+v", profile)
	}
}

func TestHostIsNotLookedAtInVain(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := New().HostProfile(ctx, model.EngineProfile{}); !errors.Is(err, context.Canceled) {
		t.Errorf("profile: %v", err)
	}
	if _, err := New().Listening(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("listening: %v", err)
	}
}

func TestListeningShowsBothProtocols(t *testing.T) {
	t.Parallel()
	tcp, udp := listenTCP(t, "tcp4", "127.0.0.1:0"), bindUDP(t)
	sockets, err := New().Listening(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, port := range []model.Port{{Number: tcp, Protocol: model.TCP}, {Number: udp, Protocol: model.UDP}} {
		if want := (model.Socket{Port: port, Address: netip.MustParseAddr("127.0.0.1")}); !slices.Contains(sockets, want) {
			t.Errorf("%v lacks %v", sockets, want)
		}
	}
}

func TestCapabilitiesAreThoseOfTheSet(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		of   capabilities
		want model.Answer
	}{
		"none":      {capabilities{known: true}, model.No},
		"NET_ADMIN": {capabilities{set: 1 << 12, known: true}, model.Yes},
		"others":    {capabilities{set: 1<<21 | 1<<19, known: true}, model.No},
		"not read":  {capabilities{}, model.Unknown},
	} {
		if have := tc.of.has(unix.CAP_NET_ADMIN); have != tc.want {
			t.Errorf("%s: %s, want %s", name, have, tc.want)
		}
	}
}

// What fails for a reason that may pass is not known.
func TestAnswersOfAttempts(t *testing.T) {
	t.Parallel()
	for cause, want := range map[error]model.Answer{
		nil: model.Yes, engine.ErrDenied: model.No, engine.ErrUnsupported: model.No, unix.EINTR: model.Unknown,
	} {
		if have := answerOf(cause); have != want {
			t.Errorf("%v: %s, want %s", cause, have, want)
		}
	}
}
