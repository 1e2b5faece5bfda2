//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/deckyard/deckyard/api/v1alpha1"
)

// Scenario 45: a gateway's ports are published with their protocol, and answer
// whoever dials the host.
func TestGatewayPublishesTCPAndUDP(t *testing.T) {
	t.Parallel()
	image := echoImage(t)
	w := newWorld(t)
	gw := decky("acme", "gw", "dmz", "ssh", "http")
	gw.Spec.Services = append(gw.Spec.Services, v1alpha1.Service{
		Name: "beacon", Image: image, Command: []string{"/echo", "9999/udp"},
		Ports: []v1alpha1.ServicePort{{ContainerPort: 9999, Protocol: v1alpha1.ProtocolUDP}},
	})
	gw.Spec.Publish = &v1alpha1.Publish{Ports: []v1alpha1.PublishedPort{
		{ContainerPort: 22, HostPort: 22045},
		{ContainerPort: 9999, HostPort: 22045, Protocol: v1alpha1.ProtocolUDP},
	}}
	w.create(topology("acme"), dmz("acme", "dmz"), gw)
	w.waitReady(gw)

	w.eventually("SSH to answer on the host", func() error {
		line, err := greeting("tcp", "127.0.0.1:22045")
		if err == nil && !strings.HasPrefix(line, "SSH-2.0-OpenSSH") {
			return fmt.Errorf("it says %q", line)
		}
		return err
	})
	w.echoesOnHost("udp4", 22045)
	w.assertPublished("gw", "0.0.0.0:22045->22/tcp", "0.0.0.0:22045->9999/udp")
}

// assertPublished fails the test unless a base has exactly these ports of the host.
func (w *world) assertPublished(base string, want ...string) {
	w.t.Helper()
	var have []string
	for _, port := range w.containers()[base].HostPorts {
		have = append(have, fmt.Sprintf("%s:%d->%d/%s", port.HostIP, port.HostPort, port.Port.Number, port.Port.Protocol))
	}
	slices.Sort(have)
	slices.Sort(want)
	if difference := cmp.Diff(want, have); difference != "" {
		w.t.Errorf("published by %s (-want +have):\n%s", base, difference)
	}
}

// Scenario 45: a publish that lists nothing publishes every port of every
// service, and no other, under its own number and protocol. A service added
// later changes what is published, which waits for consent.
func TestEmptyPublishPublishesEveryServicePort(t *testing.T) {
	t.Parallel()
	image := echoImage(t)
	w := newWorld(t)
	both, one, later := freePort(t), freePort(t), freePort(t)
	gw := decky("acme", "gw", "dmz")
	gw.Spec.Publish = &v1alpha1.Publish{}
	gw.Spec.Services = []v1alpha1.Service{
		echoService("names", image, tcpPort(both), udpPort(both)), echoService("feed", image, tcpPort(one)),
	}
	w.create(topology("acme"), dmz("acme", "dmz"), gw)
	w.waitReady(gw)
	mapped := func(port int32, protocol string) string {
		return fmt.Sprintf("0.0.0.0:%d->%d/%s", port, port, protocol)
	}
	published := []string{mapped(both, "tcp"), mapped(both, "udp"), mapped(one, "tcp")}
	w.assertPublished("gw", published...)
	w.echoesOnHost("tcp4", both)
	w.echoesOnHost("udp4", both)
	w.echoesOnHost("tcp4", one)

	edit(w, gw, func(gw *v1alpha1.Decky) {
		gw.Spec.Services = append(gw.Spec.Services, echoService("beacon", image, udpPort(later)))
	})
	message := w.waitCondition(gw, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonRecreatePending)
	if !strings.Contains(message, "spec.publish") {
		t.Errorf("the message is: %s", message)
	}
	w.assertPublished("gw", published...)
	edit(w, gw, func(gw *v1alpha1.Decky) { gw.Spec.UpdateStrategy = v1alpha1.UpdateRecreate })
	w.waitReady(gw)
	w.assertPublished("gw", append(published, mapped(later, "udp"))...)
	w.echoesOnHost("udp4", later)
}

// echoesOnHost waits until a port of the host leads to an echo service.
func (w *world) echoesOnHost(network string, port int32) {
	w.t.Helper()
	address := fmt.Sprintf("127.0.0.1:%d", port)
	w.eventually(network+" "+address+" to echo", func() error { return echoes(network, address) })
}

// echoService returns a custom service that echoes on its ports.
func echoService(name, image string, ports ...v1alpha1.ServicePort) v1alpha1.Service {
	service := v1alpha1.Service{Name: name, Image: image, Command: []string{"/echo"}, Ports: ports}
	for _, port := range ports {
		service.Command = append(service.Command, fmt.Sprintf("%d/%s", port.ContainerPort, strings.ToLower(string(port.Protocol))))
	}
	return service
}

