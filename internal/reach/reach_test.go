// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package reach_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/model"
	"github.com/deckyard/deckyard/internal/reach"
)

const instance = "instance-1"

// world is dmz - office - plant - safe, each linked to the next by one decky, none
// of which forwards, with a decky on one LAN alone on each. All is as it should be.
type world struct{ reach.View }

func newWorld() *world {
	w := &world{reach.View{Instance: instance, Explored: map[string]bool{"network-other": true}}}
	w.Observed.Namespaces = map[string]model.Namespace{}
	for i, name := range []string{"dmz", "office", "plant", "safe"} {
		w.addLAN(name, i)
		w.addDecky("on-"+name, name)
	}
	w.addDecky("web", "dmz", "office")
	w.addDecky("jump", "office", "plant")
	w.addDecky("vault", "plant", "safe")
	return w
}

func (w *world) addLAN(name string, number int) {
	lan := v1alpha1.LAN{ObjectMeta: metav1.ObjectMeta{Namespace: "lab", Name: name, UID: types.UID("lan-" + name)}}
	lan.Spec.DMZ, lan.Spec.TopologyRef.Name = name == "dmz", "acme"
	w.LANs = append(w.LANs, lan)
	w.Explored["network-"+name] = true
	owner := model.Owner{Instance: instance, Kind: model.OwnerLAN, Namespace: "lab", Topology: "acme", Name: name, UID: string(lan.UID)}
	w.Observed.Networks = append(w.Observed.Networks, model.Network{
		ID: "network-" + name, Name: "lab_acme_" + name, Bridge: "br-" + name, Internal: !lan.Spec.DMZ,
		Identity: model.Identity{Owner: owner, Role: model.RoleNetwork},
		Subnets:  []netip.Prefix{netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(number), 0}), 24)},
	})
	w.Observed.Filters = append(w.Observed.Filters, model.Filter{
		Owner: owner, Bridge: "br-" + name, Intact: true, Policy: model.FilterPolicy{Published: lan.Spec.DMZ},
	})
}

func (w *world) addDecky(name string, lans ...string) {
	decky := v1alpha1.Decky{ObjectMeta: metav1.ObjectMeta{Namespace: "lab", Name: name, UID: types.UID("decky-" + name)}}
	decky.Spec.TopologyRef.Name, decky.Spec.Home.LAN = "acme", lans[0]
	for _, lan := range lans[1:] {
		decky.Spec.Attachments = append(decky.Spec.Attachments, v1alpha1.Attachment{LAN: lan})
	}
	w.Deckies = append(w.Deckies, decky)
	base := model.Container{ID: "base-" + name, Name: "lab_acme_" + name, State: model.StateRunning, Identity: model.Identity{
		Owner: model.Owner{Instance: instance, Kind: model.OwnerDecky, Namespace: "lab", Topology: "acme", Name: name, UID: string(decky.UID)},
		Role:  model.RoleBase,
	}}
	w.Observed.Containers = append(w.Observed.Containers, base)
	for _, lan := range lans {
		w.connect(name, "network-"+lan)
	}
	w.forward(name, "0")
}

// addStranger adds a running container of somebody else.
func (w *world) addStranger(networkIDs ...string) {
	w.Observed.Containers = append(w.Observed.Containers, model.Container{ID: "base-stranger", Name: "stranger", State: model.StateRunning})
	for _, id := range networkIDs {
		w.connect("stranger", id)
	}
}

func (w *world) decky(name string) *v1alpha1.Decky {
	return &w.Deckies[slices.IndexFunc(w.Deckies, func(d v1alpha1.Decky) bool { return d.Name == name })]
}

func (w *world) lan(name string) *v1alpha1.LAN {
	return &w.LANs[slices.IndexFunc(w.LANs, func(l v1alpha1.LAN) bool { return l.Name == name })]
}

func (w *world) base(name string) *model.Container {
	return &w.Observed.Containers[slices.IndexFunc(w.Observed.Containers, func(c model.Container) bool { return c.ID == "base-"+name })]
}

func (w *world) network(lan string) *model.Network {
	return &w.Observed.Networks[slices.IndexFunc(w.Observed.Networks, func(n model.Network) bool { return n.ID == "network-"+lan })]
}

func (w *world) filter(lan string) *model.Filter {
	return &w.Observed.Filters[slices.IndexFunc(w.Observed.Filters, func(f model.Filter) bool { return f.Owner.Name == lan })]
}

func (w *world) connect(container, networkID string) {
	base := w.base(container)
	base.Endpoints = append(base.Endpoints, model.Endpoint{NetworkID: networkID})
}

// forward sets what is seen of a base's forwarding.
func (w *world) forward(name, value string) {
	w.Observed.Namespaces["base-"+name] = model.Namespace{Sysctls: map[string]string{model.SysctlIPForward: value}}
}

