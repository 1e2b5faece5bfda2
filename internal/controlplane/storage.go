// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"

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
	// storageQuota is ample for thousands of objects and their history of five minutes.
	storageQuota = 1 << 30
)

// storage is the running etcd.
type storage struct {
	endpoint string
	etcd     *embed.Etcd
	// directory keeps the file descriptor that the endpoint goes through open.
	directory *os.File
	logLevel  zap.AtomicLevel
}

// withStorage runs etcd for as long as next runs, and cancels next's context when
// etcd ends by itself.
func withStorage(ctx context.Context, directory *DataDirectory, logger *zap.Logger, next func(ctx context.Context, endpoint string) error) error {
	running, err := startStorage(ctx, directory, logger)
	if err != nil {
		return err
	}
	defer running.close()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		// The channel is closed when etcd has stopped, so this ends with it.
		for err := range running.etcd.Err() {
			cancel(fmt.Errorf("run etcd: %w", err))
		}
	}()
	return next(ctx, running.endpoint)
}

func startStorage(ctx context.Context, directory *DataDirectory, logger *zap.Logger) (*storage, error) {
	if err := makePrivateDirectory(directory.File("etcd")); err != nil {
		return nil, err
	}
	handle, err := os.Open(directory.Path())
	if err != nil {
		return nil, fmt.Errorf("open data directory: %w", err)
	}
	// The path of a unix socket is limited to 107 bytes, that of a data directory
	// is not; both ends are in this process, so they meet through its descriptor.
	endpoint := fmt.Sprintf("unix:///proc/self/fd/%d/etcd.sock", handle.Fd())
	logLevel := zap.NewAtomicLevelAt(zapcore.LevelOf(logger.Core()))
	config, err := storageConfig(directory, endpoint, logger.WithOptions(zap.IncreaseLevel(logLevel)))
	if err != nil {
		_ = handle.Close()
		return nil, err
	}
	etcd, err := embed.StartEtcd(config)
	if err != nil {
		_ = handle.Close()
		return nil, fmt.Errorf("start etcd: %w", err)
	}
	running := &storage{endpoint: endpoint, etcd: etcd, directory: handle, logLevel: logLevel}
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
	case <-s.etcd.Server.StopNotify():
		return errors.New("start etcd: it stopped before it was ready")
	case err := <-s.etcd.Err():
		return fmt.Errorf("start etcd: %w", err)
	case <-ctx.Done():
		return fmt.Errorf("start etcd: %w", context.Cause(ctx))
	}
}

func (s *storage) close() {
	// It reports every listener that it closes as an error.
	s.logLevel.SetLevel(zapcore.FatalLevel)
	s.etcd.Close()
	_ = s.directory.Close()
}

func storageConfig(directory *DataDirectory, endpoint string, logger *zap.Logger) (*embed.Config, error) {
	client, err := url.Parse(endpoint)
	if err != nil {
		return nil, fmt.Errorf("parse etcd endpoint: %w", err)
	}
	config := embed.NewConfig()
	config.Name = "deckyard"
	config.Dir = directory.File("etcd")
	config.ListenClientUrls = []url.URL{*client}
	config.AdvertiseClientUrls = []url.URL{*client}
	// One member has no peers: it keeps the default peer address as its name in the
	// cluster and never listens on it.
	config.ListenPeerUrls = nil
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	config.EnableGRPCGateway = false
	// With nobody to hear of, these only delay the start: it elects itself after one
	// to two election timeouts, less what etcd skips.
	config.TickMs = heartbeatMillis
	config.ElectionMs = electionMillis
	config.SnapshotCount = snapshotEvery
	config.SnapshotCatchUpEntries = snapshotCatchUp
	config.QuotaBackendBytes = storageQuota
	config.ZapLoggerBuilder = embed.NewZapLoggerBuilder(logger)
	return config, nil
}
