// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package generate

import (
	"fmt"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/catalogue"
	"github.com/deckyard/deckyard/internal/model"
)

// Network is a generated topology.
type Network struct {
	Topology v1alpha1.Topology
	// Segments are the LANs, the DMZ first and a parent before its children.
	Segments []Segment
}

// Segment is a LAN with the deckies that live on it. The last one of a LAN below the
// DMZ is its bridge, which has an interface on the parent.
type Segment struct {
	LAN     v1alpha1.LAN
	Deckies []v1alpha1.Decky
}

// Topology makes a topology from parameters, or says which of them does not do.
func Topology(parameters Parameters, known *catalogue.Catalogue) (Network, error) {
	parameters, err := parameters.Complete(known)
	if err != nil {
		return Network{}, err
	}
	tree, err := parameters.drawTree()
	if err != nil {
		return Network{}, err
	}
	b := builder{
		Parameters: parameters, catalogue: known, tree: tree,
		machines: newDice(parameters.Seed, drawMachines), hosts: namer{map[string]int{}},
		links: map[[2]int]bool{}, visitors: make([]int, len(tree)),
	}
	b.network.Topology.Name, b.network.Topology.Namespace = parameters.Name, parameters.Namespace
	b.network.Topology.Spec.AddressPools = []string{parameters.AddressPool}
	b.nameLANs()
	if err := b.addGateway(); err != nil {
		return Network{}, err
	}
	b.addDeckies()
	b.addBridges()
	b.addCrossLinks()
	return b.network, nil
}

// drawTree returns the parent of each LAN by index. The first is the DMZ, which has
// none; a parent comes before its children.
func (p Parameters) drawTree() ([]int, error) {
	capacity, err := p.capacity()
	if err != nil {
		return nil, err
	}
	d := newDice(p.Seed, drawTree)
	parents := []int{-1}
	level := []int{0}
	for range p.Depth {
		var children []int
		for _, parent := range level {
			for range d.between(1, p.Branching) {
				if len(parents) == capacity {
					return nil, fmt.Errorf("the tree of seed %d, %d levels deep and up to %d children wide, has more than %d LANs, and address pool %s has room for %d (one /%d each): use a larger pool, a smaller depth or a smaller branching",
						p.Seed, p.Depth, p.Branching, capacity, p.AddressPool, capacity, lanPrefixLength)
				}
				children = append(children, len(parents))
				parents = append(parents, parent)
			}
		}
		level = children
	}
	return parents, nil
}

// builder makes the objects of one topology.
type builder struct {
	Parameters
	catalogue *catalogue.Catalogue
	// tree holds the parent of each LAN.
	tree     []int
	machines dice
	hosts    namer
	// links are the pairs of a LAN and another that a decky of it is on; visitors
	// counts the deckies of others on each LAN.
	links    map[[2]int]bool
	visitors []int
	network  Network
}

func (b *builder) nameLANs() {
	words := newDice(b.Seed, drawNames).shuffled(lanWords())
	names := namer{map[string]int{}}
	for i := range b.tree {
		var lan v1alpha1.LAN
		lan.Namespace = b.Namespace
		lan.Spec.TopologyRef.Name = b.Name
		if i == 0 {
			lan.Name, lan.Spec.DMZ = dmzName, true
		} else {
			lan.Name = names.lan(words[(i-1)%len(words)])
		}
		b.network.Segments = append(b.network.Segments, Segment{LAN: lan})
	}
}

// addGateway gives the DMZ its decky, whose ports the host publishes.
func (b *builder) addGateway() error {
	gateway := b.drawMachine()
	gateway.Name = gatewayName
	services, mistake := b.catalogue.Services(&gateway)
	if mistake != nil {
		return fmt.Errorf("choose machines: %s", mistake.Message)
	}
	gateway.Spec.Publish = &v1alpha1.Publish{}
	for _, service := range services {
		for _, port := range service.Ports {
			gateway.Spec.Publish.Ports = append(gateway.Spec.Publish.Ports, b.published(port))
		}
	}
	b.add(0, gateway)
	return nil
}

