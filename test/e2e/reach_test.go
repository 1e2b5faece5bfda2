//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/deckyard/deckyard/api/v1alpha1"
)

// What the LANs say that they reach is what connections from inside their deckies
// reach, cell by cell, with routes of an intruder's own.
func TestReachIsWhatDeckiesReach(t *testing.T) {
	w := newWorld(t)
	open, edge := inSubnet(dmz("open", "gate"), "10.232.9.0/24"), inSubnet(dmz("acme", "edge"), "10.232.1.0/24")
	open.Spec.Egress = v1alpha1.EgressAllow
	office, plant := inSubnet(lan("acme", "office"), "10.232.2.0/24"), inSubnet(lan("acme", "plant"), "10.232.3.0/24")
	// The pivot forwards, the bridge to the plant does not.
	pivot, bridge := attachedTo(decky("acme", "pivot", "edge", "ssh"), "office"), attachedTo(decky("acme", "bridge", "office", "ssh"), "plant")
	pivot.Spec.Forwarding = true
	// Each of these is on one LAN alone.
	homes := map[string]*v1alpha1.Decky{
		"edge": decky("acme", "web", "edge", "ssh"), "office": decky("acme", "pc", "office", "ssh"), "plant": decky("acme", "hmi", "plant", "ssh"),
		"gate": decky("open", "rover", "gate", "ssh"),
	}
	topologies := []reporter{topology("acme"), topology("open")}
	w.create(topologies[0], topologies[1], open, edge, office, plant, pivot, bridge)
	for _, each := range homes {
		w.create(each)
	}
	w.waitReady(topologies...)
	outside, metadata := newOutside(t, "198.51.100.8/30"), newOutside(t, "169.254.169.252/30")
	listener := listenEverywhere(t)
	ways := w.waysOf(homes, listener, outside.listener, metadata.listener)

	all := []*v1alpha1.LAN{edge, office, plant, open}
	w.compareReach(all, homes, ways)
	if edge.Status.ReachesSummary != "office" || open.Status.ReachesOutside != v1alpha1.AnswerYes {
		t.Errorf("edge reaches %q, gate the outside: %s", edge.Status.ReachesSummary, open.Status.ReachesOutside)
	}

	edit(w, pivot, func(o *v1alpha1.Decky) { o.Spec.Forwarding = false })
	edit(w, bridge, func(o *v1alpha1.Decky) { o.Spec.Forwarding = true })
	w.waitReady(pivot, bridge)
	w.eventually("office to reach the plant", func() error {
		if summary := at(w, office).Status.ReachesSummary; summary != "plant" {
			return fmt.Errorf("it reaches %q", summary)
		}
		return nil
	})
	w.waitReady(topologies...)
	w.compareReach(all, homes, ways)
	w.steady()
}

// waysOf returns the addresses by which each target of the matrix is tried.
func (w *world) waysOf(homes map[string]*v1alpha1.Decky, port, outside, metadata string) map[string][]string {
	w.t.Helper()
	ways := map[string][]string{"OUTSIDE": {outside}, "METADATA": {metadata}}
	for _, address := range w.hostAddresses() {
		ways["HOST"] = append(ways["HOST"], address+":"+port)
	}
	for name, decky := range homes {
		ways[name] = []string{at(w, decky).Status.Interfaces[0].Address + ":22"}
	}
	return ways
}

