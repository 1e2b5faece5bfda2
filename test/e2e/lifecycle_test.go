//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/model"
)

// Scenario 22: the base of a new decky starts before its services, and no
// sibling is touched.
func TestNewDeckyStartsItsBaseFirstAndTouchesNoSibling(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topo := topology("acme")
	w.create(topo, dmz("acme", "dmz"), decky("acme", "web", "dmz", "ssh"))
	w.waitReady(topo)
	before, recorded := w.containers(), w.record()

	files := decky("acme", "files", "dmz", "ftp", "redis")
	w.create(files)
	w.waitReady(files)

	w.assertUntouched(before, "web", "web_ssh")
	recorded.want("create files", "create files_ftp", "create files_redis", "start files", "start files_ftp", "start files_redis")
	containers := w.containers()
	for _, service := range []string{"files_ftp", "files_redis"} {
		if !containers["files"].StartedAt.Before(containers[service].StartedAt) {
			t.Errorf("%s started before its base", service)
		}
	}
	w.sharesNamespace("files", "files_ftp", "files_redis")
}

// Scenario 23: services, base and endpoints of a deleted decky disappear, and
// its siblings keep their containers.
func TestDeletedDeckyLeavesNothingAndTouchesNoSibling(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topo, entry := topology("acme"), dmz("acme", "dmz")
	web := decky("acme", "web", "dmz", "ssh", "http")
	w.create(topo, entry, web, decky("acme", "files", "dmz", "ftp"))
	w.waitReady(topo)
	before, recorded := w.containers(), w.record()

	w.remove(web)

	w.assertUntouched(before, "files", "files_ftp")
	recorded.want("remove web", "remove web_http", "remove web_ssh")
	if difference := cmp.Diff([]string{"files", "files_ftp"}, sortedNames(t, w)); difference != "" {
		t.Errorf("containers (-want +have):\n%s", difference)
	}
	if attached := w.docker("network", "inspect", "-f", "{{len .Containers}}", w.networks()["dmz"].ID); attached != "1" {
		t.Errorf("%s endpoints are on the network", attached)
	}
	w.eventually("the LAN to count one decky", func() error {
		if err := w.kube.Get(t.Context(), client.ObjectKeyFromObject(entry), entry); err != nil || entry.Status.Attached != 1 {
			return errors.Join(err, fmt.Errorf("%d are attached", entry.Status.Attached))
		}
		return nil
	})
}

// Scenario 24: a further LAN is connected with its address, and no container is
// created or restarted.
// Scenario 26: a LAN that is no longer listed is disconnected.
func TestAttachmentIsConnectedAndDisconnectedInPlace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	office := lan("acme", "office")
	web := decky("acme", "web", "dmz", "ssh")
	w.create(topology("acme"), dmz("acme", "dmz"), office, web)
	w.waitReady(web, office)
	before := w.containers()

	recorded := w.record()
	address := hostOf(t, office.Status.Subnet, 77)
	edit(w, web, func(web *v1alpha1.Decky) {
		web.Spec.Attachments = []v1alpha1.Attachment{{LAN: "office", Address: address}}
	})
	w.waitReady(web)
	recorded.want("connect office")
	w.assertUntouched(before, "web", "web_ssh")
	if endpoint, _ := w.containers()["web"].EndpointOn(w.networks()["office"].ID); endpoint.Address.String() != address {
		t.Errorf("the address on office is %s, not %s", endpoint.Address, address)
	}
	if last := web.Status.Interfaces[len(web.Status.Interfaces)-1]; !last.Connected || last.Address != address {
		t.Errorf("status tells of %+v", last)
	}

	recorded = w.record()
	edit(w, web, func(web *v1alpha1.Decky) { web.Spec.Attachments = nil })
	w.waitReady(web)
	recorded.want("disconnect office")
	w.assertUntouched(before, "web", "web_ssh")
	if _, connected := w.containers()["web"].EndpointOn(w.networks()["office"].ID); connected {
		t.Error("the interface on office is still there")
	}
}

