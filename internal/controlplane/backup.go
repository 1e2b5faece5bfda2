// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"k8s.io/utils/clock"
)

// connectPatience is how long a backup waits for an instance that is starting.
const connectPatience = 10 * time.Second

// BackupOptions say what a backup is made of.
type BackupOptions struct {
	// DataDirectory is the path of the data directory.
	DataDirectory string
	// File is the file to write, which must not exist.
	File string
	// Files are those beside the control plane's own that belong to the instance, by
	// their names in the data directory. One that is missing is left out.
	Files []string
	// Program is the version of this program.
	Program string
	// Clock tells when the backup was made. Optional.
	Clock clock.WithTicker
}

// Backup writes the database, the certificates and their keys to a file with mode
// 0600, and returns its size. It reads from the instance that runs in the data
// directory, which goes on meanwhile, else it starts its etcd. The file is there as a
// whole or not at all, and never takes the place of another.
func Backup(ctx context.Context, options BackupOptions) (size int64, err error) {
	if options.Clock == nil {
		options.Clock = clock.RealClock{}
	}
	for _, path := range []*string{&options.DataDirectory, &options.File} {
		if *path, err = filepath.Abs(*path); err != nil {
			return 0, fmt.Errorf("resolve path %q: %w", *path, err)
		}
	}
	version, err := options.check()
	if err != nil {
		return 0, err
	}
	backup := backup{BackupOptions: options, manifest: Manifest{
		Version: archiveVersion, DataVersion: version, Program: options.Program, Created: options.Clock.Now().UTC().Truncate(time.Second),
	}}
	directory, err := OpenDataDirectory(options.DataDirectory)
	switch {
	case errors.Is(err, ErrInUse):
		return backup.ofRunning(ctx)
	case err != nil:
		return 0, orCopy(options.DataDirectory, err)
	default:
		defer directory.Close() //nolint:errcheck // only the lock is given back
		size, err = backup.ofStopped(ctx, directory)
		return size, orCopy(options.DataDirectory, err)
	}
}

// orCopy adds a way out where the file system of the data directory does not let its
// etcd start, which has to write.
func orCopy(path string, err error) error {
	if errors.As(err, new(remediedError)) && (isFull(err) || errors.Is(err, syscall.EROFS)) {
		return fmt.Errorf("%w; or copy the whole directory %q: while nothing runs in it, that is as good a backup", err, path)
	}
	return err
}

// check looks at what can be judged before anything is started.
func (o BackupOptions) check() (dataVersion int, err error) {
	dataVersion, err = readVersion(o.DataDirectory)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, o.nothing()
	}
	if err != nil {
		return 0, err
	}
	if strings.HasPrefix(o.File, o.DataDirectory+string(filepath.Separator)) {
		return 0, fmt.Errorf("write backup %q: it would be lost with the data directory %q: name a file outside of it", o.File, o.DataDirectory)
	}
	switch _, err := os.Lstat(o.File); {
	case err == nil:
		return 0, fmt.Errorf("write backup %q: the file exists: name another, or remove it", o.File)
	case errors.Is(err, fs.ErrNotExist):
		return dataVersion, nil
	default:
		return 0, withBackupRemedy(o.File, fmt.Errorf("write backup %q: %w", o.File, err))
	}
}

func (o BackupOptions) nothing() error {
	return fmt.Errorf("data directory %q holds no control plane: name that of the instance with --data-dir", o.DataDirectory)
}

// backup is one that is under way.
type backup struct {
	BackupOptions
	manifest Manifest
}

func (b backup) ofRunning(ctx context.Context) (size int64, err error) {
	handle, err := os.Open(b.DataDirectory)
	if err != nil {
		return 0, fmt.Errorf("open data directory: %w", err)
	}
	defer handle.Close() //nolint:errcheck // only a way to the socket
	return b.write(ctx, socketEndpoint(handle))
}

func (b backup) ofStopped(ctx context.Context, directory *DataDirectory) (size int64, err error) {
	if _, err := os.Stat(databaseFile(directory)); errors.Is(err, fs.ErrNotExist) {
		return 0, b.nothing()
	}
	options, err := Options{DataDirectory: directory, Clock: b.Clock}.Complete()
	if err != nil {
		return 0, err
	}
	err = withStorage(ctx, options, func(ctx context.Context, storage *storage) error {
		size, err = b.write(ctx, storage.endpoint)
		return err
	})
	return size, err
}

