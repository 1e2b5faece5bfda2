// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// DataVersion is the version of the layout of a data directory that this program
// writes. It reads this version and older ones.
const DataVersion = 1

const (
	lockFile          = "deckyard.lock"
	versionFile       = "version"
	databaseDirectory = "etcd"
)

// ErrInUse says that another process holds the data directory.
var ErrInUse = errors.New("in use")

// DataDirectory is a locked data directory. The lock belongs to the open file, so
// it ends with the process, however that ends.
type DataDirectory struct {
	path string
	lock *os.File
}

// OpenDataDirectory creates the directory when it is missing, locks it and checks
// its version. The error is ErrInUse when another process holds it. Close it to
// release the lock.
func OpenDataDirectory(path string) (*DataDirectory, error) {
	directory, err := openDataDirectory(path)
	return directory, withAccessRemedy(err)
}

func openDataDirectory(path string) (*DataDirectory, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("resolve data directory %q: %w", path, err)
	}
	if err := refuseForeignDirectory(path); err != nil {
		return nil, err
	}
	if err := makePrivateDirectory(path); err != nil {
		return nil, err
	}
	lock, err := lockDirectory(path)
	if err != nil {
		return nil, err
	}
	directory := &DataDirectory{path: path, lock: lock}
	if err := directory.checkVersion(); err != nil {
		_ = directory.Close()
		return nil, err
	}
	return directory, nil
}

// WriteFile replaces a file of the directory atomically, with mode 0600.
func (d *DataDirectory) WriteFile(name string, content []byte) error {
	return writeFileAtomically(d.File(name), content)
}

// Path is the absolute path of the directory.
func (d *DataDirectory) Path() string { return d.path }

// File is the absolute path of a file in the directory.
func (d *DataDirectory) File(name ...string) string { return FilePath(d.path, name...) }

// Kubeconfig is the path of the administrator's kubeconfig.
func (d *DataDirectory) Kubeconfig() string { return KubeconfigPath(d.path) }

// Close releases the lock. The content stays.
func (d *DataDirectory) Close() error {
	if err := d.lock.Close(); err != nil {
		return fmt.Errorf("unlock data directory %q: %w", d.path, err)
	}
	return nil
}

// Remove deletes the directory with all that is in it and releases the lock.
func (d *DataDirectory) Remove() error {
	if err := os.RemoveAll(d.path); err != nil {
		return errors.Join(fmt.Errorf("remove data directory %q: %w", d.path, err), d.Close())
	}
	return d.Close()
}

// KubeconfigPath is where the control plane in the data directory at path keeps its
// administrator's kubeconfig.
func KubeconfigPath(path string) string { return FilePath(path, "kubeconfig") }

// FilePath is the path of a file in the data directory at path.
func FilePath(path string, name ...string) string {
	return filepath.Join(append([]string{path}, name...)...)
}

// Initialized reports whether a control plane has ever run in the data directory at
// path, running now or not.
func Initialized(path string) (bool, error) {
	_, err := os.Stat(FilePath(path, versionFile))
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	default:
		return false, fmt.Errorf("look into data directory %q: %w", path, err)
	}
}

// Holder returns the id of the process that holds the data directory at path, and
// zero when none does.
func Holder(path string) (int, error) {
	lock, err := os.Open(FilePath(path, lockFile))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("look into data directory %q: %w", path, err)
	}
	defer lock.Close() //nolint:errcheck // nothing was written
	// Only asking, so that a process that starts right now is not turned away.
	state := wholeFile()
	if err := unix.FcntlFlock(lock.Fd(), unix.F_OFD_GETLK, &state); err != nil {
		return 0, fmt.Errorf("test lock of data directory %q: %w", path, err)
	}
	if state.Type == unix.F_UNLCK {
		return 0, nil
	}
	return readHolder(lock)
}

// wholeFile describes an exclusive lock, which as an open file description lock
// belongs to the open file and not to the process.
func wholeFile() unix.Flock_t {
	return unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart}
}

// refuseForeignDirectory protects a directory that somebody else filled: ours becomes
// private and is removed as a whole one day.
func refuseForeignDirectory(path string) error {
	entries, err := os.ReadDir(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look into data directory %q: %w", path, err)
	}
	ours := func(entry fs.DirEntry) bool { return entry.Name() == lockFile }
	if len(entries) > 0 && !slices.ContainsFunc(entries, ours) {
		return fmt.Errorf("data directory %q is not empty and holds nothing of deckyard: name a new or empty one", path)
	}
	return nil
}