func tcpPort(number int32) v1alpha1.ServicePort {
	return v1alpha1.ServicePort{ContainerPort: number, Protocol: v1alpha1.ProtocolTCP}
}

func udpPort(number int32) v1alpha1.ServicePort {
	return v1alpha1.ServicePort{ContainerPort: number, Protocol: v1alpha1.ProtocolUDP}
}

// freePort returns a port of the host that nobody holds, neither TCP nor UDP.
func freePort(t *testing.T) int32 {
	t.Helper()
	for range 100 {
		listener, err := net.Listen("tcp4", "0.0.0.0:0")
		if err != nil {
			t.Fatal(err)
		}
		address := listener.Addr().String()
		socket, err := net.ListenPacket("udp4", address)
		_ = listener.Close()
		if err != nil {
			continue
		}
		_ = socket.Close()
		return int32(netip.MustParseAddrPort(address).Port())
	}
	t.Fatal("the host has no free port")
	return 0
}

// Scenario 45: a UDP service is ready when its port is bound, and not before.
func TestUDPServiceIsReadyWhenItsPortIsBound(t *testing.T) {
	t.Parallel()
	image := echoImage(t)
	w := newWorld(t)
	web := decky("acme", "web", "dmz", "ssh")
	web.Spec.Services = append(web.Spec.Services, v1alpha1.Service{
		Name: "beacon", Image: image, Command: []string{"/echo", "9998/udp"},
		Ports: []v1alpha1.ServicePort{{ContainerPort: 9999, Protocol: v1alpha1.ProtocolUDP}},
	})
	w.create(topology("acme"), dmz("acme", "dmz"), web)
	w.waitMessage(web, v1alpha1.ConditionServicesAnswering, v1alpha1.ReasonPortNotListening,
		"Nothing listens on 9999/udp, the port of service beacon")
	edit(w, web, func(web *v1alpha1.Decky) { web.Spec.Services[1].Command = []string{"/echo", "9999/udp"} })
	w.waitReady(web)
}

// Scenario 46: of two deckies that want one port of the host the later is
// refused, naming the earlier, and gets it when that is gone.
func TestHostPortOfAnotherDeckyIsRefusedAndInherited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, second := decky("acme", "gw-a", "dmz", "ssh"), decky("acme", "gw-b", "dmz", "ssh")
	first.Spec.Publish, second.Spec.Publish = publishing(22, 22046), publishing(22, 22046)
	w.create(topology("acme"), dmz("acme", "dmz"), first)
	w.waitReady(first)
	before := w.containers()
	w.create(second)
	message := w.waitCondition(second, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonPortConflict)
	if !strings.Contains(message, "gw-a") || !strings.Contains(message, "22046") {
		t.Errorf("the message is: %s", message)
	}
	w.assertUntouched(before, "gw-a", "gw-a_ssh")

	w.remove(first)
	w.waitReady(second)
	if _, err := greeting("tcp", "127.0.0.1:22046"); err != nil {
		t.Error(err)
	}
}

// Scenario 47: a process of the host that holds a port is named before the
// engine is asked for it.
func TestHostPortHeldByAProcessIsNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	holder, err := net.Listen("tcp4", "127.0.0.1:22047")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = holder.Close() })
	gw := decky("acme", "gw", "dmz", "ssh")
	gw.Spec.Publish = publishing(22, 22047)
	w.create(topology("acme"), dmz("acme", "dmz"), gw)
	message := w.waitCondition(gw, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonHostPortTaken)
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// The kernel keeps the first 15 characters of a program's name.
	program := filepath.Base(executable)
	for _, word := range []string{"22047", program[:min(len(program), 15)], strconv.Itoa(os.Getpid())} {
		if !strings.Contains(message, word) {
			t.Errorf("%q is not in the message: %s", word, message)
		}
	}
	if container := w.containers()["gw"]; container.IsRunning() {
		t.Error("the base was started")
	}

	if err := holder.Close(); err != nil {
		t.Fatal(err)
	}
	w.requestPasses(gw)
	w.waitReady(gw)
}

