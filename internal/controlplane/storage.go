// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"syscall"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

const (
	heartbeatMillis = 50
	electionMillis  = 250
	// A single member has no follower that could lag behind, so it keeps few
	// entries of its log in memory.
	snapshotEvery   = 2000
	snapshotCatchUp = 100
	// failurePatience is how long a stop may take that waits for an etcd which has
	// given up.
	failurePatience = 3 * time.Second
)

// storage is the running etcd.
type storage struct {
	endpoint string
	etcd     *embed.Etcd
	failure  *failure
	database string
	quota    int64
	// directory keeps the file descriptor that the endpoint goes through open.
	directory *os.File
	logLevel  zap.AtomicLevel
}

// withStorage runs etcd for as long as next runs, and cancels next's context when
// etcd ends by itself.
func withStorage(ctx context.Context, options CompletedOptions, next func(ctx context.Context, storage *storage) error) error {
	running, err := startStorage(ctx, options)
	if err != nil {
		return withRemedy(options.DataDirectory.Path(), err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var result error
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		// The API server writes already while it starts.
		running.keepRoom(ctx, options.Logger)
		result = next(ctx, running)
	}()
	go func() {
		// The channel is closed when etcd has stopped, so this ends with it.
		for err := range running.etcd.Err() {
			cancel(fmt.Errorf("run etcd: %w", err))
		}
	}()
	select {
	case <-ended:
		running.close()
		return result
	case <-running.failure.failed:
	}
	err = withRemedy(options.DataDirectory.Path(), fmt.Errorf("run etcd: %w", running.failure.err))
	cancel(err)
	select {
	case <-ended:
	case <-options.Clock.After(failurePatience):
	}
	return err
}

func startStorage(ctx context.Context, options CompletedOptions) (*storage, error) {
	directory := options.DataDirectory
	if err := makePrivateDirectory(directory.File(databaseDirectory)); err != nil {
		return nil, err
	}
	if err := checkStorage(directory); err != nil {
		return nil, err
	}
	handle, err := os.Open(directory.Path())
	if err != nil {
		return nil, fmt.Errorf("open data directory: %w", err)
	}
	running := &storage{
		endpoint:  socketEndpoint(handle),
		failure:   newFailure(),
		database:  databaseFile(directory),
		quota:     options.StorageQuota,
		directory: handle,
		logLevel:  zap.NewAtomicLevelAt(zapcore.LevelOf(options.StorageLogger.Core())),
	}
	config, err := running.config(directory, options.StorageLogger)
	if err != nil {
		_ = handle.Close()
		return nil, err
	}
	running.etcd, err = running.failure.startEtcd(config)
	if err != nil {
		_ = handle.Close()
		if running.failure.happened() && !errors.As(err, new(syscall.Errno)) {
			return nil, damaged(directory, directory.File(databaseDirectory), err)
		}
		return nil, fmt.Errorf("start etcd in %q: %w", directory.Path(), err)
	}
	if err := running.waitReady(ctx); err != nil {
		running.close()
		return nil, err
	}
	return running, nil
}

func (s *storage) waitReady(ctx context.Context) error {
	select {
	case <-s.etcd.Server.ReadyNotify():
		return nil
	case <-s.failure.failed:
		return fmt.Errorf("start etcd: %w", s.failure.err)
	case <-s.etcd.Server.StopNotify():
		return errors.New("start etcd: it stopped before it was ready")
	case err := <-s.etcd.Err():
		return fmt.Errorf("start etcd: %w", err)
	case <-ctx.Done():
		return fmt.Errorf("start etcd: %w", context.Cause(ctx))
	}
}

// close stops etcd, unless it has given up.
func (s *storage) close() {
	if s.failure.happened() {
		return
	}
	// It reports every listener that it closes as an error.
	s.logLevel.SetLevel(zapcore.FatalLevel)
	s.etcd.Close()
	_ = s.directory.Close()
}

// memberConfig is who the only member of the cluster is.
func memberConfig() *embed.Config {
	config := embed.NewConfig()
	config.Name = "deckyard"
	// One member has no peers: it keeps the default peer address as its name in the
	// cluster and never listens on it.
	config.ListenPeerUrls = nil
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	return config
}

// socketEndpoint is where the storage in an open data directory listens. The path of
// a unix socket is limited to 107 bytes, that of a data directory is not.
func socketEndpoint(directory *os.File) string {
	return fmt.Sprintf("unix:///proc/self/fd/%d/etcd.sock", directory.Fd())
}

func (s *storage) config(directory *DataDirectory, logger *zap.Logger) (*embed.Config, error) {
	client, err := url.Parse(s.endpoint)
	if err != nil {
		return nil, fmt.Errorf("parse etcd endpoint: %w", err)
	}
	config := memberConfig()
	config.Dir = directory.File(databaseDirectory)
	config.ListenClientUrls = []url.URL{*client}
	config.AdvertiseClientUrls = []url.URL{*client}
	config.EnableGRPCGateway = false
	// With nobody to hear of, these only delay the start: it elects itself after one
	// to two election timeouts, less what etcd skips.
	config.TickMs = heartbeatMillis
	config.ElectionMs = electionMillis
	config.SnapshotCount = snapshotEvery
	config.SnapshotCatchUpEntries = snapshotCatchUp
	config.QuotaBackendBytes = s.quota
	logger = s.failure.catch(logger.WithOptions(zap.IncreaseLevel(s.logLevel)))
	config.ZapLoggerBuilder = embed.NewZapLoggerBuilder(logger)
	return config, nil
}
