//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/model"
)

// Scenario 38: with a new base all services are recreated against it, and
// answer on their ports. The decky keeps addresses, MACs, host name and host keys.
func TestNewBaseGetsNewServices(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*v1alpha1.DeckySpec){
		"kernel settings": func(spec *v1alpha1.DeckySpec) { spec.OSFamily = v1alpha1.OSFamilyWindows },
		"image":           func(spec *v1alpha1.DeckySpec) { spec.Image = "base:e2e" },
		"published ports": func(spec *v1alpha1.DeckySpec) { spec.Publish = publishing(22, 22038) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			web := decky("acme", "web", "dmz", "ssh", "redis")
			web.Spec.UpdateStrategy = v1alpha1.UpdateRecreate
			peer := decky("acme", "peer", "dmz", "ssh")
			w.create(topology("acme"), dmz("acme", "dmz"), web, peer)
			w.waitReady(web, peer)
			before, traits, recorded := w.containers(), w.traits(web), w.record()

			edit(w, web, func(web *v1alpha1.Decky) { change(&web.Spec) })
			if web.Spec.Image != "" {
				w.tagBuiltIn(web.Spec.Image)
			}
			w.waitReady(web)

			recorded.want("remove web_ssh", "remove web_redis", "remove web", "create web", "start web",
				"create web_ssh", "start web_ssh", "create web_redis", "start web_redis")
			w.sharesNamespace("web", "web_ssh", "web_redis")
			w.assertUntouched(before, "peer", "peer_ssh")
			w.answers("peer", web, "22", "6379")
			if difference := cmp.Diff(traits, w.traits(web)); difference != "" {
				t.Errorf("what others know it by (-before +after):\n%s", difference)
			}
			if hostname := w.containers()["web"].Hostname; hostname != before["web"].Hostname {
				t.Errorf("the host name is %q, it was %q", hostname, before["web"].Hostname)
			}
		})
	}
}

// answers fails the test unless a decky's ports answer on its home address.
func (w *world) answers(from string, decky *v1alpha1.Decky, ports ...string) {
	w.t.Helper()
	for _, port := range ports {
		w.reaches(from, net.JoinHostPort(decky.Status.Interfaces[0].Address, port))
	}
}

// Scenario 39: when the base was killed or restarted by hand, the services are
// restarted into the namespace that it has then.
func TestServicesFollowTheirBaseIntoItsNewNamespace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	web := attachedTo(decky("acme", "web", "dmz", "ssh", "redis"), "office")
	w.create(topology("acme"), dmz("acme", "dmz"), lan("acme", "office"), web, decky("acme", "peer", "office", "ssh"))
	w.waitReady(web)
	interfaces := web.Status.Interfaces
	for _, command := range [][]string{
		{"restart", "-t", "0"},
		{"kill"},
		{"stop", "-t", "0"},
		{"rm", "-f"},
	} {
		before := w.containers()
		w.docker(append(slices.Clone(command), before["web"].ID)...)
		w.eventually(fmt.Sprintf("the base to run again after docker %s", command[0]), func() error {
			base := w.containers()["web"]
			if base.PID == 0 || base.PID == before["web"].PID {
				return fmt.Errorf("it is %q with process %d", base.State, base.PID)
			}
			return nil
		})
		w.sharesNamespace("web", "web_ssh", "web_redis")
		w.waitReady(web)
		if difference := cmp.Diff(interfaces, web.Status.Interfaces); difference != "" {
			t.Errorf("interfaces after docker %s (-before +after):\n%s", command[0], difference)
		}
		if command[0] != "rm" && w.containers()["web_ssh"].ID != before["web_ssh"].ID {
			t.Errorf("docker %s of the base had its services recreated", command[0])
		}
	}
	w.reaches("peer", net.JoinHostPort(web.Status.Interfaces[1].Address, "6379"))
}

