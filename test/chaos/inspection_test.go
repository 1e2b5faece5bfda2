//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package chaos

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/model"
	"github.com/deckyard/deckyard/internal/status"
	"github.com/deckyard/deckyard/test/netns"
)

// inspection compares what the engine has with what is wanted.
type inspection struct {
	*world
	have *present
	// networks are the instance's, by name; containers too.
	networks   map[string]model.Network
	containers map[string]model.Container
	// endpoints is the number of interfaces of all running containers.
	endpoints int
	problems  []error
}

func (i *inspection) report(format string, arguments ...any) {
	i.problems = append(i.problems, fmt.Errorf(format, arguments...))
}

// inspect returns in what the engine differs from what is wanted and from what the
// objects' status says.
func (w *world) inspect(have *present) error {
	i := &inspection{world: w, have: have, networks: map[string]model.Network{}, containers: map[string]model.Container{}}
	if err := i.look(); err != nil {
		return err
	}
	for _, lan := range have.lans.Items {
		i.checkLAN(lan)
	}
	for _, decky := range have.deckies.Items {
		i.checkDecky(decky)
	}
	for name := range i.containers {
		i.report("container %s is left over", name)
	}
	for name, network := range i.networks {
		if !i.isOwned(network) {
			i.report("network %s is left over", name)
		}
	}
	if len(i.problems) == 0 {
		// What costs more to see.
		i.problems = append(i.problems, i.checkLinks(), i.checkFilters())
	}
	return errors.Join(i.problems...)
}

// look lists what the instance has, and refuses what is there twice.
func (i *inspection) look() error {
	ctx := i.t.Context()
	networks, err := i.engine.Networks(ctx)
	if err != nil {
		return err
	}
	for _, network := range networks {
		if network.Identity.Owner.Instance != i.instance {
			continue
		}
		if _, twice := i.networks[network.Name]; twice {
			i.report("network %s is there twice", network.Name)
		}
		i.networks[network.Name] = network
	}
	containers, err := i.engine.Containers(ctx)
	if err != nil {
		return err
	}
	for _, container := range containers {
		if container.IsRunning() {
			i.endpoints += len(container.Endpoints)
		}
		if container.Identity.Owner.Instance != i.instance {
			continue
		}
		if i.containers[container.Name], err = i.engine.Container(ctx, container.ID); err != nil {
			return err
		}
	}
	return nil
}

func (i *inspection) checkLAN(lan v1alpha1.LAN) {
	name := model.NetworkName(lan.Namespace, topologyName, lan.Name)
	network, ok := i.networks[name]
	if !ok {
		i.report("network %s is missing", name)
		return
	}
	if network.Identity.Owner.UID != string(lan.UID) {
		i.report("network %s is that of another LAN", name)
	}
	if network.ID != lan.Status.NetworkID {
		i.report("LAN %s reports network %.12s, it is %.12s", lan.Name, lan.Status.NetworkID, network.ID)
	}
	if len(network.Subnets) != 1 || network.Subnets[0].String() != lan.Status.Subnet {
		i.report("network %s has subnets %v, its LAN reports %s", name, network.Subnets, lan.Status.Subnet)
	}
	if network.Internal == lan.Spec.DMZ {
		i.report("network %s: internal is %t", name, network.Internal)
	}
	if attached := i.attached(lan.Name); int(lan.Status.Attached) != attached {
		i.report("LAN %s reports %d attached, they are %d", lan.Name, lan.Status.Attached, attached)
	}
}

func (i *inspection) isOwned(network model.Network) bool {
	return slices.ContainsFunc(i.have.lans.Items, func(lan v1alpha1.LAN) bool { return string(lan.UID) == network.Identity.Owner.UID })
}

// attached counts the deckies that are wanted on a LAN.
func (i *inspection) attached(lan string) int {
	count := 0
	for _, decky := range i.have.deckies.Items {
		if decky.Spec.Home.LAN == lan || slices.ContainsFunc(decky.Spec.Attachments, func(a v1alpha1.Attachment) bool { return a.LAN == lan }) {
			count++
		}
	}
	return count
}

// take removes a container from what is left over, and reports it if it is not
// the decky's or does not run.
func (i *inspection) take(name string, decky v1alpha1.Decky) (model.Container, bool) {
	container, ok := i.containers[name]
	delete(i.containers, name)
	switch {
	case !ok:
		i.report("container %s is missing", name)
	case container.Identity.Owner.UID != string(decky.UID):
		i.report("container %s is that of another decky", name)
	case !container.IsRunning():
		i.report("container %s is %s", name, container.State)
	default:
		return container, true
	}
	return container, false
}