func (b *builder) published(port model.Port) v1alpha1.PublishedPort {
	published := v1alpha1.PublishedPort{ContainerPort: int32(port.Number), Protocol: v1alpha1.ProtocolTCP}
	if port.Protocol == model.UDP {
		published.Protocol = v1alpha1.ProtocolUDP
	}
	if b.PortOffset > 0 {
		published.HostPort = int32(port.Number) + int32(b.PortOffset) //nolint:gosec // at most MaxPortOffset
	}
	return published
}

// add puts a decky on the LAN that is its home.
func (b *builder) add(home int, decky v1alpha1.Decky) {
	segment := &b.network.Segments[home]
	decky.Spec.Home.LAN = segment.LAN.Name
	segment.Deckies = append(segment.Deckies, decky)
}

// drawMachine returns a decky without a name and a place.
func (b *builder) drawMachine() v1alpha1.Decky {
	kinds := b.kinds()
	decky := kinds[b.machines.below(len(kinds))]
	decky.Namespace = b.Namespace
	decky.Spec.TopologyRef.Name = b.Name
	return decky
}

// drawHost returns a decky without a place.
func (b *builder) drawHost() v1alpha1.Decky {
	decky := b.drawMachine()
	style := wordNumber
	if distributions := b.distributions(decky.Spec.Archetype); len(distributions) > 0 {
		style = hostStyles()[distributions[b.machines.below(len(distributions))]]
	}
	words := hostWords()
	decky.Name, decky.Spec.Hostname = b.hosts.host(style, words[b.machines.below(len(words))])
	return decky
}

// distributions are those of an archetype; what has none is a Debian, as a decky
// looks unless it is told otherwise.
func (b *builder) distributions(archetype string) []string {
	if archetype == "" {
		return []string{"debian"}
	}
	for _, candidate := range b.catalogue.Archetypes() {
		if candidate.Name == archetype {
			return candidate.Distributions
		}
	}
	return nil
}

func (b *builder) addDeckies() {
	for lan := 1; lan < len(b.tree); lan++ {
		for range b.machines.between(b.MinDeckies, b.MaxDeckies) {
			b.add(lan, b.drawHost())
		}
	}
}

func (b *builder) addBridges() {
	forwarding := newDice(b.Seed, drawForwarding)
	for lan := 1; lan < len(b.tree); lan++ {
		bridge := b.drawHost()
		bridge.Spec.Forwarding = forwarding.chance(b.ForwardProbability)
		b.add(lan, bridge)
		b.link(lan, b.tree[lan], len(b.network.Segments[lan].Deckies)-1)
	}
}

// link gives a decky of a LAN an interface on another.
func (b *builder) link(home, other, index int) {
	decky := &b.network.Segments[home].Deckies[index]
	decky.Spec.Attachments = append(decky.Spec.Attachments, v1alpha1.Attachment{LAN: b.network.Segments[other].LAN.Name})
	b.links[[2]int{home, other}] = true
	b.visitors[other]++
}

// addCrossLinks gives deckies an interface on a further LAN.
func (b *builder) addCrossLinks() {
	d := newDice(b.Seed, drawCrossLinks)
	for lan := 1; lan < len(b.tree); lan++ {
		wanted := d.chance(b.CrossLinkProbability)
		index := d.below(len(b.network.Segments[lan].Deckies))
		other, found := b.stranger(lan, d.below(len(b.tree)))
		if wanted && found {
			b.link(lan, other, index)
		}
	}
}

// hostsPerLAN is the number of addresses for deckies: all of a subnet but its own,
// the gateway's and the broadcast address.
const hostsPerLAN = 1<<(32-lanPrefixLength) - 3

// stranger returns the first LAN from start on, and round, that no decky links to
// this one and that has an address to give.
func (b *builder) stranger(lan, start int) (int, bool) {
	for i := range b.tree {
		other := (start + i) % len(b.tree)
		linked := b.links[[2]int{lan, other}] || b.links[[2]int{other, lan}]
		full := len(b.network.Segments[other].Deckies)+b.visitors[other] >= hostsPerLAN
		if other != lan && !linked && !full {
			return other, true
		}
	}
	return 0, false
}
