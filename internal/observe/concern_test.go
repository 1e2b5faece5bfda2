// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/model"
	"github.com/deckyard/deckyard/internal/plan"
	"github.com/deckyard/deckyard/internal/reach"
)

// What is planned for a decky or a LAN does not depend on containers that are of no
// concern to it, whatever happened to the engine before.
func TestSoundViewGivesThePlanOfAllThatIsThere(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		known := newPicture()
		known.mergeList(listing{seq: known.nextSeq(), networks: concernedNetworks()})
		for range rapid.IntRange(1, 30).Draw(rt, "looks") {
			known.merge([]look[model.Container]{drawLook(rt, known.nextSeq())}, nil)
		}
		decky, lan := concernedDecky(), concernedNetworks()[0]
		concern := model.Concern{Owner: decky.Owner, BaseName: decky.Base.Name, LANs: []string{"home", "visited"}, HostPorts: true}
		full, view := known.observed(), known.concerning(concern)
		if diff := gocmp.Diff(plan.Decky(decky, full).String(), plan.Decky(decky, view).String()); diff != "" {
			rt.Errorf("plan of the decky (-all +view):\n%s", diff)
		}
		if diff := gocmp.Diff(plan.RemoveDecky(decky.Owner, full).String(), plan.RemoveDecky(decky.Owner, known.concerning(model.Concern{Owner: decky.Owner})).String()); diff != "" {
			rt.Errorf("end of the decky (-all +view):\n%s", diff)
		}
		view = known.concerning(model.Concern{LANs: []string{"home"}})
		if diff := gocmp.Diff(plan.RemoveNetworks(lan.Identity.Owner, full).String(), plan.RemoveNetworks(lan.Identity.Owner, view).String()); diff != "" {
			rt.Errorf("end of the LAN (-all +view):\n%s", diff)
		}
		if have, want := len(view.Attached(lan.ID)), len(full.Attached(lan.ID)); have != want {
			rt.Errorf("%d containers attached, want %d", have, want)
		}
		if diff := gocmp.Diff(reached(full, known), reached(view, known)); diff != "" {
			rt.Errorf("what the LAN reaches (-all +view):\n%s", diff)
		}
	})
}

// reached is the verdict on the LAN "home" where every base forwards. What observed
// does not show is asked for.
func reached(observed model.Observed, known *picture) reach.Verdict {
	view := reach.View{Instance: "ours", Observed: observed, Explored: map[string]bool{}}
	for _, network := range observed.Networks {
		owner := network.Identity.Owner
		view.LANs = append(view.LANs, v1alpha1.LAN{
			ObjectMeta: metav1.ObjectMeta{Namespace: owner.Namespace, Name: owner.Name, UID: types.UID(owner.UID)},
			Spec:       v1alpha1.LANSpec{TopologyRef: v1alpha1.TopologyReference{Name: owner.Topology}},
		})
	}
	forwards := model.Namespace{Sysctls: map[string]string{model.SysctlIPForward: "1"}}
	home := &view.LANs[slices.IndexFunc(view.LANs, func(lan v1alpha1.LAN) bool { return lan.Name == "home" })]
	for missing, isAny := view.Missing(home); isAny; missing, isAny = view.Missing(home) {
		view.Observed = view.Observed.WithContainers(known.concerning(model.Concern{Networks: missing.Networks}).Containers)
		for _, id := range missing.Networks {
			view.Explored[id] = true
		}
		for _, base := range missing.Bases {
			view.Observed = view.Observed.WithNamespace(base.ID, forwards)
		}
	}
	verdict, _ := view.Of(home)
	return verdict
}

// concernedNetworks are the networks of three LANs, one of another topology.
func concernedNetworks() []model.Network {
	var networks []model.Network
	for i, uid := range []string{"home", "visited", "other"} {
		topology := "acme"
		if uid == "other" {
			topology = "globex"
		}
		networks = append(networks, model.Network{
			ID: "net-" + uid, Name: "lab_acme_" + uid, Driver: "bridge", Subnets: []netip.Prefix{netip.PrefixFrom(host(i, 0), 24)},
			Identity: model.Identity{Role: model.RoleNetwork, SpecHash: "v1:a", Owner: model.Owner{Instance: "ours", Kind: model.OwnerLAN, Namespace: "lab", Topology: topology, Name: uid, UID: uid}},
		})
	}
	return networks
}

