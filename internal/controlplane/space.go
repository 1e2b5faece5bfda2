// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/go-logr/logr"
	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/server/v3/storage/mvcc"
)

// storageQuota is ample for thousands of objects and their history of five minutes.
const storageQuota = 1 << 30

// makeRoom throws the history of a database away that has reached its limit. etcd
// refuses writes from then on, the API server's own compaction with them, until
// somebody lifts its alarm.
func (s *storage) makeRoom(ctx context.Context) (made bool, err error) {
	server := s.etcd.Server
	full := func(alarm *etcdserverpb.AlarmMember) bool { return alarm.GetAlarm() == etcdserverpb.AlarmType_NOSPACE }
	if !slices.ContainsFunc(server.Alarms(), full) {
		return false, nil
	}
	revision := server.KV().Rev()
	_, err = server.Compact(ctx, &etcdserverpb.CompactionRequest{Revision: revision, Physical: true})
	if err != nil && !errors.Is(err, mvcc.ErrCompacted) {
		return false, fmt.Errorf("compact the database: %w", err)
	}
	if err := server.Backend().Defrag(); err != nil {
		return false, withRemedy(s.database, fmt.Errorf("shrink %q: %w", s.database, err))
	}
	if size := server.Backend().Size(); size >= s.quota {
		return false, fmt.Errorf("%q has reached its limit of %d MiB with %d MiB of objects: nothing can be written until some are deleted with 'deckyard kubectl delete'",
			s.database, s.quota>>20, size>>20)
	}
	_, err = server.Alarm(ctx, &etcdserverpb.AlarmRequest{
		Action: etcdserverpb.AlarmRequest_DEACTIVATE, MemberID: uint64(server.MemberID()), Alarm: etcdserverpb.AlarmType_NOSPACE,
	})
	if err != nil {
		return false, fmt.Errorf("lift the alarm of the database: %w", err)
	}
	return true, nil
}

// keepRoom makes room when there is none, and says so.
func (s *storage) keepRoom(ctx context.Context, logger logr.Logger) {
	made, err := s.makeRoom(ctx)
	switch {
	case err != nil && ctx.Err() == nil:
		logger.Error(err, "Making room in the database")
	case made:
		logger.Info("Made room in the database", "path", s.database)
	}
}
