// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package fake_test

import (
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
			e := fake.New(append(options, fake.WithPrograms(contractProgram), fake.WithImages(contract.InMemoryImage))...)
			subject := contract.InMemory(t, func(t *testing.T) contract.Hand { return e.ByHand(t) })
			subject.Reader, subject.Networks, subject.Containers, subject.Changer = e, e, e, e
			subject.Images, subject.Events, subject.Prober = e, e, e
			subject.HostProber, subject.Host, subject.Firewall = e, e, e
			contract.Run(t, subject)
		})
	}
}

// contractProgram does what the suite's program does.
func contractProgram(spec model.ContainerSpec) fake.Process {
	var process fake.Process
	process.Exits, process.ExitCode, process.Ports = contract.Behaviour(spec.Command)
	return process
}
