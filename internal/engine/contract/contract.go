// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/model"
)

// grace is how long a container may take to end.
const grace = 2 * time.Second

// patience bounds the wait for what an engine does by itself.
const patience = 20 * time.Second

// unreachableImage is a reference whose registry does not answer.
const unreachableImage = "127.0.0.1:9/nobody/there:1"

// Subject is an implementation of the ports, with what the suite needs to try it.
type Subject struct {
	Reader     engine.Reader
	Networks   engine.NetworkWriter
	Containers engine.ContainerWriter
	Changer    engine.ContainerChanger
	Images     engine.Images
	Events     engine.Events
	Prober     engine.Prober
	HostProber engine.HostProber
	Host       engine.Host
	Firewall   engine.Firewall

	// Image is the reference of an image on the engine whose program takes the
	// command "exit CODE" or "listen tcp:PORT udp:PORT …", and a docker-load
	// archive of another one is Archive, with the reference ArchiveImage.
	Image        string
	Archive      []byte
	ArchiveImage string
	// Damage takes, by hand, one of the filter rules of a bridge away, and Flush
	// all of an instance.
	Damage func(t *testing.T, filter model.FilterSpec)
	Flush  func(t *testing.T, instance string)
	// HoldPort lets a process outside of the engine hold a TCP port of
	// 127.0.0.1 during the test, and returns it.
	HoldPort func(t *testing.T) uint16
	// FreePort returns a TCP port of 127.0.0.1 that nobody holds.
	FreePort func(t *testing.T) uint16
}

// suite is one run over a subject.
type suite struct {
	Subject
	// run is part of every name.
	run         string
	lastObject  *atomic.Int64
	lastSubnet  *atomic.Int64
	endpointMAC bool
}

// Run checks every rule of the ports on a subject.
func Run(t *testing.T, subject Subject) {
	t.Helper()
	profile, err := subject.Prober.Profile(t.Context())
	if err != nil {
		t.Fatalf("profile of the engine: %v", err)
	}
	s := suite{
		Subject:     subject,
		run:         randomName(t),
		lastObject:  &atomic.Int64{},
		lastSubnet:  &atomic.Int64{},
		endpointMAC: profile.EndpointMAC,
	}
	for _, rules := range []map[string]func(*testing.T, suite){
		proberRules(), networkRules(), endpointRules(), containerRules(), namespaceRules(), imageRules(), eventRules(), hostRules(), routeRules(), firewallRules(),
	} {
		for name, rule := range rules {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				rule(t, s)
			})
		}
	}
}

func proberRules() map[string]func(*testing.T, suite) {
	return map[string]func(*testing.T, suite){
		"the profile names engine and API version": func(t *testing.T, s suite) {
			profile, err := s.Prober.Profile(t.Context())
			wantNoError(t, err)
			if profile.Version == "" || profile.APIVersion == "" || profile.Name == "" || profile.OS == "" || profile.CgroupVersion == "" || profile.PID == 0 {
				t.Errorf("incomplete profile %+v", profile)
			}
		},
		"the host of an engine that can be worked with is known as such": func(t *testing.T, s suite) {
			of, err := s.Prober.Profile(t.Context())
			wantNoError(t, err)
			profile, err := s.HostProber.HostProfile(t.Context(), of)
			wantNoError(t, err)
			for what, answer := range map[string]model.Answer{
				"engine visible": profile.EngineVisible, "engine's network": profile.EngineNetwork, "filters": profile.Filters,
				"NET_ADMIN": profile.NetAdmin, "SYS_ADMIN": profile.SysAdmin, "SYS_PTRACE": profile.SysPtrace,
			} {
				if answer != model.Yes {
					t.Errorf("%s: %s", what, answer)
				}
			}
			for what, answer := range map[string]model.Answer{
				"bridged frames": profile.BridgedFrames, "chain": profile.UserChain, "proxy": profile.UserlandProxy,
			} {
				if answer != model.Yes && answer != model.No && answer != model.Unknown {
					t.Errorf("%s: %q", what, answer)
				}
			}
		},
		"what listens on the host is told": func(t *testing.T, s suite) {
			held := s.HoldPort(t)
			sockets, err := s.HostProber.Listening(t.Context())
			wantNoError(t, err)
			want := model.Socket{Port: model.Port{Number: held, Protocol: model.TCP}, Address: netip.MustParseAddr("127.0.0.1")}
			if !slices.Contains(sockets, want) {
				t.Errorf("%v lacks %v", sockets, want)
			}
		},
	}
}

