//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"maps"
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/deckyard/deckyard/api/v1alpha1"
)

// refusal is an object that the API server accepts and the operator does not.
type refusal struct {
	object  reporter
	reason  v1alpha1.Reason
	message string
	// waits says that another object may still make it valid.
	waits bool
}

// Scenarios 2, 3, 5, 19, 33, 34, 44 and 46: a refused object says why, changes
// nothing on the engine, and leaves the others of its topology as they are.
func TestRefusals(t *testing.T) {
	w := newWorld(t)
	// The refused objects come later, also by name, should all be of one second.
	topo := pooled("acme", "10.202.0.0/16")
	edge, office := inSubnet(dmz("acme", "edge"), "10.202.1.0/24"), inSubnet(lan("acme", "office"), "10.202.2.0/24")
	gw, pc := attachedTo(decky("acme", "gw", "edge", "ssh"), "office"), decky("acme", "pc", "office", "ssh")
	gw.Spec.Publish = publishing(22, 20310)
	gw.Spec.Attachments[0].Address, pc.Spec.Home.Address = "10.202.2.2", "10.202.2.50"
	w.create(topo, topology("other"), edge, office, gw, pc)
	w.waitReady(topo)
	before := w.containers()

	refusals := map[string]refusal{}
	maps.Copy(refusals, lanRefusals())
	maps.Copy(refusals, addressRefusals())
	maps.Copy(refusals, referenceRefusals())
	maps.Copy(refusals, serviceRefusals())
	maps.Copy(refusals, publishRefusals())
	for _, name := range slices.Sorted(maps.Keys(refusals)) {
		t.Run(name, func(t *testing.T) { w.in(t).refuses(refusals[name]) })
	}

	w.waitReady(topo, edge, office, gw, pc)
	w.assertUntouched(before, slices.Collect(maps.Keys(before))...)
	w.steady()
}

// refuses creates the object, checks that it is refused, and removes it.
func (w *world) refuses(want refusal) {
	w.t.Helper()
	writes := w.proxy.WriteCount()
	w.create(want.object)
	defer func() {
		w.remove(want.object)
		w.assertNoWrites(writes, "a refused object")
	}()
	w.waitMessage(want.object, v1alpha1.ConditionReady, want.reason, want.message)
	w.waitMessage(want.object, v1alpha1.ConditionAccepted, want.reason, want.message)
	if stalled := has(want.object, v1alpha1.ConditionStalled); stalled == want.waits {
		w.t.Errorf("stalled: %t, want %t", stalled, !want.waits)
	}
	if !want.waits {
		w.waitCondition(want.object, v1alpha1.ConditionStalled, metav1.ConditionTrue, want.reason)
	}
}

func lanRefusals() map[string]refusal {
	macvlan := lan("acme", "zz")
	macvlan.Spec.Driver, macvlan.Spec.Parent = v1alpha1.DriverMacvlan, "eth0"
	return map[string]refusal{
		"subnet that overlaps a LAN of the topology": {
			object: inSubnet(lan("acme", "zz"), "10.202.2.128/25"), reason: v1alpha1.ReasonSubnetOverlap,
			message: "spec.subnet: subnet 10.202.2.128/25 of LAN zz overlaps 10.202.2.0/24 of LAN office of Topology acme: " +
				"choose another, or leave subnet out to get a free one",
		},
		"subnet that overlaps a LAN of another topology": {
			object: inSubnet(dmz("other", "zz"), "10.202.0.0/16"), reason: v1alpha1.ReasonSubnetOverlap,
			message: "spec.subnet: subnet 10.202.0.0/16 of LAN zz overlaps 10.202.1.0/24 of LAN edge of Topology acme: " +
				"choose another, or leave subnet out to get a free one",
		},
		"second DMZ": {
			object: dmz("acme", "zz"), reason: v1alpha1.ReasonDMZMultiple,
			message: "spec.dmz: LAN zz cannot be a DMZ, since LAN edge, created earlier, is that of Topology acme: set dmz to false on one of them",
		},
		"driver that is not acted upon": {
			object: macvlan, reason: v1alpha1.ReasonNotSupported,
			message: "spec.driver: driver macvlan of LAN zz is not supported yet: use bridge",
		},
	}
}