// withAccessRemedy adds the next step when the user may not use the directory.
func withAccessRemedy(err error) error {
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.ENOTDIR) {
		return remediedError{fmt.Errorf("%w: choose a directory that you can write to with --data-dir", err)}
	}
	return err
}

func makePrivateDirectory(path string) error {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return withRemedy(path, fmt.Errorf("create data directory %q: %w", path, err))
	}
	if err := os.Chmod(path, 0o700); err != nil { //nolint:gosec // a directory needs the x bit
		return withRemedy(path, fmt.Errorf("make data directory %q private: %w", path, err))
	}
	return nil
}

func lockDirectory(path string) (*os.File, error) {
	lock, err := os.OpenFile(FilePath(path, lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, withRemedy(path, fmt.Errorf("create lock in data directory %q: %w", path, err))
	}
	if err := takeLock(path, lock); err != nil {
		_ = lock.Close()
		return nil, err
	}
	return lock, nil
}

func takeLock(path string, lock *os.File) error {
	wanted := wholeFile()
	err := unix.FcntlFlock(lock.Fd(), unix.F_OFD_SETLK, &wanted)
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EACCES) {
		holder, err := readHolder(lock)
		if err != nil {
			return fmt.Errorf("data directory %q is %w by a process that has just started", path, ErrInUse)
		}
		return fmt.Errorf("data directory %q is %w by process %d", path, ErrInUse, holder)
	}
	if err != nil {
		return fmt.Errorf("lock data directory %q: %w", path, err)
	}
	if err := lock.Truncate(0); err != nil {
		return fmt.Errorf("write lock of data directory %q: %w", path, err)
	}
	if _, err := lock.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0); err != nil {
		return withRemedy(path, fmt.Errorf("write lock of data directory %q: %w", path, err))
	}
	return nil
}

func readHolder(lock *os.File) (int, error) {
	content, err := io.ReadAll(io.NewSectionReader(lock, 0, 32))
	if err != nil {
		return 0, fmt.Errorf("read lock %q: %w", lock.Name(), err)
	}
	holder, err := strconv.Atoi(strings.TrimSpace(string(content)))
	if err != nil {
		return 0, fmt.Errorf("read lock %q: the holder has not written its process id", lock.Name())
	}
	return holder, nil
}

func (d *DataDirectory) checkVersion() error {
	_, err := readVersion(d.path)
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	// What a control plane writes comes after the version, what a restore writes before.
	switch _, err := os.Stat(d.File(databaseDirectory)); {
	case err == nil:
		return fmt.Errorf("data directory %q holds a part of a restore that was interrupted: remove the directory and run 'deckyard restore' again", d.path)
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("look into data directory %q: %w", d.path, err)
	}
	return d.writeVersion(DataVersion)
}

func (d *DataDirectory) writeVersion(version int) error {
	return writeFileAtomically(d.File(versionFile), []byte(strconv.Itoa(version)+"\n"))
}

// readVersion returns the version of the data directory at path, and refuses one that
// is newer than this program. The error is fs.ErrNotExist when there is none.
func readVersion(path string) (int, error) {
	content, err := os.ReadFile(FilePath(path, versionFile))
	if err != nil {
		return 0, fmt.Errorf("read version of data directory %q: %w", path, err)
	}
	version, err := strconv.Atoi(strings.TrimSpace(string(content)))
	if err != nil {
		return 0, fmt.Errorf("read version of data directory %q: %q is not a number", path, strings.TrimSpace(string(content)))
	}
	if version > DataVersion {
		return 0, fmt.Errorf("data directory %q has version %d and this program knows versions up to %d: use the newer deckyard that wrote it, or another --data-dir",
			path, version, DataVersion)
	}
	return version, nil
}

// writeFileAtomically leaves either the old content or the new one, synced to the
// disk, with mode 0600.
func writeFileAtomically(path string, content []byte) error {
	temporary, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return withRemedy(path, fmt.Errorf("write %q: %w", path, err))
	}
	_, err = temporary.Write(content)
	err = errors.Join(err, temporary.Sync(), temporary.Close())
	if err == nil {
		err = os.Rename(temporary.Name(), path)
	}
	if err != nil {
		_ = os.Remove(temporary.Name())
		return withRemedy(path, fmt.Errorf("write %q: %w", path, err))
	}
	return nil
}
