//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package docker_test

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/deckyard/deckyard/internal/engine/contract"
	"github.com/deckyard/deckyard/internal/engine/docker"
	"github.com/deckyard/deckyard/internal/engine/host"
	"github.com/deckyard/deckyard/internal/model"
)

func TestContractOnDockerEngine(t *testing.T) {
	t.Parallel()
	requests := &requestLog{}
	dockerEngine, err := docker.NewWithTransport(docker.DefaultHost, requests.wrap)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dockerEngine.Close() })
	program := contract.BuildProgram(t)
	image := contract.LoadImage(t, dockerEngine, program)
	other := contract.ImageReference(t)
	hostOfEngine := host.New()

	// The group ends when its parallel subtests have ended.
	t.Run("rules", func(t *testing.T) {
		contract.Run(t, contract.Subject{
			Reader: dockerEngine, Networks: dockerEngine, Containers: dockerEngine, Changer: dockerEngine, Images: dockerEngine,
			Events: dockerEngine, Prober: dockerEngine, HostProber: hostOfEngine, Host: hostOfEngine, Firewall: hostOfEngine,
			Damage:       deleteOneRule,
			Flush:        func(t *testing.T, instance string) { nft(t, "delete", "table", "inet", tableOf(instance)) },
			Image:        image,
			Archive:      contract.ImageArchive(t, other, program),
			ArchiveImage: other,
			HoldPort: func(t *testing.T) uint16 {
				listener := listen(t)
				t.Cleanup(func() { _ = listener.Close() })
				return portOf(listener)
			},
			FreePort: func(t *testing.T) uint16 {
				listener := listen(t)
				defer func() { _ = listener.Close() }()
				return portOf(listener)
			},
		})
	})

	if unknown := requests.unknown(); len(unknown) > 0 {
		t.Errorf("requests to endpoints that docker.Endpoints does not list:\n%s", strings.Join(unknown, "\n"))
	}
}

// requestLog keeps requests that no listed endpoint answers.
type requestLog struct {
	mutex    sync.Mutex
	unlisted []string
}

func (l *requestLog) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(request *http.Request) (*http.Response, error) {
		if _, listed := docker.EndpointOf(request); !listed {
			l.mutex.Lock()
			defer l.mutex.Unlock()
			l.unlisted = append(l.unlisted, request.Method+" "+request.URL.Path)
		}
		return next.RoundTrip(request)
	})
}

func (l *requestLog) unknown() []string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return slices.Clone(l.unlisted)
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(fmt.Errorf("listen: %w", err))
	}
	return listener
}

func portOf(listener net.Listener) uint16 {
	return netip.MustParseAddrPort(listener.Addr().String()).Port()
}

// tableOf names the table of an instance.
func tableOf(instance string) string { return "deckyard-" + instance }

// nft runs the firewall's own program, as somebody by hand would.
func nft(t *testing.T, arguments ...string) string {
	t.Helper()
	output, err := exec.CommandContext(t.Context(), "nft", arguments...).CombinedOutput()
	if err != nil {
		t.Fatalf("nft %s: %v: %s", strings.Join(arguments, " "), err, output)
	}
	return string(output)
}

// deleteOneRule deletes the first rule of the chain forward that is a bridge's.
func deleteOneRule(t *testing.T, filter model.FilterSpec) {
	t.Helper()
	table := tableOf(filter.Owner.Instance)
	for line := range strings.Lines(nft(t, "--handle", "list", "chain", "inet", table, "forward")) {
		if _, handle, found := strings.Cut(line, "# handle "); found && strings.Contains(line, filter.Bridge) {
			nft(t, "delete", "rule", "inet", table, "forward", "handle", strings.TrimSpace(handle))
			return
		}
	}
	t.Fatalf("no rule of bridge %s", filter.Bridge)
}