// Scenario 25: what is connected already is not connected again.
// Scenario 26: what is disconnected already is not disconnected again.
func TestAttachmentDoneByHandIsNotRepeated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topo, office := topology("acme"), lan("acme", "office")
	web := decky("acme", "web", "dmz", "ssh")
	w.create(topo, dmz("acme", "dmz"), office, web)
	w.waitReady(web, office)
	network := w.networks()["office"].ID

	w.suspend(topo)
	address := hostOf(t, office.Status.Subnet, 9)
	edit(w, web, func(web *v1alpha1.Decky) {
		web.Spec.Attachments = []v1alpha1.Attachment{{LAN: "office", Address: address}}
	})
	w.waitCondition(web, v1alpha1.ConditionReady, "False", v1alpha1.ReasonSuspended)
	recorded := w.record()
	w.docker("network", "connect", "--ip", address, network, w.containers()["web"].ID)
	w.waitReady(web)
	w.resume(topo)
	w.requestPasses(topo, web)
	w.waitReady(web)
	recorded.want()

	w.suspend(topo)
	edit(w, web, func(web *v1alpha1.Decky) { web.Spec.Attachments = nil })
	w.waitCondition(web, v1alpha1.ConditionReady, "False", v1alpha1.ReasonSuspended)
	recorded = w.record()
	w.docker("network", "disconnect", network, w.containers()["web"].ID)
	w.waitReady(web)
	w.resume(topo)
	w.requestPasses(topo, web)
	w.waitReady(web)
	recorded.want()
}

// Scenario 27: a decky cannot leave its home LAN.
func TestHomeCannotBeLeft(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	web := decky("acme", "web", "dmz", "ssh")
	w.create(topology("acme"), dmz("acme", "dmz"), lan("acme", "office"), web)
	w.waitReady(web)
	recorded := w.record()

	for name, change := range map[string]func(*v1alpha1.DeckySpec){
		"home.lan is immutable": func(spec *v1alpha1.DeckySpec) { spec.Home.LAN = "office" },
		"is the home LAN already": func(spec *v1alpha1.DeckySpec) {
			spec.Attachments = []v1alpha1.Attachment{{LAN: "dmz"}}
		},
	} {
		moved := web.DeepCopy()
		change(&moved.Spec)
		if err := w.kube.Update(t.Context(), moved); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("the edit was answered with %v, not %q", err, name)
		}
	}
	w.requestPasses(web)
	recorded.want()
}

// Scenario 28: a new service is one new container.
// Scenario 29: a removed service is one container less, and stays removed.
// Scenario 31: a changed configuration recreates that container, with the new environment.
// Scenario 32: the change of a version is such a change.
func TestServiceChangesTouchOnlyThatService(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	web := decky("acme", "web", "dmz", "ssh", "http")
	w.create(topology("acme"), dmz("acme", "dmz"), web)
	w.waitReady(web)
	before := w.containers()

	recorded := w.record()
	edit(w, web, func(web *v1alpha1.Decky) {
		web.Spec.Services = append(web.Spec.Services, v1alpha1.Service{Name: "redis", Config: map[string]string{"version": "6.2.1"}})
	})
	w.waitReady(web)
	recorded.want("create web_redis", "start web_redis")
	w.assertUntouched(before, "web", "web_ssh", "web_http")
	if web.Status.ServicesSummary != "3/3" {
		t.Errorf("services ready: %s", web.Status.ServicesSummary)
	}

	before = w.containers()
	recorded = w.record()
	edit(w, web, func(web *v1alpha1.Decky) { web.Spec.Services[2].Config["version"] = "7.2.4" })
	w.waitReady(web)
	recorded.want("remove web_redis", "create web_redis", "start web_redis")
	w.assertUntouched(before, "web", "web_ssh", "web_http")
	if environment := w.docker("inspect", "-f", "{{.Config.Env}}", w.containers()["web_redis"].ID); !strings.Contains(environment, "VERSION=7.2.4") {
		t.Errorf("the environment is %s", environment)
	}
	info, err := w.redisInfo("web", net.JoinHostPort(web.Status.Interfaces[0].Address, "6379"))
	if err != nil || !strings.Contains(info, "redis_version:7.2.4") {
		t.Errorf("the service answers %q, %v", info, err)
	}

	before = w.containers()
	recorded = w.record()
	edit(w, web, func(web *v1alpha1.Decky) { web.Spec.Services = web.Spec.Services[1:] })
	w.waitReady(web)
	w.requestPasses(web)
	w.requestPasses(web)
	recorded.want("remove web_ssh")
	w.assertUntouched(before, "web", "web_http", "web_redis")
	if difference := cmp.Diff([]string{"web", "web_http", "web_redis"}, sortedNames(t, w)); difference != "" {
		t.Errorf("containers (-want +have):\n%s", difference)
	}
}

