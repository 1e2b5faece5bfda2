// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package docker_test

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/engine/docker"
)

func TestNewTakesLocalUnixSocketsAlone(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		host string
		want error
	}{
		"default":          {docker.DefaultHost, nil},
		"other socket":     {"unix:///run/user/1000/docker.sock", nil},
		"empty":            {"", engine.ErrInvalid},
		"tcp":              {"tcp://127.0.0.1:2375", engine.ErrInvalid},
		"ssh":              {"ssh://root@engine", engine.ErrInvalid},
		"relative":         {"unix://docker.sock", engine.ErrInvalid},
		"no path":          {"unix://", engine.ErrInvalid},
		"path alone":       {"/var/run/docker.sock", engine.ErrInvalid},
		"socket on a host": {"unix://host/var/run/docker.sock", engine.ErrInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := docker.New(tc.host); !errors.Is(err, tc.want) {
				t.Errorf("New(%q) = %v, want %v", tc.host, err, tc.want)
			}
		})
	}
}

func TestUnreachableEngineHasItsKindAndAdvice(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "docker.sock")
	for name, tc := range map[string]struct {
		host   string
		want   error
		advice []string
	}{
		"no socket": {
			"unix://" + missing, engine.ErrUnavailable,
			[]string{"is not running", "there is no socket " + missing, "systemctl start docker", "dockerd"},
		},
		"nobody listens": {
			"unix://" + deadSocket(t), engine.ErrUnavailable,
			[]string{"is not running", "nothing listens on the socket", "systemctl start docker", "dockerd"},
		},
		"too old":      {serve(t, "1.40", nil).host, engine.ErrInvalid, []string{"too old", "20.10"}},
		"not a socket": {"tcp://127.0.0.1:2375", engine.ErrInvalid, []string{"local unix socket", docker.DefaultHost}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := profileError(t, tc.host)
			if !errors.Is(err, tc.want) {
				t.Errorf("error %v, want %v", err, tc.want)
			}
			for _, text := range tc.advice {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("error %q lacks %q", err, text)
				}
			}
		})
	}
}

// profileError returns why the profile of an engine at an address cannot be read.
func profileError(t *testing.T, host string) error {
	t.Helper()
	dockerEngine, err := docker.New(host)
	if err != nil {
		return err
	}
	defer func() { _ = dockerEngine.Close() }()
	_, err = dockerEngine.Profile(t.Context())
	return err
}

// deadSocket returns the path of a socket on which nobody listens any more.
func deadSocket(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "docker.sock")
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: path})
	if err != nil {
		t.Fatal(err)
	}
	listener.SetUnlinkOnClose(false)
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestForbiddenSocketIsDenied(t *testing.T) {
	t.Parallel()
	// The test may run as root, whom no socket forbids anything.
	forbid := func(http.RoundTripper) http.RoundTripper {
		return roundTripper(func(*http.Request) (*http.Response, error) {
			return nil, &net.OpError{Op: "dial", Net: "unix", Err: os.NewSyscallError("connect", syscall.EACCES)}
		})
	}
	dockerEngine, err := docker.NewWithTransport(docker.DefaultHost, forbid)
	if err != nil {
		t.Fatal(err)
	}
	_, err = dockerEngine.Networks(t.Context())
	if !errors.Is(err, engine.ErrDenied) || errors.Is(err, engine.ErrUnavailable) || !errors.Is(err, fs.ErrPermission) {
		t.Errorf("error %v", err)
	}
	if explained := docker.Explain(dockerEngine, err).Error(); !strings.Contains(explained, "run as root") {
		t.Errorf("advice %q", explained)
	}
}

func TestEngineThatDoesNotAnswerIsUnavailable(t *testing.T) {
	t.Parallel()
	s := serveWith(t, "1.41", func(_ http.ResponseWriter, r *http.Request, _ string) { <-r.Context().Done() })
	dockerEngine := s.engine(t)
	t.Run("deadline", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		_, err := dockerEngine.Networks(ctx)
		if !errors.Is(err, engine.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
	})
	t.Run("cancelled by the caller", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := dockerEngine.Networks(ctx)
		if errors.Is(err, engine.ErrUnavailable) || !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	})
}

func TestBrokenAnswerIsUnavailable(t *testing.T) {
	t.Parallel()
	s := serveWith(t, "1.41", func(w http.ResponseWriter, _ *http.Request, _ string) {
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write([]byte(`[{"Id":`))
	})
	if _, err := s.engine(t).Containers(t.Context()); !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("error %v", err)
	}
}
