// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/catalogue"
	"github.com/deckyard/deckyard/internal/fault"
	"github.com/deckyard/deckyard/internal/ipam"
	"github.com/deckyard/deckyard/internal/model"
)

// Published returns the ports of the host that a decky asks for, in the order
// of its spec, or the mistake in them. An empty list publishes every port of
// its services 1:1.
func Published(decky *v1alpha1.Decky, services []catalogue.Service) ([]model.PublishedPort, *fault.Fault) {
	publish := decky.Spec.Publish
	if publish == nil {
		return nil, nil
	}
	hostIP := netip.IPv4Unspecified()
	if publish.HostIP != "" {
		parsed, err := netip.ParseAddr(publish.HostIP)
		if err != nil || !parsed.Is4() || parsed.IsMulticast() {
			return nil, fault.New(v1alpha1.ReasonInvalidSpec, "spec.publish.hostIP",
				"%q is not an IPv4 address of the host: write one, such as 127.0.0.1, or 0.0.0.0 for all of them", publish.HostIP)
		}
		hostIP = parsed
	}
	if len(publish.Ports) == 0 {
		return everyPort(services, hostIP), nil
	}
	return listedPorts(publish.Ports, services, hostIP)
}

func everyPort(services []catalogue.Service, hostIP netip.Addr) []model.PublishedPort {
	var published []model.PublishedPort
	for _, service := range services {
		for _, port := range service.Ports {
			published = append(published, model.PublishedPort{HostIP: hostIP, HostPort: port.Number, Port: port})
		}
	}
	return published
}

func listedPorts(listed []v1alpha1.PublishedPort, services []catalogue.Service, hostIP netip.Addr) ([]model.PublishedPort, *fault.Fault) {
	declared := map[model.Port]bool{}
	for _, every := range everyPort(services, hostIP) {
		declared[every.Port] = true
	}
	published := make([]model.PublishedPort, 0, len(listed))
	seen := map[model.Port]bool{}
	holders := map[model.Port]model.Port{}
	for i, entry := range listed {
		field := publishField(i)
		port, mistake := catalogue.Port(field+".containerPort", entry.ContainerPort, entry.Protocol)
		if mistake != nil {
			return nil, mistake
		}
		hostPort := port
		if entry.HostPort != 0 {
			if hostPort, mistake = catalogue.Port(field+".hostPort", entry.HostPort, entry.Protocol); mistake != nil {
				return nil, mistake
			}
		}
		switch holder, taken := holders[hostPort]; {
		case !declared[port]:
			return nil, fault.New(v1alpha1.ReasonInvalidSpec, field+".containerPort",
				"no service of the decky listens on port %s: add a service that does, or remove the port", describe(port))
		case seen[port]:
			return nil, fault.New(v1alpha1.ReasonInvalidSpec, field+".containerPort", "port %s is listed twice: remove one", describe(port))
		case taken:
			return nil, fault.New(v1alpha1.ReasonPortConflict, field+".hostPort",
				"host port %s leads to port %s already: give each a hostPort of its own", describe(hostPort), describe(holder))
		}
		seen[port], holders[hostPort] = true, port
		published = append(published, model.PublishedPort{HostIP: hostIP, HostPort: hostPort.Number, Port: port})
	}
	return published, nil
}

// CheckPublish returns the mistake of a decky that publishes ports and does not
// live in a DMZ. home may be nil if it is not known.
func CheckPublish(decky *v1alpha1.Decky, home *v1alpha1.LAN) *fault.Fault {
	if decky.Spec.Publish == nil || home == nil || home.Spec.DMZ {
		return nil
	}
	return fault.New(v1alpha1.ReasonPublishOutsideDMZ, "spec.publish",
		"Decky %s cannot publish ports, since its home LAN %s is not the DMZ: remove publish, or create the decky on a LAN with dmz: true", decky.Name, home.Name)
}

