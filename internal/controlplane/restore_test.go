// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const furtherFile = "docker-host"

func TestBackupOfAStoppedInstance(t *testing.T) {
	t.Parallel()
	directory := openTestDirectory(t)
	withTestStorage(t, directory, storageQuota, func(s *storage) { put(t, s, "/key", "first") })
	writeTestFiles(t, directory, append([]string{furtherFile}, testCertificates()...)...)
	file := backUpTest(t, directory)

	// An empty directory may be a mount point, and stays.
	path := t.TempDir()
	for range 2 {
		if _, err := Restore(t.Context(), RestoreOptions{DataDirectory: path, File: file, Files: []string{furtherFile}}); err != nil {
			t.Fatal(err)
		}
		restored, err := OpenDataDirectory(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range append([]string{furtherFile}, testCertificates()...) {
			content, err := os.ReadFile(restored.File(name))
			if err != nil || string(content) != name {
				t.Errorf("%s: got %q, %v, want it back", name, content, err)
			}
		}
		assertLeft(t, path, lockFile, furtherFile, databaseDirectory, certificateDirectory, versionFile)
		// It can be backed up and restored again.
		withTestStorage(t, restored, storageQuota, func(s *storage) {
			if got := get(t, s, "/key"); got != "first" {
				t.Errorf("got %q, want what was written", got)
			}
		})
		file = backUpTest(t, restored)
		path = filepath.Join(t.TempDir(), "data")
	}
	// Nothing was done to the first one.
	withTestStorage(t, directory, storageQuota, func(s *storage) { put(t, s, "/key", "second") })
}

// A new file of the control plane must not be forgotten.
func TestBackupHoldsEveryCertificateFile(t *testing.T) {
	t.Parallel()
	directory := openTestDirectory(t)
	if _, err := (certificates{directory: directory, clock: testOptions(t, directory, 0).Clock}).issue(); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(directory.File(certificateDirectory))
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for _, entry := range entries {
		have = append(have, filepath.Join(certificateDirectory, entry.Name()))
	}
	want := testCertificates()
	slices.Sort(want)
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("files (-in a backup +there):\n%s", diff)
	}
}

func TestBackupRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		reason string
		path   func(t *testing.T) string
		file   func(path string) string
		want   string
	}{
		"NoDirectory": {
			reason: "there is no such directory",
			path:   func(t *testing.T) string { return filepath.Join(t.TempDir(), "data") },
			want:   "holds no control plane: name that of the instance with --data-dir",
		},
		"NeverRan": {
			reason: "the control plane has never started",
			want:   "holds no control plane: name that of the instance with --data-dir",
		},
		"NewerVersion": {
			reason: "what it would leave out is unknown",
			path: func(t *testing.T) string {
				directory := openTestDirectory(t)
				if err := directory.writeVersion(DataVersion + 1); err != nil {
					t.Fatal(err)
				}
				return directory.Path()
			},
			want: "has version 2 and this program knows versions up to 1",
		},
		"FileExists": {
			reason: "it may be the only good backup",
			file:   func(path string) string { return filepath.Join(path, "..", "file") },
			want:   "file\": the file exists: name another, or remove it",
		},
		"FileWithin": {
			reason: "it would be lost with what it is a backup of",
			file:   func(path string) string { return filepath.Join(path, "backup.tar.gz") },
			want:   "it would be lost with the data directory",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var path string
			if test.path != nil {
				path = test.path(t)
			} else {
				directory := openTestDirectory(t)
				path = directory.Path()
				writeTestFile(t, filepath.Join(path, "..", "file"), "another")
				if err := directory.Close(); err != nil {
					t.Fatal(err)
				}
			}
			file := filepath.Join(t.TempDir(), "backup.tar.gz")
			if test.file != nil {
				file = test.file(path)
			}
			_, err := Backup(t.Context(), BackupOptions{DataDirectory: path, File: file})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q, because %s", err, test.want, test.reason)
			}
			if content, _ := os.ReadFile(filepath.Join(path, "..", "file")); test.path == nil && string(content) != "another" {
				t.Errorf("the other file: got %q", content)
			}
		})
	}
}

