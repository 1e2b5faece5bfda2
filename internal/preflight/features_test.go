// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package preflight_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deckyard/deckyard/internal/model"
	"github.com/deckyard/deckyard/internal/preflight"
)

// whole is an engine on which every feature is on, as root sees it.
func whole() model.Profile {
	return model.Profile{
		Engine: model.EngineProfile{
			Version: "28.5.2", APIVersion: "1.51", Name: "vm", OS: "linux", EndpointMAC: true, CgroupVersion: "2", LiveRestore: true,
			IPv4Forwarding: true, FirewallBackend: "iptables", PID: 42,
		},
		Host: model.HostProfile{
			EngineVisible: model.Yes, EngineNetwork: model.Yes, NetAdmin: model.Yes, SysAdmin: model.Yes, SysPtrace: model.Yes,
			Filters: model.Yes, BridgedFrames: model.Yes, Iptables: "v1.8.9 (nf_tables)", UserChain: model.Yes, UserlandProxy: model.Unknown,
		},
	}
}

// notOn returns the features that are not on, as "name: state", and their words.
func notOn(verdict preflight.Verdict) (states []string, words string) {
	for _, feature := range verdict.Features {
		if feature.State != preflight.On {
			states = append(states, feature.Name+": "+string(feature.State))
			words += feature.Reason + ": " + feature.NextStep + "\n"
		}
	}
	return states, words
}

func TestProfileDecidesFeatures(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*model.EngineProfile, *model.HostProfile)
		// want are the features that are not on; words are in their reasons and steps.
		want, words []string
		unsuitable  bool
	}{
		"everything": {change: func(*model.EngineProfile, *model.HostProfile) {}},
		"20.10": {
			change: func(engine *model.EngineProfile, _ *model.HostProfile) {
				engine.Version, engine.APIVersion, engine.EndpointMAC, engine.FirewallBackend = "20.10.24", "1.41", false, ""
			},
			want: []string{"attachment MACs: off"}, words: []string{"API 1.41", "upgrade the engine to 25"},
		},
		"older than 20.10": {
			change:     func(engine *model.EngineProfile, _ *model.HostProfile) { engine.APIVersion = "1.40" },
			want:       []string{"engine: off"},
			words:      []string{"API 1.40 is too old", "20.10 or newer"},
			unsuitable: true,
		},
		"windows": {
			change:     func(engine *model.EngineProfile, _ *model.HostProfile) { engine.OS = "windows" },
			want:       []string{"engine: off"},
			words:      []string{"windows", "linux"},
			unsuitable: true,
		},
		"rootless": {
			change:     func(engine *model.EngineProfile, _ *model.HostProfile) { engine.Rootless = true },
			want:       []string{"engine: off"},
			words:      []string{"rootless", "--docker-host unix:///var/run/docker.sock"},
			unsuitable: true,
		},
		"another network namespace": {
			change:     func(_ *model.EngineProfile, host *model.HostProfile) { host.EngineNetwork = model.No },
			want:       []string{"engine: off"},
			words:      []string{"another network namespace", "hostNetwork: true"},
			unsuitable: true,
		},
		"nothing tells where the engine is": {change: func(_ *model.EngineProfile, host *model.HostProfile) { host.EngineNetwork = model.Unknown }},
		"another PID namespace": {
			change:     func(_ *model.EngineProfile, host *model.HostProfile) { host.EngineVisible = model.No },
			want:       []string{"namespaces of deckies: off"},
			words:      []string{"cannot be seen", "hostPID: true"},
			unsuitable: true,
		},
		"nobody special": {
			change: func(_ *model.EngineProfile, host *model.HostProfile) {
				host.NetAdmin, host.SysAdmin, host.SysPtrace = model.No, model.No, model.No
				host.Filters, host.UserChain = model.No, model.Unknown
			},
			want:       []string{"filter rules: off", "namespaces of deckies: off", "forwarding: unknown"},
			words:      []string{"capability NET_ADMIN", "SYS_ADMIN, SYS_PTRACE", "as root", "DOCKER-USER cannot be read"},
			unsuitable: true,
		},
		"no nf_tables": {
			change:     func(_ *model.EngineProfile, host *model.HostProfile) { host.Filters = model.No },
			want:       []string{"filter rules: off"},
			words:      []string{"no nf_tables", "load the module nf_tables"},
			unsuitable: true,
		},
		"nf_tables does not answer": {
			change: func(_ *model.EngineProfile, host *model.HostProfile) { host.Filters = model.Unknown },
			want:   []string{"filter rules: unknown"},
		},
		"capabilities cannot be read": {
			change: func(_ *model.EngineProfile, host *model.HostProfile) { host.SysPtrace = model.Unknown },
			want:   []string{"namespaces of deckies: unknown"},
		},
		"29 with nftables": {
			change: func(engine *model.EngineProfile, host *model.HostProfile) {
				engine.Version, engine.FirewallBackend, host.UserChain = "29.0.1", "nftables", model.No
			},
			want: []string{"forwarding: off"}, words: []string{"nftables", `"firewall-backend": "iptables"`},
		},
		"29 with nftables and firewalld": {
			change: func(engine *model.EngineProfile, _ *model.HostProfile) { engine.FirewallBackend = "nftables+firewalld" },
			want:   []string{"forwarding: off"},
		},
		"no program iptables": {
			change: func(engine *model.EngineProfile, host *model.HostProfile) {
				engine.FirewallBackend, host.Iptables, host.UserChain = "", "", model.Unknown
			},
			want:  []string{"forwarding: off", "publish: unknown", "egress: unknown"},
			words: []string{"no program iptables", "install it"},
		},
		"engine without iptables": {
			change: func(engine *model.EngineProfile, host *model.HostProfile) {
				engine.FirewallBackend, host.UserChain = "", model.No
			},
			want:  []string{"forwarding: off", "publish: unknown", "egress: off"},
			words: []string{"no chain DOCKER-USER", "--iptables=false", "docker-proxy alone"},
		},
		"engine with neither iptables nor proxy": {
			change: func(engine *model.EngineProfile, host *model.HostProfile) {
				engine.FirewallBackend, host.UserChain, host.UserlandProxy = "", model.No, model.No
			},
			want: []string{"forwarding: off", "publish: off", "egress: off"},
		},
		"bridged frames pass": {change: func(_ *model.EngineProfile, host *model.HostProfile) { host.BridgedFrames = model.No }},
		"host does not route": {
			change: func(engine *model.EngineProfile, _ *model.HostProfile) { engine.IPv4Forwarding = false },
			want:   []string{"egress: off"}, words: []string{"net.ipv4.ip_forward=1"},
		},
		"no live restore": {
			change: func(engine *model.EngineProfile, _ *model.HostProfile) { engine.LiveRestore = false },
			want:   []string{"live restore: off"}, words: []string{"stops every decky", `"live-restore": true`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			profile := whole()
			tc.change(&profile.Engine, &profile.Host)
			verdict := preflight.Judge(profile)
			have, words := notOn(verdict)
			if diff := cmp.Diff(tc.want, have); diff != "" {
				t.Errorf("features that are not on (-want +have):\n%s", diff)
			}
			for _, text := range tc.words {
				if !strings.Contains(words, text) {
					t.Errorf("%q lacks %q", words, text)
				}
			}
			if verdict.Suitable() == tc.unsuitable {
				t.Errorf("suitable: %t, refusal %q", verdict.Suitable(), verdict.Refusal())
			}
		})
	}
}

