//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/deckyard/deckyard/internal/model"
	"github.com/deckyard/deckyard/internal/operator"
)

// Scenario 58: what carries our instance's label and has lost its owner goes:
// services, then bases, then networks. A network that a foreign container is on
// stays, with the container, and holds nothing else back; it goes when that leaves.
// Not in parallel: it would sweep what another test has abandoned.
func TestLeftoversAreSwept(t *testing.T) {
	own := newNodeOperator(t, "node-sweeping", func(options *operator.Options) { options.RelistInterval = 200 * time.Millisecond })
	w := own.newWorld()
	topo := own.topology("acme")
	web := decky("acme", "web", "dmz", "ssh")
	w.create(topo, dmz("acme", "dmz"), web)
	w.waitReady(topo)
	before, networks := w.containers(), w.networks()

	// The sweeper must not begin before all is there.
	own.kill()
	forger := &forger{world: w, instance: networks["dmz"].Identity.Owner.Instance}
	forger.leaveNetwork("office", "10.213.32.0/24")
	forger.leaveDecky("pc", "office", "10.213.32.7", "ssh", "smtp")
	forger.leaveNetwork("plant", "10.213.33.0/24")
	forger.leaveDecky("plc", "plant", "10.213.33.7", "telnet")
	// A namesake of what lives: only the UID tells them apart.
	forger.leaveDecky("web", "plant", "10.213.33.8", "ssh")
	guest := w.foreign("guest-"+w.namespace, "--network", forger.ids["office"])
	guestBefore := w.docker("inspect", guest)
	since := time.Now()
	own.revive()

	w.eventually("all leftovers but the network in use to go", func() error {
		return forger.wantLeft("office")
	})
	forger.wantOrder(since, "pc-ssh", "pc")
	forger.wantOrder(since, "pc-smtp", "pc")
	forger.wantOrder(since, "plc-telnet", "plc", "plant")
	forger.wantOrder(since, "web-ssh", "web", "plant")
	w.assertUntouched(before, "web", "web_ssh")
	if difference := cmp.Diff(guestBefore, w.docker("inspect", guest)); difference != "" {
		t.Errorf("the foreign guest (-before +after):\n%s", difference)
	}

	w.docker("network", "disconnect", forger.ids["office"], guest)
	w.eventually("the network to go after its guest", func() error { return forger.wantLeft() })
	w.waitReady(topo)
	for _, write := range own.WritesSince(0) {
		if strings.Contains(write, guest) {
			t.Errorf("the operator asked the engine for %s", write)
		}
	}
}

// forger makes objects that carry the labels of owners who do not exist.
type forger struct {
	*world
	instance string
	// ids are those of what was made, by LAN, decky and decky-service.
	ids map[string]string
}

func (f *forger) identity(kind model.OwnerKind, name string, role model.Role) model.Identity {
	return model.Identity{Role: role, SpecHash: "v1:forged", Owner: model.Owner{
		Instance: f.instance, Kind: kind, Namespace: f.namespace, Name: name, Topology: "acme", UID: "nobody-" + name,
	}}
}

// note keeps the id of what was made, and removes it should nobody have done so.
func (f *forger) note(name, id string, err error, remove func(context.Context, string) error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() {
		if err := remove(context.WithoutCancel(f.t.Context()), id); err != nil {
			f.t.Error(err)
		}
	})
	if f.ids == nil {
		f.ids = map[string]string{}
	}
	f.ids[name] = id
}

// leaveNetwork leaves the network of a LAN.
func (f *forger) leaveNetwork(lan, subnet string) {
	f.t.Helper()
	prefix := netip.MustParsePrefix(subnet)
	id, err := f.engine.CreateNetwork(f.t.Context(), model.NetworkSpec{
		Name: f.leftoverName(lan), Driver: "bridge", Subnet: prefix, Gateway: prefix.Addr().Next(),
		Identity: f.identity(model.OwnerLAN, lan, model.RoleNetwork),
	})
	f.note(lan, id, err, f.engine.RemoveNetwork)
}

// leaveDecky leaves the running containers of a decky.
func (f *forger) leaveDecky(name, lan, address string, services ...string) {
	f.t.Helper()
	spec := model.ContainerSpec{
		Name: f.leftoverName(name), Image: builtInImage(f.t), Command: []string{"/sbin/init"},
		Identity: f.identity(model.OwnerDecky, name, model.RoleBase),
		Home:     model.EndpointSpec{NetworkName: f.leftoverName(lan), NetworkID: f.ids[lan], Address: netip.MustParseAddr(address)},
	}
	f.leaveContainer(name, spec, "")
	for _, service := range services {
		spec.Name, spec.Identity.Role, spec.Identity.Service = f.leftoverName(name+"_"+service), model.RoleService, service
		f.leaveContainer(name+"-"+service, spec, f.ids[name])
	}
}

func (f *forger) leaveContainer(name string, spec model.ContainerSpec, namespaceOf string) {
	f.t.Helper()
	id, err := f.engine.CreateContainer(f.t.Context(), spec, namespaceOf)
	f.note(name, id, err, f.engine.RemoveContainer)
	if err := f.engine.StartContainer(f.t.Context(), id); err != nil {
		f.t.Fatal(err)
	}
}

// leftoverName is a Docker name that no living object of the test has.
func (f *forger) leftoverName(name string) string { return f.project("acme") + "_old-" + name }

// wantLeft returns an error unless exactly these leftovers are on the engine.
func (f *forger) wantLeft(want ...string) error {
	containers, err := f.engine.Containers(f.t.Context())
	if err != nil {
		return err
	}
	networks, err := f.engine.Networks(f.t.Context())
	if err != nil {
		return err
	}
	present := map[string]bool{}
	for _, container := range containers {
		present[container.ID] = true
	}
	for _, network := range networks {
		present[network.ID] = true
	}
	left := []string{}
	for name, id := range f.ids {
		if present[id] {
			left = append(left, name)
		}
	}
	slices.Sort(left)
	if !slices.Equal(left, want) {
		return fmt.Errorf("%v are left, want %v", left, want)
	}
	return nil
}

// wantOrder waits until the engine has told that leftovers went, and fails the
// test unless it was in this order. Requests would not tell: any operator of the
// instance may sweep.
func (f *forger) wantOrder(since time.Time, names ...string) {
	f.t.Helper()
	var want, have []string
	for _, name := range names {
		want = append(want, f.ids[name])
	}
	f.eventually(fmt.Sprintf("the events of the end of %v", names), func() error {
		ended := strings.Fields(f.docker("events", "--filter", "event=destroy", "--format", "{{.Actor.ID}}",
			"--since", eventTime(since), "--until", eventTime(time.Now())))
		have = slices.DeleteFunc(ended, func(id string) bool { return !slices.Contains(want, id) })
		if len(have) < len(want) {
			return fmt.Errorf("only %v", have)
		}
		return nil
	})
	if difference := cmp.Diff(want, have); difference != "" {
		f.t.Errorf("%v did not go in this order (-want +have):\n%s", names, difference)
	}
}

func eventTime(at time.Time) string { return fmt.Sprintf("%d.%09d", at.Unix(), at.Nanosecond()) }