// link makes deckies forward, by spec and in fact, and lets the frames pass.
func (w *world) link(names ...string) {
	for _, name := range names {
		w.decky(name).Spec.Forwarding = true
		w.forward(name, "1")
		for _, asked := range w.decky(name).Interfaces() {
			w.filter(asked.LAN).Policy.RoutedFrames = asked.LAN != "dmz"
		}
	}
}

// row is a verdict in short: LANs, then host, outside and metadata.
func row(verdict reach.Verdict) string {
	return strings.Join(verdict.LANs, ",") + " " + string(verdict.Host) + " " + string(verdict.Outside) + " " + string(verdict.Metadata)
}

func TestVerdicts(t *testing.T) {
	t.Parallel()

	const closed, open = " No No No", " Yes Yes Yes"
	for name, tc := range map[string]struct {
		change func(*world)
		// want is by LAN; those left out reach nothing and are contained.
		want map[string]string
		// breaches are the reasons, by LAN.
		breaches map[string][]v1alpha1.Reason
	}{
		"nothing forwards": {change: func(*world) {}},
		"one decky forwards": {
			change: func(w *world) { w.link("jump") },
			want:   map[string]string{"office": "plant" + closed, "plant": "office" + closed},
		},
		"deckies forward one after the other": {
			change: func(w *world) { w.link("web", "jump") },
			want:   map[string]string{"dmz": "office,plant" + closed, "office": "dmz,plant" + closed, "plant": "dmz,office" + closed},
		},
		"frames are not accepted yet on the last LAN": {
			change: func(w *world) {
				w.link("web", "jump")
				w.filter("plant").Policy.RoutedFrames = false
			},
			want: map[string]string{"dmz": "office" + closed, "office": "dmz" + closed},
		},
		"frames are accepted where nothing forwards": {
			change: func(w *world) { w.filter("office").Policy.RoutedFrames = true },
		},
		"the spec forwards, the base does not": {
			change: func(w *world) {
				w.link("jump")
				w.forward("jump", "0")
			},
		},
		"a base forwards against its spec": {
			change:   func(w *world) { w.forward("jump", "1") },
			want:     map[string]string{"office": "plant" + closed, "plant": "office" + closed},
			breaches: map[string][]v1alpha1.Reason{"office": {v1alpha1.ReasonSysctlDrifted}, "plant": {v1alpha1.ReasonSysctlDrifted}},
		},
		"the kernel takes any number for yes": {
			change:   func(w *world) { w.forward("vault", "2") },
			want:     map[string]string{"safe": "plant" + closed, "plant": "safe" + closed},
			breaches: map[string][]v1alpha1.Reason{"safe": {v1alpha1.ReasonSysctlDrifted}, "plant": {v1alpha1.ReasonSysctlDrifted}},
		},
		"a single interface forwards": {
			change:   func(w *world) { w.forward("vault", "0 (eth1: 1)") },
			want:     map[string]string{"safe": "plant" + closed, "plant": "safe" + closed},
			breaches: map[string][]v1alpha1.Reason{"safe": {v1alpha1.ReasonSysctlDrifted}, "plant": {v1alpha1.ReasonSysctlDrifted}},
		},
		"a base that does not run forwards nothing": {
			change: func(w *world) {
				w.forward("jump", "1")
				w.base("jump").State = model.StateExited
			},
		},
		"a paused base forwards": {
			change: func(w *world) {
				w.link("jump")
				w.base("jump").State = model.StatePaused
			},
			want: map[string]string{"office": "plant" + closed, "plant": "office" + closed},
		},
		"a decky that is being deleted may go on": {
			change: func(w *world) {
				w.link("jump")
				w.decky("jump").DeletionTimestamp = &metav1.Time{}
			},
			want: map[string]string{"office": "plant" + closed, "plant": "office" + closed},
		},
		"egress is allowed": {
			change: func(w *world) {
				w.link("web")
				w.lan("dmz").Spec.Egress = v1alpha1.EgressAllow
				w.filter("dmz").Policy.Egress = w.network("dmz").Subnets[0]
			},
			// Only sources of the DMZ's own subnet get out.
			want: map[string]string{"dmz": "office No Yes No", "office": "dmz" + closed},
		},
		"egress is allowed by the rules alone": {
			change:   func(w *world) { w.filter("dmz").Policy.Egress = w.network("dmz").Subnets[0] },
			want:     map[string]string{"dmz": " No Yes No"},
			breaches: map[string][]v1alpha1.Reason{"dmz": {v1alpha1.ReasonFilterDrifted}},
		},
		"rules of the DMZ let out another LAN": {
			change: func(w *world) {
				w.link("web")
				w.lan("dmz").Spec.Egress = v1alpha1.EgressAllow
				w.filter("dmz").Policy.Egress = netip.MustParsePrefix("10.0.0.0/16")
			},
			want:     map[string]string{"dmz": "office No Yes No", "office": "dmz No Yes No"},
			breaches: map[string][]v1alpha1.Reason{"office": {v1alpha1.ReasonFilterDrifted}},
		},
		"rules are missing": {
			change:   func(w *world) { w.Observed.Filters = slices.Delete(w.Observed.Filters, 1, 2) },
			want:     map[string]string{"office": open},
			breaches: map[string][]v1alpha1.Reason{"office": {v1alpha1.ReasonFilterMissing}},
		},
		"rules were changed": {
			change:   func(w *world) { w.filter("safe").Intact = false },
			want:     map[string]string{"safe": open},
			breaches: map[string][]v1alpha1.Reason{"safe": {v1alpha1.ReasonFilterDrifted}},
		},
		"rules are of another owner": {
			change:   func(w *world) { w.filter("safe").Owner.UID = "other" },
			want:     map[string]string{"safe": open},
			breaches: map[string][]v1alpha1.Reason{"safe": {v1alpha1.ReasonFilterMissing}},
		},
		"the network has another bridge than the rules": {
			change:   func(w *world) { w.network("safe").Bridge = "" },
			want:     map[string]string{"safe": open},
			breaches: map[string][]v1alpha1.Reason{"safe": {v1alpha1.ReasonFilterMissing}},
		},
		"rules are missing on the way": {
			change: func(w *world) {
				w.link("jump")
				w.filter("plant").Intact = false
			},
			want:     map[string]string{"office": "plant" + open, "plant": "office" + open},
			breaches: map[string][]v1alpha1.Reason{"office": {v1alpha1.ReasonFilterDrifted}, "plant": {v1alpha1.ReasonFilterDrifted}},
		},
		"a second network of a LAN has no rules": {
			change: func(w *world) {
				second := *w.network("safe")
				second.ID, second.Bridge = "network-second", "br-second"
				w.Observed.Networks = append(w.Observed.Networks, second)
			},
			want:     map[string]string{"safe": open},
			breaches: map[string][]v1alpha1.Reason{"safe": {v1alpha1.ReasonFilterMissing}},
		},
		"a stranger sits on a LAN": {
			change:   func(w *world) { w.addStranger("network-safe") },
			want:     map[string]string{"safe": closed},
			breaches: map[string][]v1alpha1.Reason{"safe": {v1alpha1.ReasonForeignEndpoint}},
		},
		"a stranger leads out": {
			change: func(w *world) {
				w.Observed.Networks = append(w.Observed.Networks, model.Network{ID: "bridge", Name: "bridge", Bridge: "docker0"})
				w.addStranger("network-safe", "bridge")
			},
			want:     map[string]string{"safe": open},
			breaches: map[string][]v1alpha1.Reason{"safe": {v1alpha1.ReasonForeignEndpoint}},
		},
		"a stranger leads from LAN to LAN": {
			change:   func(w *world) { w.addStranger("network-safe", "network-dmz") },
			want:     map[string]string{"safe": "dmz" + closed, "dmz": "safe" + closed},
			breaches: map[string][]v1alpha1.Reason{"safe": {v1alpha1.ReasonForeignEndpoint}, "dmz": {v1alpha1.ReasonForeignEndpoint}},
		},
		"a stranger that does not run does nothing": {
			change: func(w *world) {
				w.addStranger("network-safe", "network-dmz")
				w.base("stranger").State = model.StateExited
			},
		},
		"a decky is connected to a network of somebody else": {
			change: func(w *world) {
				w.Observed.Networks = append(w.Observed.Networks, model.Network{ID: "bridge", Name: "bridge", Bridge: "docker0"})
				w.connect("on-office", "bridge")
			},
			want:     map[string]string{"office": open},
			breaches: map[string][]v1alpha1.Reason{"office": {v1alpha1.ReasonEndpointExtra}},
		},
		"a decky is connected to a LAN that its spec does not list": {
			change:   func(w *world) { w.connect("on-dmz", "network-safe") },
			want:     map[string]string{"safe": "dmz" + closed, "dmz": "safe" + closed},
			breaches: map[string][]v1alpha1.Reason{"safe": {v1alpha1.ReasonEndpointExtra}, "dmz": {v1alpha1.ReasonEndpointExtra}},
		},
		"a base on two LANs has no decky": {
			change: func(w *world) {
				w.Deckies = slices.DeleteFunc(w.Deckies, func(d v1alpha1.Decky) bool { return d.Name == "vault" })
			},
			want:     map[string]string{"safe": "plant" + closed, "plant": "safe" + closed},
			breaches: map[string][]v1alpha1.Reason{"safe": {v1alpha1.ReasonEndpointExtra}, "plant": {v1alpha1.ReasonEndpointExtra}},
		},
		"a service is connected to a LAN": {
			change:   func(w *world) { w.base("on-safe").Identity.Role = model.RoleService },
			want:     map[string]string{"safe": closed},
			breaches: map[string][]v1alpha1.Reason{"safe": {v1alpha1.ReasonEndpointExtra}},
		},
		"a decky of another topology is connected to a LAN": {
			change: func(w *world) {
				w.base("on-safe").Identity.Owner.Topology = "other"
				w.decky("on-safe").Spec.TopologyRef.Name = "other"
			},
			want:     map[string]string{"safe": closed},
			breaches: map[string][]v1alpha1.Reason{"safe": {v1alpha1.ReasonEndpointExtra}},
		},
		"a LAN of another topology is reached": {
			change: func(w *world) {
				other := *w.network("safe")
				other.ID, other.Bridge, other.Identity.Owner = "network-other", "br-other", model.Owner{Instance: instance, Namespace: "prod", Name: "core", UID: "lan-other"}
				w.Observed.Networks = append(w.Observed.Networks, other)
				w.Observed.Filters = append(w.Observed.Filters, model.Filter{Owner: other.Identity.Owner, Bridge: other.Bridge, Intact: true})
				w.connect("on-safe", "network-other")
			},
			want:     map[string]string{"safe": "prod/core" + closed},
			breaches: map[string][]v1alpha1.Reason{"safe": {v1alpha1.ReasonEndpointExtra}},
		},
		"a network that an endpoint names is gone": {
			change: func(w *world) { w.connect("on-safe", "network-gone") },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			tc.change(w)
			for i := range w.LANs {
				lan := &w.LANs[i]
				want, listed := tc.want[lan.Name]
				if !listed {
					want = closed
				}
				verdict, exists := w.Of(lan)
				var reasons []v1alpha1.Reason
				for _, breach := range verdict.Breaches {
					reasons = append(reasons, breach.Reason)
					if breach.Message == "" {
						t.Errorf("%s: a breach says nothing", lan.Name)
					}
				}
				if !exists || row(verdict) != want {
					t.Errorf("%s reaches %q, want %q", lan.Name, row(verdict), want)
				}
				if diff := cmp.Diff(tc.breaches[lan.Name], reasons); diff != "" {
					t.Errorf("breaches of %s (-want +have):\n%s", lan.Name, diff)
				}
				if missing, isAny := w.Missing(lan); verdict.Doubt.Reason != "" || isAny {
					t.Errorf("%s: doubt %+v, missing %+v", lan.Name, verdict.Doubt, missing)
				}
			}
		})
	}
}