// Who comes back after a restart, or after the service's container was replaced,
// is not warned of another machine; and no two machines pass for each other.
func TestServicesKeepTheirKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	web, files := decky("acme", "web", "dmz", "ssh", "https"), decky("acme", "files", "dmz", "ssh", "https")
	w.create(topology("acme"), dmz("acme", "dmz"), web, files)
	w.waitReady(web, files)
	known := w.identity(web)
	for kind, key := range w.identity(files) {
		if known[kind] == key {
			t.Errorf("two deckies have one %s", kind)
		}
	}

	before := w.containers()
	w.docker("restart", "--time", "5", before["web_ssh"].ID, before["web_https"].ID)
	if difference := cmp.Diff(known, w.identity(web)); difference != "" {
		t.Errorf("after a restart (-before +after):\n%s", difference)
	}

	edit(w, web, func(web *v1alpha1.Decky) {
		web.Spec.Services[0].Config = map[string]string{"users": "eve:pw"}
		web.Spec.Services[1].Config = map[string]string{"app": "tomcat"}
	})
	w.waitReady(web)
	after := w.containers()
	if after["web_ssh"].ID == before["web_ssh"].ID || after["web_https"].ID == before["web_https"].ID {
		t.Error("the services were not replaced")
	}
	if difference := cmp.Diff(known, w.identity(web)); difference != "" {
		t.Errorf("in new containers (-before +after):\n%s", difference)
	}
}

// Scenario 30: the configuration of a removed service goes with it, and one that
// would be left behind is refused.
func TestRemovedServiceLeavesNoConfiguration(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topo := topology("acme")
	w.create(topo, dmz("acme", "dmz"))
	manifest := func(services ...any) *unstructured.Unstructured {
		return &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": v1alpha1.GroupVersion.String(), "kind": "Decky",
			"metadata": map[string]any{"name": "web", "namespace": w.namespace},
			"spec": map[string]any{
				"topologyRef": map[string]any{"name": "acme"},
				"home":        map[string]any{"lan": "dmz"},
				"services":    services,
			},
		}}
	}
	apply := func(decky *unstructured.Unstructured) error {
		return w.kube.Apply(t.Context(), client.ApplyConfigurationFromUnstructured(decky), client.FieldOwner("gitops"))
	}
	ssh := map[string]any{"name": "ssh"}
	redis := map[string]any{"name": "redis", "config": map[string]any{"version": "6.2.1"}}
	if err := apply(manifest(ssh, redis)); err != nil {
		t.Fatal(err)
	}
	web := decky("acme", "web", "dmz")
	web.Namespace = w.namespace
	w.waitReady(web)

	if err := apply(manifest(ssh)); err != nil {
		t.Fatal(err)
	}
	w.eventually("the decky to be ready without redis", func() error {
		if names := sortedNames(t, w); !slices.Equal(names, []string{"web", "web_ssh"}) {
			return fmt.Errorf("containers %v", names)
		}
		return nil
	})
	w.waitReady(web)
	if difference := cmp.Diff([]v1alpha1.Service{{Name: "ssh"}}, web.Spec.Services); difference != "" {
		t.Errorf("services (-want +have):\n%s", difference)
	}

	leftover := web.DeepCopy()
	leftover.Spec.Services = append(leftover.Spec.Services, v1alpha1.Service{Name: "probe", Env: []v1alpha1.EnvVar{{Name: "MODE", Value: "x"}}})
	if err := w.kube.Update(t.Context(), leftover); err == nil || !strings.Contains(err.Error(), `"probe" has env but no image`) {
		t.Errorf("the edit was answered with %v", err)
	}
	w.waitReady(topo)
}

