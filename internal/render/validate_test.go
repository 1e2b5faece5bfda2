// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"strings"
	"testing"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/fault"
	"github.com/deckyard/deckyard/internal/render"
)

// Scenario 2, for a LAN: each mistake with its message.
func TestValidateLAN(t *testing.T) {
	t.Parallel()
	invalid := func(field, message string) fault.Fault {
		return fault.Fault{Reason: v1alpha1.ReasonInvalidSpec, Field: field, Message: message}
	}
	subnet := func(text string) func(*v1alpha1.LAN) { return func(l *v1alpha1.LAN) { l.Spec.Subnet = text } }
	gateway := func(text string) func(*v1alpha1.LAN) {
		return func(l *v1alpha1.LAN) { l.Spec.Subnet, l.Spec.Gateway = "10.20.0.0/24", text }
	}
	cases := map[string]struct {
		change func(*v1alpha1.LAN)
		want   fault.Fault
	}{
		"as little as possible": {change: func(*v1alpha1.LAN) {}},
		"all that is supported": {change: func(l *v1alpha1.LAN) {
			gateway("10.20.0.254")(l)
			l.Spec.Driver, l.Spec.MTU, l.Spec.Egress = v1alpha1.DriverBridge, 1400, v1alpha1.EgressAllow
		}},
		"the largest subnet":  {change: subnet("10.20.0.0/16")},
		"the smallest subnet": {change: subnet("10.20.0.0/29")},
		"a malformed subnet": {subnet("10.20.0/24"), invalid("spec.subnet",
			`subnet "10.20.0/24" is not an IPv4 CIDR: write an address and a prefix length from /16 to /29, such as 10.20.0.0/24, or leave it out`)},
		"an IPv6 subnet": {subnet("fd00::/64"), invalid("spec.subnet",
			`subnet "fd00::/64" is not an IPv4 CIDR: write an address and a prefix length from /16 to /29, such as 10.20.0.0/24, or leave it out`)},
		"host bits":           {subnet("10.20.0.7/24"), invalid("spec.subnet", "subnet 10.20.0.7/24 has host bits set: write 10.20.0.0/24")},
		"too large":           {subnet("10.0.0.0/15"), invalid("spec.subnet", "subnet 10.0.0.0/15 has a prefix length of 15: use one from /16 to /29")},
		"too small":           {subnet("10.0.0.0/30"), invalid("spec.subnet", "subnet 10.0.0.0/30 has a prefix length of 30: use one from /16 to /29")},
		"loopback":            {subnet("127.1.0.0/16"), invalid("spec.subnet", "subnet 127.1.0.0/16 is reserved for loopback, link-local or multicast use: take a unicast block, such as 10.20.0.0/24")},
		"a gateway alone":     {func(l *v1alpha1.LAN) { l.Spec.Gateway = "10.0.0.1" }, invalid("spec.subnet", "gateway 10.0.0.1 needs a subnet that it belongs to: set subnet too, or leave both out")},
		"a malformed gateway": {gateway("ten"), invalid("spec.gateway", `gateway "ten" is not an IPv4 address: write one of 10.20.0.0/24, or leave it out`)},
		"a gateway outside":   {gateway("10.20.1.1"), invalid("spec.gateway", "gateway 10.20.1.1 is outside the subnet 10.20.0.0/24: choose a host address, such as 10.20.0.1, or leave it out")},
		"the network address as gateway": {gateway("10.20.0.0"), invalid("spec.gateway",
			"gateway 10.20.0.0 is the network address of the subnet 10.20.0.0/24: choose a host address, such as 10.20.0.1, or leave it out")},
		"the broadcast address as gateway": {gateway("10.20.0.255"), invalid("spec.gateway",
			"gateway 10.20.0.255 is the broadcast address of the subnet 10.20.0.0/24: choose a host address, such as 10.20.0.1, or leave it out")},
		"macvlan": {func(l *v1alpha1.LAN) { l.Spec.Driver, l.Spec.Parent = v1alpha1.DriverMacvlan, "eth0" }, fault.Fault{
			Reason: v1alpha1.ReasonNotSupported, Field: "spec.driver", Message: "driver macvlan of LAN dmz is not supported yet: use bridge",
		}},
		"a parent of a bridge": {func(l *v1alpha1.LAN) { l.Spec.Parent = "eth0" }, invalid("spec.parent", `parent "eth0" is possible with driver macvlan or ipvlan only: leave it out`)},
		"a tiny mtu":           {func(l *v1alpha1.LAN) { l.Spec.MTU = 100 }, invalid("spec.mtu", "mtu 100 is not possible: use 576 to 9216 bytes, or leave it out")},
		"egress inside": {func(l *v1alpha1.LAN) { l.Spec.DMZ, l.Spec.Egress = false, v1alpha1.EgressAllow }, invalid("spec.egress",
			"egress Allow is possible for the DMZ only: set dmz to true, or egress to Deny")},
		"egress unknown": {func(l *v1alpha1.LAN) { l.Spec.Egress = "Some" }, invalid("spec.egress", `egress "Some" is not known: use Deny or Allow`)},
		"a name that is no label": {func(l *v1alpha1.LAN) { l.Name = "a.b" }, invalid("metadata.name",
			`name "a.b" is not a DNS label: use at most 63 lower-case letters, digits and hyphens`)},
		"no topology": {func(l *v1alpha1.LAN) { l.Spec.TopologyRef.Name = "" }, invalid("spec.topologyRef.name",
			`"" is not the name of a Topology: use at most 63 lower-case letters, digits and hyphens`)},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			expect(t, tc.want, render.ValidateLAN(home(tc.change)))
		})
	}
}

