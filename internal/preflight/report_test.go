// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package preflight_test

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deckyard/deckyard/internal/model"
	"github.com/deckyard/deckyard/internal/preflight"
)

func TestReportShowsWhatIsInUse(t *testing.T) {
	t.Parallel()
	loopback, everywhere := netip.MustParseAddr("127.0.0.1"), netip.IPv4Unspecified()
	web := model.Port{Number: 8080, Protocol: model.TCP}
	profile := whole()
	profile.Engine.AddressPools = []netip.Prefix{netip.MustParsePrefix("172.17.0.0/12")}
	report := preflight.NewReport(preflight.Judge(profile), preflight.InUse{
		Networks: []model.Network{
			{Name: "bridge", Subnets: []netip.Prefix{netip.MustParsePrefix("172.17.0.0/16")}},
			{Name: "host"},
			{Name: "default_acme_dmz", Subnets: []netip.Prefix{netip.MustParsePrefix("10.77.0.0/24")}},
		},
		Routes: []netip.Prefix{netip.MustParsePrefix("192.168.1.0/24"), netip.MustParsePrefix("10.0.0.0/8")},
		Sockets: []model.Socket{
			{Port: model.Port{Number: 53, Protocol: model.UDP}, Address: loopback},
			{Port: web, Address: loopback},
			{Port: web, Address: loopback},
		},
		// Without a process of the engine's nothing listens on it.
		Containers: []model.Container{{HostPorts: []model.PublishedPort{
			{HostIP: everywhere, HostPort: 2222, Port: model.Port{Number: 22, Protocol: model.TCP}},
			{HostIP: netip.MustParseAddr("192.168.1.2"), HostPort: 8080, Port: web},
		}}},
	})
	if diff := cmp.Diff([]preflight.Subnet{
		{Subnet: "10.0.0.0/8"}, {Subnet: "10.77.0.0/24", Network: "default_acme_dmz"}, {Subnet: "172.17.0.0/16", Network: "bridge"}, {Subnet: "192.168.1.0/24"},
	}, report.Subnets); diff != "" {
		t.Errorf("subnets (-want +have):\n%s", diff)
	}
	if diff := cmp.Diff([]preflight.Port{
		{Protocol: model.TCP, Port: 2222, Addresses: []string{"0.0.0.0"}},
		{Protocol: model.TCP, Port: 8080, Addresses: []string{"127.0.0.1", "192.168.1.2"}},
		{Protocol: model.UDP, Port: 53, Addresses: []string{"127.0.0.1"}},
	}, report.HostPorts); diff != "" {
		t.Errorf("ports (-want +have):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"172.17.0.0/12"}, report.AddressPools); diff != "" {
		t.Errorf("address pools (-want +have):\n%s", diff)
	}
	if !report.Suitable || report.Refusal != "" || report.Engine.FirewallBackend != "iptables" || report.Host.UserlandProxy != model.Unknown {
		t.Errorf("report %+v", report)
	}
}

// What the engine does not tell is unknown, not empty.
func TestReportSaysWhatIsUnknown(t *testing.T) {
	t.Parallel()
	profile := whole()
	profile.Engine.FirewallBackend, profile.Engine.Rootless = "", true
	report := preflight.NewReport(preflight.Judge(profile), preflight.InUse{})
	if report.Engine.FirewallBackend != "unknown" || report.AddressPools == nil || report.Subnets == nil || report.HostPorts == nil {
		t.Errorf("report %+v", report)
	}
	if report.Suitable || report.Refusal == "" {
		t.Errorf("suitable %t, refusal %q", report.Suitable, report.Refusal)
	}
}
