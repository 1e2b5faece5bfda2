// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"net/netip"
	"sync/atomic"
	"testing"

	"github.com/deckyard/deckyard/internal/model"
)

// InMemoryImage is what an engine in memory has to have for the suite; its program
// behaves as Behaviour says.
const InMemoryImage = "contract:1"

// Hand acts on an engine in memory, and on its host, as somebody else.
type Hand interface {
	// DamageFilter takes one of the rules of a bridge away, FlushFilters all of an instance.
	DamageFilter(bridge string)
	FlushFilters(instance string)
	// HoldPort lets a process, of which the text tells, hold a port of the host.
	HoldPort(port model.PublishedPort, holder string)
}

// InMemory returns a subject that lacks only the ports, for an engine in memory.
func InMemory(t *testing.T, byHand func(t *testing.T) Hand) Subject {
	t.Helper()
	lastPort := &atomic.Uint32{}
	lastPort.Store(20000)
	freePort := func(*testing.T) uint16 { return uint16(lastPort.Add(1)) }
	const other = "other:1"
	return Subject{
		Image:        InMemoryImage,
		Archive:      ImageArchive(t, other, nil),
		ArchiveImage: other,
		Damage:       func(t *testing.T, filter model.FilterSpec) { byHand(t).DamageFilter(filter.Bridge) },
		Flush:        func(t *testing.T, instance string) { byHand(t).FlushFilters(instance) },
		HoldPort: func(t *testing.T) uint16 {
			port := freePort(t)
			byHand(t).HoldPort(model.PublishedPort{
				HostIP: netip.MustParseAddr("127.0.0.1"), HostPort: port, Port: model.Port{Protocol: model.TCP},
			}, `process "nginx" (pid 42)`)
			return port
		},
		FreePort: freePort,
	}
}
