// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package cli_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/deckyard/deckyard/internal/cli"
	"github.com/deckyard/deckyard/internal/model"
	"github.com/deckyard/deckyard/internal/preflight"
)

// reported is what a preflight found.
func reported() preflight.Report {
	return preflight.Report{
		Suitable: true,
		Engine: preflight.EngineReport{
			Version: "20.10.24", APIVersion: "1.41", Name: "vm", OS: "linux", CgroupVersion: "1", FirewallBackend: "unknown",
			SecurityOptions: []string{"seccomp"}, IPv4Forwarding: true,
		},
		Host: preflight.HostReport{
			EngineVisible: model.Yes, EngineNetwork: model.Yes, NetAdmin: model.Yes, SysAdmin: model.Yes, SysPtrace: model.Yes,
			NFTables: model.Yes, BridgeNFCallIptables: model.Yes, Iptables: "v1.8.9 (nf_tables)", DockerUserChain: model.Yes, UserlandProxy: model.Unknown,
		},
		Features: []preflight.Feature{
			{Name: "engine", State: preflight.On, Required: true, Reason: "version 20.10.24, API 1.41"},
			{Name: "live restore", State: preflight.Off, Reason: "a restart stops every decky", NextStep: "set it"},
		},
		AddressPools: []string{},
		Subnets:      []preflight.Subnet{{Subnet: "172.17.0.0/16", Network: "bridge"}, {Subnet: "192.168.1.0/24"}},
		HostPorts: []preflight.Port{
			{Protocol: model.TCP, Port: 22, Addresses: []string{"0.0.0.0", "::"}},
			{Protocol: model.TCP, Port: 6445, Addresses: []string{"127.0.0.1"}},
			{Protocol: model.TCP, Port: 8000, Addresses: []string{"0.0.0.0"}},
			{Protocol: model.TCP, Port: 8001, Addresses: []string{"0.0.0.0"}},
			{Protocol: model.TCP, Port: 8002, Addresses: []string{"::"}},
			{Protocol: model.UDP, Port: 53, Addresses: []string{"127.0.0.1", "127.0.0.2"}},
		},
	}
}

// finding makes a preflight find something.
func finding(report preflight.Report, err error) func(*cli.Dependencies) {
	return func(deps *cli.Dependencies) {
		deps.Preflight = func(context.Context, string) (preflight.Report, error) { return report, err }
	}
}

func TestPreflightTable(t *testing.T) {
	t.Parallel()
	got := here(t, finding(reported(), nil), "preflight")
	assertCode(t, got, 0)
	want := `ENGINE                   20.10.24, API 1.41, host vm
firewall backend         unknown
bridge-nf-call-iptables  yes
iptables                 v1.8.9 (nf_tables); chain DOCKER-USER: yes
nf_tables                yes
userland proxy           unknown
live restore             no
rootless                 no
IPv4 forwarding          yes
cgroups                  v1
security                 seccomp
address pools            unknown: the engine does not tell
this program             sees the engine's processes: yes; has its network: yes; NET_ADMIN: yes, SYS_ADMIN: yes, SYS_PTRACE: yes
suitable                 yes

FEATURE       STATE  WHY
engine        on     version 20.10.24, API 1.41
live restore  off    a restart stops every decky: set it

SUBNET          TAKEN BY
172.17.0.0/16   network bridge
192.168.1.0/24  a route of the host

HOST PORTS  ADDRESS               TAKEN
tcp         127.0.0.1             6445
tcp         all                   22, 8000-8002
udp         127.0.0.1, 127.0.0.2  53
`
	if diff := cmp.Diff(want, got.out); diff != "" {
		t.Errorf("table (-want +have):\n%s", diff)
	}
}

func TestPreflightForPrograms(t *testing.T) {
	t.Parallel()
	for format, decode := range map[string]func([]byte, any) error{
		"json": json.Unmarshal,
		"yaml": func(text []byte, into any) error { return yaml.UnmarshalStrict(text, into) },
	} {
		got := here(t, finding(reported(), nil), "preflight", "-o", format)
		assertCode(t, got, 0)
		var have preflight.Report
		if err := decode([]byte(got.out), &have); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(reported(), have); diff != "" {
			t.Errorf("%s (-want +have):\n%s", format, diff)
		}
	}
}

// What is wrong is shown with all that was found, and fails.
func TestPreflightRefuses(t *testing.T) {
	t.Parallel()
	report := reported()
	report.Suitable, report.Refusal = false, "the engine is rootless: use one that runs as root"
	got := here(t, finding(report, nil), "preflight")
	assertCode(t, got, 1)
	assertContains(t, got.out, "suitable                 no", "172.17.0.0/16")
	assertContains(t, got.errors, "Error: the Docker Engine cannot be used: the engine is rootless: use one that runs as root")

	got = here(t, finding(preflight.Report{}, errors.New("the Docker Engine is not running: start it")), "preflight")
	assertCode(t, got, 1)
	assertContains(t, got.errors, "Error: the Docker Engine is not running: start it")
	if got.out != "" {
		t.Errorf("shown without an engine: %s", got.out)
	}
	for _, arguments := range [][]string{{"-o", "xml"}, {"--docker-host", "tcp://192.0.2.1:2375"}, {"acme"}} {
		got = here(t, finding(reported(), nil), append([]string{"preflight"}, arguments...)...)
		assertCode(t, got, 1)
		if !strings.HasPrefix(got.errors, "Error: ") || got.out != "" {
			t.Errorf("%v: %s%s", arguments, got.out, got.errors)
		}
	}
}
