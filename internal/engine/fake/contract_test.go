// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package fake_test

import (
	"net/netip"
	"sync/atomic"
	"testing"

	"github.com/deckyard/deckyard/internal/engine/contract"
	"github.com/deckyard/deckyard/internal/engine/fake"
	"github.com/deckyard/deckyard/internal/model"
)

func TestContractOnFake(t *testing.T) {
	t.Parallel()
	for name, options := range map[string][]fake.Option{
		"API 1.41": nil,
		"API 1.44": {fake.WithEndpointMAC()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := fake.New(append(options, fake.WithPrograms(contractProgram), fake.WithImages("contract:1"))...)
			lastPort := &atomic.Uint32{}
			lastPort.Store(20000)
			contract.Run(t, contract.Subject{
				Reader: e, Networks: e, Containers: e, Changer: e, Images: e, Events: e, Prober: e, HostProber: e, Host: e, Firewall: e,
				Damage:           func(t *testing.T, spec model.FilterSpec) { e.ByHand(t).DamageFilter(spec.Bridge) },
				Flush:            func(t *testing.T, instance string) { e.ByHand(t).FlushFilters(instance) },
				Image:            "contract:1",
				Archive:          contract.ImageArchive(t, "other:1", nil),
				ArchiveImage:     "other:1",
				UnreachableImage: "127.0.0.1:9/nobody/there:1",
				HoldPort: func(t *testing.T) uint16 {
					port := uint16(lastPort.Add(1))
					e.ByHand(t).HoldPort(model.PublishedPort{
						HostIP: netip.MustParseAddr("127.0.0.1"), HostPort: port, Port: model.Port{Protocol: model.TCP},
					}, `process "nginx" (pid 42)`)
					return port
				},
				FreePort: func(*testing.T) uint16 { return uint16(lastPort.Add(1)) },
				Subnets:  netip.MustParsePrefix("10.213.0.0/16"),
			})
		})
	}
}

// contractProgram does what the suite's program does.
func contractProgram(spec model.ContainerSpec) fake.Process {
	var process fake.Process
	process.Exits, process.ExitCode, process.Ports = contract.Behaviour(spec.Command)
	return process
}
