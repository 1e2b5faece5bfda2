// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package preflight

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/deckyard/deckyard/internal/model"
)

// State says whether a feature can be used.
type State string

// The states. Unknown features are tried.
const (
	On      State = "on"
	Off     State = "off"
	Unknown State = "unknown"
)

// The features by name.
const (
	FeatureEngine         = "engine"
	FeatureFilterRules    = "filter rules"
	FeatureNamespaces     = "namespaces of deckies"
	FeatureForwarding     = "forwarding"
	FeaturePublish        = "publish"
	FeatureEgress         = "egress"
	FeatureAttachmentMACs = "attachment MACs"
	FeatureLiveRestore    = "live restore"
)

// Feature is something that Deckyard does, and whether it can on an engine.
type Feature struct {
	Name  string `json:"name"`
	State State  `json:"state"`
	// Required features are those without which nothing is built.
	Required bool `json:"required"`
	// Reason says why, and NextStep what to do about a feature that is not on.
	Reason   string `json:"reason"`
	NextStep string `json:"nextStep,omitempty"`
}

// oldestAPI is the minor version of the API of engine 20.10.
const oldestAPI = 41

// judges returns what judges the features, in their order.
func judges() []func(model.Profile) Feature {
	return []func(model.Profile) Feature{
		judgeEngine, judgeFilterRules, judgeNamespaces,
		judgeForwarding, judgePublish, judgeEgress, judgeAttachmentMACs, judgeLiveRestore,
	}
}

func on(name, reason string) Feature { return Feature{Name: name, State: On, Reason: reason} }

func off(name, reason, nextStep string) Feature {
	return Feature{Name: name, State: Off, Reason: reason, NextStep: nextStep}
}

func unknown(name, reason, nextStep string) Feature {
	return Feature{Name: name, State: Unknown, Reason: reason, NextStep: nextStep}
}

// required marks a feature without which nothing is built.
func required(feature Feature) Feature {
	feature.Required = true
	return feature
}

// judgeEngine: networks are built for Linux, in the network namespace where their
// filter rules are.
func judgeEngine(profile model.Profile) Feature {
	engine := profile.Engine
	switch {
	case engine.OS != "" && engine.OS != "linux":
		return required(off(FeatureEngine, "the engine runs containers of "+engine.OS, "use an engine that runs those of linux"))
	case isTooOld(engine.APIVersion):
		return required(off(FeatureEngine, "API "+engine.APIVersion+" is too old", "upgrade the engine to 20.10 or newer"))
	case engine.Rootless:
		return required(off(FeatureEngine, "the engine is rootless, so its networks are out of reach of the host's firewall",
			"use one that runs as root, such as --docker-host unix:///var/run/docker.sock"))
	case profile.Host.EngineNetwork == model.No:
		return required(off(FeatureEngine, "the engine runs in another network namespace, so its networks are out of reach of this one's firewall",
			"run this program in the engine's network namespace (in a pod: hostNetwork: true)"))
	}
	return required(on(FeatureEngine, "version "+engine.Version+", API "+engine.APIVersion))
}

// isTooOld reports whether an API version is lower than the oldest; one that
// cannot be read is not.
func isTooOld(apiVersion string) bool {
	_, minor, found := strings.Cut(apiVersion, "1.")
	number, err := strconv.Atoi(minor)
	return found && err == nil && number < oldestAPI
}

// judgeFilterRules: no LAN is built without what contains it.
func judgeFilterRules(profile model.Profile) Feature {
	host := profile.Host
	switch {
	case host.Filters == model.Yes:
		return required(on(FeatureFilterRules, "the host's nf_tables can be read"))
	case host.NetAdmin == model.No:
		return required(off(FeatureFilterRules, "this program lacks the capability NET_ADMIN, so it may not set the host's firewall",
			"run it as root, or with that capability in the host's network namespace"))
	case host.Filters == model.No:
		return required(off(FeatureFilterRules, "the host's kernel has no nf_tables, or not for this program",
			"load the module nf_tables, or run it as root in the host's namespaces"))
	}
	return required(unknown(FeatureFilterRules, "the host's nf_tables did not answer", "look at the host's log"))
}

// judgeNamespaces: sockets, routes and kernel settings of deckies are read and set
// in their network namespaces.
func judgeNamespaces(profile model.Profile) Feature {
	host := profile.Host
	missing := missingCapabilities(host)
	switch {
	case host.EngineVisible == model.No:
		return required(off(FeatureNamespaces, "the engine's processes cannot be seen, so sockets and routes of deckies cannot be read",
			"run this program in the host's PID namespace (in a pod: hostPID: true)"))
	case len(missing) > 0:
		return required(off(FeatureNamespaces, "this program lacks the capabilities "+strings.Join(missing, ", ")+", so it may not enter the namespaces of deckies",
			"run it as root, or with them"))
	case host.EngineVisible != model.Yes || host.SysAdmin != model.Yes || host.SysPtrace != model.Yes:
		return required(unknown(FeatureNamespaces, "it cannot be told whether they can be entered", "run as root on the engine's host"))
	}
	return required(on(FeatureNamespaces, "sockets, routes and kernel settings of deckies can be read and set"))
}