// The file appears while the backup is under way.
func TestBackupNeverReplacesAFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "backup.tar.gz")
	file, err := createNewFile(path)
	if err != nil {
		t.Fatal(err)
	}
	writeTestFile(t, path, "another")
	if _, err := file.end(nil); err == nil || !strings.Contains(err.Error(), "the file exists") {
		t.Errorf("got %v, want a refusal", err)
	}
	content, err := os.ReadFile(path)
	if err != nil || string(content) != "another" {
		t.Errorf("got %q, %v, want the other file", content, err)
	}
	assertLeft(t, filepath.Dir(path), filepath.Base(path))
}

func TestInterruptedBackupLeavesNothing(t *testing.T) {
	t.Parallel()
	directory := openTestDirectory(t)
	withTestStorage(t, directory, storageQuota, func(s *storage) { put(t, s, "/key", "value") })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	target := t.TempDir()
	// The directory is held by this test, so the backup takes it for a running one.
	_, err := Backup(ctx, BackupOptions{DataDirectory: directory.Path(), File: filepath.Join(target, "backup.tar.gz")})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the interruption", err)
	}
	assertLeft(t, target)
}

func TestBackupOfAnInstanceThatDoesNotAnswerSaysWhatToDo(t *testing.T) {
	t.Parallel()
	directory := openTestDirectory(t)
	target := t.TempDir()
	_, err := Backup(t.Context(), BackupOptions{DataDirectory: directory.Path(), File: filepath.Join(target, "backup.tar.gz")})
	if err == nil || !strings.Contains(err.Error(), "reach the database of the instance in \""+directory.Path()) || !strings.Contains(err.Error(), "it may be starting or stopping: try again") {
		t.Errorf("got %v, want the next step", err)
	}
	assertLeft(t, target)
}

// part is an entry of an archive.
type part struct {
	name    string
	kind    byte
	content []byte
	// size is announced instead of that of the content.
	size int64
}

