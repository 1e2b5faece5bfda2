//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/engine/docker"
	"github.com/deckyard/deckyard/internal/engine/host"
	"github.com/deckyard/deckyard/internal/model"
	"github.com/deckyard/deckyard/internal/operator"
	"github.com/deckyard/deckyard/test/netns"
)

// silence is how long a probe waits for an answer that must not come.
const silence = 700 * time.Millisecond

// Scenario 82: no address of the host answers a decky, of the DMZ or not, on any
// port; published ports answer from the host and from outside.
// Scenario 51: nor does an inner LAN reach the outside.
func TestNoHostAddressAnswersADecky(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	outside := newOutside(t, "198.51.100.0/30")
	web := attachedTo(decky("acme", "web", "dmz", "ssh"), "office")
	web.Spec.Publish = publishing(22, 22082)
	web.Spec.Publish.HostIP = "0.0.0.0"
	files := decky("acme", "files", "office", "ssh")
	w.create(topology("acme"), dmz("acme", "dmz"), lan("acme", "office"), web, files)
	w.waitReady(web, files)

	for _, from := range []string{"127.0.0.1", outside.gateway} {
		w.eventually("the published port to answer on "+from, func() error { return greetsAsSSH(greeting("tcp", from+":22082")) })
	}
	w.eventually("the published port to answer outside", func() error {
		return outside.do(func() error { return greetsOnThisThread(outside.gateway + ":22082") })
	})
	w.reaches("files", web.Status.Interfaces[1].Address+":22")

	listener := listenEverywhere(t)
	for _, from := range []string{"web", "files"} {
		w.routeEverythingToTheHost(from)
		var targets []string
		for _, address := range w.hostAddresses() {
			targets = append(targets, address+":"+listener, address+":22082")
		}
		targets = append(targets, outside.listener)
		w.wantSilence(from, targets...)
	}
}

// A DMZ reaches the outside exactly if it may, and the host, other LANs and the
// addresses at which clouds tell a machine its credentials in neither case.
func TestEgressOfTheDMZ(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	outside, metadata := newOutside(t, "198.51.100.4/30"), newOutside(t, "169.254.169.252/30")
	allowed := dmz("open", "dmz")
	allowed.Spec.Egress = v1alpha1.EgressAllow
	victim := decky("closed", "victim", "yard", "ssh")
	victim.Spec.Publish = publishing(22, 22083)
	victim.Spec.Publish.HostIP = "0.0.0.0"
	w.create(topology("open"), allowed, decky("open", "rover", "dmz", "ssh"), topology("closed"), dmz("closed", "yard"), victim)
	w.waitReady(allowed, at(w, decky("open", "rover", "dmz")), victim)

	w.reaches("rover", outside.listener)
	w.wantSilence("victim", outside.listener)

	yard := at(w, dmz("closed", "yard"))
	listener := listenEverywhere(t)
	targets := []string{hostOf(t, yard.Status.Subnet, 2) + ":22", metadata.listener}
	for _, address := range w.hostAddresses() {
		targets = append(targets, address+":"+listener, address+":22083")
	}
	w.wantSilence("rover", targets...)

	// A source that is not the DMZ's own gets no further than its bridge.
	w.mustInside("rover", "ip", "address", "add", "203.0.113.9/32", "dev", "eth0")
	gateway := allowed.Status.Gateway
	w.mustInside("rover", "ip", "route", "replace", "default", "via", gateway, "src", "203.0.113.9")
	mustRun(t, "ip", "route", "add", "203.0.113.9/32", "dev", w.networks()["dmz"].Bridge)
	w.wantSilence("rover", outside.listener)
}

// What somebody does to the firewall by hand is put right at once, and the LAN
// is not Ready while it is not so.
func TestFlushedFilterRulesComeBack(t *testing.T) {
	w := newWorld(t)
	public := dmz("acme", "dmz")
	w.create(topology("acme"), public, lan("acme", "office"), decky("acme", "web", "dmz", "ssh"))
	w.waitReady(public, at(w, lan("acme", "office")), at(w, decky("acme", "web", "dmz")))
	before := w.filters()
	if len(before) != 2 {
		t.Fatalf("filters %+v", before)
	}
	for name, disturb := range map[string]func(){
		"flush": func() { w.nft("flush", "chain", "inet", w.filterTable(), "forward") },
		"table": func() { w.nft("delete", "table", "inet", w.filterTable()) },
	} {
		since := time.Now()
		disturb()
		w.eventually("the filter rules to come back after "+name, func() error {
			for bridge, filter := range before {
				if have := w.filters()[bridge]; have != filter {
					return fmt.Errorf("bridge %s has %+v, had %+v", bridge, have, filter)
				}
			}
			return nil
		})
		t.Logf("after %s: back within %s", name, time.Since(since).Round(time.Millisecond))
		w.waitReady(public)
	}
	rules := w.nft("--handle", "list", "table", "inet", w.filterTable())
	w.steady()
	w.wantRulesUntouched(rules)
}