// randomName returns a name that no other run has.
func randomName(t *testing.T) string {
	t.Helper()
	random := make([]byte, 4)
	if _, err := rand.Read(random); err != nil {
		t.Fatal(err)
	}
	return "contract" + hex.EncodeToString(random)
}

// name returns a name that no other object has.
func (s suite) name() string {
	return fmt.Sprintf("%s_o%d", s.run, s.lastObject.Add(1))
}

// bridge returns the name of an interface that nothing else has.
func (s suite) bridge() string {
	return model.BridgeName(model.Owner{UID: s.name()})
}

// subnet returns a /24 that no other network of the suite has.
func (s suite) subnet(t *testing.T) netip.Prefix {
	t.Helper()
	number := s.lastSubnet.Add(1)
	if number > 255 {
		t.Fatal("the suite has used up its subnets")
	}
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 213, byte(number), 0}), 24)
}

// host returns an address of a /24.
func host(subnet netip.Prefix, number byte) netip.Addr {
	octets := subnet.Addr().As4()
	octets[3] = number
	return netip.AddrFrom4(octets)
}

// identity returns the labels of an object of the suite.
func (s suite) identity(role model.Role) model.Identity {
	identity := model.Identity{
		Owner: model.Owner{
			Instance: s.run, Kind: model.OwnerDecky, Namespace: "default", Topology: "contract", Name: "web01", UID: s.run + "-uid",
		},
		Role:     role,
		SpecHash: "v1:abc",
	}
	switch role {
	case model.RoleNetwork:
		identity.Owner.Kind, identity.Owner.Name = model.OwnerLAN, "office"
	case model.RoleService:
		identity.Service = "ssh"
	case model.RoleBase:
	}
	return identity
}

// networkSpec returns a network that can be created.
func (s suite) networkSpec(t *testing.T) model.NetworkSpec {
	t.Helper()
	subnet := s.subnet(t)
	return model.NetworkSpec{
		Name:        s.name(),
		Identity:    s.identity(model.RoleNetwork),
		Driver:      "bridge",
		Subnet:      subnet,
		Gateway:     host(subnet, 1),
		Internal:    true,
		ExtraLabels: map[string]string{"com.docker.compose.project": s.run},
	}
}

// network creates a network for the time of the test.
func (s suite) network(t *testing.T) model.Network {
	t.Helper()
	return s.createNetwork(t, s.networkSpec(t))
}

func (s suite) createNetwork(t *testing.T, spec model.NetworkSpec) model.Network {
	t.Helper()
	id, err := s.Networks.CreateNetwork(t.Context(), spec)
	wantNoError(t, err)
	s.cleanUp(t, "network "+spec.Name, func(ctx context.Context) error { return s.Networks.RemoveNetwork(ctx, id) })
	network, err := s.Reader.Network(t.Context(), id)
	wantNoError(t, err)
	return network
}

// baseSpec returns a base with a home that can be created.
func (s suite) baseSpec(home model.Network, address netip.Addr) model.ContainerSpec {
	return model.ContainerSpec{
		Name:         s.name(),
		Identity:     s.identity(model.RoleBase),
		Image:        s.Image,
		Command:      []string{"listen", "tcp:7"},
		Env:          []string{"GREETING=hello"},
		ReadOnlyRoot: true,
		Tmpfs:        []string{"/tmp"},
		Limits:       model.Limits{Memory: 32 << 20, PIDs: 64},
		Hostname:     "web01",
		Sysctls:      map[string]string{"net.ipv4.ip_default_ttl": "128", "net.ipv4.ip_forward": "0"},
		DNS:          []netip.Addr{netip.MustParseAddr("127.0.0.1")},
		Home: model.EndpointSpec{
			NetworkID: home.ID, NetworkName: home.Name, LAN: "office", Address: address, MAC: homeMAC,
		},
		Ports:       []model.Port{{Number: 7, Protocol: model.TCP}},
		ExtraLabels: map[string]string{"com.docker.compose.project": s.run},
	}
}