func TestRestoreRefusesABackup(t *testing.T) {
	t.Parallel()
	good := readParts(t, testBackup(t))
	isSnapshot := func(p part) bool { return p.name == snapshotName }
	snapshotIndex := slices.IndexFunc(good, isSnapshot)
	withSnapshot := func(change func(content []byte)) []byte {
		parts := slices.Clone(good)
		parts[snapshotIndex].content = bytes.Clone(good[snapshotIndex].content)
		change(parts[snapshotIndex].content)
		return writeParts(t, parts)
	}
	manifest := func(text string) []byte {
		return writeParts(t, append([]part{{name: manifestName, content: []byte(text)}}, good[1:]...))
	}
	whole := writeParts(t, good)
	const foreign = "it is no backup of deckyard: name a file that 'deckyard backup' wrote"
	tests := map[string]struct {
		reason  string
		content []byte
		want    string
	}{
		"Empty":            {"a disk that was full", nil, "is truncated: copy it again, or take another"},
		"HalfHead":         {"cut within the manifest", whole[:60], "is truncated: copy it again, or take another"},
		"Half":             {"cut within the database", whole[:len(whole)/2], "is truncated: copy it again, or take another"},
		"NoChecksum":       {"cut before the last byte", whole[:len(whole)-1], "is truncated: copy it again, or take another"},
		"Text":             {"not compressed", []byte(strings.Repeat("text ", 100)), foreign},
		"CompressedText":   {"no archive", compress(t, []byte(strings.Repeat("text ", 1000))), foreign},
		"AnotherArchive":   {"no manifest", writeParts(t, good[1:]), foreign},
		"AnotherManifest":  {"not our manifest", manifest("{}"), foreign},
		"NewerArchive":     {"unknown entries", manifest(`{"version":2,"dataVersion":1,"program":"v9"}`), "it has version 2 and this program knows versions up to 1: use deckyard v9"},
		"NewerData":        {"an unknown layout", manifest(`{"version":1,"dataVersion":2,"program":"v9"}`), "its data has version 2 and this program knows versions up to 1: use deckyard v9"},
		"Parent":           {"outside of the data directory", writeParts(t, append(good[:1:1], part{name: "../evil"})), `it holds "../evil", which is not a part of one`},
		"ParentWithin":     {"outside of the data directory", writeParts(t, append(good[:1:1], part{name: "pki/../../evil"})), `it holds "pki/../../evil", which is not a part of one`},
		"Absolute":         {"outside of the data directory", writeParts(t, append(good[:1:1], part{name: "/tmp/evil"})), `it holds "/tmp/evil", which is not a part of one`},
		"Link":             {"leads outside of the data directory", writeParts(t, append(good[:1:1], part{name: "pki/ca.key", kind: tar.TypeSymlink})), `it holds "pki/ca.key", which is not a part of one`},
		"Twice":            {"the second would replace the first", writeParts(t, append(slices.Clone(good), good[1])), `which is not a part of one`},
		"LargeFile":        {"fills the memory", writeParts(t, append(good[:1:1], part{name: "pki/ca.key", content: make([]byte, fileLimit+1)})), "of 1048577 bytes, and the limit is 1048576"},
		"LargeDatabase":    {"fills the disk", writeParts(t, append(good[:1:1], part{name: snapshotName, size: snapshotLimit + 1})), "of 2147483649 bytes, and the limit is 2147483648"},
		"LargeEnd":         {"goes on for ever", writeParts(t, good, make([]byte, 2*fileLimit)...), "it goes on after its end"},
		"NoDatabase":       {"only the certificates", writeParts(t, slices.DeleteFunc(slices.Clone(good), isSnapshot)), "it holds no database: take another"},
		"GarbledValue":     {"the hash tells", withSnapshot(func(content []byte) { copy(content[bytes.Index(content, []byte("value-")):], "VALUE") }), "expected sha256"},
		"GarbledPages":     {"they cannot be read", withSnapshot(func(content []byte) { garbleBytes(content[:len(content)/2]) }), "its database is damaged"},
		"ShortDatabase":    {"its pages are missing", writeParts(t, append(slices.Clone(good[:snapshotIndex]), part{name: snapshotName, content: good[snapshotIndex].content[:32<<10]})), "its database is damaged"},
		"GarbledArchive":   {"a checksum tells", garbleMiddle(whole), ""},
		"EmptyDatabase":    {"nothing is in it", writeParts(t, append(slices.Clone(good[:snapshotIndex]), part{name: snapshotName})), "restore backup"},
		"SmallestDatabase": {"no more than a hash", writeParts(t, append(slices.Clone(good[:snapshotIndex]), part{name: snapshotName, content: make([]byte, 32)})), "its database is damaged"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			base := t.TempDir()
			file := filepath.Join(base, "backup.tar.gz")
			writeTestFile(t, file, string(test.content))
			_, err := Restore(t.Context(), RestoreOptions{DataDirectory: filepath.Join(base, "data"), File: file, Files: []string{furtherFile}})
			if err == nil {
				t.Fatalf("restored, although: %s", test.reason)
			}
			for _, want := range []string{"restore backup \"" + file + "\": ", test.want} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %q, want it to contain %q", err, want)
				}
			}
			if strings.Contains(err.Error(), "goroutine") {
				t.Errorf("got a stack: %q", err)
			}
			assertLeft(t, base, "backup.tar.gz")
		})
	}
}

func TestRestoreRefusesADataDirectory(t *testing.T) {
	t.Parallel()
	file := testBackup(t)
	tests := map[string]struct {
		reason string
		files  []string
		isHeld bool
		want   string
	}{
		"Held":     {"an instance runs in it", nil, true, "is in use by process "},
		"Filled":   {"its data would be lost", []string{lockFile, versionFile}, false, "is not empty: move it away, or name a new one with --data-dir"},
		"HalfDone": {"another restore was interrupted", []string{lockFile, "etcd/part"}, false, "is not empty: move it away, or name a new one with --data-dir"},
		"Foreign":  {"it is somebody else's", []string{"thesis.txt"}, false, "is not empty and holds nothing of deckyard: name a new or empty one"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := t.TempDir()
			for _, name := range test.files {
				writeTestFile(t, filepath.Join(path, name), name)
			}
			if test.isHeld {
				directory, err := OpenDataDirectory(path)
				if err != nil {
					t.Fatal(err)
				}
				defer directory.Close() //nolint:errcheck // a test's
			}
			before := listFiles(t, path)
			_, err := Restore(t.Context(), RestoreOptions{DataDirectory: path, File: file})
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("got %v, want %q, because %s", err, test.want, test.reason)
			}
			if got := errors.Is(err, ErrInUse); got != test.isHeld {
				t.Errorf("ErrInUse: got %t, want %t", got, test.isHeld)
			}
			if diff := cmp.Diff(before, listFiles(t, path)); diff != "" {
				t.Errorf("files (-before +after):\n%s", diff)
			}
		})
	}
}