func (i *inspection) checkDecky(decky v1alpha1.Decky) {
	name := model.BaseName(decky.Namespace, topologyName, decky.Name)
	base, ok := i.take(name, decky)
	for _, service := range decky.Spec.Services {
		serviceName := model.ServiceName(decky.Namespace, topologyName, decky.Name, service.Name)
		if container, runs := i.take(serviceName, decky); runs && ok {
			i.checkService(decky, base, container, service)
		}
	}
	if !ok {
		return
	}
	if base.ID != decky.Status.Base.ContainerID {
		i.report("decky %s reports base %.12s, it is %.12s", decky.Name, decky.Status.Base.ContainerID, base.ID)
	}
	hostname := decky.Spec.Hostname
	if hostname == "" {
		hostname = decky.Name
	}
	if base.Hostname != hostname {
		i.report("base %s has host name %s, want %s", name, base.Hostname, hostname)
	}
	i.checkEndpoints(decky, base)
	i.checkInterfaces(decky, base)
	i.checkPublished(decky, base)
	i.checkForwarding(decky, base)
}

func (i *inspection) checkEndpoints(decky v1alpha1.Decky, base model.Container) {
	attachments := append([]v1alpha1.Attachment{decky.Spec.Home}, decky.Spec.Attachments...)
	if len(base.Endpoints) != len(attachments) || len(decky.Status.Interfaces) != len(attachments) {
		i.report("base %s has %s, its decky reports %d, want %d", base.Name,
			describeNumber(len(base.Endpoints), "interface"), len(decky.Status.Interfaces), len(attachments))
		return
	}
	for number, attachment := range attachments {
		reported := decky.Status.Interfaces[number]
		network := i.networks[model.NetworkName(decky.Namespace, topologyName, attachment.LAN)]
		endpoint, connected := base.EndpointOn(network.ID)
		switch {
		case !connected:
			i.report("base %s is not on %s", base.Name, attachment.LAN)
		case reported.LAN != attachment.LAN || !reported.Connected ||
			reported.Address != endpoint.Address.String() || reported.MACAddress != endpoint.MAC:
			i.report("decky %s reports %+v, the interface on %s is %s %s", decky.Name, reported, attachment.LAN, endpoint.Address, endpoint.MAC)
		case attachment.Address != "" && attachment.Address != reported.Address:
			i.report("decky %s has %s on %s, want %s", decky.Name, reported.Address, attachment.LAN, attachment.Address)
		}
	}
}

// checkInterfaces compares the addresses in the base's namespace with those that the
// decky reports: an interface of which the engine tells need not be there.
func (i *inspection) checkInterfaces(decky v1alpha1.Decky, base model.Container) {
	var want, have []string
	for _, reported := range decky.Status.Interfaces {
		want = append(want, reported.Address)
	}
	err := netns.Within(netns.OfProcess(base.PID), func() error {
		addresses, err := net.InterfaceAddrs()
		for _, address := range addresses {
			if subnet, ok := address.(*net.IPNet); ok && subnet.IP.To4() != nil && !subnet.IP.IsLoopback() {
				have = append(have, subnet.IP.String())
			}
		}
		return err
	})
	slices.Sort(want)
	slices.Sort(have)
	if err != nil || !slices.Equal(want, have) {
		i.report("base %s has the addresses %q, its decky reports %q: %v", base.Name, have, want, err)
	}
}

func (i *inspection) checkPublished(decky v1alpha1.Decky, base model.Container) {
	var want, have []string
	if decky.Spec.Publish != nil {
		for _, port := range decky.Spec.Publish.Ports {
			want = append(want, fmt.Sprintf("%d to %d", port.HostPort, port.ContainerPort))
		}
	}
	for _, port := range base.HostPorts {
		have = append(have, fmt.Sprintf("%d to %d", port.HostPort, port.Port.Number))
	}
	if !slices.Equal(want, have) {
		i.report("base %s publishes %q, want %q", base.Name, have, want)
	}
}

func (i *inspection) checkForwarding(decky v1alpha1.Decky, base model.Container) {
	var have []byte
	err := netns.Within(netns.OfProcess(base.PID), func() (err error) {
		have, err = os.ReadFile("/proc/sys/net/ipv4/ip_forward")
		return err
	})
	if want := strconv.Itoa(map[bool]int{true: 1}[decky.Spec.Forwarding]); err != nil || strings.TrimSpace(string(have)) != want {
		i.report("base %s has ip_forward %q, want %s: %v", base.Name, have, want, err)
	}
}