func addressRefusals() map[string]refusal {
	at := func(address string) *v1alpha1.Decky {
		created := decky("acme", "zz", "office", "ssh")
		created.Spec.Home.Address = address
		return created
	}
	visiting := attachedTo(decky("acme", "zz", "edge", "ssh"), "office")
	visiting.Spec.Attachments[0].Address = "10.202.2.50"
	sameMAC := attachedTo(decky("acme", "zz", "edge", "ssh"), "office")
	sameMAC.Spec.Attachments[0].MACAddress = "02:42:0a:ca:02:02"
	return map[string]refusal{
		"address outside the subnet": {
			object: at("10.202.9.9"), reason: v1alpha1.ReasonAddressInvalid,
			message: "spec.home.address: 10.202.9.9 is outside the subnet of LAN office (10.202.2.0/24, gateway 10.202.2.1): " +
				"use 10.202.2.254, the nearest free one, or leave address out",
		},
		"network address": {
			object: at("10.202.2.0"), reason: v1alpha1.ReasonAddressInvalid,
			message: "spec.home.address: 10.202.2.0 is the network address of the subnet of LAN office (10.202.2.0/24, gateway 10.202.2.1): " +
				"use 10.202.2.3, the nearest free one, or leave address out",
		},
		"broadcast address": {
			object: at("10.202.2.255"), reason: v1alpha1.ReasonAddressInvalid,
			message: "spec.home.address: 10.202.2.255 is the broadcast address of the subnet of LAN office (10.202.2.0/24, gateway 10.202.2.1): " +
				"use 10.202.2.254, the nearest free one, or leave address out",
		},
		"address of the gateway": {
			object: at("10.202.2.1"), reason: v1alpha1.ReasonAddressInvalid,
			message: "spec.home.address: 10.202.2.1 is the gateway of the subnet of LAN office (10.202.2.0/24, gateway 10.202.2.1): " +
				"use 10.202.2.3, the nearest free one, or leave address out",
		},
		"address that another decky pins": {
			object: at("10.202.2.50"), reason: v1alpha1.ReasonAddressConflict,
			message: "spec.home.address: 10.202.2.50 of LAN office is the address of Decky pc: " +
				"use 10.202.2.51, the nearest free one, or leave address out",
		},
		"attachment's address that another decky pins": {
			object: visiting, reason: v1alpha1.ReasonAddressConflict,
			message: "spec.attachments[0].address: 10.202.2.50 of LAN office is the address of Decky pc: " +
				"use 10.202.2.51, the nearest free one, or leave address out",
		},
		"attachment's MAC on an old engine": {
			object: sameMAC, reason: v1alpha1.ReasonMACNotSupported,
			message: "spec.attachments[0].macAddress: this engine cannot set the MAC address of an attachment, here 02:42:0a:ca:02:02 on LAN office: " +
				"remove macAddress, or use Docker Engine 25 or later",
		},
	}
}

func referenceRefusals() map[string]refusal {
	const noTopology = "Topology nowhere does not exist in this namespace: create it, or correct spec.topologyRef.name"
	return map[string]refusal{
		"LAN of a missing topology": {
			object: lan("nowhere", "zz"), reason: v1alpha1.ReasonTopologyNotFound, waits: true, message: noTopology,
		},
		"decky of a missing topology": {
			object: decky("nowhere", "zz", "office", "ssh"), reason: v1alpha1.ReasonTopologyNotFound, waits: true, message: noTopology,
		},
		"home on an unknown LAN": {
			object: decky("acme", "zz", "nowhere", "ssh"), reason: v1alpha1.ReasonLANNotFound, waits: true,
			message: `spec.home.lan: LAN "nowhere" does not exist in Topology acme: create it, or name another`,
		},
		"home on a LAN of another topology": {
			object: decky("other", "zz", "office", "ssh"), reason: v1alpha1.ReasonLANNotFound, waits: true,
			message: `spec.home.lan: LAN "office" does not exist in Topology other: create it, or name another`,
		},
		"attachment to an unknown LAN": {
			object: attachedTo(decky("acme", "zz", "edge", "ssh"), "office", "nowhere"), reason: v1alpha1.ReasonLANNotFound, waits: true,
			message: `spec.attachments[1].lan: LAN "nowhere" does not exist in Topology acme: create it, or name another`,
		},
	}
}

