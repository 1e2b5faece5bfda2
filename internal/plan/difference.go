// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"maps"
	"slices"
	"strings"

	"github.com/deckyard/deckyard/internal/model"
)

// The API fields that Docker can only honour when it creates a base.
const (
	fieldHostname    = "spec.hostname"
	fieldHomeAddress = "spec.home.address"
	fieldHomeLAN     = "spec.home.lan"
	fieldHomeMAC     = "spec.home.macAddress"
	fieldImage       = "spec.image"
	fieldOSFamily    = "spec.osFamily"
	fieldPublish     = "spec.publish"
	// fieldUnknown stands for a difference that only the hash tells.
	fieldUnknown = "spec"
)

// creationDifference returns the API fields, sorted, in which a base differs
// from its spec in what can only be set at creation. Live fields are judged
// first, the hash second.
func creationDifference(want model.ContainerSpec, have model.Container) []string {
	var fields []string
	differs := func(differs bool, field string) {
		if differs {
			fields = append(fields, field)
		}
	}
	differs(have.Hostname != want.Hostname, fieldHostname)
	differs(homeNetworkDiffers(want, have), fieldHomeLAN)
	differs(imageDiffers(want, have), fieldImage)
	differs(!maps.Equal(creationSysctls(have.Sysctls), creationSysctls(want.Sysctls)), fieldOSFamily)
	differs(portsDiffer(have.HostPorts, want.Published), fieldPublish)
	if !isHomeDrift(want, have) {
		address, mac := homeDifference(want, have)
		differs(address, fieldHomeAddress)
		differs(mac, fieldHomeMAC)
	}
	if len(fields) == 0 && model.HashesDiffer(have.Identity.SpecHash, want.Identity.SpecHash) {
		fields = append(fields, fieldUnknown)
	}
	slices.Sort(fields)
	return fields
}

// isHomeDrift tells by whose hand the live home address or MAC can differ from
// the spec. The spec hash covers both: if it is the desired one, the base was
// created with them and the interface was changed since, so a reconnect mends
// it (measured: also on Engine 20.10, which restores the home's MAC from the
// container's configuration). Any other hash means that the spec has changed,
// or may have; to reconnect would then be that change without consent, and
// with a MAC, which an old engine takes at creation only, would never end.
func isHomeDrift(want model.ContainerSpec, have model.Container) bool {
	return have.Identity.SpecHash == want.Identity.SpecHash
}

// homeDifference compares the live home interface, if there is one.
func homeDifference(want model.ContainerSpec, have model.Container) (address, mac bool) {
	endpoint, found := have.EndpointOn(want.Home.NetworkID)
	if !found {
		return false, false
	}
	return endpoint.Address != want.Home.Address, macDiffers(want.Home, endpoint)
}

// macDiffers compares MACs where both are known: a spec without one leaves it
// to the engine, and a stopped container may show none.
func macDiffers(want model.EndpointSpec, have model.Endpoint) bool {
	return want.MAC != "" && have.MAC != "" && have.MAC != want.MAC
}

// homeNetworkDiffers compares the network mode. It may also be an id, of a
// network that is gone by now.
func homeNetworkDiffers(want model.ContainerSpec, have model.Container) bool {
	return have.HomeNetwork != want.Home.NetworkName && have.HomeNetwork != want.Home.NetworkID
}

// imageDiffers compares image references. That of the built-in image names its
// digest, which may differ; its repository may not.
func imageDiffers(want model.ContainerSpec, have model.Container) bool {
	if want.BuiltInImage {
		return repository(have.Image) != repository(want.Image)
	}
	return have.Image != want.Image
}

// isOutdated reports whether a container runs another digest of the built-in image.
func isOutdated(want model.ContainerSpec, have model.Container) bool {
	return want.BuiltInImage && want.ImageID != "" && have.ImageID != "" && have.ImageID != want.ImageID
}

// repository is an image reference without its tag and digest.
func repository(reference string) string {
	reference, _, _ = strings.Cut(reference, "@")
	colon := strings.LastIndexByte(reference, ':')
	if colon > strings.LastIndexByte(reference, '/') {
		return reference[:colon]
	}
	return reference
}

// creationSysctls leaves out what may change on a running base.
func creationSysctls(sysctls map[string]string) map[string]string {
	sysctls = maps.Clone(sysctls)
	delete(sysctls, model.SysctlIPForward)
	return sysctls
}

func portsDiffer(have, want []model.PublishedPort) bool {
	sorted := func(ports []model.PublishedPort) []model.PublishedPort {
		return slices.SortedFunc(slices.Values(ports), model.PublishedPort.Compare)
	}
	return !slices.Equal(sorted(have), sorted(want))
}

// serviceDifference says how a service container differs from its spec; empty
// if it does not.
func serviceDifference(want model.ContainerSpec, have model.Container) string {
	switch {
	case imageDiffers(want, have):
		return wantText("image", have.Image, want.Image)
	case model.HashesDiffer(have.Identity.SpecHash, want.Identity.SpecHash):
		return hashText(have.Identity, want.Identity)
	}
	return ""
}

func fieldsText(fields []string) string {
	return strings.Join(fields, " ") + " changed"
}
