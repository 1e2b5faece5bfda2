// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/fault"
	"github.com/deckyard/deckyard/internal/model"
	"github.com/deckyard/deckyard/internal/render"
)

// Scenario 81: no base forwards unless its spec says so, whatever the host does.
func TestForwardingIsExplicit(t *testing.T) {
	t.Parallel()
	known := load(t)
	forwarding := mustRender(t, input(known, decky(func(d *v1alpha1.Decky) { d.Spec.Forwarding = true }), home()))
	if have := forwarding.Base.Sysctls["net.ipv4.ip_forward"]; have != "1" {
		t.Errorf("forwarding: have ip_forward %q", have)
	}
	plain := mustRender(t, input(known, decky(), home()))
	if forwarding.Base.Identity.SpecHash != plain.Base.Identity.SpecHash {
		t.Error("forwarding is part of the hash, so a change of it would recreate the base")
	}
	for _, family := range []v1alpha1.OSFamily{"", v1alpha1.OSFamilyWindows, v1alpha1.OSFamilyCisco} {
		for _, image := range []string{"", "registry.example/base:1"} {
			spec := mustRender(t, input(known, decky(func(d *v1alpha1.Decky) { d.Spec.OSFamily, d.Spec.Image = family, image }), home()))
			if have := spec.Base.Sysctls["net.ipv4.ip_forward"]; have != "0" {
				t.Errorf("family %q, image %q: have ip_forward %q", family, image, have)
			}
			if have := spec.Base.Sysctls["net.ipv4.ip_unprivileged_port_start"]; have != "0" {
				t.Errorf("family %q, image %q: have ip_unprivileged_port_start %q", family, image, have)
			}
		}
	}
}

// Scenario 51: only a DMZ that may reach the outside asks its resolvers.
func TestNamesAreNotAskedOutside(t *testing.T) {
	t.Parallel()
	known := load(t)
	nowhere := []netip.Addr{netip.MustParseAddr("127.0.0.1")}
	egress := func(lan *v1alpha1.LAN) { lan.Spec.Egress = v1alpha1.EgressAllow }
	internal := func(lan *v1alpha1.LAN) { lan.Spec.DMZ = false }
	cases := map[string]struct {
		home *v1alpha1.LAN
		want []netip.Addr
	}{
		"a DMZ":               {home(), nowhere},
		"a DMZ with egress":   {home(egress), nil},
		"an internal LAN":     {home(internal), nowhere},
		"egress asked inside": {home(internal, egress), nowhere},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			have := mustRender(t, input(known, decky(), tc.home)).Base.DNS
			if diff := cmp.Diff(tc.want, have, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
				t.Errorf("(-want +have):\n%s", diff)
			}
		})
	}
}

// Scenarios 1 and 51.
func TestOnlyADMZWithEgressHasAWayOut(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		dmz                  bool
		egress               v1alpha1.Egress
		internal, masquerade bool
	}{
		"a DMZ":               {dmz: true},
		"a DMZ that denies":   {dmz: true, egress: v1alpha1.EgressDeny},
		"a DMZ with egress":   {dmz: true, egress: v1alpha1.EgressAllow, masquerade: true},
		"an internal LAN":     {internal: true},
		"egress asked inside": {egress: v1alpha1.EgressAllow, internal: true},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lan := home(func(l *v1alpha1.LAN) { l.Spec.DMZ, l.Spec.Egress = tc.dmz, tc.egress })
			have := render.Network("u-instance", lan, netip.MustParsePrefix("10.0.0.0/24"), netip.MustParseAddr("10.0.0.1"))
			if have.Internal != tc.internal || have.Masquerade != tc.masquerade {
				t.Errorf("have internal %v, masquerade %v", have.Internal, have.Masquerade)
			}
		})
	}
}

// Consent is always, or for one generation.
func TestMayRecreateBase(t *testing.T) {
	t.Parallel()
	known := load(t)
	annotated := func(value string) func(*v1alpha1.Decky) {
		return func(d *v1alpha1.Decky) { d.Annotations = map[string]string{v1alpha1.AnnotationRecreateAllowed: value} }
	}
	cases := map[string]struct {
		change func(*v1alpha1.Decky)
		want   bool
	}{
		"by default":          {func(*v1alpha1.Decky) {}, false},
		"InPlace":             {func(d *v1alpha1.Decky) { d.Spec.UpdateStrategy = v1alpha1.UpdateInPlace }, false},
		"Recreate":            {func(d *v1alpha1.Decky) { d.Spec.UpdateStrategy = v1alpha1.UpdateRecreate }, true},
		"for this generation": {annotated("3"), true},
		"for an earlier one":  {annotated("2"), false},
		"for something else":  {annotated("true"), false},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if have := mustRender(t, input(known, decky(tc.change), home())).MayRecreateBase; have != tc.want {
				t.Errorf("have %v", have)
			}
		})
	}
}

