// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"time"

	"go.etcd.io/bbolt"
	"go.etcd.io/etcd/server/v3/storage/schema"
	"go.etcd.io/etcd/server/v3/storage/wal"
	"go.etcd.io/etcd/server/v3/storage/wal/walpb"
	"go.uber.org/zap"
)

// databasePatience is for a lock that a process which has just ended still holds.
const databasePatience = 2 * time.Second

// checkStorage reads what etcd is about to read. etcd itself would end the process,
// read beyond the end of a file, or go on without what the database has already
// confirmed: it skips new entries that carry the number of an old one.
func checkStorage(directory *DataDirectory) error {
	database := databaseFile(directory)
	index, err := checkDatabase(database)
	if err != nil {
		return damaged(directory, database, err)
	}
	log := directory.File(databaseDirectory, "member", "wal")
	if err := checkLog(log, index); err != nil {
		return damaged(directory, log, err)
	}
	return nil
}

func databaseFile(directory *DataDirectory) string {
	return directory.File(databaseDirectory, "member", "snap", "db")
}

func damaged(directory *DataDirectory, path string, cause error) error {
	return fmt.Errorf("%q is damaged: %w: move the data directory away and put a backup in its place with 'deckyard restore FILE --data-dir %s', or start anew; 'deckyard purge' removes what it left on the engine",
		path, cause, directory.Path())
}

// checkDatabase returns the number of the last entry of the log that the database
// holds; zero when there is none.
func checkDatabase(path string) (index uint64, err error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	// The file is mapped into memory: a wrong page number is a wrong address.
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("read it: %v", cause)
		}
	}()
	database, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true, Timeout: databasePatience})
	if err != nil {
		return 0, err
	}
	defer database.Close() //nolint:errcheck // only read
	err = database.View(func(tx *bbolt.Tx) error {
		if missing := tx.Size() - info.Size(); missing > 0 {
			return fmt.Errorf("the last %d of %d bytes are missing", missing, tx.Size())
		}
		if err := readBuckets(tx); err != nil {
			return err
		}
		if bucket := tx.Bucket(schema.Meta.Name()); bucket != nil {
			if content := bucket.Get(schema.MetaConsistentIndexKeyName); len(content) == 8 {
				index = binary.BigEndian.Uint64(content)
			}
		}
		return nil
	})
	return index, err
}

// readBuckets touches every page that is in use. bbolt checks each while it opens the
// database for writing, but in a goroutine that nobody can keep from a panic.
func readBuckets(tx *bbolt.Tx) error {
	return tx.ForEach(func(_ []byte, bucket *bbolt.Bucket) error {
		return bucket.ForEach(func(_, value []byte) error {
			if len(value) > 0 {
				_ = value[len(value)-1]
			}
			return nil
		})
	})
}

// checkLog refuses a log that ends before the given entry.
func checkLog(path string, index uint64) (err error) {
	names, err := filepath.Glob(filepath.Join(path, "*.wal"))
	if err != nil {
		return err
	}
	if len(names) == 0 {
		if index > 0 {
			return fmt.Errorf("the log is missing, and the database holds entry %d of it", index)
		}
		return nil
	}
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("read it: %v", cause)
		}
	}()
	last, err := lastEntry(path, slices.Max(names))
	if err != nil {
		return err
	}
	if last < index {
		return fmt.Errorf("the log ends with entry %d, and the database holds entry %d of it", last, index)
	}
	return nil
}

// lastEntry reads the last file of the log; etcd reads the others itself.
func lastEntry(path, lastFile string) (uint64, error) {
	var sequence, first uint64
	if _, err := fmt.Sscanf(filepath.Base(lastFile), "%016x-%016x.wal", &sequence, &first); err != nil {
		return 0, fmt.Errorf("%q is no name of a log file", filepath.Base(lastFile))
	}
	log, err := wal.OpenForRead(zap.NewNop(), path, &walpb.Snapshot{Index: &first, Term: new(uint64)})
	if err != nil {
		return 0, err
	}
	defer log.Close() //nolint:errcheck // only read
	_, _, entries, err := log.ReadAll()
	// Where reading starts here there need not be a snapshot.
	if err != nil && !errors.Is(err, wal.ErrSnapshotNotFound) && !errors.Is(err, wal.ErrSnapshotMismatch) {
		return 0, err
	}
	if len(entries) == 0 {
		return first, nil
	}
	return entries[len(entries)-1].GetIndex(), nil
}
