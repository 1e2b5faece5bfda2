// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/model"
	"github.com/deckyard/deckyard/internal/render"
)

// Whatever is in a Decky, rendering it does not panic, and what is accepted is
// confined.
func FuzzDecky(f *testing.F) {
	for _, each := range acme(f).Deckies {
		seed, err := json.Marshal(each)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(seed, true, true)
	}
	f.Add([]byte(`{"spec":{"archetype":"mail-server","publish":{}}}`), false, false)
	known := load(f)
	f.Fuzz(func(t *testing.T, object []byte, dmz, egress bool) {
		var decky v1alpha1.Decky
		if json.Unmarshal(object, &decky) != nil {
			return
		}
		lan := home(func(l *v1alpha1.LAN) {
			l.Spec.DMZ, l.Name = dmz, decky.Spec.Home.LAN
			if egress {
				l.Spec.Egress = v1alpha1.EgressAllow
			}
		})
		mistake := render.ValidateDecky(&decky, known, render.Engine{EndpointMAC: true})
		spec, refused := render.Decky(input(known, &decky, lan))
		if mistake != nil {
			if mistake.Reason == "" || mistake.Message == "" {
				t.Errorf("a mistake without words: %+v", mistake)
			}
			return
		}
		if refused != nil {
			t.Fatalf("valid, and then refused: %v", refused)
		}
		checkConfined(t, spec.Base, len(spec.Base.DNS) > 0 || dmz && egress)
		for _, service := range spec.Services {
			checkConfined(t, service, true)
		}
	})
}

func checkConfined(t *testing.T, spec model.ContainerSpec, resolvesNowhere bool) {
	t.Helper()
	if spec.Limits.Memory <= 0 || spec.Limits.PIDs <= 0 {
		t.Errorf("%s has no limits", spec.Name)
	}
	if spec.BuiltInImage && (!spec.ReadOnlyRoot || spec.User == "" || len(spec.Capabilities) > 0) {
		t.Errorf("%s may do more than it needs: %+v", spec.Name, spec)
	}
	if spec.Identity.Role == model.RoleBase && spec.Sysctls["net.ipv4.ip_forward"] != "0" || !resolvesNowhere {
		t.Errorf("%s reaches further than it should: %+v", spec.Name, spec)
	}
	if spec.Identity.SpecHash == "" || spec.Name == "" {
		t.Errorf("%+v has no hash or no name", spec)
	}
}

// Whatever is in a LAN, it is refused, or has an addressing that can be used.
func FuzzLAN(f *testing.F) {
	f.Add("10.20.0.0/24", "10.20.0.1", "bridge", "Deny", int32(1500), true)
	f.Add("fe80::1%eth0/64", "::ffff:10.0.0.1", "", "Allow", int32(-1), false)
	f.Add("010.0.0.0/24", "10.0.0.1 ", "macvlan", "", int32(0), true)
	f.Fuzz(func(t *testing.T, subnet, gateway, driver, egress string, mtu int32, dmz bool) {
		lan := home(func(l *v1alpha1.LAN) {
			l.Spec.Subnet, l.Spec.Gateway, l.Spec.Driver = subnet, gateway, v1alpha1.NetworkDriver(driver)
			l.Spec.Egress, l.Spec.MTU, l.Spec.DMZ = v1alpha1.Egress(egress), mtu, dmz
		})
		if mistake := render.ValidateLAN(lan); mistake != nil {
			if mistake.Reason == "" || strings.TrimSpace(mistake.Message) == "" {
				t.Errorf("a mistake without words: %+v", mistake)
			}
			return
		}
		if subnet == "" {
			return
		}
		prefix, err := netip.ParsePrefix(subnet)
		if err != nil || !prefix.Addr().Is4() || prefix.String() != subnet {
			t.Fatalf("accepted subnet %q", subnet)
		}
		if gateway != "" && !prefix.Contains(netip.MustParseAddr(gateway)) {
			t.Fatalf("accepted gateway %q of %s", gateway, subnet)
		}
		network := render.Network("u-instance", lan, prefix, prefix.Addr().Next())
		if network.Masquerade && network.Internal || network.Internal == dmz {
			t.Fatalf("have %+v", network)
		}
	})
}