// hashes returns the spec hash of the base and of each service.
func hashes(spec model.DeckySpec) map[string]string {
	all := map[string]string{"base": spec.Base.Identity.SpecHash}
	for _, service := range spec.Services {
		all[service.Identity.Service] = service.Identity.SpecHash
	}
	return all
}

// Scenarios 28 to 32, 60, 61 and 83: which containers a change concerns.
func TestWhatAChangeConcerns(t *testing.T) {
	t.Parallel()
	known := load(t)
	cases := map[string]struct {
		change func(*render.DeckyInput)
		want   []string
	}{
		"nothing": {change: func(*render.DeckyInput) {}},
		"labels, annotations and status": {change: func(in *render.DeckyInput) {
			in.Decky.Labels, in.Decky.Annotations = map[string]string{"a": "b"}, map[string]string{"a": "b"}
			in.Decky.Generation, in.Decky.ResourceVersion = 9, "99"
			in.Decky.Status.Base.ContainerID = "c"
		}},
		"another built-in image": {change: func(in *render.DeckyInput) {
			in.BuiltIn, in.ImageIDs = "deckyard/builtin:new", map[string]string{"deckyard/builtin:new": "sha256:new"}
		}},
		"the network's id": {change: func(in *render.DeckyInput) { in.Interfaces[0].NetworkID = "n-new" }},
		"an attachment": {change: func(in *render.DeckyInput) {
			in.Interfaces = append(in.Interfaces, model.EndpointSpec{NetworkName: "lab_acme_b", LAN: "b", Address: netip.MustParseAddr("10.0.1.2")})
		}},
		"updateStrategy": {change: func(in *render.DeckyInput) { in.Decky.Spec.UpdateStrategy = v1alpha1.UpdateRecreate }},
		"a service added": {change: func(in *render.DeckyInput) {
			in.Decky.Spec.Services = append(in.Decky.Spec.Services, v1alpha1.Service{Name: "ftp"})
		}, want: []string{"ftp"}},
		"a service removed":         {change: func(in *render.DeckyInput) { in.Decky.Spec.Services = in.Decky.Spec.Services[:1] }, want: []string{"http"}},
		"services reordered":        {change: func(in *render.DeckyInput) { slices.Reverse(in.Decky.Spec.Services) }},
		"a value of config":         {change: func(in *render.DeckyInput) { in.Decky.Spec.Services[1].Config["app"] = "jenkins" }, want: []string{"http"}},
		"a key of config":           {change: func(in *render.DeckyInput) { in.Decky.Spec.Services[1].Config["responseCode"] = "404" }, want: []string{"http"}},
		"hostname":                  {change: func(in *render.DeckyInput) { in.Decky.Spec.Hostname = "other" }, want: []string{"base"}},
		"osFamily":                  {change: func(in *render.DeckyInput) { in.Decky.Spec.OSFamily = v1alpha1.OSFamilyWindows }, want: []string{"base"}},
		"image":                     {change: func(in *render.DeckyInput) { in.Decky.Spec.Image = "debian:12" }, want: []string{"base"}},
		"publish":                   {change: func(in *render.DeckyInput) { in.Decky.Spec.Publish = &v1alpha1.Publish{} }, want: []string{"base"}},
		"home address":              {change: func(in *render.DeckyInput) { in.Interfaces[0].Address = netip.MustParseAddr("10.0.0.9") }, want: []string{"base"}},
		"home MAC":                  {change: func(in *render.DeckyInput) { in.Interfaces[0].MAC = "00:50:56:00:00:09" }, want: []string{"base"}},
		"archetype beside services": {change: func(in *render.DeckyInput) { in.Decky.Spec.Archetype = "jump-host" }},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := hashes(mustRender(t, input(known, decky(), home())))
			in := input(known, decky(), home())
			tc.change(&in)
			after := hashes(mustRender(t, in))
			var changed []string
			for _, key := range []string{"base", "ssh", "http", "ftp"} {
				if before[key] != after[key] {
					changed = append(changed, key)
				}
			}
			if diff := cmp.Diff(tc.want, changed); diff != "" {
				t.Errorf("(-want +have):\n%s", diff)
			}
		})
	}
}

