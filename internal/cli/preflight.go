// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/deckyard/deckyard/internal/preflight"
)

// newPreflightCommand shows what an engine can do.
func newPreflightCommand(env *environment) *cobra.Command {
	var dockerHost, output string
	command := &cobra.Command{
		Use:   "preflight",
		Short: "Show what the Docker Engine can do, and what of it is taken",
		Long: "Look at the Docker Engine and its host, and show what they are, which features are therefore on or off,\n" +
			"which subnets and host ports are taken, and what to do. Changes nothing. Fails if no topology can be built.",
		Args: usageArgs(cobra.NoArgs),
		RunE: func(command *cobra.Command, _ []string) error {
			if !slices.Contains([]string{"table", "json", "yaml"}, output) {
				return usageError{fmt.Errorf("--output %q is not a format: use table, json or yaml", output)}
			}
			report, err := env.profile(command.Context(), dockerHost)
			if err != nil {
				return err
			}
			if err := writeReport(env.Out, output, report); err != nil {
				return fmt.Errorf("write the report: %w", err)
			}
			return refusal(report)
		},
	}
	addDockerHostFlag(command, &dockerHost)
	command.Flags().StringVarP(&output, "output", "o", "table", "format: table, json or yaml")
	return command
}

// profile looks at an engine. The error says why it cannot be asked.
func (e *environment) profile(ctx context.Context, dockerHost string) (preflight.Report, error) {
	if err := requireLocalSocket(dockerHost); err != nil {
		return preflight.Report{}, err
	}
	return e.Preflight(ctx, dockerHost)
}

// requireSuitable refuses an engine on which no topology can be built.
func (e *environment) requireSuitable(ctx context.Context, dockerHost string) error {
	report, err := e.profile(ctx, dockerHost)
	if err != nil {
		return err
	}
	return refusal(report)
}

func refusal(report preflight.Report) error {
	if report.Suitable {
		return nil
	}
	return fmt.Errorf("the Docker Engine cannot be used: %s", report.Refusal)
}

// writeReport writes the report in a format.
func writeReport(out io.Writer, format string, report preflight.Report) error {
	if format != "table" {
		return writeEncoded(out, format, report)
	}
	const padding = 2
	return writeColumns(out, padding, slices.Concat(
		engineRows(report),
		[][]string{{}, {"FEATURE", "STATE", "WHY"}}, featureRows(report),
		[][]string{{}, {"SUBNET", "TAKEN BY"}}, subnetRows(report),
		[][]string{{}, {"HOST PORTS", "ADDRESS", "TAKEN"}}, portRows(report),
	))
}

func engineRows(report preflight.Report) [][]string {
	engine, host := report.Engine, report.Host
	return [][]string{
		{"ENGINE", engine.Version + ", API " + engine.APIVersion + ", host " + engine.Name},
		{"firewall backend", engine.FirewallBackend},
		{"bridge-nf-call-iptables", string(host.BridgeNFCallIptables)},
		{"iptables", cmp.Or(host.Iptables, "no such program") + "; chain DOCKER-USER: " + string(host.DockerUserChain)},
		{"nf_tables", string(host.NFTables)},
		{"userland proxy", string(host.UserlandProxy)},
		{"live restore", yesNo(engine.LiveRestore)},
		{"rootless", yesNo(engine.Rootless)},
		{"IPv4 forwarding", yesNo(engine.IPv4Forwarding)},
		{"cgroups", "v" + engine.CgroupVersion},
		{"security", strings.Join(engine.SecurityOptions, ", ")},
		{"address pools", cmp.Or(strings.Join(report.AddressPools, ", "), "unknown: the engine does not tell")},
		{"this program", fmt.Sprintf("sees the engine's processes: %s; has its network: %s; NET_ADMIN: %s, SYS_ADMIN: %s, SYS_PTRACE: %s",
			host.EngineVisible, host.EngineNetwork, host.NetAdmin, host.SysAdmin, host.SysPtrace)},
		{"suitable", yesNo(report.Suitable)},
	}
}

func yesNo(isTrue bool) string {
	if isTrue {
		return "yes"
	}
	return "no"
}

func featureRows(report preflight.Report) [][]string {
	var rows [][]string
	for _, feature := range report.Features {
		why := feature.Reason
		if feature.NextStep != "" {
			why += ": " + feature.NextStep
		}
		rows = append(rows, []string{feature.Name, string(feature.State), why})
	}
	return rows
}

func subnetRows(report preflight.Report) [][]string {
	var rows [][]string
	for _, subnet := range report.Subnets {
		holder := "a route of the host"
		if subnet.Network != "" {
			holder = "network " + subnet.Network
		}
		rows = append(rows, []string{subnet.Subnet, holder})
	}
	return rows
}

// portRows puts the ports with the same addresses into a line.
func portRows(report preflight.Report) [][]string {
	type place struct{ protocol, addresses string }
	ports := map[place][]uint16{}
	for _, port := range report.HostPorts {
		at := place{string(port.Protocol), describeAddresses(port.Addresses)}
		ports[at] = append(ports[at], port.Port)
	}
	var rows [][]string
	for at, numbers := range ports {
		rows = append(rows, []string{at.protocol, at.addresses, ranges(numbers)})
	}
	slices.SortFunc(rows, slices.Compare)
	return rows
}

func describeAddresses(addresses []string) string {
	for _, text := range addresses {
		if address, err := netip.ParseAddr(text); err == nil && address.IsUnspecified() {
			return "all"
		}
	}
	return strings.Join(addresses, ", ")
}

// ranges writes sorted numbers as 22, 80, 8000-8010.
func ranges(numbers []uint16) string {
	var words []string
	for first := 0; first < len(numbers); {
		last := first
		for last+1 < len(numbers) && numbers[last+1] == numbers[last]+1 {
			last++
		}
		word := strconv.Itoa(int(numbers[first]))
		if last > first {
			word += "-" + strconv.Itoa(int(numbers[last]))
		}
		words = append(words, word)
		first = last + 1
	}
	return strings.Join(words, ", ")
}