func (i *inspection) checkService(decky v1alpha1.Decky, base, container model.Container, service v1alpha1.Service) {
	if container.NamespaceOf != base.ID {
		i.report("service %s shares the namespace of %.12s, its base is %.12s", container.Name, container.NamespaceOf, base.ID)
	}
	if !container.StartedAt.After(base.StartedAt) {
		i.report("service %s started at %s, its base at %s", container.Name, container.StartedAt, base.StartedAt)
	}
	want, wantErr := os.Readlink(netns.OfProcess(base.PID))
	have, haveErr := os.Readlink(netns.OfProcess(container.PID))
	if err := errors.Join(wantErr, haveErr); err != nil || have != want {
		i.report("service %s is in %s, its base in %s: %v", container.Name, have, want, err)
	}
	environment, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(container.PID), "environ"))
	for key, value := range service.Config {
		if err != nil || !bytes.Contains(environment, []byte("="+value+"\x00")) {
			i.report("service %s has no %s %q: %v", container.Name, key, value, err)
		}
	}
	if port := portOf(service.Name); !listens(container.PID, port) {
		i.report("service %s does not listen on %d", container.Name, port)
	}
	reported := slices.IndexFunc(decky.Status.Services, func(s v1alpha1.ServiceStatus) bool { return s.Name == service.Name })
	if reported < 0 || decky.Status.Services[reported].ContainerID != container.ID {
		i.report("decky %s does not report service container %.12s: %+v", decky.Name, container.ID, decky.Status.Services)
	}
}

func portOf(service string) int {
	return map[string]int{"ssh": 22, "http": 80, "redis": 6379, "ftp": 21}[service]
}

// listens reports whether anything listens on a TCP port in a process's namespace.
func listens(pid, port int) bool {
	for _, table := range []string{"tcp", "tcp6"} {
		content, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "net", table))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(content)) {
			fields := strings.Fields(line)
			// The fourth field is the state, and 0A is LISTEN.
			if len(fields) > 3 && fields[3] == "0A" && strings.HasSuffix(fields[1], fmt.Sprintf(":%04X", port)) {
				return true
			}
		}
	}
	return false
}

// links lists the interfaces of the engine's host.
func (w *world) links() ([]string, error) {
	var names []string
	err := netns.Within(w.own.NetworkNamespace(), func() error {
		links, err := net.Interfaces()
		for _, link := range links {
			names = append(names, link.Name)
		}
		return err
	})
	return names, err
}

// checkLinks says which bridges of networks, or ends of interfaces, are left over
// or missing.
func (i *inspection) checkLinks() error {
	links, err := i.links()
	if err != nil {
		return err
	}
	var bridges, ends []string
	for _, link := range links {
		switch {
		case strings.HasPrefix(link, "br-"):
			bridges = append(bridges, link)
		case strings.HasPrefix(link, "veth") && !i.abandoned[link]:
			ends = append(ends, link)
		}
	}
	networks, err := i.engine.Networks(i.t.Context())
	if err != nil {
		return err
	}
	var want []string
	for _, network := range networks {
		switch {
		case network.Driver != "bridge" || network.Name == "bridge":
			// The engine's own bridge has another name.
		case network.Bridge != "":
			want = append(want, network.Bridge)
		default:
			want = append(want, "br-"+network.ID[:12])
		}
	}
	slices.Sort(want)
	slices.Sort(bridges)
	if !slices.Equal(want, bridges) || len(ends) != i.endpoints {
		return fmt.Errorf("there are bridges %q, want %q, and interfaces %q, want %d", bridges, want, ends, i.endpoints)
	}
	return nil
}

// checkFilters says which filter rules are left over or missing.
func (i *inspection) checkFilters() error {
	table, err := i.own.Command(i.t.Context(), "nft", "list", "ruleset").Output()
	if err != nil {
		return fmt.Errorf("list filter rules: %w", err)
	}
	_, own, _ := strings.Cut(string(table), "table inet deckyard-"+i.instance+" {")
	own, _, _ = strings.Cut(own, "\n}")
	have := slices.Compact(slices.Sorted(slices.Values(regexp.MustCompile(`br-[0-9a-f]{12}`).FindAllString(own, -1))))
	var want []string
	for _, network := range i.networks {
		want = append(want, network.Bridge)
	}
	slices.Sort(want)
	if !slices.Equal(want, have) {
		return fmt.Errorf("there are filter rules of bridges %q, want %q", have, want)
	}
	return nil
}

// unready says which objects are not Ready at their generation.
func unready(have *present) error {
	var problems []error
	note := func(name string, ready bool, text string) {
		if !ready {
			problems = append(problems, fmt.Errorf("%s is not Ready: %s", name, text))
		}
	}
	for _, o := range have.topologies.Items {
		reason, message := status.Because(o.Status.Conditions, v1alpha1.ConditionReady)
		note(o.Name, status.IsReady(o.Status.Conditions, o.Generation), fmt.Sprintf("%s: %s", reason, message))
	}
	for _, o := range have.lans.Items {
		reason, message := status.Because(o.Status.Conditions, v1alpha1.ConditionReady)
		note(o.Name, status.IsReady(o.Status.Conditions, o.Generation), fmt.Sprintf("%s: %s", reason, message))
	}
	for _, o := range have.deckies.Items {
		reason, message := status.Because(o.Status.Conditions, v1alpha1.ConditionReady)
		note(o.Name, status.IsReady(o.Status.Conditions, o.Generation), fmt.Sprintf("%s: %s", reason, message))
	}
	return errors.Join(problems...)
}