// Scenario 41: a decky is not ready while a service is not in the current
// namespace of the current base.
// Scenario 76: while the topology is suspended, drift is reported and left.
func TestServiceOutsideTheBasesNamespaceIsNotReady(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topo, web := topology("acme"), decky("acme", "web", "dmz", "ssh")
	w.create(topo, dmz("acme", "dmz"), web)
	w.waitReady(topo)
	w.suspend(topo)
	w.waitReady(topo)

	recorded := w.record()
	w.docker("restart", "-t", "0", w.containers()["web"].ID)
	w.waitCondition(web, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonSuspended)
	w.waitCondition(web, v1alpha1.ConditionContainersRunning, metav1.ConditionFalse, v1alpha1.ReasonNamespaceStale)
	if web.Status.Services[0].Ready {
		t.Error("the service is reported ready")
	}
	w.docker("rm", "-f", w.containers()["web"].ID)
	w.waitCondition(web, v1alpha1.ConditionContainersRunning, metav1.ConditionFalse, v1alpha1.ReasonContainerMissing)
	if service := web.Status.Services[0]; service.Ready || service.ContainerID == "" {
		t.Errorf("the service is reported as %+v", service)
	}
	w.requestPasses(topo, web)
	recorded.want()

	w.resume(topo)
	w.waitReady(web)
	w.sharesNamespace("web", "web_ssh")
}

// Scenario 71: an interface that was disconnected by hand is connected again,
// with the same address and MAC.
func TestInterfaceDisconnectedByHandComesBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	web := attachedTo(decky("acme", "web", "dmz", "ssh"), "office")
	w.create(topology("acme"), dmz("acme", "dmz"), lan("acme", "office"), web)
	w.waitReady(web)
	before, interfaces := w.containers(), web.Status.Interfaces
	for _, network := range []string{"office", "dmz"} {
		recorded := w.record()
		w.docker("network", "disconnect", w.networks()[network].ID, before["web"].ID)
		w.eventually("the interface on "+network+" to be back", func() error {
			if difference := cmp.Diff(before["web"].Endpoints, w.containers()["web"].Endpoints, cmpopts.EquateComparable(netip.Addr{})); difference != "" {
				return fmt.Errorf("endpoints (-before +after):\n%s", difference)
			}
			return nil
		})
		w.waitReady(web)
		recorded.want("connect " + network)
	}
	if difference := cmp.Diff(interfaces, web.Status.Interfaces); difference != "" {
		t.Errorf("interfaces (-before +after):\n%s", difference)
	}
	w.assertUntouched(before, "web", "web_ssh")
}

// Scenario 72: a service that was killed or removed by hand is back and
// answers, and nothing else of its decky was touched.
func TestServiceKilledOrRemovedByHandComesBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	web := decky("acme", "web", "dmz", "ssh", "redis")
	w.create(topology("acme"), dmz("acme", "dmz"), web)
	w.waitReady(web)
	for name, command := range map[string][]string{
		"killed": {"kill"}, "stopped": {"stop", "-t", "0"}, "paused": {"pause"}, "removed": {"rm", "-f"},
	} {
		before := w.containers()
		w.docker(append(slices.Clone(command), before["web_redis"].ID)...)
		w.eventually("the service that was "+name+" to be back", func() error {
			return w.isBack(web, before["web_redis"])
		})
		w.assertUntouched(before, "web", "web_ssh")
		w.answers("web", web, "6379")
	}
}

// isBack says why a decky's service does not run, as another process than
// before or unpaused, or its decky is not ready.
func (w *world) isBack(web *v1alpha1.Decky, before model.Container) error {
	service := w.containers()["web_redis"]
	if service.State != model.StateRunning {
		return fmt.Errorf("it is %q", service.State)
	}
	if err := w.kube.Get(w.t.Context(), client.ObjectKeyFromObject(web), web); err != nil {
		return err
	}
	if !has(web, v1alpha1.ConditionReady) || web.Status.Services[1].ContainerID != service.ID {
		return fmt.Errorf("it is %.12s, it was %.12s, and the decky reports %+v", service.ID, before.ID, web.Status.Services)
	}
	return nil
}
