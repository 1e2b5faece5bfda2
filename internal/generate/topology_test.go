// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package generate_test

import (
	"bytes"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/deckyard/deckyard/internal/catalogue"
	"github.com/deckyard/deckyard/internal/generate"
	"github.com/deckyard/deckyard/internal/graph"
	"github.com/deckyard/deckyard/internal/ipam"
	"github.com/deckyard/deckyard/internal/render"
	"github.com/deckyard/deckyard/test/golden"
)

func load(tb testing.TB) *catalogue.Catalogue {
	tb.Helper()
	known, err := catalogue.Load(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	return known
}

// drawParameters draws what makes a tree of a size that a test can walk.
func drawParameters(t *rapid.T) generate.Parameters {
	p := generate.Defaults()
	p.Name = "acme"
	p.Namespace = rapid.SampledFrom([]string{"", "lab"}).Draw(t, "namespace")
	p.Depth = rapid.IntRange(1, 5).Draw(t, "depth")
	p.Branching = rapid.IntRange(1, 3).Draw(t, "branching")
	p.MinDeckies = rapid.IntRange(0, 3).Draw(t, "minDeckies")
	p.MaxDeckies = p.MinDeckies + rapid.IntRange(0, 3).Draw(t, "moreDeckies")
	probability := rapid.OneOf(rapid.Just(0.0), rapid.Just(1.0), rapid.Float64Range(0, 1))
	p.ForwardProbability = probability.Draw(t, "forward")
	p.CrossLinkProbability = probability.Draw(t, "crossLink")
	p.PortOffset = rapid.SampledFrom([]int{0, 1, 20000, generate.MaxPortOffset}).Draw(t, "portOffset")
	p.Services = rapid.SampledFrom([][]string{nil, nil, {"ssh"}, {"smtp", "http", "redis"}}).Draw(t, "services")
	p.Seed = rapid.Uint64().Draw(t, "seed")
	return p
}

func generated(t *rapid.T, p generate.Parameters, known *catalogue.Catalogue) generate.Network {
	network, err := generate.Topology(p, known)
	if err != nil {
		t.Fatal(err)
	}
	return network
}

func manifests(t *rapid.T, network generate.Network) []byte {
	written, err := network.Manifests()
	if err != nil {
		t.Fatal(err)
	}
	return written
}

// Scenario 66: the same seed and parameters give the same bytes.
func TestSameSeedGivesSameBytes(t *testing.T) {
	t.Parallel()
	known := load(t)
	rapid.Check(t, func(t *rapid.T) {
		p := drawParameters(t)
		first := manifests(t, generated(t, p, known))
		completed, err := p.Complete(known)
		if err != nil {
			t.Fatal(err)
		}
		for name, again := range map[string]generate.Parameters{"the same": p, "completed": completed} {
			if !bytes.Equal(first, manifests(t, generated(t, again, known))) {
				t.Errorf("%s parameters give something else", name)
			}
		}
	})
}

// Scenario 66, over versions of Go and of this program: what a seed gave once it
// gives for ever. A change of a golden file is a change of every topology that
// somebody wrote the seed of down.
func TestSeedsAreForEver(t *testing.T) {
	t.Parallel()
	known := load(t)
	crossed := generate.Defaults()
	crossed.Name, crossed.Namespace, crossed.Depth, crossed.Branching, crossed.Seed = "acme", "lab", 2, 3, 3
	crossed.MinDeckies, crossed.MaxDeckies, crossed.ForwardProbability, crossed.CrossLinkProbability = 0, 2, 0.5, 0.5
	crossed.Archetypes = []string{"linux-server", "jump-host"}
	plain := generate.Defaults()
	plain.Name, plain.Depth, plain.Branching, plain.MaxDeckies, plain.Seed = "acme", 1, 2, 1, 1
	plain.Services = []string{"http", "ssh"}
	for name, p := range map[string]generate.Parameters{"crossed": crossed, "plain": plain} {
		network, err := generate.Topology(p, known)
		if err != nil {
			t.Fatal(err)
		}
		have, err := network.Manifests()
		if err != nil {
			t.Fatal(err)
		}
		golden.Check(t, name+".golden.yaml", string(have))
	}
}

// Scenario 66: one DMZ; every LAN below it has a bridge to one parent, which makes a
// tree of the depth asked for, and without cross-links nothing else is linked; only the
// DMZ's one decky publishes, each port of the host once.
func TestShape(t *testing.T) {
	t.Parallel()
	known := load(t)
	rapid.Check(t, func(t *rapid.T) {
		p := drawParameters(t)
		network := generated(t, p, known)
		level := map[string]int{}
		children := map[string]int{}
		for i, segment := range network.Segments {
			name := segment.LAN.Name
			if _, again := level[name]; again {
				t.Fatalf("two LANs are named %s", name)
			}
			if segment.LAN.Spec.DMZ != (i == 0) {
				t.Fatalf("LAN %d %s: dmz is %v", i, name, segment.LAN.Spec.DMZ)
			}
			if i == 0 {
				level[name] = 0
				continue
			}
			bridge := segment.Deckies[len(segment.Deckies)-1]
			parent := bridge.Spec.Attachments[0].LAN
			above, found := level[parent]
			if !found {
				t.Fatalf("the bridge of LAN %s leads to %s, which does not come before it", name, parent)
			}
			level[name] = above + 1
			children[parent]++
			switch {
			case p.ForwardProbability == 0 && bridge.Spec.Forwarding, p.ForwardProbability == 1 && !bridge.Spec.Forwarding:
				t.Fatalf("the bridge of LAN %s has forwarding %v", name, bridge.Spec.Forwarding)
			}
		}
		for name, depth := range level {
			has := children[name]
			if depth > p.Depth || depth == p.Depth && has > 0 || depth < p.Depth && (has < 1 || has > p.Branching) {
				t.Fatalf("LAN %s of level %d has %d children", name, depth, has)
			}
		}
		checkMembers(t, p, network)
	})
}

func checkMembers(t *rapid.T, p generate.Parameters, network generate.Network) {
	names := map[string]bool{}
	crossLinks := 0
	for i, segment := range network.Segments {
		count := len(segment.Deckies) - 1
		if i == 0 && count != 0 || i > 0 && (count < p.MinDeckies || count > p.MaxDeckies) {
			t.Fatalf("LAN %s has %d deckies", segment.LAN.Name, len(segment.Deckies))
		}
		linksHere := 0
		for j, decky := range segment.Deckies {
			if names[decky.Name] {
				t.Fatalf("two deckies are named %s", decky.Name)
			}
			names[decky.Name] = true
			if decky.Spec.Home.LAN != segment.LAN.Name {
				t.Fatalf("decky %s lives on %s", decky.Name, decky.Spec.Home.LAN)
			}
			if (decky.Spec.Publish != nil) != (i == 0) {
				t.Fatalf("decky %s of LAN %d publishes %v", decky.Name, i, decky.Spec.Publish)
			}
			linksHere += len(decky.Spec.Attachments)
			if i > 0 && j == count {
				linksHere--
			} else if decky.Spec.Forwarding {
				t.Fatalf("decky %s is no bridge and forwards", decky.Name)
			}
		}
		if linksHere > 1 {
			t.Fatalf("LAN %s has %d cross-links", segment.LAN.Name, linksHere)
		}
		crossLinks += linksHere
	}
	if p.CrossLinkProbability == 0 && crossLinks > 0 {
		t.Fatalf("%d cross-links without a probability", crossLinks)
	}
	checkCrossLinks(t, network)
	checkPublished(t, network)
}

// checkCrossLinks makes sure that no two LANs are linked twice, parents included.
func checkCrossLinks(t *rapid.T, network generate.Network) {
	linked := map[[2]string]bool{}
	for _, segment := range network.Segments {
		for _, decky := range segment.Deckies {
			for _, attachment := range decky.Spec.Attachments {
				pair := []string{segment.LAN.Name, attachment.LAN}
				slices.Sort(pair)
				key := [2]string{pair[0], pair[1]}
				if pair[0] == pair[1] || linked[key] {
					t.Fatalf("decky %s links LANs %v, which are linked already", decky.Name, pair)
				}
				linked[key] = true
			}
		}
	}
}

func checkPublished(t *rapid.T, network generate.Network) {
	held := map[string]bool{}
	for _, port := range network.Segments[0].Deckies[0].Spec.Publish.Ports {
		number := port.HostPort
		if number == 0 {
			number = port.ContainerPort
		}
		key := fmt.Sprint(number, port.Protocol)
		if held[key] || number > 65535 {
			t.Fatalf("host port %s is published twice, or is none", key)
		}
		held[key] = true
	}
	if len(held) == 0 {
		t.Fatal("the gateway publishes nothing")
	}
}

// Every generated topology is without a mistake, alone and in relation, and all of
// it is rendered once the operator has chosen subnets, from the pool.
func TestTopologiesAreWithoutMistake(t *testing.T) {
	t.Parallel()
	known := load(t)
	rapid.Check(t, func(t *rapid.T) {
		network := generated(t, drawParameters(t), known)
		input := render.TopologyInput{Topology: &network.Topology, Catalogue: known, BuiltIn: "builtin:1"}
		pools := []netip.Prefix{netip.MustParsePrefix(network.Topology.Spec.AddressPools[0])}
		var taken []netip.Prefix
		for _, segment := range network.Segments {
			subnet, free := ipam.FirstFreeBlock(pools, 24, taken)
			if !free {
				t.Fatalf("no subnet is left for LAN %d", len(taken))
			}
			taken = append(taken, subnet)
			segment.LAN.Status.Subnet = subnet.String()
			input.LANs = append(input.LANs, segment.LAN)
			input.Deckies = append(input.Deckies, segment.Deckies...)
		}
		if mistake := graph.CheckTopology(&network.Topology, input.LANs, input.Deckies); mistake != nil {
			t.Fatal(mistake)
		}
		rendered, omitted := render.Topology(input)
		for _, omission := range omitted {
			t.Errorf("%s %s: %v", omission.Kind, omission.Name, omission.Fault)
		}
		if len(rendered.Networks) != len(input.LANs) || len(rendered.Deckies) != len(input.Deckies) {
			t.Errorf("%d networks and %d deckies of %d and %d", len(rendered.Networks), len(rendered.Deckies), len(input.LANs), len(input.Deckies))
		}
	})
}

// Machines are drawn from what can be built, and no others.
func TestArchetypesAreThoseThatCanBeBuilt(t *testing.T) {
	t.Parallel()
	known := load(t)
	p := generate.Defaults()
	p.Name, p.MinDeckies, p.MaxDeckies = "acme", 20, 20
	network, err := generate.Topology(p, known)
	if err != nil {
		t.Fatal(err)
	}
	have, want := map[string]bool{}, map[string]bool{}
	for _, segment := range network.Segments {
		for _, decky := range segment.Deckies {
			have[decky.Spec.Archetype] = true
		}
	}
	for _, archetype := range known.Archetypes() {
		if known.Buildable(archetype) {
			want[archetype.Name] = true
		}
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("(-want +have):\n%s", diff)
	}
}

// A probability is what it says, and each of the tree, the machines, the forwarding and the
// cross-links is drawn by itself.
func TestProbabilities(t *testing.T) {
	t.Parallel()
	known := load(t)
	p := generate.Defaults()
	p.Name, p.Depth, p.Branching, p.MinDeckies, p.MaxDeckies = "acme", 6, 5, 0, 1
	p.ForwardProbability, p.CrossLinkProbability, p.Seed = 0.25, 0.75, 5
	network, err := generate.Topology(p, known)
	if err != nil {
		t.Fatal(err)
	}
	lans, forwarding, crossed := len(network.Segments)-1, 0, 0
	for _, segment := range network.Segments[1:] {
		for _, decky := range segment.Deckies {
			crossed += len(decky.Spec.Attachments)
			if decky.Spec.Forwarding {
				forwarding++
			}
		}
		crossed--
	}
	for name, share := range map[string][2]float64{
		"forwarding":  {0.25, float64(forwarding) / float64(lans)},
		"cross-links": {0.75, float64(crossed) / float64(lans)},
	} {
		// Six standard deviations.
		if margin := 6 * math.Sqrt(0.1875/float64(lans)); math.Abs(share[0]-share[1]) > margin {
			t.Errorf("%s: %.3f of %d LANs, want %.3f within %.3f", name, share[1], lans, share[0], margin)
		}
	}

	p.ForwardProbability, p.CrossLinkProbability = 1, 0
	other, err := generate.Topology(p, known)
	if err != nil {
		t.Fatal(err)
	}
	for i := range network.Segments {
		for _, segments := range [][]generate.Segment{network.Segments, other.Segments} {
			for j := range segments[i].Deckies {
				segments[i].Deckies[j].Spec.Forwarding, segments[i].Deckies[j].Spec.Attachments = false, nil
			}
		}
	}
	if diff := cmp.Diff(network, other); diff != "" {
		t.Errorf("another probability changed more than what it is of:\n%s", diff)
	}
}

func TestParametersAreRefused(t *testing.T) {
	t.Parallel()
	known := load(t)
	cases := map[string]struct {
		change func(*generate.Parameters)
		want   string
	}{
		"no name":                {func(p *generate.Parameters) { p.Name = "" }, `name "" is not a DNS label: use at most 63 lower-case letters, digits and hyphens`},
		"a bad namespace":        {func(p *generate.Parameters) { p.Namespace = "A" }, `namespace "A" is not a DNS label: use at most 63 lower-case letters, digits and hyphens`},
		"no depth":               {func(p *generate.Parameters) { p.Depth = 0 }, "depth 0 is out of bounds: use 1 to 16"},
		"too deep":               {func(p *generate.Parameters) { p.Depth = 17 }, "depth 17 is out of bounds: use 1 to 16"},
		"too wide":               {func(p *generate.Parameters) { p.Branching = 9 }, "branching 9 is out of bounds: use 1 to 8"},
		"too many deckies":       {func(p *generate.Parameters) { p.MaxDeckies = 33 }, "largest number of deckies per LAN 33 is out of bounds: use 0 to 32"},
		"fewer than none":        {func(p *generate.Parameters) { p.MinDeckies = -1 }, "least number of deckies per LAN -1 is out of bounds: use 0 to 32"},
		"a range upside down":    {func(p *generate.Parameters) { p.MinDeckies = 4 }, "deckies per LAN 4-3 is no range: put the smaller number first"},
		"more than certain":      {func(p *generate.Parameters) { p.ForwardProbability = 1.5 }, "forward probability 1.5 is out of bounds: use 0 to 1"},
		"no probability":         {func(p *generate.Parameters) { p.CrossLinkProbability = math.NaN() }, "cross-link probability NaN is out of bounds: use 0 to 1"},
		"a pool that is none":    {func(p *generate.Parameters) { p.AddressPool = "fd00::/8" }, `address pool "fd00::/8" is not an IPv4 CIDR: write an address and a prefix length, such as 10.32.0.0/16`},
		"a pool with host bits":  {func(p *generate.Parameters) { p.AddressPool = "10.1.2.3/16" }, "address pool 10.1.2.3/16 has host bits set: write 10.1.0.0/16"},
		"a pool of multicast":    {func(p *generate.Parameters) { p.AddressPool = "224.0.0.0/8" }, "address pool 224.0.0.0/8 cannot hold LANs: use a unicast block from /8 on, such as 10.32.0.0/16"},
		"a pool below a LAN":     {func(p *generate.Parameters) { p.AddressPool = "10.0.0.0/25" }, "address pool 10.0.0.0/25 has no room for a LAN, which is a /24: use a larger one, such as 10.32.0.0/16"},
		"a pool below the tree":  {func(p *generate.Parameters) { p.AddressPool, p.Branching = "10.0.0.0/23", 1 }, "the tree of seed 0, 3 levels deep and up to 1 children wide, has more than 2 LANs, and address pool 10.0.0.0/23 has room for 2 (one /24 each): use a larger pool, a smaller depth or a smaller branching"},
		"a tree beyond any pool": {func(p *generate.Parameters) { p.Depth, p.Branching = 16, 8 }, "the tree of seed 0, 16 levels deep and up to 8 children wide, has more than 4096 LANs, and address pool 172.16.0.0/12 has room for 4096 (one /24 each): use a larger pool, a smaller depth or a smaller branching"},
		"an offset beyond":       {func(p *generate.Parameters) { p.PortOffset = 50001 }, "port offset 50001 is out of bounds: use 0 to 50000"},
		"both kinds":             {func(p *generate.Parameters) { p.Services, p.Archetypes = []string{"ssh"}, []string{"jump-host"} }, "services ssh and archetypes jump-host exclude each other: give one of them"},
		"a planned service":      {func(p *generate.Parameters) { p.Services = []string{"ssh", "mysql"} }, "choose machines: service mysql is not built yet: remove it, or set image to bring your own"},
		"services that clash":    {func(p *generate.Parameters) { p.Services = []string{"ssh", "ssh"} }, `choose machines: service "ssh" is listed twice: remove one of them, or rename a custom one`},
		"a planned archetype":    {func(p *generate.Parameters) { p.Archetypes = []string{"printer"} }, "choose machines: archetype printer needs service snmp, which is not built yet: use another archetype, or list services of your own in spec.services"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := generate.Defaults()
			p.Name = "acme"
			tc.change(&p)
			_, err := generate.Topology(p, known)
			if err == nil || err.Error() != tc.want {
				t.Errorf("got error %v\nwant %s", err, tc.want)
			}
		})
	}
}