func (b backup) write(ctx context.Context, endpoint string) (size int64, err error) {
	// Only this user reaches the socket.
	connection, err := grpc.NewClient(endpoint, grpc.WithNoProxy(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return 0, fmt.Errorf("connect to the database: %w", err)
	}
	defer connection.Close() //nolint:errcheck // only read
	client := etcdserverpb.NewMaintenanceClient(connection)
	if err := b.waitServing(ctx, client); err != nil {
		return 0, err
	}
	file, err := createNewFile(b.File)
	if err == nil {
		err = b.writeArchive(ctx, file, client)
		size, err = file.end(err)
	}
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return 0, withBackupRemedy(b.File, fmt.Errorf("write backup %q: %w", b.File, err))
	}
	return size, nil
}

func (b backup) waitServing(ctx context.Context, client etcdserverpb.MaintenanceClient) error {
	waiting, cancel := context.WithTimeout(ctx, connectPatience)
	defer cancel()
	_, err := client.Status(waiting, &etcdserverpb.StatusRequest{}, grpc.WaitForReady(true))
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("reach the database of the instance in %q: %w: it may be starting or stopping: try again", b.DataDirectory, err)
	}
	return nil
}

func (b backup) writeArchive(ctx context.Context, to io.Writer, client etcdserverpb.MaintenanceClient) error {
	archive, err := newArchiveWriter(to, b.manifest)
	if err != nil {
		return err
	}
	for _, name := range instanceFiles(b.Files) {
		content, err := os.ReadFile(FilePath(b.DataDirectory, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if err := archive.writeEntry(name, content); err != nil {
			return err
		}
	}
	if err := writeSnapshot(ctx, archive, client); err != nil {
		return err
	}
	return archive.close()
}

// instanceFiles are what makes an instance, beside its database.
func instanceFiles(further []string) []string {
	var names []string
	for _, name := range certificateFiles() {
		names = append(names, filepath.Join(certificateDirectory, name))
	}
	return append(names, further...)
}

// writeSnapshot writes the database as etcd sends it, followed by its hash.
func writeSnapshot(ctx context.Context, archive *archiveWriter, client etcdserverpb.MaintenanceClient) error {
	stream, err := client.Snapshot(ctx, &etcdserverpb.SnapshotRequest{})
	if err != nil {
		return fmt.Errorf("read the database: %w: try again", err)
	}
	part, err := stream.Recv()
	if err == nil {
		size := int64(len(part.GetBlob())) + int64(part.GetRemainingBytes()) + snapshotHashSize //nolint:gosec // at most a few GiB
		if err := archive.begin(snapshotName, size); err != nil {
			return err
		}
	}
	for ; err == nil; part, err = stream.Recv() {
		if _, err := archive.entries.Write(part.GetBlob()); err != nil {
			return err
		}
	}
	if !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the database: %w: try again", err)
	}
	return nil
}

// newFile is a file that gets its name once it is whole.
type newFile struct {
	*os.File
	path string
}

func createNewFile(path string) (*newFile, error) {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return nil, err
	}
	return &newFile{File: file, path: path}, nil
}

// end names the file, or removes it when writing it has failed.
func (f *newFile) end(failure error) (size int64, err error) {
	if size, err = f.Seek(0, io.SeekEnd); err == nil {
		err = f.Sync()
	}
	err = errors.Join(failure, err, f.Close())
	if err == nil {
		err = renameNew(f.Name(), f.path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return 0, err
	}
	return size, syncPath(filepath.Dir(f.path))
}

// renameNew fails when there is a file of the new name.
func renameNew(before, after string) error {
	err := unix.Renameat2(unix.AT_FDCWD, before, unix.AT_FDCWD, after, unix.RENAME_NOREPLACE)
	if errors.Is(err, unix.EINVAL) {
		// Network file systems know links and no such rename, those of memory sticks the opposite.
		if err = os.Link(before, after); err == nil {
			return os.Remove(before)
		}
	}
	if errors.Is(err, fs.ErrExist) {
		return errors.New("the file exists: name another, or remove it")
	}
	return err
}

func syncPath(path string) error {
	file, err := os.Open(path) //nolint:gosec // in a directory that the user names
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}

// withBackupRemedy adds the next step to the refusals of the backup's file system.
func withBackupRemedy(path string, err error) error {
	switch {
	case isFull(err):
		return fmt.Errorf("%w: free some space on the file system of %q, or name a file on another; nothing of it is left", err, path)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: create the directory %q, or name a file in another", err, filepath.Dir(path))
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS), errors.Is(err, syscall.ENOTDIR):
		return fmt.Errorf("%w: name a file in a directory that you can write to", err)
	default:
		return err
	}
}