// What a lost control plane left of the firewall goes with "deckyard purge", its
// table included, and what another one has stays.
func TestPurgeRemovesFilterRules(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	public := dmz("acme", "dmz")
	w.create(topology("acme"), public)
	w.waitReady(public)
	kept := w.filters()

	lost := model.Owner{Instance: "lost-" + w.namespace, Kind: model.OwnerLAN, Namespace: "gone", Name: "dmz", UID: "lost"}
	bridge := model.BridgeName(lost)
	if err := host.New().SetFilter(t.Context(), model.FilterSpec{Owner: lost, Bridge: bridge}); err != nil {
		t.Fatal(err)
	}
	removed, err := operator.Purge(t.Context(), docker.DefaultHost, lost.Instance)
	if err != nil || !slices.Equal(removed, []string{"filter " + bridge}) {
		t.Errorf("removed %v: %v", removed, err)
	}
	if tables := w.nft("list", "tables"); strings.Contains(tables, lost.Instance) {
		t.Errorf("the table of the lost instance is left:\n%s", tables)
	}
	if have := w.filters(); !maps.Equal(have, kept) {
		t.Errorf("filters %+v, were %+v", have, kept)
	}
}

// wantRulesUntouched checks that the rules of the test's bridges have the handles
// they had: others, of tests that run at the same time, come and go.
func (w *world) wantRulesUntouched(before string) {
	w.t.Helper()
	after := w.nft("--handle", "list", "table", "inet", w.filterTable())
	for line := range strings.Lines(before) {
		if strings.Contains(line, " "+w.namespace+"/") && !strings.Contains(after, line) {
			w.t.Errorf("an idle pass wrote the rule anew: %s", line)
		}
	}
}

// filters returns the filter rules of the namespace's LANs, by bridge.
func (w *world) filters() map[string]model.Filter {
	w.t.Helper()
	return w.filtersIn(w.t.Context())
}

// filtersIn is filters with a context for when the test's has ended.
func (w *world) filtersIn(ctx context.Context) map[string]model.Filter {
	w.t.Helper()
	all, err := host.New().Filters(ctx)
	if err != nil {
		w.t.Error(err)
	}
	found := map[string]model.Filter{}
	for _, filter := range all {
		if filter.Owner.Namespace == w.namespace {
			found[filter.Bridge] = filter
		}
	}
	return found
}

// filterTable names the firewall's table of the operator under test.
func (w *world) filterTable() string {
	w.t.Helper()
	for _, network := range w.networks() {
		return "deckyard-" + network.Identity.Owner.Instance
	}
	w.t.Fatal("there is no network")
	return ""
}

// nft runs the firewall's program, as somebody by hand would.
func (w *world) nft(arguments ...string) string {
	w.t.Helper()
	return mustRun(w.t, "nft", arguments...)
}

func mustRun(t *testing.T, program string, arguments ...string) string {
	t.Helper()
	output, err := exec.CommandContext(t.Context(), program, arguments...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v: %s", program, strings.Join(arguments, " "), err, output)
	}
	return string(output)
}

// at returns an object of the test's namespace as it is.
func at[T reporter](w *world, object T) T {
	w.t.Helper()
	object.SetNamespace(w.namespace)
	if err := w.kube.Get(w.t.Context(), client.ObjectKeyFromObject(object), object); err != nil {
		w.t.Fatal(err)
	}
	return object
}

// hostAddresses returns the IPv4 addresses of the host, but for loopback and
// bridges that are not of the test's DMZs, which may go at any moment.
func (w *world) hostAddresses() []string {
	w.t.Helper()
	interfaces, err := net.Interfaces()
	if err != nil {
		w.t.Fatal(err)
	}
	ours := map[string]bool{}
	for _, network := range w.networks() {
		ours[network.Bridge] = true
	}
	var found []string
	for _, candidate := range interfaces {
		if strings.HasPrefix(candidate.Name, "br-") && !ours[candidate.Name] || candidate.Flags&net.FlagLoopback != 0 {
			continue
		}
		addresses, err := candidate.Addrs()
		if err != nil {
			continue
		}
		for _, address := range addresses {
			if prefix, err := netip.ParsePrefix(address.String()); err == nil && prefix.Addr().Is4() {
				found = append(found, prefix.Addr().String())
			}
		}
	}
	return found
}

// routeEverythingToTheHost does in a decky's namespace what an intruder with the
// rights for it would: frames for any address go to the bridge's own MAC.
func (w *world) routeEverythingToTheHost(container string) {
	w.t.Helper()
	home := w.containers()[container].HomeNetwork
	for _, network := range w.networks() {
		if network.Name != home {
			continue
		}
		bridge, err := net.InterfaceByName(network.Bridge)
		if err != nil {
			w.t.Fatal(err)
		}
		gateway := network.Gateway.String()
		w.mustInside(container, "ip", "neighbour", "replace", gateway, "lladdr", bridge.HardwareAddr.String(), "dev", "eth0")
		w.mustInside(container, "ip", "route", "replace", "default", "via", gateway, "dev", "eth0")
	}
}

