// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package preflight

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/deckyard/deckyard/internal/model"
)

// InUse is what topologies have to keep clear of.
type InUse struct {
	Networks []model.Network
	// Containers hold host ports, also where nothing listens on them.
	Containers []model.Container
	// Routes and Sockets are the host's.
	Routes  []netip.Prefix
	Sockets []model.Socket
}

// Report is a verdict with all that it rests on, for people and programs.
type Report struct {
	Suitable bool `json:"suitable"`
	// Refusal says why not, and what to do; empty if it is.
	Refusal  string       `json:"refusal,omitempty"`
	Engine   EngineReport `json:"engine"`
	Host     HostReport   `json:"host"`
	Features []Feature    `json:"features"`
	// AddressPools are the engine's own; those of a Topology are in its spec.
	AddressPools []string `json:"addressPools"`
	Subnets      []Subnet `json:"subnets"`
	HostPorts    []Port   `json:"hostPorts"`
}

// EngineReport is what the engine tells of itself.
type EngineReport struct {
	Version         string   `json:"version"`
	APIVersion      string   `json:"apiVersion"`
	Name            string   `json:"name"`
	OS              string   `json:"os"`
	CgroupVersion   string   `json:"cgroupVersion"`
	FirewallBackend string   `json:"firewallBackend"`
	SecurityOptions []string `json:"securityOptions"`
	Rootless        bool     `json:"rootless"`
	LiveRestore     bool     `json:"liveRestore"`
	IPv4Forwarding  bool     `json:"ipv4Forwarding"`
}

// HostReport is what was seen of the host: yes, no or unknown.
type HostReport struct {
	EngineVisible        model.Answer `json:"engineVisible"`
	EngineNetwork        model.Answer `json:"engineNetwork"`
	NetAdmin             model.Answer `json:"netAdmin"`
	SysAdmin             model.Answer `json:"sysAdmin"`
	SysPtrace            model.Answer `json:"sysPtrace"`
	NFTables             model.Answer `json:"nfTables"`
	BridgeNFCallIptables model.Answer `json:"bridgeNFCallIptables"`
	// Iptables is the program's version; empty if there is none.
	Iptables        string       `json:"iptables"`
	DockerUserChain model.Answer `json:"dockerUserChain"`
	UserlandProxy   model.Answer `json:"userlandProxy"`
}

// Subnet is a block of addresses that a LAN cannot have.
type Subnet struct {
	Subnet string `json:"subnet"`
	// Network is the Docker network that has it; empty for a route of the host.
	Network string `json:"network,omitempty"`
}

// Port is a port of the host that is taken.
type Port struct {
	Protocol model.Protocol `json:"protocol"`
	Port     uint16         `json:"port"`
	// Addresses are those it is taken on: 0.0.0.0 and :: mean all.
	Addresses []string `json:"addresses"`
}

// NewReport returns the report of a verdict.
func NewReport(verdict Verdict, inUse InUse) Report {
	engine, host := verdict.Profile.Engine, verdict.Profile.Host
	report := Report{
		Suitable: verdict.Suitable(), Refusal: verdict.Refusal(), Features: verdict.Features,
		Engine: EngineReport{
			Version: engine.Version, APIVersion: engine.APIVersion, Name: engine.Name, OS: engine.OS, CgroupVersion: engine.CgroupVersion,
			FirewallBackend: cmp.Or(engine.FirewallBackend, string(model.Unknown)), SecurityOptions: append([]string{}, engine.SecurityOptions...),
			Rootless: engine.Rootless, LiveRestore: engine.LiveRestore, IPv4Forwarding: engine.IPv4Forwarding,
		},
		Host: HostReport{
			EngineVisible: host.EngineVisible, EngineNetwork: host.EngineNetwork,
			NetAdmin: host.NetAdmin, SysAdmin: host.SysAdmin, SysPtrace: host.SysPtrace,
			NFTables: host.Filters, BridgeNFCallIptables: host.BridgedFrames, Iptables: host.Iptables,
			DockerUserChain: host.UserChain, UserlandProxy: host.UserlandProxy,
		},
		AddressPools: []string{},
		Subnets:      subnets(inUse),
		HostPorts:    ports(inUse),
	}
	for _, pool := range engine.AddressPools {
		report.AddressPools = append(report.AddressPools, pool.String())
	}
	return report
}

// subnets returns the blocks in use, sorted.
func subnets(inUse InUse) []Subnet {
	type block struct {
		prefix  netip.Prefix
		network string
	}
	var blocks []block
	for _, network := range inUse.Networks {
		for _, prefix := range network.Subnets {
			blocks = append(blocks, block{prefix, network.Name})
		}
	}
	for _, prefix := range inUse.Routes {
		blocks = append(blocks, block{prefix: prefix})
	}
	slices.SortFunc(blocks, func(a, b block) int {
		return cmp.Or(a.prefix.Compare(b.prefix), cmp.Compare(a.network, b.network))
	})
	found := make([]Subnet, 0, len(blocks))
	for _, each := range blocks {
		found = append(found, Subnet{Subnet: each.prefix.String(), Network: each.network})
	}
	return found
}

// ports returns the ports that somebody listens on or the engine publishes, sorted.
func ports(inUse InUse) []Port {
	addresses := map[model.Port][]netip.Addr{}
	for _, socket := range inUse.Sockets {
		addresses[socket.Port] = append(addresses[socket.Port], socket.Address)
	}
	for _, container := range inUse.Containers {
		for _, published := range container.HostPorts {
			port := model.Port{Number: published.HostPort, Protocol: published.Port.Protocol}
			addresses[port] = append(addresses[port], published.HostIP)
		}
	}
	found := make([]Port, 0, len(addresses))
	for port, on := range addresses {
		slices.SortFunc(on, netip.Addr.Compare)
		taken := Port{Protocol: port.Protocol, Port: port.Number}
		for _, address := range slices.Compact(on) {
			taken.Addresses = append(taken.Addresses, address.String())
		}
		found = append(found, taken)
	}
	slices.SortFunc(found, func(a, b Port) int {
		return cmp.Or(cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.Port, b.Port))
	})
	return found
}