// Scenarios 35, 36 and 69: names are unambiguous, and say nothing of their own.
func TestNames(t *testing.T) {
	t.Parallel()
	known := load(t)
	seen := map[string]string{}
	for _, each := range []struct{ topology, decky, service string }{
		{"acme", "web", "ssh"}, {"acme", "web-ssh", "ssh"}, {"acme-web", "ssh", "ssh"}, {"acme", "web", "web-ssh"}, {"beta", "web", "ssh"},
	} {
		made := decky(func(d *v1alpha1.Decky) {
			d.Name = each.decky
			d.Spec.Services = []v1alpha1.Service{{Name: each.service, Image: "nginx:1.27"}}
		})
		in := input(known, made, home())
		in.Topology.Name = each.topology
		spec := mustRender(t, in)
		for _, container := range append(spec.Services, spec.Base) {
			identity := each.topology + "/" + each.decky + "/" + container.Identity.Service
			if other, taken := seen[container.Name]; taken && other != identity {
				t.Errorf("%s is the name of %s and of %s", container.Name, other, identity)
			}
			seen[container.Name] = identity
			want := []string{"lab", each.topology, each.decky}
			if container.Identity.Role == model.RoleService {
				want = append(want, each.service)
			}
			if container.Name != strings.Join(want, "_") {
				t.Errorf("%s holds more, or less, than the user's words %v", container.Name, want)
			}
			if container.Hostname != "" && container.Hostname != each.decky {
				t.Errorf("have hostname %s", container.Hostname)
			}
		}
	}
}

func TestImages(t *testing.T) {
	t.Parallel()
	known := load(t)
	withCustom := func(d *v1alpha1.Decky) {
		d.Spec.Services = append(d.Spec.Services, v1alpha1.Service{Name: "web", Image: "nginx:1.27"}, v1alpha1.Service{Name: "web2", Image: "nginx:1.27"})
	}
	cases := map[string]struct {
		decky *v1alpha1.Decky
		want  []string
	}{
		"the built-in one":            {decky(), []string{builtIn}},
		"with custom services":        {decky(withCustom), []string{builtIn, "nginx:1.27"}},
		"a base of the user's":        {decky(func(d *v1alpha1.Decky) { d.Spec.Image = "debian:12" }), []string{"debian:12", builtIn}},
		"nothing of the built-in one": {decky(func(d *v1alpha1.Decky) { d.Spec.Image, d.Spec.Services = "debian:12", nil }), []string{"debian:12"}},
		"invalid services":            {decky(func(d *v1alpha1.Decky) { d.Spec.Services[0].Name = "nonsense" }), nil},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, render.Images(tc.decky, known, builtIn)); diff != "" {
				t.Errorf("(-want +have):\n%s", diff)
			}
		})
	}
}

func TestImageIDs(t *testing.T) {
	t.Parallel()
	in := input(load(t), decky(func(d *v1alpha1.Decky) {
		d.Spec.Services = append(d.Spec.Services, v1alpha1.Service{Name: "web", Image: "nginx:1.27"})
	}), home())
	spec := mustRender(t, in)
	if spec.Base.ImageID != "sha256:b" || spec.Base.ImageAbsent || !spec.Base.BuiltInImage {
		t.Errorf("have base image %+v", spec.Base)
	}
	if web := spec.Services[2]; web.ImageID != "" || !web.ImageAbsent || web.BuiltInImage {
		t.Errorf("have custom image %+v", web)
	}
}

func TestNoDeckyWithoutHome(t *testing.T) {
	t.Parallel()
	in := input(load(t), decky(), home())
	in.Interfaces = nil
	_, mistake := render.Decky(in)
	expect(t, fault.Fault{
		Reason: v1alpha1.ReasonLANNotReady, Field: "spec.home.lan", Message: `LAN "dmz" has no network yet, so there is no home`,
	}, mistake)
}

func TestComposeLabels(t *testing.T) {
	t.Parallel()
	spec := mustRender(t, input(load(t), decky(), home()))
	for container, key := range map[*model.ContainerSpec]string{&spec.Base: "web", &spec.Services[0]: "web_ssh"} {
		want := map[string]string{
			"com.docker.compose.project":          "lab_acme",
			"com.docker.compose.service":          key,
			"com.docker.compose.container-number": "1",
			"com.docker.compose.oneoff":           "False",
			"com.docker.compose.config-hash":      container.Identity.SpecHash,
		}
		if diff := cmp.Diff(want, container.ExtraLabels); diff != "" {
			t.Errorf("%s (-want +have):\n%s", container.Name, diff)
		}
	}
	network := render.Network("u-instance", &v1alpha1.LAN{
		ObjectMeta: metav1.ObjectMeta{Namespace: "lab", Name: "dmz"}, Spec: v1alpha1.LANSpec{TopologyRef: v1alpha1.TopologyReference{Name: "acme"}},
	}, netip.MustParsePrefix("10.0.0.0/24"), netip.MustParseAddr("10.0.0.1"))
	want := map[string]string{"com.docker.compose.project": "lab_acme", "com.docker.compose.network": "dmz"}
	if diff := cmp.Diff(want, network.ExtraLabels); diff != "" {
		t.Errorf("(-want +have):\n%s", diff)
	}
}
