// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/distribution/reference"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/catalogue"
	"github.com/deckyard/deckyard/internal/fault"
	"github.com/deckyard/deckyard/internal/graph"
	"github.com/deckyard/deckyard/internal/ipam"
)

const (
	minPrefixLength, maxPrefixLength = 16, 29
	minMTU, maxMTU                   = 576, 9216
)

// Engine is what the engine can do, as far as it decides whether a spec is valid.
type Engine struct {
	// EndpointMAC: the MAC of an attachment can be set.
	EndpointMAC bool
}

// ValidateLAN returns the first mistake in a LAN taken by itself, or nil.
func ValidateLAN(lan *v1alpha1.LAN) *fault.Fault {
	spec := lan.Spec
	switch {
	case spec.Driver != v1alpha1.DriverBridge && spec.Driver != "":
		return fault.New(v1alpha1.ReasonNotSupported, "spec.driver",
			"driver %s of LAN %s is not supported yet: use bridge", spec.Driver, lan.Name)
	case spec.Parent != "":
		return fault.New(v1alpha1.ReasonInvalidSpec, "spec.parent",
			"parent %q is possible with driver macvlan or ipvlan only: leave it out", spec.Parent)
	case spec.MTU != 0 && (spec.MTU < minMTU || spec.MTU > maxMTU):
		return fault.New(v1alpha1.ReasonInvalidSpec, "spec.mtu", "mtu %d is not possible: use %d to %d bytes, or leave it out", spec.MTU, minMTU, maxMTU)
	case spec.Egress == v1alpha1.EgressAllow && !spec.DMZ:
		return fault.New(v1alpha1.ReasonInvalidSpec, "spec.egress", "egress Allow is possible for the DMZ only: set dmz to true, or egress to Deny")
	case spec.Egress != v1alpha1.EgressAllow && spec.Egress != v1alpha1.EgressDeny && spec.Egress != "":
		return fault.New(v1alpha1.ReasonInvalidSpec, "spec.egress", "egress %q is not known: use Deny or Allow", spec.Egress)
	}
	if mistake := validateNames(lan.Name, spec.TopologyRef); mistake != nil {
		return mistake
	}
	return validateAddressing(spec)
}

func validateAddressing(spec v1alpha1.LANSpec) *fault.Fault {
	if spec.Subnet == "" {
		if spec.Gateway != "" {
			return fault.New(v1alpha1.ReasonInvalidSpec, "spec.subnet", "gateway %s needs a subnet that it belongs to: set subnet too, or leave both out", spec.Gateway)
		}
		return nil
	}
	subnet, mistake := parseSubnet(spec.Subnet)
	if mistake != nil || spec.Gateway == "" {
		return mistake
	}
	gateway, ok := parseIPv4(spec.Gateway)
	if !ok {
		return fault.New(v1alpha1.ReasonInvalidSpec, "spec.gateway", "gateway %q is not an IPv4 address: write one of %s, or leave it out", spec.Gateway, subnet)
	}
	if err := ipam.CheckGateway(subnet, gateway); err != nil {
		return fault.New(v1alpha1.ReasonInvalidSpec, "spec.gateway", "gateway %s %v %s: choose a host address, such as %s, or leave it out",
			gateway, err, subnet, ipam.DefaultGateway(subnet))
	}
	return nil
}

func parseSubnet(text string) (netip.Prefix, *fault.Fault) {
	const field = "spec.subnet"
	subnet, err := netip.ParsePrefix(text)
	switch {
	case err != nil || !subnet.Addr().Is4():
		return netip.Prefix{}, fault.New(v1alpha1.ReasonInvalidSpec, field,
			"subnet %q is not an IPv4 CIDR: write an address and a prefix length from /%d to /%d, such as 10.20.0.0/24, or leave it out", text, minPrefixLength, maxPrefixLength)
	case subnet != subnet.Masked():
		return netip.Prefix{}, fault.New(v1alpha1.ReasonInvalidSpec, field, "subnet %s has host bits set: write %s", text, subnet.Masked())
	case subnet.Bits() < minPrefixLength || subnet.Bits() > maxPrefixLength:
		return netip.Prefix{}, fault.New(v1alpha1.ReasonInvalidSpec, field,
			"subnet %s has a prefix length of %d: use one from /%d to /%d", text, subnet.Bits(), minPrefixLength, maxPrefixLength)
	case !subnet.Addr().IsGlobalUnicast():
		return netip.Prefix{}, fault.New(v1alpha1.ReasonInvalidSpec, field,
			"subnet %s is reserved for loopback, link-local or multicast use: take a unicast block, such as 10.20.0.0/24", text)
	}
	return subnet, nil
}

// ValidateDecky returns the first mistake in a Decky taken by itself, or nil.
func ValidateDecky(decky *v1alpha1.Decky, known *catalogue.Catalogue, engine Engine) *fault.Fault {
	for _, validate := range []func() *fault.Fault{
		func() *fault.Fault { return validateNames(decky.Name, decky.Spec.TopologyRef) },
		func() *fault.Fault { return validateHost(decky.Spec) },
		func() *fault.Fault { return validateInterfaces(decky, engine) },
		func() *fault.Fault { return validateServices(decky, known) },
	} {
		if mistake := validate(); mistake != nil {
			return mistake
		}
	}
	return nil
}

