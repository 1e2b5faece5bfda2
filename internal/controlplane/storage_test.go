// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/server/v3/storage/mvcc"
	"go.uber.org/zap"
	clocktesting "k8s.io/utils/clock/testing"
)

func TestDamageIsNamedInsteadOfAPanic(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		reason string
		keys   int
		damage func(t *testing.T, directory *DataDirectory)
		want   []string
	}{
		"TruncatedDatabase": {
			reason: "a page that is mapped beyond the end of the file is a fault",
			damage: func(t *testing.T, directory *DataDirectory) { truncate(t, databaseFile(directory), 64<<10) },
			want:   []string{"snap/db", "bytes are missing"},
		},
		"GarbledHead": {
			reason: "the database has no valid beginning",
			damage: func(t *testing.T, directory *DataDirectory) { garble(t, databaseFile(directory), 0, 8192) },
			want:   []string{"snap/db", "invalid database"},
		},
		"GarbledPages": {
			reason: "the beginning is good, and what it leads to is not",
			damage: func(t *testing.T, directory *DataDirectory) { garble(t, databaseFile(directory), 8192, 1<<20) },
			want:   []string{"snap/db"},
		},
		"GarbledValue": {
			reason: "only the value of a key is no more what etcd wrote",
			damage: func(t *testing.T, directory *DataDirectory) { garbleValue(t, databaseFile(directory)) },
			want:   []string{"failed to unmarshal mvccpb.KeyValue"},
		},
		"EmptyDatabase": {
			reason: "the log no longer holds what is missing",
			keys:   snapshotEvery + 100,
			damage: func(t *testing.T, directory *DataDirectory) { truncate(t, databaseFile(directory), 0) },
			want:   []string{"etcd"},
		},
		"MissingDatabase": {
			reason: "the log no longer holds what is missing",
			keys:   snapshotEvery + 100,
			damage: func(t *testing.T, directory *DataDirectory) {
				if err := os.Remove(databaseFile(directory)); err != nil {
					t.Fatal(err)
				}
			},
			want: []string{"etcd"},
		},
		"GarbledLog": {
			reason: "a checksum of the log does not match",
			damage: func(t *testing.T, directory *DataDirectory) { garble(t, logFile(t, directory), 4096, 64) },
			want:   []string{"member/wal", "crc mismatch"},
		},
		"TruncatedLog": {
			reason: "what the log repeats is older than what the database holds",
			damage: func(t *testing.T, directory *DataDirectory) { truncate(t, logFile(t, directory), 8192) },
			want:   []string{"member/wal", "the log ends with entry ", "and the database holds entry "},
		},
		"MissingLog": {
			reason: "new entries would carry numbers that the database skips",
			damage: func(t *testing.T, directory *DataDirectory) {
				if err := os.RemoveAll(directory.File("etcd", "member", "wal")); err != nil {
					t.Fatal(err)
				}
			},
			want: []string{"member/wal", "the log is missing, and the database holds entry "},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			directory := openTestDirectory(t)
			withTestStorage(t, directory, storageQuota, func(s *storage) {
				putMany(t, s, max(test.keys, 200))
			})
			test.damage(t, directory)
			running, err := startStorage(t.Context(), testOptions(t, directory, storageQuota))
			if err == nil {
				running.close()
				t.Fatalf("started, although %s", test.reason)
			}
			want := append([]string{"is damaged: ", "move the data directory away", "deckyard restore FILE --data-dir " + directory.Path(), "deckyard purge"}, test.want...)
			for _, part := range want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("got %q, want it to contain %q", err, part)
				}
			}
			if strings.Contains(err.Error(), "goroutine") {
				t.Errorf("got a stack: %q", err)
			}
		})
	}
}

func TestLostDatabaseComesBackFromACompleteLog(t *testing.T) {
	t.Parallel()
	directory := openTestDirectory(t)
	withTestStorage(t, directory, storageQuota, func(s *storage) { put(t, s, "/key", "value") })
	if err := os.Remove(databaseFile(directory)); err != nil {
		t.Fatal(err)
	}
	withTestStorage(t, directory, storageQuota, func(s *storage) {
		if got := get(t, s, "/key"); got != "value" {
			t.Errorf("got %q, want what was written", got)
		}
	})
}

// A process that is killed in its first second leaves a database without a log.
func TestDatabaseWithoutEntriesNeedsNoLog(t *testing.T) {
	t.Parallel()
	if err := checkLog(t.TempDir(), 0); err != nil {
		t.Error(err)
	}
}

func TestFullDatabaseMakesRoomByItself(t *testing.T) {
	t.Parallel()
	directory := openTestDirectory(t)
	withTestStorage(t, directory, 2<<20, func(s *storage) {
		fill(t, s, func(int) string { return "/key" })
		if made, err := s.makeRoom(t.Context()); err != nil || !made {
			t.Fatalf("got %t, %v, want room", made, err)
		}
		put(t, s, "/key", "after")
		if made, err := s.makeRoom(t.Context()); err != nil || made {
			t.Errorf("without need: got %t, %v, want nothing done", made, err)
		}
	})
}

