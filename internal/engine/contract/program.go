// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/model"
)

// BuildProgram builds what the containers of the suite run.
func BuildProgram(t *testing.T) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags=-s -w", "-o", path,
		"github.com/deckyard/deckyard/internal/engine/contract/testdata/program")
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

// Behaviour is what the suite's program does with a command, for engines that run
// no programs: it ends at once with a code, or opens ports.
func Behaviour(command []string) (exits bool, code int, ports []model.Port) {
	if len(command) == 2 && command[0] == "exit" {
		code, _ = strconv.Atoi(command[1])
		return true, code, nil
	}
	for _, socket := range command[1:] {
		protocol, number, _ := strings.Cut(socket, ":")
		port, _ := strconv.ParseUint(number, 10, 16)
		ports = append(ports, model.Port{Number: uint16(port), Protocol: model.Protocol(protocol)})
	}
	return false, 0, ports
}

// LoadImage puts an image with the program on an engine for the time of the test,
// and returns its reference.
func LoadImage(t *testing.T, images engine.Images, program []byte) string {
	t.Helper()
	reference := ImageReference(t)
	if err := images.LoadImage(t.Context(), bytes.NewReader(ImageArchive(t, reference, program))); err != nil {
		t.Fatal(err)
	}
	ctx := context.WithoutCancel(t.Context())
	t.Cleanup(func() {
		if err := images.RemoveImage(ctx, reference); err != nil {
			t.Errorf("remove image: %v", err)
		}
	})
	return reference
}

// ImageReference returns the reference of an image that no other run has.
func ImageReference(t *testing.T) string {
	t.Helper()
	random := make([]byte, 4)
	if _, err := rand.Read(random); err != nil {
		t.Fatal(err)
	}
	return "deckyard-contract/" + hex.EncodeToString(random) + ":1"
}

// ImageArchive returns a docker-load archive of an image with one program.
func ImageArchive(t *testing.T, reference string, program []byte) []byte {
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