// compareReach compares what each LAN says with connections from its decky.
func (w *world) compareReach(lans []*v1alpha1.LAN, homes map[string]*v1alpha1.Decky, ways map[string][]string) {
	w.t.Helper()
	cells := 0
	for _, from := range lans {
		seen := at(w, from).Status
		w.waitCondition(from, v1alpha1.ConditionContained, metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
		says := map[string]bool{
			"HOST": seen.ReachesHost == v1alpha1.AnswerYes, "OUTSIDE": seen.ReachesOutside == v1alpha1.AnswerYes,
			"METADATA": seen.ReachesMetadata == v1alpha1.AnswerYes, from.Name: true,
		}
		for _, name := range seen.Reaches {
			says[name] = true
		}
		decky := homes[from.Name].Name
		var row sync.WaitGroup
		for target, addresses := range ways {
			cells++
			reaches := w.reachesAny
			if _, isLAN := homes[target]; isLAN {
				reaches = w.talksToAny
			}
			row.Go(func() {
				if does := reaches(decky, addresses...); does != says[target] {
					w.t.Errorf("LAN %s says that it reaches %s: %t; %s does: %t (%v)", from.Name, target, says[target], decky, does, addresses)
				}
			})
		}
		row.Wait()
		if from.Spec.DMZ {
			continue
		}
		// Without a default route nothing is even sent: an intruder would have one.
		w.routeEverythingToTheHost(decky)
		for _, target := range []string{"HOST", "OUTSIDE", "METADATA"} {
			cells++
			if w.reachesAny(decky, ways[target]...) {
				w.t.Errorf("%s of LAN %s reaches %s with a route of its own", decky, from.Name, target)
			}
		}
		// Unless the operator was first.
		_, _ = w.inside(decky, "ip", "route", "del", "default")
	}
	w.t.Logf("%d cells compared", cells)
}

// reachesAny reports whether a TCP connection from a container to one of the
// addresses is answered, be it by a refusal.
func (w *world) reachesAny(container string, addresses ...string) bool {
	w.t.Helper()
	return anyOf(addresses, func(address string) bool {
		conn, err := w.dialFrom(container, address, silence)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil || errors.Is(err, unix.ECONNREFUSED)
	})
}

// talksToAny reports whether an SSH server greets a container at one of the
// addresses. To one that may reach the outside, somebody else may answer there: the
// host has no route to inner LANs.
func (w *world) talksToAny(container string, addresses ...string) bool {
	w.t.Helper()
	return anyOf(addresses, func(address string) bool {
		var err error
		if failure := w.inNamespace(container, func() error {
			err = greetsOnThisThread(address)
			return nil
		}); failure != nil {
			w.t.Error(failure)
		}
		return err == nil
	})
}

// anyOf reports whether something is so of one of the addresses, asked at once.
func anyOf(addresses []string, isSo func(string) bool) bool {
	var found atomic.Bool
	var asked sync.WaitGroup
	for _, address := range addresses {
		asked.Go(func() {
			if isSo(address) {
				found.Store(true)
			}
		})
	}
	asked.Wait()
	return found.Load()
}

// Scenario 76: a suspended topology says that it is not contained as long as it is
// not, and what it says is so.
func TestBrokenContainmentIsTold(t *testing.T) {
	w := newWorld(t)
	topo, edge, office, plant := topology("acme"), dmz("acme", "edge"), lan("acme", "office"), lan("acme", "plant")
	bridge := attachedTo(decky("acme", "bridge", "office", "ssh"), "plant")
	w.create(topo, edge, office, plant, decky("acme", "web", "edge", "ssh"), attachedTo(decky("acme", "link", "edge", "ssh"), "office"), bridge)
	w.waitReady(topo)
	gateway := at(w, edge).Status.Gateway + ":" + listenEverywhere(t)
	if w.reachesAny("web", gateway) {
		t.Fatal("web reaches the host")
	}
	w.suspend(topo)
	w.requestPasses(w.members()...)
	w.requestPasses(w.members()...)

	w.nft("delete", "table", "inet", w.filterTable())
	for _, object := range []reporter{edge, office, plant, topo} {
		w.waitCondition(object, v1alpha1.ConditionContained, metav1.ConditionFalse, v1alpha1.ReasonFilterMissing)
	}
	w.waitCondition(topo, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonFilterMissing)
	if edge.Status.ReachesHost != v1alpha1.AnswerYes || !w.reachesAny("web", gateway) {
		t.Errorf("the LAN reaches the host: %s, web does: %t", edge.Status.ReachesHost, w.reachesAny("web", gateway))
	}
	w.waitTold("edge", "Warning FilterMissing: Not contained: ")
	w.waitTold("acme", "Warning FilterMissing: Not contained: ")
	w.requestPasses(w.members()...)
	w.waitCondition(edge, v1alpha1.ConditionContained, metav1.ConditionFalse, v1alpha1.ReasonFilterMissing)

	w.resume(topo)
	w.waitReady(topo, edge, office, plant)
	w.waitCondition(topo, v1alpha1.ConditionContained, metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	if w.reachesAny("web", gateway) {
		t.Error("web still reaches the host")
	}
	w.waitTold("acme", "Normal Succeeded: Contained again")
	w.forwardByHand(topo, bridge, office)
}

// forwardByHand makes a decky forward against its spec, what comes in by any of its
// interfaces or by one: its LANs say so.
func (w *world) forwardByHand(topo *v1alpha1.Topology, bridge *v1alpha1.Decky, office *v1alpha1.LAN) {
	w.t.Helper()
	for _, setting := range []string{"net.ipv4.ip_forward", "net.ipv4.conf.eth0.forwarding"} {
		w.suspend(topo)
		w.requestPasses(w.members()...)
		w.requestPasses(w.members()...)
		w.mustInside(bridge.Name, "sysctl", "-w", setting+"=1")
		w.requestPasses(bridge)
		message := w.waitCondition(office, v1alpha1.ConditionContained, metav1.ConditionFalse, v1alpha1.ReasonSysctlDrifted)
		if !strings.Contains(message, bridge.Name) || office.Status.ReachesSummary != "plant" {
			w.t.Errorf("with %s office reaches %q: %s", setting, office.Status.ReachesSummary, message)
		}
		w.resume(topo)
		w.waitReady(topo, office)
		if office = at(w, office); office.Status.ReachesSummary != "" {
			w.t.Errorf("without %s office still reaches %q", setting, office.Status.ReachesSummary)
		}
	}
}

// Scenario 51: no name is asked outside for a decky of an inner LAN, neither by the
// engine's resolver, which knows the deckies, nor by the decky itself.
func TestNoOutsideNameIsAnswered(t *testing.T) {
	w := newWorld(t)
	open := dmz("open", "gate")
	open.Spec.Egress = v1alpha1.EgressAllow
	web, files := attachedTo(decky("acme", "web", "edge", "ssh"), "office"), decky("acme", "files", "office", "ssh")
	rover := decky("open", "rover", "gate", "ssh")
	w.create(topology("acme"), dmz("acme", "edge"), lan("acme", "office"), web, files, topology("open"), open, rover)
	w.waitReady(web, files, rover)
	outside := newOutside(t, "198.51.100.12/30")
	asked := outside.answerNames()
	// What the engine's resolver is told to ask is nobody; on the host, it would be this one.
	onHost := answerNamesOn(t, "127.0.0.1:53")
	engineResolver, outsideResolver := netip.MustParseAddr("127.0.0.11"), netip.MustParseAddr(outside.listenerIP)

	if found := w.lookUpFrom("rover", outsideResolver, "rover.example.com."); !slices.Equal(found, []string{"192.0.2.53"}) || asked.Load() == 0 {
		t.Fatalf("the outside answers %v after %d questions to one who may ask it", found, asked.Load())
	}
	sibling := w.containers()["web"].Name + "."
	if found := w.lookUpFrom("files", engineResolver, sibling); !slices.Equal(found, []string{web.Status.Interfaces[1].Address}) {
		t.Fatalf("the engine's resolver says that %s is %v", sibling, found)
	}
	before := asked.Load()
	w.routeEverythingToTheHost("files")
	for _, resolver := range []netip.Addr{engineResolver, outsideResolver, netip.MustParseAddr(at(w, lan("acme", "office")).Status.Gateway)} {
		if found := w.lookUpFrom("files", resolver, "files.example.com."); len(found) > 0 {
			t.Errorf("%s answers %v", resolver, found)
		}
	}
	if found := w.lookUpFrom("web", outsideResolver, "web.example.com."); len(found) > 0 {
		t.Errorf("a DMZ without egress is answered %v", found)
	}
	if asked.Load() != before || onHost.Load() > 0 {
		t.Errorf("asked: %d times outside, %d times on the host", asked.Load()-before, onHost.Load())
	}
	_, _ = w.inside("files", "ip", "route", "del", "default")
}

// lookUpFrom asks a resolver for the IPv4 addresses of a name, from a container.
func (w *world) lookUpFrom(container string, resolver netip.Addr, name string) []string {
	w.t.Helper()
	asking := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		// The resolver goes on when nobody waits for it any more.
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return w.dialUDPFrom(container, resolver.As4(), 53)
	}}
	ctx, cancel := context.WithTimeout(w.t.Context(), 2*time.Second)
	defer cancel()
	addresses, err := asking.LookupNetIP(ctx, "ip4", name)
	var failure *net.DNSError
	if err != nil && !errors.As(err, &failure) {
		w.t.Fatal(err)
	}
	var found []string
	for _, address := range addresses {
		found = append(found, address.Unmap().String())
	}
	return found
}