// validateNames makes sure that names built of names are unambiguous.
func validateNames(name string, topology v1alpha1.TopologyReference) *fault.Fault {
	if len(validation.IsDNS1123Label(name)) > 0 {
		return fault.New(v1alpha1.ReasonInvalidSpec, "metadata.name",
			"name %q is not a DNS label: use at most 63 lower-case letters, digits and hyphens", name)
	}
	if len(validation.IsDNS1123Label(topology.Name)) > 0 {
		return fault.New(v1alpha1.ReasonInvalidSpec, "spec.topologyRef.name",
			"%q is not the name of a Topology: use at most 63 lower-case letters, digits and hyphens", topology.Name)
	}
	return nil
}

func validateHost(spec v1alpha1.DeckySpec) *fault.Fault {
	if spec.Hostname != "" && (len(spec.Hostname) > 63 || len(validation.IsDNS1123Subdomain(strings.ToLower(spec.Hostname))) > 0) {
		return fault.New(v1alpha1.ReasonInvalidSpec, "spec.hostname",
			"hostname %q is not a host name: use at most 63 letters, digits and hyphens, in labels separated by dots, such as srv-web-01, or leave it out", spec.Hostname)
	}
	switch spec.UpdateStrategy {
	case v1alpha1.UpdateInPlace, v1alpha1.UpdateRecreate, "":
	default:
		return fault.New(v1alpha1.ReasonInvalidSpec, "spec.updateStrategy", "updateStrategy %q is not known: use InPlace or Recreate", spec.UpdateStrategy)
	}
	return validateImage("spec.image", spec.Image)
}

// validateImage accepts an empty reference: it is the built-in image.
func validateImage(field, image string) *fault.Fault {
	if image == "" {
		return nil
	}
	if _, err := reference.ParseNormalizedNamed(image); err != nil {
		return fault.New(v1alpha1.ReasonInvalidSpec, field,
			"image %q is not an image reference: write a repository in lower case with a tag or digest, such as nginx:1.27", image)
	}
	return nil
}

func validateServices(decky *v1alpha1.Decky, known *catalogue.Catalogue) *fault.Fault {
	if _, mistake := known.Family(decky); mistake != nil {
		return mistake
	}
	services, mistake := known.Services(decky)
	if mistake != nil {
		return mistake
	}
	for _, service := range services {
		if !service.Custom {
			continue
		}
		if mistake = validateImage(service.Field+".image", service.Container.Image); mistake != nil {
			return mistake
		}
	}
	_, mistake = graph.Published(decky, services)
	return mistake
}

func validateInterfaces(decky *v1alpha1.Decky, engine Engine) *fault.Fault {
	lans, addresses := map[string]string{}, map[string]string{}
	for i, asked := range decky.Interfaces() {
		field := interfaceField(i)
		if mistake := validateInterface(asked, field); mistake != nil {
			return mistake
		}
		if other, taken := lans[asked.LAN]; taken {
			return fault.New(v1alpha1.ReasonInvalidSpec, field+".lan", "LAN %q is that of %s already: remove one of them", asked.LAN, other)
		}
		if other, taken := addresses[asked.Address]; taken && asked.Address != "" {
			return fault.New(v1alpha1.ReasonAddressInvalid, field+".address",
				"address %s is that of %s already: give each interface an address of its own LAN, or leave it out", asked.Address, other)
		}
		if i > 0 && asked.MACAddress != "" && !engine.EndpointMAC {
			return fault.New(v1alpha1.ReasonMACNotSupported, field+".macAddress",
				"this engine cannot set the MAC address of an attachment, here %s on LAN %s: remove macAddress, or use Docker Engine 25 or later", asked.MACAddress, asked.LAN)
		}
		lans[asked.LAN], addresses[asked.Address] = field, field
	}
	return nil
}

func validateInterface(asked v1alpha1.Attachment, field string) *fault.Fault {
	if len(validation.IsDNS1123Label(asked.LAN)) > 0 {
		return fault.New(v1alpha1.ReasonInvalidSpec, field+".lan",
			"%q is not the name of a LAN: use at most 63 lower-case letters, digits and hyphens", asked.LAN)
	}
	if asked.Address != "" {
		address, ok := parseIPv4(asked.Address)
		if !ok || !address.IsGlobalUnicast() {
			return fault.New(v1alpha1.ReasonAddressInvalid, field+".address",
				"address %q is not an IPv4 host address: write four decimal numbers without leading zeros, such as 10.20.0.15, or leave it out", asked.Address)
		}
	}
	if asked.MACAddress != "" && !isUnicastMAC(asked.MACAddress) {
		return fault.New(v1alpha1.ReasonInvalidSpec, field+".macAddress",
			"macAddress %q is not a unicast MAC address: write six lower-case hexadecimal pairs separated by colons, the second digit even, such as 02:42:0a:14:00:0f, or leave it out", asked.MACAddress)
	}
	return nil
}

// isUnicastMAC accepts the one spelling in which engines report a MAC, so that
// what is desired and what is seen compare equal.
func isUnicastMAC(text string) bool {
	address, err := net.ParseMAC(text)
	return err == nil && len(address) == 6 && address.String() == text && address[0]&1 == 0 && text != "00:00:00:00:00:00"
}

func parseIPv4(text string) (netip.Addr, bool) {
	address, err := netip.ParseAddr(text)
	return address, err == nil && address.Is4()
}

// interfaceField returns the JSON path of an interface by its index in
// Decky.Interfaces.
func interfaceField(index int) string {
	if index == 0 {
		return "spec.home"
	}
	return fmt.Sprintf("spec.attachments[%d]", index-1)
}