func TestDatabaseFullOfObjectsSaysWhatToDo(t *testing.T) {
	t.Parallel()
	directory := openTestDirectory(t)
	withTestStorage(t, directory, 2<<20, func(s *storage) {
		// How many pages of the file hold no object depends on how fast it was written:
		// as long as the objects alone do not fill it, room is made and more fit in.
		made, err := true, error(nil)
		for round := 0; made; round++ {
			fill(t, s, func(count int) string { return fmt.Sprintf("/key/%d/%d", round, count) })
			made, err = s.makeRoom(t.Context())
		}
		if err == nil || !strings.Contains(err.Error(), "has reached its limit of 2 MiB") || !strings.Contains(err.Error(), "deckyard kubectl delete") {
			t.Errorf("got %v, want the limit and the next step", err)
		}
		// Deleting is allowed, and helps.
		_, err = s.etcd.Server.DeleteRange(t.Context(), &etcdserverpb.DeleteRangeRequest{Key: []byte("/"), RangeEnd: []byte("0")})
		if err != nil {
			t.Fatal(err)
		}
		if made, err := s.makeRoom(t.Context()); err != nil || !made {
			t.Errorf("got %t, %v, want room", made, err)
		}
	})
}

// fill writes one key after the other until the database refuses.
func fill(t *testing.T, s *storage, key func(count int) string) {
	t.Helper()
	value := strings.Repeat("x", 64<<10)
	for count := 0; ; count++ {
		err := tryPut(t.Context(), s, key(count), value)
		if err == nil {
			continue
		}
		if !strings.Contains(err.Error(), "no space") {
			t.Fatal(err)
		}
		return
	}
}

func openTestDirectory(t *testing.T) *DataDirectory {
	t.Helper()
	directory, err := OpenDataDirectory(filepath.Join(t.TempDir(), "data"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = directory.Close() })
	return directory
}

func testOptions(t *testing.T, directory *DataDirectory, quota int64) CompletedOptions {
	t.Helper()
	return CompletedOptions{&completedOptions{Options: Options{
		DataDirectory: directory,
		Logger:        logr.Discard(),
		StorageLogger: zap.NewNop(),
		StorageQuota:  quota,
		Clock:         clocktesting.NewFakeClock(time.Now()),
	}}}
}

func withTestStorage(t *testing.T, directory *DataDirectory, quota int64, use func(s *storage)) {
	t.Helper()
	running, err := startStorage(t.Context(), testOptions(t, directory, quota))
	if err != nil {
		t.Fatal(err)
	}
	defer running.close()
	use(running)
}

// putMany writes keys all at once, so that they share the syncs of the log.
func putMany(t *testing.T, s *storage, count int) {
	t.Helper()
	var writers sync.WaitGroup
	for key := range count {
		writers.Go(func() {
			if err := tryPut(t.Context(), s, fmt.Sprintf("/key/%d", key), testValue(key)); err != nil {
				t.Error(err)
			}
		})
	}
	writers.Wait()
}

func put(t *testing.T, s *storage, key, value string) {
	t.Helper()
	if err := tryPut(t.Context(), s, key, value); err != nil {
		t.Fatal(err)
	}
}

func tryPut(ctx context.Context, s *storage, key, value string) error {
	_, err := s.etcd.Server.Put(ctx, &etcdserverpb.PutRequest{Key: []byte(key), Value: []byte(value)})
	return err
}

func testValue(key int) string { return fmt.Sprintf("value-%d-%s", key, strings.Repeat("x", 500)) }

func get(t *testing.T, s *storage, key string) string {
	t.Helper()
	result, err := s.etcd.Server.KV().Range(t.Context(), []byte(key), nil, mvcc.RangeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(result.KVs) == 0 {
		return ""
	}
	return string(result.KVs[0].GetValue())
}

func logFile(t *testing.T, directory *DataDirectory) string {
	t.Helper()
	names, err := filepath.Glob(directory.File("etcd", "member", "wal", "*.wal"))
	if err != nil || len(names) != 1 {
		t.Fatalf("got %v, %v, want one log file", names, err)
	}
	return names[0]
}

func truncate(t *testing.T, path string, size int64) {
	t.Helper()
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
}

func garble(t *testing.T, path string, from, count int) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for position := from; position < min(from+count, len(content)); position++ {
		content[position] ^= 0xa5
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// garbleValue changes the first byte of what etcd stores for a key.
func garbleValue(t *testing.T, path string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	stored := []byte("\x0a\x06/key/0")
	if !bytes.Contains(content, stored) {
		t.Fatal(errors.New("the key is not in the database"))
	}
	content = bytes.ReplaceAll(content, stored, append([]byte{0x0f}, stored[1:]...))
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}
