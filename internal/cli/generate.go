// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/deckyard/deckyard/internal/catalogue"
	"github.com/deckyard/deckyard/internal/generate"
)

// generation is one run of the command.
type generation struct {
	*environment
	parameters         generate.Parameters
	deckies            string
	catalogueDirectory string
}

// newGenerateCommand prints a topology made by chance.
func newGenerateCommand(env *environment) *cobra.Command {
	g := generation{environment: env, parameters: generate.Defaults()}
	command := &cobra.Command{
		Use:   "generate NAME",
		Short: "Print the manifests of a topology made by chance",
		Long: "Print the manifests of a topology made by chance: a tree of LANs below a DMZ, deckies on each, and on\n" +
			"each LAN a bridge decky to its parent. The DMZ has one decky, the only one that publishes ports.\n\n" +
			"The first line of the output is the command that prints the same again, to the byte. Names of LANs and\n" +
			"deckies are short, so give each generated topology a namespace of its own, which has to exist.",
		Example: "  deckyard generate acme | deckyard kubectl apply -f -\n" +
			"  deckyard generate acme --depth 2 --deckies-per-lan 0-4 --seed 7 > acme.yaml",
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(command *cobra.Command, arguments []string) error {
			g.parameters.Name = arguments[0]
			return g.run(command)
		},
	}
	p := &g.parameters
	flags := command.Flags()
	flags.StringVarP(&p.Namespace, "namespace", "n", "", "namespace of the objects (default: none is written, so that of kubectl)")
	flags.IntVar(&p.Depth, "depth", p.Depth, fmt.Sprintf("levels of LANs below the DMZ, 1 to %d", generate.MaxDepth))
	flags.IntVar(&p.Branching, "branching", p.Branching, fmt.Sprintf("most LANs below a LAN, 1 to %d; each has one at least", generate.MaxBranching))
	flags.StringVar(&g.deckies, "deckies-per-lan", fmt.Sprintf("%d-%d", p.MinDeckies, p.MaxDeckies),
		fmt.Sprintf("deckies of a LAN beside its bridge, as `MIN-MAX` or N, 0 to %d", generate.MaxDeckies))
	flags.Float64Var(&p.ForwardProbability, "forward-probability", p.ForwardProbability, "how likely a bridge forwards, 0 to 1")
	flags.Float64Var(&p.CrossLinkProbability, "cross-link-probability", p.CrossLinkProbability,
		"how likely a LAN has a decky that is also on a LAN which is neither parent nor child, 0 to 1")
	flags.StringVar(&p.AddressPool, "address-pool", p.AddressPool, "`CIDR` from which the LANs get their subnets, a /24 each")
	flags.IntVar(&p.PortOffset, "port-offset", p.PortOffset,
		fmt.Sprintf("added to a published port to get that of the host, 0 to %d; 0 publishes 1:1", generate.MaxPortOffset))
	flags.StringSliceVar(&p.Services, "services", nil, "services that every decky has (default: those of its archetype)")
	flags.StringSliceVar(&p.Archetypes, "archetypes", nil, "archetypes to draw from (default: all that can be built)")
	flags.Uint64Var(&p.Seed, "seed", 0, "what decides all that is left to chance (default: by chance itself)")
	addCatalogueFlag(command, &g.catalogueDirectory)
	return command
}

func (g *generation) run(command *cobra.Command) error {
	var err error
	if g.parameters.MinDeckies, g.parameters.MaxDeckies, err = parseRange(g.deckies); err != nil {
		return usageError{fmt.Errorf("--deckies-per-lan: %w", err)}
	}
	if !command.Flags().Changed("seed") {
		if g.parameters.Seed, err = randomSeed(); err != nil {
			return err
		}
	}
	known, err := catalogue.LoadDirectory(command.Context(), g.catalogueDirectory)
	if err != nil {
		return err
	}
	parameters, err := g.parameters.Complete(known)
	if err != nil {
		return fmt.Errorf("generate %s: %w", g.parameters.Name, err)
	}
	network, err := generate.Topology(parameters, known)
	if err != nil {
		return fmt.Errorf("generate %s: %w", parameters.Name, err)
	}
	manifests, err := network.Manifests()
	if err != nil {
		return err
	}
	deckies := 0
	for _, segment := range network.Segments {
		deckies += len(segment.Deckies)
	}
	g.warn("Seed %d: %d LANs, %d deckies", parameters.Seed, len(network.Segments), deckies)
	if _, err := fmt.Fprintf(g.Out, "# %s\n", commandLine(parameters, g.catalogueDirectory)); err != nil {
		return err
	}
	_, err = g.Out.Write(manifests)
	return err
}

// commandLine is the command that makes the same topology, also where a later
// version could build more archetypes.
func commandLine(p generate.Parameters, catalogueDirectory string) string {
	words := []string{"deckyard generate", p.Name}
	flag := func(name, value string) {
		if value != "" {
			words = append(words, "--"+name+"="+value)
		}
	}
	flag("namespace", p.Namespace)
	flag("depth", strconv.Itoa(p.Depth))
	flag("branching", strconv.Itoa(p.Branching))
	flag("deckies-per-lan", fmt.Sprintf("%d-%d", p.MinDeckies, p.MaxDeckies))
	flag("forward-probability", strconv.FormatFloat(p.ForwardProbability, 'g', -1, 64))
	flag("cross-link-probability", strconv.FormatFloat(p.CrossLinkProbability, 'g', -1, 64))
	flag("address-pool", p.AddressPool)
	flag("port-offset", strconv.Itoa(p.PortOffset))
	flag("services", strings.Join(p.Services, ","))
	flag("archetypes", strings.Join(p.Archetypes, ","))
	flag("seed", strconv.FormatUint(p.Seed, 10))
	if catalogueDirectory != "" {
		flag("catalogue", strconv.Quote(catalogueDirectory))
	}
	return strings.Join(words, " ")
}

// parseRange reads "1-3", or "2" for a range of one number.
func parseRange(text string) (low, high int, err error) {
	first, second, isRange := strings.Cut(text, "-")
	if !isRange {
		second = first
	}
	low, err = strconv.Atoi(first)
	if err == nil {
		high, err = strconv.Atoi(second)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("%q is neither a number nor a range: write it such as 2 or 1-3", text)
	}
	return low, high, nil
}

// randomSeed is short enough to be typed again.
func randomSeed() (uint64, error) {
	var bytes [4]byte
	if _, err := rand.Read(bytes[:]); err != nil {
		return 0, fmt.Errorf("draw a seed: %w", err)
	}
	return uint64(binary.BigEndian.Uint32(bytes[:])), nil
}