func TestNoVerdictWithoutANetwork(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.Observed.Networks = nil
	if verdict, exists := w.Of(w.lan("dmz")); exists {
		t.Errorf("verdict %+v", verdict)
	}
}

// What the firewall would say is not known; what deckies forward is.
func TestFirewallThatCannotBeRead(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.link("web")
	w.Observed.Filters, w.Observed.FirewallFault = nil, "run the operator as root"
	verdict, _ := w.Of(w.lan("dmz"))
	if have, want := row(verdict), "office Unknown Unknown Unknown"; have != want {
		t.Errorf("have %q, want %q", have, want)
	}
	if verdict.Doubt.Reason != v1alpha1.ReasonFirewallUnavailable || !strings.Contains(verdict.Doubt.Message, w.Observed.FirewallFault) || len(verdict.Breaches) > 0 {
		t.Errorf("doubt %+v, breaches %+v", verdict.Doubt, verdict.Breaches)
	}
}

// Only what may lead further is asked for, one LAN after the other.
func TestMissing(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.link("web")
	all := w.Observed
	w.Observed.Namespaces, w.Explored = nil, map[string]bool{}
	w.Observed.Containers = all.Attached("network-dmz")
	var asked []string
	for missing, isAny := w.Missing(w.lan("dmz")); isAny; missing, isAny = w.Missing(w.lan("dmz")) {
		for _, id := range missing.Networks {
			asked = append(asked, id)
			w.Explored[id] = true
			w.Observed = w.Observed.WithContainers(all.Attached(id))
		}
		for _, base := range missing.Bases {
			asked = append(asked, base.ID)
			w.Observed = w.Observed.WithNamespace(base.ID, all.Namespaces[base.ID])
		}
	}
	if diff := cmp.Diff([]string{"base-web", "network-office", "base-jump"}, asked); diff != "" {
		t.Errorf("asked for (-want +have):\n%s", diff)
	}
	if verdict, _ := w.Of(w.lan("dmz")); row(verdict) != "office No No No" {
		t.Errorf("verdict %q", row(verdict))
	}
}