func serviceRefusals() map[string]refusal {
	configured := func(key, value string) *v1alpha1.Decky {
		created := decky("acme", "zz", "office", "redis")
		created.Spec.Services[0].Config = map[string]string{key: value}
		return created
	}
	of := func(archetype string) *v1alpha1.Decky {
		created := decky("acme", "zz", "office")
		created.Spec.Archetype = archetype
		return created
	}
	portTwice := decky("acme", "zz", "office", "http", "web")
	portTwice.Spec.Services[1].Image = "example/web:1"
	portTwice.Spec.Services[1].Ports = []v1alpha1.ServicePort{{ContainerPort: 80}}
	return map[string]refusal{
		"unknown service": {
			object: decky("acme", "zz", "office", "telnett"), reason: v1alpha1.ReasonUnknownService,
			message: `spec.services[0].name: service "telnett" is not in the catalogue (did you mean telnet?): ` +
				"use ftp, http, https, redis, smtp, ssh or telnet, or set image for a custom service",
		},
		"service that is not built yet": {
			object: decky("acme", "zz", "office", "ssh", "mysql"), reason: v1alpha1.ReasonNotSupported,
			message: "spec.services[1].name: service mysql is not built yet: remove it, or set image to bring your own",
		},
		"unknown archetype": {
			object: of("web-servers"), reason: v1alpha1.ReasonUnknownArchetype,
			message: `spec.archetype: archetype "web-servers" is not in the catalogue (did you mean web-server?): use database-server, devops-host, ` +
				"domain-controller, file-server, industrial-control, iot-device, jump-host, linux-server, mail-server, monitoring-node, printer, " +
				"voip-server, web-server, windows-server or windows-workstation",
		},
		"archetype with a service that is not built yet": {
			object: of("voip-server"), reason: v1alpha1.ReasonNotSupported,
			message: "spec.archetype: archetype voip-server needs service sip, which is not built yet: " +
				"use another archetype, or list services of your own in spec.services",
		},
		"unknown config key": {
			object: configured("versoin", "7.0.0"), reason: v1alpha1.ReasonInvalidConfig,
			message: `spec.services[0].config.versoin: service redis has no config key "versoin" (did you mean version?): use os or version`,
		},
		"config value of a wrong form": {
			object: configured("version", "latest"), reason: v1alpha1.ReasonInvalidConfig,
			message: `spec.services[0].config.version: config key version of service redis must be a version such as 7.2.4, not "latest"`,
		},
		"port of two services": {
			object: portTwice, reason: v1alpha1.ReasonPortConflict,
			message: "spec.services[1].ports: service web claims port 80/tcp, which service http of the same decky has: " +
				"remove one of them, or move a custom one to another port",
		},
	}
}

func publishRefusals() map[string]refusal {
	published := func(home string, container, host int32) *v1alpha1.Decky {
		created := decky("acme", "zz", home, "ssh")
		created.Spec.Publish = publishing(container, host)
		return created
	}
	return map[string]refusal{
		"publish outside the DMZ": {
			object: published("office", 22, 20311), reason: v1alpha1.ReasonPublishOutsideDMZ,
			message: "spec.publish: Decky zz cannot publish ports, since its home LAN office is not the DMZ: " +
				"remove publish, or create the decky on a LAN with dmz: true",
		},
		"host port of another decky": {
			object: published("edge", 22, 20310), reason: v1alpha1.ReasonPortConflict,
			message: "spec.publish.ports[0].hostPort: host port 127.0.0.1:20310/tcp is published by Decky gw: use hostPort 20311, the nearest free one",
		},
		"published port without a service": {
			object: published("edge", 80, 20311), reason: v1alpha1.ReasonInvalidSpec,
			message: "spec.publish.ports[0].containerPort: no service of the decky listens on port 80/tcp: add a service that does, or remove the port",
		},
	}
}

// publishing publishes a port on 127.0.0.1.
func publishing(containerPort, hostPort int32) *v1alpha1.Publish {
	return &v1alpha1.Publish{
		HostIP: "127.0.0.1", Ports: []v1alpha1.PublishedPort{{ContainerPort: containerPort, HostPort: hostPort}},
	}
}
