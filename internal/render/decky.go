// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"maps"
	"net/netip"
	"slices"
	"strconv"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/catalogue"
	"github.com/deckyard/deckyard/internal/fault"
	"github.com/deckyard/deckyard/internal/graph"
	"github.com/deckyard/deckyard/internal/model"
)

// sysctlUnprivilegedPort lets a service listen on any port without a capability.
const sysctlUnprivilegedPort = "net.ipv4.ip_unprivileged_port_start"

// DeckyInput is what a decky is made of.
type DeckyInput struct {
	// Instance is the UID of the control plane.
	Instance string
	Topology *v1alpha1.Topology
	Decky    *v1alpha1.Decky
	// Home is the LAN that the decky lives on.
	Home *v1alpha1.LAN
	// Interfaces are those that the base gets, home first.
	Interfaces []model.EndpointSpec
	// Routes are those of the base, sorted, besides those to its own LANs.
	Routes    []model.Route
	Catalogue *catalogue.Catalogue
	// BuiltIn is the reference of the built-in image.
	BuiltIn string
	// ImageIDs holds the digests of the images that are on the engine, by reference.
	ImageIDs map[string]string
}

// Decky returns a decky as it should be, or the mistake that keeps it from
// being anything. Services keep the order of the spec.
func Decky(input DeckyInput) (model.DeckySpec, *fault.Fault) {
	if input.Home == nil || len(input.Interfaces) == 0 {
		return model.DeckySpec{}, fault.New(v1alpha1.ReasonLANNotReady, "spec.home.lan",
			"LAN %q has no network yet, so there is no home", input.Decky.Spec.Home.LAN)
	}
	services, mistake := input.Catalogue.Services(input.Decky)
	if mistake != nil {
		return model.DeckySpec{}, mistake
	}
	base, mistake := input.base(services)
	if mistake != nil {
		return model.DeckySpec{}, mistake
	}
	spec := model.DeckySpec{
		Owner:           input.owner(),
		Base:            base,
		Services:        make([]model.ContainerSpec, 0, len(services)),
		Endpoints:       slices.Clone(input.Interfaces),
		Routes:          slices.Clone(input.Routes),
		MayRecreateBase: MayRecreateBase(input.Decky),
	}
	for _, service := range services {
		spec.Services = append(spec.Services, input.service(service))
	}
	return spec, nil
}

// Images returns the references of the images that a decky needs, sorted;
// nothing if its services are invalid.
func Images(decky *v1alpha1.Decky, known *catalogue.Catalogue, builtIn string) []string {
	services, mistake := known.Services(decky)
	if mistake != nil {
		return nil
	}
	references := []string{imageOf(known.Base(decky), builtIn)}
	for _, service := range services {
		references = append(references, imageOf(service.Container, builtIn))
	}
	slices.Sort(references)
	return slices.Compact(references)
}

func (i DeckyInput) base(services []catalogue.Service) (model.ContainerSpec, *fault.Fault) {
	decky := i.Decky
	family, mistake := i.Catalogue.Family(decky)
	if mistake != nil {
		return model.ContainerSpec{}, mistake
	}
	published, mistake := graph.Published(decky, services)
	if mistake != nil {
		return model.ContainerSpec{}, mistake
	}
	slices.SortFunc(published, model.PublishedPort.Compare)

	spec := i.container(i.Catalogue.Base(decky))
	spec.Name = model.BaseName(decky.Namespace, i.Topology.Name, decky.Name)
	spec.Identity = model.Identity{Owner: i.owner(), Role: model.RoleBase}
	spec.Hostname = hostname(decky)
	spec.Sysctls = baseSysctls(decky, family)
	spec.Published = published
	spec.DNS = i.resolvers()
	spec.Home = i.Interfaces[0]
	return i.labelled(spec, decky.Name), nil
}

func (i DeckyInput) service(service catalogue.Service) model.ContainerSpec {
	spec := i.container(service.Container)
	spec.Name = model.ServiceName(i.Decky.Namespace, i.Topology.Name, i.Decky.Name, service.Name)
	spec.Identity = model.Identity{Owner: i.owner(), Role: model.RoleService, Service: service.Name}
	spec.Ports = slices.Clone(service.Ports)
	return i.labelled(spec, serviceKey(i.Decky.Name, service.Name))
}

func (i DeckyInput) container(part catalogue.Container) model.ContainerSpec {
	reference := imageOf(part, i.BuiltIn)
	return model.ContainerSpec{
		Image:        reference,
		ImageID:      i.ImageIDs[reference],
		ImageAbsent:  i.ImageIDs[reference] == "",
		BuiltInImage: part.Image == "",
		Command:      part.Command,
		Env:          part.Env,
		User:         part.User,
		ReadOnlyRoot: part.ReadOnlyRoot,
		Tmpfs:        part.Tmpfs,
		Capabilities: part.Capabilities,
		Limits:       part.Limits,
	}
}

// labelled completes a container with its hash and Compose's labels. key is the
// name of its service in the Compose project.
func (i DeckyInput) labelled(spec model.ContainerSpec, key string) model.ContainerSpec {
	spec.Identity.SpecHash = model.HashContainer(spec)
	spec.ExtraLabels = map[string]string{
		composeProject:         model.ProjectName(i.Decky.Namespace, i.Topology.Name),
		composeService:         key,
		composeContainerNumber: "1",
		composeOneOff:          "False",
		composeConfigHash:      spec.Identity.SpecHash,
	}
	return spec
}

func (i DeckyInput) owner() model.Owner {
	return model.Owner{
		Instance: i.Instance, Kind: model.OwnerDecky, Namespace: i.Decky.Namespace, Name: i.Decky.Name,
		Topology: i.Topology.Name, UID: string(i.Decky.UID),
	}
}

// resolvers keeps the engine's DNS from asking the outside, unless the decky
// may reach it.
func (i DeckyInput) resolvers() []netip.Addr {
	if i.Home.AllowsEgress() {
		return nil
	}
	return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}
}

// baseSysctls says of every base whether it forwards: a new namespace inherits the
// host's value, which is 1 wherever Docker runs.
func baseSysctls(decky *v1alpha1.Decky, family catalogue.Family) map[string]string {
	sysctls := maps.Clone(family.Sysctls)
	if sysctls == nil {
		sysctls = map[string]string{}
	}
	sysctls[model.SysctlIPForward] = "0"
	if decky.Spec.Forwarding {
		sysctls[model.SysctlIPForward] = "1"
	}
	sysctls[sysctlUnprivilegedPort] = "0"
	return sysctls
}

func hostname(decky *v1alpha1.Decky) string {
	if decky.Spec.Hostname != "" {
		return decky.Spec.Hostname
	}
	return decky.Name
}

func imageOf(part catalogue.Container, builtIn string) string {
	if part.Image == "" {
		return builtIn
	}
	return part.Image
}

// MayRecreateBase reports whether the user consents to a new base: always, or
// once for this generation.
func MayRecreateBase(decky *v1alpha1.Decky) bool {
	return decky.Spec.UpdateStrategy == v1alpha1.UpdateRecreate ||
		decky.Annotations[v1alpha1.AnnotationRecreateAllowed] == strconv.FormatInt(decky.Generation, 10)
}

// serviceKey is a service's name in the Compose project. An underscore cannot
// occur in either part, so the key is unambiguous, as container names are.
func serviceKey(decky, service string) string {
	return decky + "_" + service
}