// A process that is killed in the midst removes nothing.
func TestInterruptedRestoreIsNotTakenForData(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	for _, name := range []string{lockFile, "etcd/part"} {
		writeTestFile(t, filepath.Join(path, name), name)
	}
	_, err := OpenDataDirectory(path)
	if err == nil || !strings.Contains(err.Error(), "holds a part of a restore that was interrupted: remove the directory and run 'deckyard restore' again") {
		t.Errorf("got %v, want the next step", err)
	}
	if initialized, err := Initialized(path); err != nil || initialized {
		t.Errorf("initialized: got %t, %v, want false", initialized, err)
	}
}

func TestCancelledRestoreLeavesNothing(t *testing.T) {
	t.Parallel()
	file := testBackup(t)
	base := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Restore(ctx, RestoreOptions{DataDirectory: filepath.Join(base, "data"), File: file, Files: []string{furtherFile}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the interruption", err)
	}
	assertLeft(t, base)
}

func testCertificates() []string { return instanceFiles(nil) }

// testBackup is of an instance that has stopped.
func testBackup(t *testing.T) string {
	t.Helper()
	directory := openTestDirectory(t)
	withTestStorage(t, directory, storageQuota, func(s *storage) { putMany(t, s, 200) })
	writeTestFiles(t, directory, append([]string{furtherFile}, testCertificates()...)...)
	return backUpTest(t, directory)
}

// backUpTest gives the directory back first.
func backUpTest(t *testing.T, directory *DataDirectory) string {
	t.Helper()
	if err := directory.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "backup.tar.gz")
	size, err := Backup(t.Context(), BackupOptions{DataDirectory: directory.Path(), File: file, Files: []string{furtherFile}})
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() != size || info.Mode().Perm() != 0o600 {
		t.Errorf("got %d bytes and mode %o, want %d and 600", info.Size(), info.Mode().Perm(), size)
	}
	return file
}

// writeTestFiles gives each file its name as content.
func writeTestFiles(t *testing.T, directory *DataDirectory, names ...string) {
	t.Helper()
	for _, name := range names {
		writeTestFile(t, directory.File(name), name)
	}
}

func writeTestFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func readParts(t *testing.T, file string) []part {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	compressed, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	var parts []part
	for entries := tar.NewReader(compressed); ; {
		header, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return parts
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(entries)
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, part{name: header.Name, content: content})
	}
}

// writeParts ends where a part is shorter than it announces, else with more.
func writeParts(t *testing.T, parts []part, more ...byte) []byte {
	t.Helper()
	var archive bytes.Buffer
	entries := tar.NewWriter(&archive)
	for _, part := range parts {
		header := &tar.Header{Name: part.name, Typeflag: tar.TypeReg, Mode: 0o600, Size: max(int64(len(part.content)), part.size)}
		if part.kind != 0 {
			header.Typeflag, header.Linkname = part.kind, "/etc/passwd"
		}
		if err := entries.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := entries.Write(part.content); err != nil {
			t.Fatal(err)
		}
		if part.size > 0 {
			return compress(t, archive.Bytes())
		}
	}
	if err := entries.Close(); err != nil {
		t.Fatal(err)
	}
	return compress(t, append(archive.Bytes(), more...))
}

func compress(t *testing.T, content []byte) []byte {
	t.Helper()
	var compressed bytes.Buffer
	writer := gzip.NewWriter(&compressed)
	if _, err := writer.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return compressed.Bytes()
}

func garbleBytes(content []byte) {
	for position := range content {
		content[position] ^= 0xa5
	}
}

func garbleMiddle(content []byte) []byte {
	garbled := bytes.Clone(content)
	garbleBytes(garbled[len(garbled)/2 : len(garbled)/2+64])
	return garbled
}

// assertLeft compares what is in a directory, hidden files included.
func assertLeft(t *testing.T, path string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(path)
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for _, entry := range entries {
		have = append(have, entry.Name())
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("in %s (-want +have):\n%s", path, diff)
	}
}

func listFiles(t *testing.T, path string) map[string]int64 {
	t.Helper()
	files := map[string]int64{}
	err := filepath.WalkDir(path, func(file string, entry os.DirEntry, err error) error {
		if err != nil || entry.Name() == lockFile {
			return err
		}
		info, err := entry.Info()
		if err == nil && !entry.IsDir() {
			files[file] = info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
