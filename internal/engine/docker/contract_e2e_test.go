//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package docker_test

import (
	"archive/tar"
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/engine/contract"
	"github.com/deckyard/deckyard/internal/engine/docker"
	"github.com/deckyard/deckyard/internal/engine/host"
)

func TestContractOnDockerEngine(t *testing.T) {
	t.Parallel()
	requests := &requestLog{}
	dockerEngine := newEngine(t, docker.WithTransport(requests.wrap))
	program := buildProgram(t)
	image := loadImage(t, dockerEngine, program)
	other := imageReference(t)

	// The group ends when its parallel subtests have ended.
	t.Run("rules", func(t *testing.T) {
		contract.Run(t, contract.Subject{
			Reader: dockerEngine, Networks: dockerEngine, Containers: dockerEngine, Images: dockerEngine,
			Events: dockerEngine, Prober: dockerEngine, Host: host.New(),
			Image:            image,
			Archive:          imageArchive(t, other, program),
			ArchiveImage:     other,
			UnreachableImage: "127.0.0.1:9/nobody/there:1",
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
			Subnets: netip.MustParsePrefix("10.213.0.0/16"),
		})
	})

	if unknown := requests.unknown(); len(unknown) > 0 {
		t.Errorf("requests to endpoints that docker.Endpoints does not list:\n%s", strings.Join(unknown, "\n"))
	}
}

// newEngine returns the adapter to the engine of this machine.
func newEngine(t *testing.T, options ...docker.Option) *docker.Engine {
	t.Helper()
	dockerEngine, err := docker.New(docker.DefaultHost, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dockerEngine.Close() })
	return dockerEngine
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

// buildProgram builds what the containers of the suite run.
func buildProgram(t *testing.T) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags=-s -w", "-o", path, "../contract/testdata/program")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build program: %v\n%s", err, output)
	}
	program, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return program
}

// loadImage puts an image with the program on the engine for the time of the test.
func loadImage(t *testing.T, images engine.Images, program []byte) string {
	t.Helper()
	reference := imageReference(t)
	if err := images.LoadImage(t.Context(), bytes.NewReader(imageArchive(t, reference, program))); err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	t.Cleanup(func() {
		if err := images.RemoveImage(withoutCancel(ctx), reference); err != nil {
			t.Errorf("remove image: %v", err)
		}
	})
	return reference
}

// imageReference returns the reference of an image that no other run has.
func imageReference(t *testing.T) string {
	t.Helper()
	random := make([]byte, 4)
	if _, err := rand.Read(random); err != nil {
		t.Fatal(err)
	}
	return "deckyard-contract/" + hex.EncodeToString(random) + ":1"
}

// imageArchive returns a docker-load archive of an image with one program.
func imageArchive(t *testing.T, reference string, program []byte) []byte {
	t.Helper()
	layer := tarArchive(t, map[string][]byte{"program": program})
	digest := sha256.Sum256(layer)
	config := mustMarshal(t, map[string]any{
		"architecture": "amd64",
		"os":           "linux",
		// Makes two images of one program differ.
		"author": reference,
		"config": map[string]any{"Entrypoint": []string{"/program"}},
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{"sha256:" + hex.EncodeToString(digest[:])}},
	})
	manifest := mustMarshal(t, []map[string]any{{
		"Config": "config.json", "RepoTags": []string{reference}, "Layers": []string{"layer.tar"},
	}})
	return tarArchive(t, map[string][]byte{"config.json": config, "layer.tar": layer, "manifest.json": manifest})
}

func tarArchive(t *testing.T, files map[string][]byte) []byte {
	t.Helper()
	var archive bytes.Buffer
	writer := tar.NewWriter(&archive)
	for name, contents := range files {
		header := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o755, Size: int64(len(contents))}
		if err := writer.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := writer.Write(contents); err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return archive.Bytes()
}

func mustMarshal(t *testing.T, value any) []byte {
	t.Helper()
	encoded, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
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
