// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package model

import "net/netip"

// Answer is what is known of a question about an engine or its host.
type Answer string

// The answers. Where nothing tells, the answer is Unknown, never a guess.
const (
	Yes     Answer = "yes"
	No      Answer = "no"
	Unknown Answer = "unknown"
)

// AnswerOf returns the answer to a question that could be asked.
func AnswerOf(isTrue bool) Answer {
	if isTrue {
		return Yes
	}
	return No
}

// Profile is what an engine and its host are and can do.
type Profile struct {
	Engine EngineProfile
	Host   HostProfile
}

// EngineProfile is what an engine tells of itself.
type EngineProfile struct {
	// Version is the engine's, APIVersion the negotiated one, such as 1.41.
	Version, APIVersion string
	// Name is the host's name as the engine knows it.
	Name string
	// OS is the system whose containers it runs, such as linux.
	OS string
	// EndpointMAC: an attachment's MAC can be set (API 1.44).
	EndpointMAC bool
	// CgroupVersion is "1" or "2".
	CgroupVersion string
	// Rootless engines run without root's rights.
	Rootless bool
	// LiveRestore: containers go on while the engine is restarted.
	LiveRestore bool
	// IPv4Forwarding: the host routes IPv4.
	IPv4Forwarding bool
	// FirewallBackend is what the engine writes its rules with, such as iptables or
	// nftables; empty if it does not tell, as before version 28.
	FirewallBackend string
	// SecurityOptions are the engine's, such as seccomp.
	SecurityOptions []string
	// AddressPools are those that its networks get subnets from unless told
	// otherwise; empty if it does not tell.
	AddressPools []netip.Prefix
	// PID is the process at the other end of the engine's socket; 0 if it is none
	// that can be seen.
	PID int
}

// HostProfile is what was seen of the host of an engine, from where this program
// runs.
type HostProfile struct {
	// EngineVisible: the engine's processes, and so its containers', can be seen.
	EngineVisible Answer
	// EngineNetwork: the engine has this program's network namespace.
	EngineNetwork Answer
	// NetAdmin, SysAdmin and SysPtrace are the capabilities of those names.
	NetAdmin, SysAdmin, SysPtrace Answer
	// Filters: filter rules can be read, so nf_tables is there.
	Filters Answer
	// BridgedFrames: frames that cross a bridge pass the host's IPv4 filter
	// (net.bridge.bridge-nf-call-iptables).
	BridgedFrames Answer
	// Iptables is the program's version; empty if there is no such program.
	Iptables string
	// UserChain: the engine's chain DOCKER-USER is there.
	UserChain Answer
	// UserlandProxy: published ports have a process of the engine's each.
	UserlandProxy Answer
}