// Scenarios 2, 19 and 33, for a Decky: each mistake with its message.
func TestValidateDecky(t *testing.T) {
	t.Parallel()
	invalid := func(field, message string) fault.Fault {
		return fault.Fault{Reason: v1alpha1.ReasonInvalidSpec, Field: field, Message: message}
	}
	attached := func(attachments ...v1alpha1.Attachment) func(*v1alpha1.Decky) {
		return func(d *v1alpha1.Decky) { d.Spec.Attachments = attachments }
	}
	const mac = "00:1b:1b:4a:20:0a"
	cases := map[string]struct {
		change func(*v1alpha1.Decky)
		engine render.Engine
		want   fault.Fault
	}{
		"as little as possible": {change: func(d *v1alpha1.Decky) { d.Spec.Services = nil }},
		"addresses and MACs": {
			change: func(d *v1alpha1.Decky) {
				d.Spec.Home.Address, d.Spec.Home.MACAddress = "10.0.0.2", mac
				d.Spec.Attachments = []v1alpha1.Attachment{{LAN: "office", Address: "10.0.1.2", MACAddress: mac}}
			},
			engine: render.Engine{EndpointMAC: true},
		},
		"a host name with a domain": {change: func(d *v1alpha1.Decky) { d.Spec.Hostname = "SRV-01.acme.example" }},
		"forwarding":                {change: func(d *v1alpha1.Decky) { d.Spec.Forwarding = true }},
		"a host name that is none": {change: func(d *v1alpha1.Decky) { d.Spec.Hostname = "my_host" }, want: invalid("spec.hostname",
			`hostname "my_host" is not a host name: use at most 63 letters, digits and hyphens, in labels separated by dots, such as srv-web-01, or leave it out`)},
		"an unknown strategy": {change: func(d *v1alpha1.Decky) { d.Spec.UpdateStrategy = "Never" }, want: invalid("spec.updateStrategy",
			`updateStrategy "Never" is not known: use InPlace or Recreate`)},
		"an image that is none": {change: func(d *v1alpha1.Decky) { d.Spec.Image = "Debian:12" }, want: invalid("spec.image",
			`image "Debian:12" is not an image reference: write a repository in lower case with a tag or digest, such as nginx:1.27`)},
		"a custom image that is none": {change: func(d *v1alpha1.Decky) { d.Spec.Services[1] = v1alpha1.Service{Name: "web", Image: "a b"} }, want: invalid("spec.services[1].image",
			`image "a b" is not an image reference: write a repository in lower case with a tag or digest, such as nginx:1.27`)},
		"an unknown family": {change: func(d *v1alpha1.Decky) { d.Spec.OSFamily = "beos" }, want: invalid("spec.osFamily",
			`osFamily "beos" is not known: use bsd, cisco, embedded, linux, windows or windows-server`)},
		"an unknown archetype, first of all": {
			change: func(d *v1alpha1.Decky) { d.Spec.Archetype = "jump-hots" },
			want: fault.Fault{
				Reason: v1alpha1.ReasonUnknownArchetype, Field: "spec.archetype",
				Message: `archetype "jump-hots" is not in the catalogue (did you mean jump-host?): use database-server, devops-host, domain-controller, file-server, industrial-control, iot-device, jump-host, linux-server, mail-server, monitoring-node, printer, voip-server, web-server, windows-server or windows-workstation`,
			},
		},
		"a service with a bad value": {
			change: func(d *v1alpha1.Decky) { d.Spec.Services[1].Config["app"] = "joomla" },
			want: fault.Fault{
				Reason: v1alpha1.ReasonInvalidConfig, Field: "spec.services[1].config.app",
				Message: `config key app of service http must be one of none, wordpress, phpmyadmin, tomcat, jenkins, not "joomla"`,
			},
		},
		"a published port of no service": {
			change: func(d *v1alpha1.Decky) {
				d.Spec.Publish = &v1alpha1.Publish{Ports: []v1alpha1.PublishedPort{{ContainerPort: 21}}}
			},
			want: invalid("spec.publish.ports[0].containerPort", "no service of the decky listens on port 21/tcp: add a service that does, or remove the port"),
		},
		"no home": {change: func(d *v1alpha1.Decky) { d.Spec.Home.LAN = "" }, want: invalid("spec.home.lan",
			`"" is not the name of a LAN: use at most 63 lower-case letters, digits and hyphens`)},
		"the home attached again": {change: attached(v1alpha1.Attachment{LAN: "dmz"}), want: invalid("spec.attachments[0].lan",
			`LAN "dmz" is that of spec.home already: remove one of them`)},
		"a LAN attached twice": {change: attached(v1alpha1.Attachment{LAN: "a"}, v1alpha1.Attachment{LAN: "a"}), want: invalid("spec.attachments[1].lan",
			`LAN "a" is that of spec.attachments[0] already: remove one of them`)},
		"a malformed address": {change: func(d *v1alpha1.Decky) { d.Spec.Home.Address = "10.0.0.07" }, want: fault.Fault{
			Reason: v1alpha1.ReasonAddressInvalid, Field: "spec.home.address",
			Message: `address "10.0.0.07" is not an IPv4 host address: write four decimal numbers without leading zeros, such as 10.20.0.15, or leave it out`,
		}},
		"one address twice": {
			change: func(d *v1alpha1.Decky) {
				d.Spec.Home.Address = "10.0.0.7"
				attached(v1alpha1.Attachment{LAN: "a"}, v1alpha1.Attachment{LAN: "b", Address: "10.0.0.7"})(d)
			},
			want: fault.Fault{
				Reason: v1alpha1.ReasonAddressInvalid, Field: "spec.attachments[1].address",
				Message: "address 10.0.0.7 is that of spec.home already: give each interface an address of its own LAN, or leave it out",
			},
		},
		"a MAC in upper case": {change: func(d *v1alpha1.Decky) { d.Spec.Home.MACAddress = strings.ToUpper(mac) }, want: invalid("spec.home.macAddress",
			`macAddress "00:1B:1B:4A:20:0A" is not a unicast MAC address: write six lower-case hexadecimal pairs separated by colons, the second digit even, such as 02:42:0a:14:00:0f, or leave it out`)},
		"a multicast MAC": {change: func(d *v1alpha1.Decky) { d.Spec.Home.MACAddress = "01:00:5e:00:00:01" }, want: invalid("spec.home.macAddress",
			`macAddress "01:00:5e:00:00:01" is not a unicast MAC address: write six lower-case hexadecimal pairs separated by colons, the second digit even, such as 02:42:0a:14:00:0f, or leave it out`)},
		"the MAC of an attachment on an old engine": {change: attached(v1alpha1.Attachment{LAN: "a", MACAddress: mac}), want: fault.Fault{
			Reason: v1alpha1.ReasonMACNotSupported, Field: "spec.attachments[0].macAddress",
			Message: "this engine cannot set the MAC address of an attachment, here 00:1b:1b:4a:20:0a on LAN a: remove macAddress, or use Docker Engine 25 or later",
		}},
		"a name that is no label": {change: func(d *v1alpha1.Decky) { d.Name = "a.b" }, want: invalid("metadata.name",
			`name "a.b" is not a DNS label: use at most 63 lower-case letters, digits and hyphens`)},
	}
	known := load(t)
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			expect(t, tc.want, render.ValidateDecky(decky(tc.change), known, tc.engine))
		})
	}
}