// CheckHostPorts returns the mistake of a decky that wants a port of the host
// which an earlier one has; of two that were created in the same second, one
// that has its base. deckies and lans are all those of the node, of
// every topology. A decky that cannot publish anyway has no port: its services
// are invalid, or its home is not a DMZ.
func CheckHostPorts(decky *v1alpha1.Decky, deckies []v1alpha1.Decky, lans []v1alpha1.LAN, known *catalogue.Catalogue) *fault.Fault {
	wanted := publishedBy(decky, known)
	if len(wanted) == 0 {
		return nil
	}
	var others []hostPortClaim
	for i := range deckies {
		other := &deckies[i]
		if same(other, decky) || isDeleting(other) || !livesInDMZ(other, lans) {
			continue
		}
		for _, port := range publishedBy(other, known) {
			others = append(others, hostPortClaim{decky: other, port: port})
		}
	}
	for i, port := range wanted {
		holder := earliestHolder(decky, port, others)
		if holder == nil {
			continue
		}
		field := "spec.publish"
		if len(decky.Spec.Publish.Ports) > 0 {
			field = publishField(i) + ".hostPort"
		}
		return fault.New(v1alpha1.ReasonPortConflict, field, "host port %s:%d/%s is published by Decky %s: %s",
			port.HostIP, port.HostPort, port.Port.Protocol, nameFrom(decky, holder), freePort(port, wanted, others))
	}
	return nil
}

// WantsOneOf reports whether a decky is to publish one of some ports of the host.
func WantsOneOf(decky *v1alpha1.Decky, ports []model.PublishedPort, known *catalogue.Catalogue) bool {
	return slices.ContainsFunc(publishedBy(decky, known), func(wanted model.PublishedPort) bool {
		return slices.ContainsFunc(ports, func(port model.PublishedPort) bool { return clash(wanted, port) })
	})
}

// hostPortClaim is the claim of a decky to a port of the host.
type hostPortClaim struct {
	decky *v1alpha1.Decky
	port  model.PublishedPort
}

func publishedBy(decky *v1alpha1.Decky, known *catalogue.Catalogue) []model.PublishedPort {
	if decky.Spec.Publish == nil {
		return nil
	}
	services, mistake := known.Services(decky)
	if mistake != nil {
		return nil
	}
	published, mistake := Published(decky, services)
	if mistake != nil {
		return nil
	}
	return published
}

func livesInDMZ(decky *v1alpha1.Decky, lans []v1alpha1.LAN) bool {
	for i := range lans {
		lan := &lans[i]
		if lan.Namespace == decky.Namespace && lan.Name == decky.Spec.Home.LAN {
			return lan.Spec.DMZ && lan.Spec.TopologyRef == decky.Spec.TopologyRef
		}
	}
	return false
}

func earliestHolder(decky *v1alpha1.Decky, port model.PublishedPort, others []hostPortClaim) *v1alpha1.Decky {
	var holder *v1alpha1.Decky
	for _, other := range others {
		if !clash(port, other.port) || !publishesFirst(other.decky, decky) {
			continue
		}
		if holder == nil || publishesFirst(other.decky, holder) {
			holder = other.decky
		}
	}
	return holder
}

func publishesFirst(a, b *v1alpha1.Decky) bool {
	return precedes(a, b, hasBase(a), hasBase(b))
}

// clash reports whether the host can publish only one of two ports: the
// unspecified address stands for every address of the host.
func clash(a, b model.PublishedPort) bool {
	return a.HostPort == b.HostPort && a.Port.Protocol == b.Port.Protocol && overlap(a.HostIP, b.HostIP)
}

func overlap(a, b netip.Addr) bool {
	return a == b || a.IsUnspecified() || b.IsUnspecified()
}

// freePort proposes the nearest port that nobody publishes.
func freePort(wanted model.PublishedPort, own []model.PublishedPort, others []hostPortClaim) string {
	port, found := ipam.NearestFreePort(wanted.HostPort, func(number uint16) bool {
		candidate := wanted
		candidate.HostPort = number
		for _, other := range others {
			if clash(candidate, other.port) {
				return true
			}
		}
		for _, mine := range own {
			if clash(candidate, mine) {
				return true
			}
		}
		return false
	})
	if !found {
		return "publish on another hostIP"
	}
	return fmt.Sprintf("use hostPort %d, the nearest free one", port)
}

func publishField(index int) string {
	return fmt.Sprintf("spec.publish.ports[%d]", index)
}

func describe(port model.Port) string {
	return fmt.Sprintf("%d/%s", port.Number, port.Protocol)
}
