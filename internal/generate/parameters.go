// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package generate

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/catalogue"
)

// Parameters are what a topology is made from. Two equal values, and an equal
// catalogue, make equal topologies.
type Parameters struct {
	// Name is the topology's; Namespace that of all objects, empty to leave it open.
	Name, Namespace string
	// Depth is the number of levels of LANs below the DMZ.
	Depth int
	// Branching is the most children that a LAN gets; it gets one at least.
	Branching int
	// MinDeckies and MaxDeckies bound the deckies of a LAN, beside its bridge. The
	// DMZ has one.
	MinDeckies, MaxDeckies int
	// ForwardProbability is that of a bridge to forward.
	ForwardProbability float64
	// CrossLinkProbability is that of a LAN below the DMZ to have a decky with one more
	// interface, on a LAN that is neither its parent nor its child.
	CrossLinkProbability float64
	// AddressPool is the IPv4 CIDR from which the LANs get their subnets.
	AddressPool string
	// PortOffset is added to the number of a published port to get that of the host.
	PortOffset int
	// Services are those of every decky. Empty: those of its archetype.
	Services []string
	// Archetypes are those to draw from. Empty: all that can be built, unless there
	// are Services.
	Archetypes []string
	// Seed decides what is left to chance.
	Seed uint64
}

// The bounds of parameters.
const (
	MaxDepth      = 16
	MaxBranching  = 8
	MaxDeckies    = 32
	MaxPortOffset = 50000
)

// Defaults returns the parameters of a small topology, but for its name and seed.
func Defaults() Parameters {
	return Parameters{
		Depth: 3, Branching: 2, MinDeckies: 1, MaxDeckies: 3, ForwardProbability: 1,
		AddressPool: "172.16.0.0/12", PortOffset: 20000,
	}
}

// Complete returns the parameters with the archetypes to draw from, sorted, or an
// error that names the first parameter which is out of bounds.
func (p Parameters) Complete(known *catalogue.Catalogue) (Parameters, error) {
	if len(validation.IsDNS1123Label(p.Name)) > 0 {
		return p, fmt.Errorf("name %q is not a DNS label: use at most 63 lower-case letters, digits and hyphens", p.Name)
	}
	if p.Namespace != "" && len(validation.IsDNS1123Label(p.Namespace)) > 0 {
		return p, fmt.Errorf("namespace %q is not a DNS label: use at most 63 lower-case letters, digits and hyphens", p.Namespace)
	}
	for _, bounded := range []struct {
		name             string
		value, low, high int
	}{
		{"depth", p.Depth, 1, MaxDepth},
		{"branching", p.Branching, 1, MaxBranching},
		{"least number of deckies per LAN", p.MinDeckies, 0, MaxDeckies},
		{"largest number of deckies per LAN", p.MaxDeckies, 0, MaxDeckies},
		{"port offset", p.PortOffset, 0, MaxPortOffset},
	} {
		if bounded.value < bounded.low || bounded.value > bounded.high {
			return p, fmt.Errorf("%s %d is out of bounds: use %d to %d", bounded.name, bounded.value, bounded.low, bounded.high)
		}
	}
	if p.MinDeckies > p.MaxDeckies {
		return p, fmt.Errorf("deckies per LAN %d-%d is no range: put the smaller number first", p.MinDeckies, p.MaxDeckies)
	}
	if err := checkProbability("forward probability", p.ForwardProbability); err != nil {
		return p, err
	}
	if err := checkProbability("cross-link probability", p.CrossLinkProbability); err != nil {
		return p, err
	}
	if _, err := p.capacity(); err != nil {
		return p, err
	}
	return p.completeKinds(known)
}

func checkProbability(name string, value float64) error {
	// The other way round a NaN would pass.
	if value >= 0 && value <= 1 {
		return nil
	}
	return fmt.Errorf("%s %v is out of bounds: use 0 to 1", name, value)
}

// lanPrefixLength is that of the API's default, which generated topologies have.
const lanPrefixLength = 24

// capacity is the number of LANs that the pool has room for.
func (p Parameters) capacity() (int, error) {
	pool, err := netip.ParsePrefix(p.AddressPool)
	switch {
	case err != nil || !pool.Addr().Is4():
		return 0, fmt.Errorf("address pool %q is not an IPv4 CIDR: write an address and a prefix length, such as 10.32.0.0/16", p.AddressPool)
	case pool != pool.Masked():
		return 0, fmt.Errorf("address pool %s has host bits set: write %s", pool, pool.Masked())
	case pool.Bits() < 8 || !pool.Addr().IsGlobalUnicast():
		return 0, fmt.Errorf("address pool %s cannot hold LANs: use a unicast block from /8 on, such as 10.32.0.0/16", pool)
	case pool.Bits() > lanPrefixLength:
		return 0, fmt.Errorf("address pool %s has no room for a LAN, which is a /%d: use a larger one, such as 10.32.0.0/16", pool, lanPrefixLength)
	}
	return 1 << (lanPrefixLength - pool.Bits()), nil
}

// completeKinds decides between services and archetypes, and asks the catalogue
// whether they can be had.
func (p Parameters) completeKinds(known *catalogue.Catalogue) (Parameters, error) {
	if len(p.Services) > 0 && len(p.Archetypes) > 0 {
		return p, fmt.Errorf("services %s and archetypes %s exclude each other: give one of them", strings.Join(p.Services, ","), strings.Join(p.Archetypes, ","))
	}
	p.Archetypes = slices.Clone(p.Archetypes)
	if len(p.Services) == 0 && len(p.Archetypes) == 0 {
		for _, archetype := range known.Archetypes() {
			if known.Buildable(archetype) {
				p.Archetypes = append(p.Archetypes, archetype.Name)
			}
		}
	}
	slices.Sort(p.Archetypes)
	p.Archetypes = slices.Compact(p.Archetypes)
	for _, candidate := range p.kinds() {
		if err := p.checkKind(candidate, known); err != nil {
			return p, err
		}
	}
	return p, nil
}

// kinds returns an example of every kind of decky that there may be.
func (p Parameters) kinds() []v1alpha1.Decky {
	if len(p.Services) > 0 {
		var decky v1alpha1.Decky
		for _, name := range p.Services {
			decky.Spec.Services = append(decky.Spec.Services, v1alpha1.Service{Name: name})
		}
		return []v1alpha1.Decky{decky}
	}
	kinds := make([]v1alpha1.Decky, len(p.Archetypes))
	for i, name := range p.Archetypes {
		kinds[i].Spec.Archetype = name
	}
	return kinds
}

// checkKind makes sure that a kind can be built, and as a gateway too.
func (p Parameters) checkKind(candidate v1alpha1.Decky, known *catalogue.Catalogue) error {
	services, mistake := known.Services(&candidate)
	if mistake != nil {
		return fmt.Errorf("choose machines: %s", mistake.Message)
	}
	for _, service := range services {
		for _, port := range service.Ports {
			if int(port.Number)+p.PortOffset > 65535 {
				return fmt.Errorf("port offset %d is too large for port %d of service %s: use at most %d", p.PortOffset, port.Number, service.Name, 65535-int(port.Number))
			}
		}
	}
	return nil
}