func host(lan, number int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, 0, byte(lan), byte(number)})
}

// concernedDecky is a decky with two interfaces, two services and a published port.
func concernedDecky() model.DeckySpec {
	owner := model.Owner{Instance: "ours", Kind: model.OwnerDecky, Namespace: "lab", Topology: "acme", Name: "web01", UID: "web01"}
	spec := func(name, service string, role model.Role) model.ContainerSpec {
		return model.ContainerSpec{Name: name, Image: "decoy:1", ImageID: "sha256:1", Identity: model.Identity{Owner: owner, Role: role, Service: service, SpecHash: "v1:a"}}
	}
	decky := model.DeckySpec{Owner: owner, Base: spec("lab_acme_web01", "", model.RoleBase), Services: []model.ContainerSpec{
		spec("lab_acme_web01_ssh", "ssh", model.RoleService), spec("lab_acme_web01_http", "http", model.RoleService),
	}}
	for i, lan := range []string{"home", "visited"} {
		decky.Endpoints = append(decky.Endpoints, model.EndpointSpec{NetworkID: "net-" + lan, NetworkName: "lab_acme_" + lan, LAN: lan, Address: host(i, 2)})
	}
	decky.Base.Home = decky.Endpoints[0]
	decky.Base.Published = []model.PublishedPort{{HostIP: netip.IPv4Unspecified(), HostPort: 80, Port: model.Port{Number: 80, Protocol: model.TCP}}}
	return decky
}

// drawLook draws what is seen of one of a few containers, whose names, owners,
// addresses and ports often clash with the decky's.
func drawLook(rt *rapid.T, seq uint64) look[model.Container] {
	id := strconv.Itoa(rapid.IntRange(1, 12).Draw(rt, "id"))
	if rapid.IntRange(0, 5).Draw(rt, "gone") == 0 {
		return look[model.Container]{id: id, seq: seq}
	}
	names := []string{"lab_acme_web01", "lab_acme_web01_ssh", "lab_acme_web01_http", "lab_acme_web02", "lab_acme_web02_ssh", "registry", "a_b"}
	container := model.Container{
		ID: id, Name: rapid.SampledFrom(names).Draw(rt, "name"), Image: "decoy:1", ImageID: "sha256:1",
		State: rapid.SampledFrom([]model.State{model.StateRunning, model.StateExited, model.StateCreated, model.StateRemoving}).Draw(rt, "state"),
	}
	if uid := rapid.SampledFrom([]string{"", "web01", "web01", "web02"}).Draw(rt, "owner"); uid != "" {
		container.Identity = model.Identity{Role: model.RoleBase, SpecHash: "v1:a", Owner: model.Owner{
			Instance: rapid.SampledFrom([]string{"ours", "ours", "theirs"}).Draw(rt, "instance"), Kind: model.OwnerDecky, Namespace: "lab", Topology: "acme", Name: uid, UID: uid,
		}}
		if service := rapid.SampledFrom([]string{"", "ssh", "http"}).Draw(rt, "service"); service != "" {
			container.Identity.Role, container.Identity.Service = model.RoleService, service
		}
	}
	for i, lan := range []string{"home", "visited", "other"} {
		if rapid.Bool().Draw(rt, fmt.Sprintf("on %s", lan)) {
			container.Endpoints = append(container.Endpoints, model.Endpoint{
				NetworkID: "net-" + lan, NetworkName: "lab_acme_" + lan, Address: host(i, rapid.IntRange(2, 3).Draw(rt, "address")),
			})
		}
	}
	if rapid.Bool().Draw(rt, "publishes") {
		container.HostPorts = concernedDecky().Base.Published
	}
	return look[model.Container]{id: id, seq: seq, found: true, value: container}
}
