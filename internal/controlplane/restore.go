// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"archive/tar"
	"compress/flate"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"go.etcd.io/etcd/etcdutl/v3/snapshot"
	"go.uber.org/zap"
)

const (
	// snapshotHashSize is that of the hash that etcd appends to a snapshot.
	snapshotHashSize = sha256.Size
	// revisionBump is more than an instance writes between a backup and its loss, so
	// that no revision comes back with another content.
	revisionBump = 1_000_000_000
)

// RestoreOptions say what is restored, and where.
type RestoreOptions struct {
	// DataDirectory is the path of the data directory: a new one, or an empty one.
	DataDirectory string
	// File is the backup.
	File string
	// Files are what the backup's were.
	Files []string
}

// Restore makes a data directory of a backup. The instance is the one that was backed
// up, with other revisions than any it has ever had: what watches it lists anew. After
// an error the data directory is as it was. The error is
// ErrInUse when an instance runs in it.
func Restore(ctx context.Context, options RestoreOptions) (Manifest, error) {
	archive, err := openArchive(options.File)
	if err != nil {
		return Manifest{}, options.explain(ctx, err)
	}
	defer archive.close()
	// What is read meanwhile ends with an error.
	defer context.AfterFunc(ctx, archive.close)()
	claim, err := claimDirectory(options.DataDirectory)
	if err != nil {
		return Manifest{}, withAccessRemedy(err)
	}
	if err := options.fill(ctx, claim.DataDirectory, archive); err != nil {
		return Manifest{}, errors.Join(options.explain(ctx, err), claim.abandon())
	}
	return archive.manifest, claim.Close()
}

// explain says whose fault an error is, and the next step.
func (o RestoreOptions) explain(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("restore backup %q: %w", o.File, context.Cause(ctx))
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("restore backup %q: the file is truncated: copy it again, or take another", o.File)
	case errors.Is(err, gzip.ErrChecksum), errors.Is(err, tar.ErrHeader), errors.As(err, new(flate.CorruptInputError)):
		return fmt.Errorf("restore backup %q: the file is damaged (%w): copy it again, or take another", o.File, err)
	case isFull(err) && !errors.As(err, new(remediedError)):
		return fmt.Errorf("restore backup %q: %w: free some space on the file system of %q and restore again; nothing of it is left", o.File, err, o.DataDirectory)
	default:
		return fmt.Errorf("restore backup %q: %w", o.File, err)
	}
}

// fill writes the version last: what has none is not taken for a data directory.
func (o RestoreOptions) fill(ctx context.Context, directory *DataDirectory, archive *archiveReader) error {
	for _, name := range []string{databaseDirectory, certificateDirectory} {
		if err := makePrivateDirectory(directory.File(name)); err != nil {
			return err
		}
	}
	if err := o.unpack(ctx, directory, archive); err != nil {
		return err
	}
	if err := restoreDatabase(directory); err != nil {
		return err
	}
	if err := filepath.WalkDir(directory.Path(), syncEntry); err != nil {
		return fmt.Errorf("sync data directory %q: %w", directory.Path(), err)
	}
	if err := directory.writeVersion(archive.manifest.DataVersion); err != nil {
		return err
	}
	return syncPath(directory.Path())
}

func (o RestoreOptions) unpack(ctx context.Context, directory *DataDirectory, archive *archiveReader) error {
	names := map[string]bool{snapshotName: true}
	for _, name := range instanceFiles(o.Files) {
		names[name] = true
	}
	for ctx.Err() == nil {
		header, err := archive.next(names)
		if err != nil {
			return err
		}
		if header == nil {
			break
		}
		if err := unpackEntry(directory, archive, header); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if names[snapshotName] {
		return errors.New("it holds no database: take another")
	}
	return nil
}

// unpackEntry writes what is not there yet.
func unpackEntry(directory *DataDirectory, archive *archiveReader, header *tar.Header) error {
	file, err := os.OpenFile(directory.File(header.Name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, archive.entries)
	return errors.Join(err, file.Close())
}

// restoreDatabase makes an etcd of its own of the snapshot.
func restoreDatabase(directory *DataDirectory) error {
	path := directory.File(snapshotName)
	// etcd would read beyond the end of a damaged one.
	if _, err := checkDatabase(path); err != nil {
		return fmt.Errorf("its database is damaged: %w: take another", err)
	}
	failure := newFailure()
	member := memberConfig()
	var peers []string
	for _, peer := range member.AdvertisePeerUrls {
		peers = append(peers, peer.String())
	}
	err := failure.contain(func() error {
		return snapshot.NewV3(failure.catch(zap.NewNop())).Restore(snapshot.RestoreConfig{
			SnapshotPath:        path,
			Name:                member.Name,
			OutputDataDir:       directory.File(databaseDirectory),
			PeerURLs:            peers,
			InitialCluster:      member.InitialCluster,
			InitialClusterToken: member.InitialClusterToken,
			RevisionBump:        revisionBump,
			MarkCompacted:       true,
		})
	})
	if err != nil {
		return fmt.Errorf("make a database of it: %w", err)
	}
	return os.Remove(path)
}

func syncEntry(path string, _ fs.DirEntry, err error) error {
	if err != nil {
		return err
	}
	return syncPath(path)
}

// claim is a data directory that is being filled.
type claim struct {
	*DataDirectory
	// isNew says that there was no such directory.
	isNew bool
}

// claimDirectory locks a directory that is missing or empty.
func claimDirectory(path string) (*claim, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("resolve data directory %q: %w", path, err)
	}
	_, err = os.Lstat(path)
	isNew := errors.Is(err, fs.ErrNotExist)
	if err := refuseForeignDirectory(path); err != nil {
		return nil, err
	}
	if err := makePrivateDirectory(path); err != nil {
		return nil, err
	}
	lock, err := lockDirectory(path)
	if err != nil {
		if isNew && !errors.Is(err, ErrInUse) {
			err = errors.Join(err, os.RemoveAll(path))
		}
		return nil, err
	}
	claimed := &claim{DataDirectory: &DataDirectory{path: path, lock: lock}, isNew: isNew}
	if err := claimed.refuseFilled(); err != nil {
		_ = lock.Close()
		return nil, err
	}
	return claimed, nil
}

func (c *claim) refuseFilled() error {
	entries, err := os.ReadDir(c.path)
	if err != nil {
		return fmt.Errorf("look into data directory %q: %w", c.path, err)
	}
	for _, entry := range entries {
		if entry.Name() != lockFile {
			return fmt.Errorf("data directory %q is not empty: move it away, or name a new one with --data-dir", c.path)
		}
	}
	return nil
}

// abandon leaves the directory as it was found.
func (c *claim) abandon() error {
	if c.isNew {
		return c.Remove()
	}
	entries, err := os.ReadDir(c.path)
	for _, entry := range entries {
		err = errors.Join(err, os.RemoveAll(c.File(entry.Name())))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("empty data directory %q: %w", c.path, err), c.Close())
	}
	return c.Close()
}