// Scenario 35: a decky named like another's service is another decky.
func TestDeckyNamedLikeAServiceIsNotConfusedWithIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	web, namesake := decky("acme", "web", "dmz", "ssh"), decky("acme", "web-ssh", "dmz", "ssh")
	w.create(topology("acme"), dmz("acme", "dmz"), web, namesake)
	w.waitReady(web, namesake)
	if difference := cmp.Diff([]string{"web", "web-ssh", "web-ssh_ssh", "web_ssh"}, sortedNames(t, w)); difference != "" {
		t.Errorf("containers (-want +have):\n%s", difference)
	}
	before := w.containers()
	w.remove(namesake)
	w.assertUntouched(before, "web", "web_ssh")
	w.waitReady(web)
}

// Scenario 36: topologies with equal names run beside each other, with
// containers, networks and logs of their own.
func TestEqualNamesInTwoNamespacesRunBesideEachOther(t *testing.T) {
	t.Parallel()
	worlds := []*world{newWorld(t), newWorld(t)}
	logs := map[string]bool{}
	for _, w := range worlds {
		topo := topology("acme")
		w.create(topo, dmz("acme", "dmz"), decky("acme", "web", "dmz", "ssh"))
		w.waitReady(topo)
	}
	var seen []map[string]model.Container
	for _, w := range worlds {
		seen = append(seen, w.containers())
		for _, container := range w.containers() {
			logs[w.docker("inspect", "-f", "{{.LogPath}}", container.ID)] = true
		}
	}
	if len(seen[0]) != 2 || len(seen[1]) != 2 || len(logs) != 4 {
		t.Errorf("containers %v and %v, logs %v", seen[0], seen[1], logs)
	}
	if worlds[0].networks()["dmz"].ID == worlds[1].networks()["dmz"].ID {
		t.Error("both are on one network")
	}
	web := decky("acme", "web", "dmz")
	web.Namespace = worlds[0].namespace
	worlds[0].remove(web)
	worlds[1].assertUntouched(seen[1], "web", "web_ssh")
}

// Scenario 37: an archetype gives services and the kernel settings of its OS
// family, and what the decky sets itself wins.
func TestArchetypeGivesServicesAndFamily(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	jump, server := decky("acme", "jump", "dmz"), decky("acme", "dc01", "dmz", "http")
	jump.Spec.Archetype = "jump-host"
	server.Spec.Archetype, server.Spec.Hostname = "windows-server", "WIN-DC01"
	w.create(topology("acme"), dmz("acme", "dmz"), jump, server)
	w.waitReady(jump, server)
	if difference := cmp.Diff([]string{"dc01", "dc01_http", "jump", "jump_ssh"}, sortedNames(t, w)); difference != "" {
		t.Errorf("containers (-want +have):\n%s", difference)
	}
	for name, want := range map[string]struct {
		decky                  *v1alpha1.Decky
		family                 v1alpha1.OSFamily
		hostname, ttl, retries string
	}{
		"jump": {jump, v1alpha1.OSFamilyLinux, "jump", "64", "6"},
		"dc01": {server, v1alpha1.OSFamilyWindowsServer, "WIN-DC01", "128", "2"},
	} {
		if want.decky.Status.OSFamily != want.family {
			t.Errorf("%s has family %q", name, want.decky.Status.OSFamily)
		}
		if hostname := w.containers()[name].Hostname; hostname != want.hostname {
			t.Errorf("%s calls itself %q", name, hostname)
		}
		if ttl := w.sysctl(name, "net.ipv4.ip_default_ttl"); ttl != want.ttl {
			t.Errorf("%s has TTL %s", name, ttl)
		}
		if retries := w.sysctl(name, "net.ipv4.tcp_syn_retries"); retries != want.retries {
			t.Errorf("%s tries SYN %s times", name, retries)
		}
	}
}