// Whoever reads of a feature that is not on reads what to do, and of every other why it is.
func TestFeaturesExplainThemselves(t *testing.T) {
	t.Parallel()
	for name, profile := range map[string]model.Profile{"nothing is known": {}, "everything is on": whole()} {
		for _, feature := range preflight.Judge(profile).Features {
			if feature.Reason == "" || (feature.NextStep == "") != (feature.State == preflight.On) {
				t.Errorf("%s: %+v", name, feature)
			}
		}
	}
}

func TestSummaryNamesWhatIsOff(t *testing.T) {
	t.Parallel()
	profile := whole()
	if have, want := preflight.Judge(profile).Summary(), "Docker Engine 28.5.2, API 1.51; no feature is off"; have != want {
		t.Errorf("have %q, want %q", have, want)
	}
	profile.Engine.LiveRestore, profile.Engine.EndpointMAC = false, false
	if have, want := preflight.Judge(profile).Summary(), "Docker Engine 28.5.2, API 1.51; off: attachment MACs, live restore"; have != want {
		t.Errorf("have %q, want %q", have, want)
	}
	profile.Engine.Rootless = true
	if have, want := preflight.Judge(profile).Summary(), "Docker Engine 28.5.2, API 1.51, is not suitable: the engine is rootless, "; !strings.HasPrefix(have, want) {
		t.Errorf("have %q, want %q", have, want)
	}
	// A process number is another after each restart.
	before := preflight.Judge(profile).Summary()
	profile.Engine.PID++
	if after := preflight.Judge(profile).Summary(); before != after {
		t.Errorf("%q became %q", before, after)
	}
}