// answerNames runs a name server outside, and returns how often it was asked.
func (o *outside) answerNames() *atomic.Int64 {
	o.t.Helper()
	var conn net.PacketConn
	err := o.do(func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		file := os.NewFile(uintptr(fd), "name server")
		defer func() { _ = file.Close() }()
		if err := unix.Bind(fd, &unix.SockaddrInet4{Port: 53}); err != nil {
			return err
		}
		conn, err = net.FilePacketConn(file)
		return err
	})
	if err != nil {
		o.t.Fatal(err)
	}
	return serveNames(o.t, conn)
}

// answerNamesOn runs a name server on an address of the host.
func answerNamesOn(t *testing.T, address string) *atomic.Int64 {
	t.Helper()
	conn, err := net.ListenPacket("udp4", address)
	if err != nil {
		t.Fatal(err)
	}
	return serveNames(t, conn)
}

// serveNames says of every name that it is 192.0.2.53.
func serveNames(t *testing.T, conn net.PacketConn) *atomic.Int64 {
	t.Helper()
	t.Cleanup(func() { _ = conn.Close() })
	asked := &atomic.Int64{}
	go func() {
		question := make([]byte, 512)
		for {
			size, peer, err := conn.ReadFrom(question)
			if err != nil {
				return
			}
			asked.Add(1)
			_, _ = conn.WriteTo(nameAnswer(question[:size]), peer)
		}
	}()
	return asked
}

// nameAnswer answers a DNS question with one address.
func nameAnswer(question []byte) []byte {
	const header, typeAndClass = 12, 4
	end := header + slices.Index(question[header:], 0) + 1 + typeAndClass
	answer := slices.Clone(question[:end])
	// A response without error, to one question, with one answer and nothing else.
	copy(answer[2:header], []byte{0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0})
	// The name in the question, type A, class IN, for a second, four bytes.
	return append(answer, 0xc0, header, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 192, 0, 2, 53)
}