// serviceSpec returns a service that can be created.
func (s suite) serviceSpec(sockets ...string) model.ContainerSpec {
	return model.ContainerSpec{
		Name:         s.name(),
		Identity:     s.identity(model.RoleService),
		Image:        s.Image,
		Command:      append([]string{"listen"}, sockets...),
		ReadOnlyRoot: true,
		Limits:       model.Limits{Memory: 32 << 20, PIDs: 64},
	}
}

// create creates a container for the time of the test.
func (s suite) create(t *testing.T, spec model.ContainerSpec, namespaceOf string) string {
	t.Helper()
	id, err := s.Containers.CreateContainer(t.Context(), spec, namespaceOf)
	wantNoError(t, err)
	s.cleanUp(t, "container "+spec.Name, func(ctx context.Context) error { return s.Containers.RemoveContainer(ctx, id) })
	return id
}

// start creates and starts a container.
func (s suite) start(t *testing.T, spec model.ContainerSpec, namespaceOf string) model.Container {
	t.Helper()
	id := s.create(t, spec, namespaceOf)
	wantNoError(t, s.Containers.StartContainer(t.Context(), id))
	return s.inspect(t, id)
}

// base starts a base with host address 10 of a network.
func (s suite) base(t *testing.T, home model.Network) model.Container {
	t.Helper()
	return s.start(t, s.baseSpec(home, host(home.Subnets[0], 10)), "")
}

// inspect returns the container as it is now.
func (s suite) inspect(t *testing.T, id string) model.Container {
	t.Helper()
	container, err := s.Reader.Container(t.Context(), id)
	wantNoError(t, err)
	return container
}

// listed returns the container as the list shows it.
func (s suite) listed(t *testing.T, id string) model.Container {
	t.Helper()
	containers, err := s.Reader.Containers(t.Context())
	wantNoError(t, err)
	for _, container := range containers {
		if container.ID == id {
			return container
		}
	}
	t.Fatalf("container %s is not listed", id)
	return model.Container{}
}

// cleanUp removes an object after the test, also when it was cancelled.
func (s suite) cleanUp(t *testing.T, object string, remove func(context.Context) error) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		if err := remove(ctx); err != nil {
			t.Errorf("clean up %s: %v", object, err)
		}
	})
}

// archive returns a fresh reader of the archive.
func (s suite) archive() io.Reader { return bytes.NewReader(s.Archive) }

// wantNoError ends the test on an error.
func wantNoError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("unexpected error: %v", err)
	}
}

// wantKind checks that an error has a kind, and no other.
func wantKind(t *testing.T, err, want error) {
	t.Helper()
	for _, kind := range []error{
		engine.ErrUnavailable, engine.ErrNotFound, engine.ErrExists, engine.ErrConflict,
		engine.ErrInUse, engine.ErrInvalid, engine.ErrDenied, engine.ErrUnsupported,
	} {
		if errors.Is(err, kind) != (kind == want) { //nolint:errorlint // want is one of the kinds themselves
			t.Errorf("error %q: is %q = %t", err, kind, errors.Is(err, kind))
		}
	}
	if err == nil {
		t.Errorf("no error, want %q", want)
	}
}

// eventually waits until a condition holds. It looks often and lets others run.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("it never came to be that %s", what)
		}
	}
}

// homeMAC is the MAC of every base's home.
const homeMAC = "02:1a:4b:00:00:14"

// missingID is the id of nothing.
const missingID = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
