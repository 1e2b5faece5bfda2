// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// archiveVersion is the version of the layout of a backup that this program writes.
// It reads this version and older ones.
const archiveVersion = 1

const (
	// manifestName is the first entry of a backup, snapshotName the last.
	manifestName = "deckyard-backup.json"
	snapshotName = "etcd.snapshot"
	// fileLimit is far above what any entry but the snapshot needs.
	fileLimit = 1 << 20
	// snapshotLimit is above storageQuota, which a database exceeds by what is under way.
	snapshotLimit = 2 * storageQuota
)

// Manifest says what a backup is.
type Manifest struct {
	// Version is that of the layout of the backup.
	Version int `json:"version"`
	// DataVersion is that of the layout of the data directory.
	DataVersion int `json:"dataVersion"`
	// Program is the version of the program that wrote it.
	Program string `json:"program"`
	// Created is when it was begun.
	Created time.Time `json:"created"`
}

// check refuses what a newer program wrote.
func (m Manifest) check() error {
	if m.Version > archiveVersion {
		return fmt.Errorf("it has version %d and this program knows versions up to %d: use deckyard %s, which wrote it, or a newer one", m.Version, archiveVersion, m.Program)
	}
	if m.DataVersion > DataVersion {
		return fmt.Errorf("its data has version %d and this program knows versions up to %d: use deckyard %s, which wrote it, or a newer one", m.DataVersion, DataVersion, m.Program)
	}
	return nil
}

// archiveWriter writes a compressed archive, entry by entry.
type archiveWriter struct {
	manifest   Manifest
	compressed *gzip.Writer
	entries    *tar.Writer
}

func newArchiveWriter(to io.Writer, manifest Manifest) (*archiveWriter, error) {
	// The running instance keeps what it frees for as long as it is read.
	compressed, err := gzip.NewWriterLevel(to, gzip.BestSpeed)
	if err != nil {
		return nil, fmt.Errorf("compress: %w", err)
	}
	w := &archiveWriter{manifest: manifest, compressed: compressed, entries: tar.NewWriter(compressed)}
	content, err := json.MarshalIndent(manifest, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode manifest: %w", err)
	}
	return w, w.writeEntry(manifestName, append(content, '\n'))
}

func (w *archiveWriter) writeEntry(name string, content []byte) error {
	if err := w.begin(name, int64(len(content))); err != nil {
		return err
	}
	_, err := w.entries.Write(content)
	return err
}

// begin starts an entry of the given size, which the caller writes to entries.
func (w *archiveWriter) begin(name string, size int64) error {
	return w.entries.WriteHeader(&tar.Header{
		Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o600, ModTime: w.manifest.Created,
	})
}

// close fails unless every entry has the size that was announced.
func (w *archiveWriter) close() error {
	if err := w.entries.Close(); err != nil {
		return err
	}
	return w.compressed.Close()
}

// errForeign says that a file was not written by archiveWriter.
var errForeign = errors.New("it is no backup of deckyard: name a file that 'deckyard backup' wrote")

// archiveReader reads what archiveWriter wrote, trusting nothing of it.
type archiveReader struct {
	manifest   Manifest
	file       *os.File
	compressed *gzip.Reader
	entries    *tar.Reader
}

// openArchive reads as far as the manifest.
func openArchive(path string) (*archiveReader, error) {
	file, err := os.Open(path) //nolint:gosec // what the user names
	if err != nil {
		return nil, err
	}
	r := &archiveReader{file: file}
	if err := r.readManifest(); err != nil {
		_ = file.Close()
		return nil, err
	}
	return r, nil
}

func (r *archiveReader) readManifest() (err error) {
	r.compressed, err = gzip.NewReader(r.file)
	if errors.Is(err, gzip.ErrHeader) {
		return errForeign
	}
	if err != nil {
		return err
	}
	r.entries = tar.NewReader(r.compressed)
	header, err := r.entries.Next()
	if errors.Is(err, tar.ErrHeader) {
		return errForeign
	}
	if err != nil {
		return err
	}
	if header.Name != manifestName {
		return errForeign
	}
	content, err := io.ReadAll(io.LimitReader(r.entries, fileLimit))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(content, &r.manifest); err != nil || r.manifest.Version < 1 {
		return errForeign
	}
	return r.manifest.check()
}

// next returns the next entry, or nil after the last. It is a plain file of the
// caller's list of names, which it is taken off, and within its limit.
func (r *archiveReader) next(names map[string]bool) (*tar.Header, error) {
	header, err := r.entries.Next()
	if errors.Is(err, io.EOF) {
		return nil, r.finish()
	}
	if err != nil {
		return nil, err
	}
	if !names[header.Name] || header.Typeflag != tar.TypeReg {
		return nil, fmt.Errorf("it holds %q, which is not a part of one", header.Name)
	}
	delete(names, header.Name)
	limit := int64(fileLimit)
	if header.Name == snapshotName {
		limit = snapshotLimit
	}
	if header.Size > limit {
		return nil, fmt.Errorf("it holds %q of %d bytes, and the limit is %d", header.Name, header.Size, limit)
	}
	return header, nil
}

// finish reads the checksum at the end, which follows the padding of the archive.
func (r *archiveReader) finish() error {
	switch _, err := io.CopyN(io.Discard, r.compressed, fileLimit); {
	case err == nil:
		return errors.New("it goes on after its end")
	case !errors.Is(err, io.EOF):
		return err
	default:
		return nil
	}
}

func (r *archiveReader) close() { _ = r.file.Close() }