// Scenario 48: what needs a new base waits for consent, and names the field;
// all else is done meanwhile. With consent, base and services are recreated once,
// and keep addresses, MACs and keys. Events say what is disrupted.
func TestRecreationWaitsForConsent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	gw := attachedTo(decky("acme", "gw", "dmz", "ssh"), "office")
	w.create(topology("acme"), dmz("acme", "dmz"), lan("acme", "office"), gw)
	w.waitReady(gw)
	before, recorded := w.containers(), w.record()
	traits := w.traits(gw)

	edit(w, gw, func(gw *v1alpha1.Decky) {
		gw.Spec.Hostname = "mail01"
		gw.Spec.Publish = publishing(22, 22048)
		gw.Spec.Services = append(gw.Spec.Services, v1alpha1.Service{Name: "redis"})
	})
	message := w.waitCondition(gw, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonRecreatePending)
	for _, word := range []string{"spec.hostname", "spec.publish", v1alpha1.AnnotationRecreateAllowed, strconv.FormatInt(gw.Generation, 10)} {
		if !strings.Contains(message, word) {
			t.Errorf("%q is not in the message: %s", word, message)
		}
	}
	w.waitCondition(gw, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonRecreatePending)
	w.waitCondition(gw, v1alpha1.ConditionRecreatePending, metav1.ConditionTrue, v1alpha1.ReasonRecreatePending)
	recorded.want("create gw_redis", "start gw_redis")
	w.assertUntouched(before, "gw", "gw_ssh")

	recorded = w.record()
	edit(w, gw, func(gw *v1alpha1.Decky) {
		gw.Annotations = map[string]string{v1alpha1.AnnotationRecreateAllowed: strconv.FormatInt(gw.Generation, 10)}
	})
	w.waitReady(gw)
	w.requestPasses(gw)
	recorded.want("remove gw_ssh", "remove gw_redis", "remove gw", "create gw", "connect office", "start gw",
		"create gw_ssh", "start gw_ssh", "create gw_redis", "start gw_redis")
	if has(gw, v1alpha1.ConditionRecreatePending) || has(gw, v1alpha1.ConditionStalled) {
		t.Errorf("conditions: %+v", gw.Status.Conditions)
	}
	if hostname := w.containers()["gw"].Hostname; hostname != "mail01" {
		t.Errorf("the host name is %q", hostname)
	}
	if difference := cmp.Diff(traits, w.traits(gw)); difference != "" {
		t.Errorf("what others know it by (-before +after):\n%s", difference)
	}
	for reason, disrupted := range map[v1alpha1.Reason]string{
		v1alpha1.ReasonRecreatePending: "which disrupts the base and its services: set spec.updateStrategy",
		v1alpha1.ReasonSpecChanged:     "this disrupts nothing",
		v1alpha1.ReasonBaseRecreated:   "this disrupts the base and its services",
	} {
		w.waitTold("gw", " "+string(reason)+": ", disrupted)
	}
	if _, err := greeting("tcp", "127.0.0.1:22048"); err != nil {
		t.Error(err)
	}

	// Consent was for that generation alone.
	recorded = w.record()
	edit(w, gw, func(gw *v1alpha1.Decky) { gw.Spec.Hostname = "mail02" })
	w.waitCondition(gw, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonRecreatePending)
	edit(w, gw, func(gw *v1alpha1.Decky) { gw.Spec.Hostname = "mail01" })
	w.waitReady(gw)
	recorded.want()
}

// traits is what others on its networks know a decky by: addresses and MACs, in
// status and on the engine, and host keys.
func (w *world) traits(decky *v1alpha1.Decky) []string {
	w.t.Helper()
	var traits []string
	for _, each := range decky.Status.Interfaces {
		traits = append(traits, each.LAN+" "+each.Address+" "+each.MACAddress)
	}
	for _, endpoint := range w.containers()[decky.Name].Endpoints {
		traits = append(traits, endpoint.NetworkName+" "+endpoint.Address.String()+" "+endpoint.MAC)
	}
	for kind, key := range w.hostKeys(decky) {
		traits = append(traits, kind+" "+key)
	}
	slices.Sort(traits)
	return traits
}

// echoes sends a few bytes and waits for their return.
func echoes(network, address string) error {
	conn, err := net.Dial(network, address)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	if _, err := conn.Write([]byte("ping")); err != nil {
		return err
	}
	answer := make([]byte, 16)
	n, err := conn.Read(answer)
	if err == nil && string(answer[:n]) != "ping" {
		return fmt.Errorf("it answers %q", answer[:n])
	}
	return err
}

// echoImage builds an image of testdata/echo and loads it until the test ends:
// call it before newWorld, so that its containers go first.
func echoImage(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "echo")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./testdata/echo")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the echo service: %v: %s", err, output)
	}
	archive := exec.CommandContext(t.Context(), "tar", "-c", "-C", filepath.Dir(program), "echo")
	content, err := archive.Output()
	if err != nil {
		t.Fatalf("pack the echo service: %v", err)
	}
	image := "echo:" + strings.ToLower(t.Name())
	load := exec.CommandContext(t.Context(), "docker", "import", "-", image)
	load.Stdin = bytes.NewReader(content)
	if output, err := load.CombinedOutput(); err != nil {
		t.Fatalf("import the echo service: %v: %s", err, output)
	}
	t.Cleanup(func() { cleanUpDocker(t, "rmi", image) })
	return image
}