func missingCapabilities(host model.HostProfile) []string {
	var missing []string
	if host.SysAdmin == model.No {
		missing = append(missing, "SYS_ADMIN")
	}
	if host.SysPtrace == model.No {
		missing = append(missing, "SYS_PTRACE")
	}
	return missing
}

// keepsRules tells whether the engine keeps rules in the host's firewall.
func keepsRules(profile model.Profile) model.Answer {
	if profile.Engine.FirewallBackend != "" {
		return model.Yes
	}
	return profile.Host.UserChain
}

const (
	letEngineKeepRules = "let the engine keep rules (no --iptables=false, nor \"iptables\": false in daemon.json), and restart it"
	runAsRoot          = "run this as root"
)

// judgeForwarding: on an internal network the engine's own rules drop routed frames,
// unless its chain for such rules accepts them.
func judgeForwarding(profile model.Profile) Feature {
	host := profile.Host
	switch {
	case strings.HasPrefix(profile.Engine.FirewallBackend, "nftables"):
		return off(FeatureForwarding, "the engine keeps its rules with nftables, which has no chain DOCKER-USER to accept routed frames in",
			`have no decky with forwarding: true, or set "firewall-backend": "iptables" in daemon.json and restart the engine`)
	case host.Iptables == "":
		return off(FeatureForwarding, "there is no program iptables to accept routed frames with", "install it where the operator runs, or have no decky with forwarding: true")
	case host.UserChain == model.No:
		return off(FeatureForwarding, "the firewall has no chain DOCKER-USER to accept routed frames in", letEngineKeepRules)
	case host.UserChain != model.Yes:
		return unknown(FeatureForwarding, "the chain DOCKER-USER cannot be read", runAsRoot)
	case host.BridgedFrames == model.No:
		return on(FeatureForwarding, "routed frames are accepted in DOCKER-USER; as bridge-nf-call-iptables is off, nothing stops them either")
	}
	return on(FeatureForwarding, "routed frames are accepted in DOCKER-USER")
}

// judgePublish tells how published ports reach deckies.
func judgePublish(profile model.Profile) Feature {
	proxied := profile.Host.UserlandProxy
	switch keepsRules(profile) {
	case model.Yes:
		switch proxied {
		case model.Yes:
			return on(FeaturePublish, "by the engine's rules; connections from this host go through docker-proxy, and show the bridge's address as their source")
		case model.No, model.Unknown:
		}
		return on(FeaturePublish, "by the engine's rules")
	case model.No:
		if proxied == model.No {
			return off(FeaturePublish, "the engine keeps no firewall rules and runs no docker-proxy", letEngineKeepRules)
		}
		return unknown(FeaturePublish, "the engine keeps no firewall rules: ports are published by docker-proxy alone, if it runs, and every source is the bridge's address",
			letEngineKeepRules)
	case model.Unknown:
	}
	return unknown(FeaturePublish, "it cannot be told whether the engine keeps firewall rules", runAsRoot)
}

// judgeEgress: with egress: Allow, deckies of a DMZ go out behind the host's address.
func judgeEgress(profile model.Profile) Feature {
	if !profile.Engine.IPv4Forwarding {
		return off(FeatureEgress, "the host does not route IPv4", "sysctl -w net.ipv4.ip_forward=1")
	}
	switch keepsRules(profile) {
	case model.Yes:
		return on(FeatureEgress, "the host routes IPv4, and the engine hides deckies behind its address")
	case model.No:
		return off(FeatureEgress, "the engine keeps no firewall rules, so nothing hides deckies behind the host's address", letEngineKeepRules)
	case model.Unknown:
	}
	return unknown(FeatureEgress, "it cannot be told whether the engine keeps firewall rules", runAsRoot)
}

// judgeAttachmentMACs: a home's MAC works on every engine.
func judgeAttachmentMACs(profile model.Profile) Feature {
	if profile.Engine.EndpointMAC {
		return on(FeatureAttachmentMACs, "the engine takes a MAC for each attachment")
	}
	return off(FeatureAttachmentMACs, fmt.Sprintf("API %s takes a MAC for the home alone", profile.Engine.APIVersion),
		"leave macAddress of attachments out, or upgrade the engine to 25 or newer")
}

// judgeLiveRestore tells what a restart of the engine does.
func judgeLiveRestore(profile model.Profile) Feature {
	if profile.Engine.LiveRestore {
		return on(FeatureLiveRestore, "deckies go on while the engine is restarted")
	}
	return off(FeatureLiveRestore, "a restart of the engine stops every decky until it is back", `set "live-restore": true in daemon.json and reload the engine`)
}
