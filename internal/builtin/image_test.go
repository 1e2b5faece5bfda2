// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package builtin_test

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deckyard/deckyard/internal/builtin"
)

func assemble(t *testing.T, program string) *builtin.Image {
	t.Helper()
	image, err := builtin.Assemble([]byte(program), "amd64")
	if err != nil {
		t.Fatal(err)
	}
	return image
}

// entries reads a tar archive.
func entries(t *testing.T, archive io.Reader) (map[string]*tar.Header, map[string][]byte) {
	t.Helper()
	headers, contents := map[string]*tar.Header{}, map[string][]byte{}
	reader := tar.NewReader(archive)
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return headers, contents
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(reader)
		if err != nil {
			t.Fatal(err)
		}
		headers[header.Name], contents[header.Name] = header, content
	}
}

func blob(digest string) string {
	return "blobs/" + strings.Replace(digest, ":", "/", 1)
}

func TestAssembleIsDeterministic(t *testing.T) {
	t.Parallel()
	first, second, other := assemble(t, "program"), assemble(t, "program"), assemble(t, "another")
	one, err := io.ReadAll(first.Archive())
	if err != nil {
		t.Fatal(err)
	}
	two, err := io.ReadAll(second.Archive())
	if err != nil {
		t.Fatal(err)
	}
	if first.Reference != second.Reference || first.ConfigDigest != second.ConfigDigest || !bytes.Equal(one, two) {
		t.Error("the same program gives another image")
	}
	if first.Reference == other.Reference || first.ConfigDigest == other.ConfigDigest || first.ManifestDigest == other.ManifestDigest {
		t.Error("another program gives the same image")
	}
	// A change of this value means that every engine gets a new image; it must
	// not come from anything but a change of the image's layout.
	const want = "sha256:8a2af847419583e6444f0f6e5383d3df57aea0eab8ce7b071218297728d5b75a"
	if first.ConfigDigest != want {
		t.Errorf("ID is %s, want %s", first.ConfigDigest, want)
	}
}

func TestReferenceIsMadeOfTheID(t *testing.T) {
	t.Parallel()
	image := assemble(t, "program")
	tag, found := strings.CutPrefix(image.Reference, builtin.Repository+":")
	if !found || len(tag) < 12 || !strings.HasPrefix(image.ConfigDigest, "sha256:"+tag) {
		t.Errorf("reference %s of %s", image.Reference, image.ConfigDigest)
	}
}

func TestArchiveBlobsMatchTheirDigests(t *testing.T) {
	t.Parallel()
	image := assemble(t, "program")
	_, contents := entries(t, image.Archive())
	for name, content := range contents {
		if sum := sha256.Sum256(content); strings.HasPrefix(name, "blobs/") && path.Base(name) != hex.EncodeToString(sum[:]) {
			t.Errorf("%s has another digest", name)
		}
	}
	var saved []struct {
		Config           string
		RepoTags, Layers []string
	}
	if err := json.Unmarshal(contents["manifest.json"], &saved); err != nil || len(saved) != 1 {
		t.Fatalf("manifest.json: %v, %v", saved, err)
	}
	if diff := cmp.Diff([]string{image.Reference}, saved[0].RepoTags); diff != "" || saved[0].Config != blob(image.ConfigDigest) || contents[saved[0].Layers[0]] == nil {
		t.Errorf("manifest.json is %+v", saved[0])
	}
	var index struct{ Manifests []struct{ Digest string } }
	if err := json.Unmarshal(contents["index.json"], &index); err != nil || index.Manifests[0].Digest != image.ManifestDigest {
		t.Errorf("index.json is %s, %v", contents["index.json"], err)
	}
	var manifest struct{ Config, Layers any }
	if err := json.Unmarshal(contents[blob(image.ManifestDigest)], &manifest); err != nil || manifest.Layers == nil {
		t.Errorf("manifest: %v", err)
	}
}

func TestImageHoldsTheProgramAndItsNames(t *testing.T) {
	t.Parallel()
	image := assemble(t, "program")
	_, contents := entries(t, image.Archive())
	var config struct {
		Config struct {
			User       string
			Env, Cmd   []string
			Entrypoint []string
			Labels     map[string]string
		}
		RootFS struct {
			DiffIDs []string `json:"diff_ids"`
		}
	}
	if err := json.Unmarshal(contents[blob(image.ConfigDigest)], &config); err != nil {
		t.Fatal(err)
	}
	if config.Config.User != "65532:65532" || len(config.Config.Entrypoint) > 0 || len(config.Config.Labels) > 0 || !cmp.Equal(config.Config.Cmd, []string{"/sbin/init"}) {
		t.Errorf("configuration is %+v", config.Config)
	}
	headers, files := entries(t, bytes.NewReader(contents[blob(config.RootFS.DiffIDs[0])]))
	if string(files["sbin/init"]) != "program" || headers["sbin/init"].Mode != 0o711 {
		t.Errorf("/sbin/init is %q with mode %o", files["sbin/init"], headers["sbin/init"].Mode)
	}
	for _, name := range []string{"ftpd", "httpd", "httpsd", "redis-server", "smtpd", "sshd", "telnetd"} {
		if link := headers["usr/sbin/"+name]; link == nil || link.Typeflag != tar.TypeSymlink || link.Linkname != "/sbin/init" {
			t.Errorf("/usr/sbin/%s is %+v", name, link)
		}
	}
	if !strings.Contains(string(files["etc/passwd"]), ":65532:65532:") || headers["tmp/"].Mode != 0o1777 {
		t.Error("passwd or /tmp is not as expected")
	}
}

// Scenario 69, as far as the image goes.
func TestImageDoesNotSayWhatItIs(t *testing.T) {
	t.Parallel()
	image := assemble(t, "program")
	_, contents := entries(t, image.Archive())
	telling := regexp.MustCompile(`(?i)deck|decoy|honey|trap`)
	for name, content := range contents {
		// Only the engine sees the names that the archive carries.
		if strings.HasPrefix(name, "blobs/") && telling.Match(content) {
			t.Errorf("%s says %q", name, telling.Find(content))
		}
	}
}

func TestLoadGivesTheEmbeddedProgramOrSaysHowToBuildIt(t *testing.T) {
	t.Parallel()
	image, err := builtin.Load()
	if errors.Is(err, builtin.ErrNoProgram) {
		if !strings.Contains(err.Error(), "make build") {
			t.Errorf("error is %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	again, err := builtin.Load()
	if err != nil || again.ConfigDigest != image.ConfigDigest {
		t.Errorf("loading again gives %v, %v", again, err)
	}
}