// wantSilence checks that none of these TCP and UDP ports answers a decky.
func (w *world) wantSilence(container string, targets ...string) {
	w.t.Helper()
	var probes sync.WaitGroup
	for _, target := range targets {
		probes.Go(func() {
			conn, err := w.dialFrom(container, target, silence)
			switch {
			case err == nil:
				_ = conn.Close()
				w.t.Errorf("%s reaches %s by TCP", container, target)
			case errors.Is(err, unix.ECONNREFUSED):
				w.t.Errorf("%s is told by %s that nobody listens", container, target)
			}
		})
		probes.Go(func() {
			if w.answersUDP(container, target) {
				w.t.Errorf("%s reaches %s by UDP", container, target)
			}
		})
	}
	probes.Wait()
}

// answersUDP reports whether a datagram from a decky is answered.
func (w *world) answersUDP(container, target string) bool {
	address, err := netip.ParseAddrPort(target)
	if err != nil {
		w.t.Error(err)
		return false
	}
	conn, err := w.dialUDPFrom(container, address.Addr().As4(), int(address.Port()))
	if err != nil {
		return false
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(silence))
	if _, err := conn.Write([]byte("anybody?")); err != nil {
		return errors.Is(err, unix.ECONNREFUSED)
	}
	_, err = conn.Read(make([]byte, 64))
	return err == nil || errors.Is(err, unix.ECONNREFUSED)
}

// listenEverywhere answers TCP and UDP on one port of all addresses of the host.
func listenEverywhere(t *testing.T) (port string) {
	t.Helper()
	listener, err := net.Listen("tcp4", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	number := netip.MustParseAddrPort(listener.Addr().String()).Port()
	packets, err := net.ListenPacket("udp4", fmt.Sprintf("0.0.0.0:%d", number))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = packets.Close() })
	go func() {
		buffer := make([]byte, 64)
		for {
			size, peer, err := packets.ReadFrom(buffer)
			if err != nil {
				return
			}
			_, _ = packets.WriteTo(buffer[:size], peer)
		}
	}()
	// The kernel completes connections; nobody has to accept them.
	return strconv.Itoa(int(number))
}

// greetsAsSSH checks the greeting of an SSH server.
func greetsAsSSH(line string, err error) error {
	if err == nil && !strings.HasPrefix(line, "SSH-2.0-") {
		return fmt.Errorf("it says %q", line)
	}
	return err
}

// greetsOnThisThread dials in the thread's network namespace and expects SSH.
func greetsOnThisThread(address string) error {
	conn, err := dialOnThisThread(address, answerTime)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(answerTime)); err != nil {
		return err
	}
	greeted := make([]byte, 64)
	size, err := conn.Read(greeted)
	return greetsAsSSH(string(greeted[:size]), err)
}

// outside is a network namespace that the host routes to, as if it were the
// world: nothing of the host's, and it has a way back to everywhere.
type outside struct {
	t                         *testing.T
	name, gateway, listenerIP string
	// listener is the address and port of one who answers there.
	listener string
}

// newOutside makes an outside of a /30.
func newOutside(t *testing.T, subnet string) *outside {
	t.Helper()
	prefix := netip.MustParsePrefix(subnet)
	hostSide := prefix.Addr().Next()
	o := &outside{t: t, name: fmt.Sprintf("e2e%x", hostSide.As4()), gateway: hostSide.String(), listenerIP: hostSide.Next().String()}
	link := "v" + o.name[3:]
	mustRun(t, "ip", "netns", "add", o.name)
	t.Cleanup(func() {
		// The namespace takes its end of the link, and so the link, along.
		if output, err := exec.Command("ip", "netns", "delete", o.name).CombinedOutput(); err != nil {
			t.Errorf("remove the outside: %v: %s", err, output)
		}
	})
	mustRun(t, "ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", o.name)
	mustRun(t, "ip", "address", "add", o.gateway+"/30", "dev", link)
	mustRun(t, "ip", "link", "set", link, "up")
	o.run("ip", "link", "set", "lo", "up")
	o.run("ip", "address", "add", o.listenerIP+"/30", "dev", "eth0")
	o.run("ip", "link", "set", "eth0", "up")
	o.run("ip", "route", "add", "default", "via", o.gateway)
	o.listen()
	return o
}

// run runs a program outside.
func (o *outside) run(program string, arguments ...string) {
	o.t.Helper()
	mustRun(o.t, "ip", append([]string{"netns", "exec", o.name, program}, arguments...)...)
}

// do calls a function on a thread that is outside.
func (o *outside) do(call func() error) error {
	return netns.Within("/run/netns/"+o.name, call)
}

// listen opens a TCP port outside, on which the kernel completes connections.
func (o *outside) listen() {
	o.t.Helper()
	const port = 8080
	err := o.do(func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		o.t.Cleanup(func() { _ = unix.Close(fd) })
		return errors.Join(unix.Bind(fd, &unix.SockaddrInet4{Port: port}), unix.Listen(fd, 16))
	})
	if err != nil {
		o.t.Fatal(err)
	}
	o.listener = fmt.Sprintf("%s:%d", o.listenerIP, port)
}
