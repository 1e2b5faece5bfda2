// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package docker_test

import (
	"net/netip"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deckyard/deckyard/internal/model"
)

// The answers are cut from those of engines of these versions.
func TestProfileIsWhatTheEngineTells(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		api, info string
		want      model.EngineProfile
	}{
		"20.10": {
			"1.41", `{"ServerVersion":"20.10.24+dfsg1","Name":"vm","OSType":"linux","CgroupVersion":"1","IPv4Forwarding":true,` +
				`"BridgeNfIptables":true,"LiveRestoreEnabled":false,"SecurityOptions":["name=seccomp,profile=default"]}`,
			model.EngineProfile{
				Version: "20.10.24+dfsg1", APIVersion: "1.41", Name: "vm", OS: "linux", CgroupVersion: "1", IPv4Forwarding: true,
				SecurityOptions: []string{"seccomp"},
			},
		},
		"25": {
			"1.44", `{"ServerVersion":"25.0.5","Name":"vm","OSType":"linux","CgroupVersion":"2","IPv4Forwarding":true,"LiveRestoreEnabled":true,` +
				`"DefaultAddressPools":[{"Base":"10.201.0.0/16","Size":24},{"Base":"fd00::/64","Size":80},{"Base":"10.200.0.0/16","Size":24}],` +
				`"SecurityOptions":["name=seccomp,profile=builtin","name=apparmor","name=cgroupns"]}`,
			model.EngineProfile{
				Version: "25.0.5", APIVersion: "1.44", Name: "vm", OS: "linux", EndpointMAC: true, CgroupVersion: "2", LiveRestore: true, IPv4Forwarding: true,
				AddressPools:    []netip.Prefix{netip.MustParsePrefix("10.200.0.0/16"), netip.MustParsePrefix("10.201.0.0/16")},
				SecurityOptions: []string{"apparmor", "cgroupns", "seccomp"},
			},
		},
		"rootless": {
			"1.47", `{"ServerVersion":"27.5.1","Name":"vm","OSType":"linux","CgroupVersion":"2","IPv4Forwarding":true,` +
				`"SecurityOptions":["name=seccomp,profile=builtin","name=rootless","name=cgroupns"]}`,
			model.EngineProfile{
				Version: "27.5.1", APIVersion: "1.47", Name: "vm", OS: "linux", EndpointMAC: true, CgroupVersion: "2", Rootless: true, IPv4Forwarding: true,
				SecurityOptions: []string{"cgroupns", "rootless", "seccomp"},
			},
		},
		"29 with nftables": {
			"1.51", `{"ServerVersion":"29.0.1","Name":"vm","OSType":"linux","CgroupVersion":"2","IPv4Forwarding":true,` +
				`"FirewallBackend":{"Driver":"nftables"},"SecurityOptions":["name=seccomp,profile=builtin"]}`,
			model.EngineProfile{
				Version: "29.0.1", APIVersion: "1.51", Name: "vm", OS: "linux", EndpointMAC: true, CgroupVersion: "2", IPv4Forwarding: true,
				FirewallBackend: "nftables", SecurityOptions: []string{"seccomp"},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, tc.api, answers{"GET /info": {200, tc.info}})
			have, err := s.engine(t).Profile(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			// The engine of the test runs in this process.
			tc.want.PID = os.Getpid()
			if diff := cmp.Diff(tc.want, have, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
				t.Errorf("profile (-want +have):\n%s", diff)
			}
		})
	}
}
