//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/model"
	"github.com/deckyard/deckyard/internal/operator"
)

// driftLab is a topology whose operator counts for the test alone.
type driftLab struct {
	*world
	registry           *prometheus.Registry
	topology           *v1alpha1.Topology
	office             *v1alpha1.LAN
	web                *v1alpha1.Decky
	corporate, project string
}

func newDriftLab(t *testing.T) *driftLab {
	t.Helper()
	d := &driftLab{registry: prometheus.NewRegistry()}
	own := newNodeOperator(t, "node-drift", func(options *operator.Options) { options.Registerer = d.registry })
	d.world = own.newWorld()
	d.project = d.world.project("acme")
	d.topology, d.office = own.topology("acme"), lan("acme", "office")
	d.web = attachedTo(decky("acme", "web", "dmz", "ssh", "redis"), "office")
	d.create(d.topology, dmz("acme", "dmz"), d.office, lan("acme", "lab"), d.web, attachedTo(decky("acme", "peer", "dmz", "ssh"), "lab"))
	d.waitReady(d.topology)
	d.corporate = d.docker("network", "create", "--subnet", "10.214.70.0/24", "corporate-"+d.namespace)
	t.Cleanup(func() { cleanUpDocker(t, "network", "rm", d.corporate) })
	return d
}

// drift is something that is done on the engine, and how that is told.
type drift struct {
	name string
	by   func(d *driftLab, before map[string]model.Container)
	// reasons has that of the event about the repair, and of the counter: which, may
	// depend on the moment at which the operator looks. object is whom the event is
	// about, and told is in it: what was done, what was found and what is wanted.
	reasons []v1alpha1.Reason
	object  string
	told    []string
	// touched are the containers that may be touched.
	touched []string
}

// drifts are done one after the other to one decky.
func drifts() []drift {
	web, redis := []string{"web", "web_ssh", "web_redis"}, []string{"web_redis"}
	return []drift{
		{"an interface is disconnected", func(d *driftLab, before map[string]model.Container) {
			d.docker("network", "disconnect", d.networks()["office"].ID, before["web"].ID)
		}, []v1alpha1.Reason{v1alpha1.ReasonEndpointMissing}, "web", []string{"connect endpoint", "_web@office (is absent want ", "disrupts nothing"}, nil},
		{"a LAN that is not listed is connected", func(d *driftLab, before map[string]model.Container) {
			d.docker("network", "connect", d.networks()["lab"].ID, before["web"].ID)
		}, []v1alpha1.Reason{v1alpha1.ReasonEndpointExtra}, "web", []string{"disconnect endpoint", "_web@lab (is ", " want absent)", "disrupts interfaces"}, nil},
		{"a foreign network is connected", func(d *driftLab, before map[string]model.Container) {
			d.docker("network", "connect", d.corporate, before["web"].ID)
		}, []v1alpha1.Reason{v1alpha1.ReasonEndpointExtra}, "web", []string{"disconnect endpoint", "_web@corporate-", "(is 10.214.70."}, nil},
		{
			"a service is killed", func(d *driftLab, before map[string]model.Container) { d.docker("kill", before["web_redis"].ID) },
			[]v1alpha1.Reason{v1alpha1.ReasonContainerExited},
			"web",
			[]string{"start container", "_web_redis (is exited, exit code 137, want running)"},
			redis,
		},
		{
			"a service is stopped", func(d *driftLab, before map[string]model.Container) {
				d.docker("stop", "-t", "0", before["web_redis"].ID)
			},
			[]v1alpha1.Reason{v1alpha1.ReasonContainerExited},
			"web",
			[]string{"start container", "_web_redis (is exited, ", ", want running)"},
			redis,
		},
		{
			"a service is paused", func(d *driftLab, before map[string]model.Container) { d.docker("pause", before["web_redis"].ID) },
			[]v1alpha1.Reason{v1alpha1.ReasonContainerExited},
			"web",
			[]string{"start container", "_web_redis (is paused, want running)"},
			nil,
		},
		{
			"a service is removed", func(d *driftLab, before map[string]model.Container) { d.docker("rm", "-f", before["web_redis"].ID) },
			[]v1alpha1.Reason{v1alpha1.ReasonContainerMissing},
			"web",
			[]string{"create container", "_web_redis (is absent)"},
			redis,
		},
		{
			"a service is renamed", func(d *driftLab, before map[string]model.Container) {
				d.docker("rename", before["web_redis"].ID, "gone-"+d.namespace)
			},
			[]v1alpha1.Reason{v1alpha1.ReasonContainerRenamed},
			"web",
			[]string{"rename container", "(is gone-", "_web_redis)", "disrupts nothing"},
			nil,
		},
		{
			"the base is renamed", func(d *driftLab, before map[string]model.Container) {
				d.docker("rename", before["web"].ID, "gone-"+d.namespace)
			},
			[]v1alpha1.Reason{v1alpha1.ReasonContainerRenamed},
			"web",
			[]string{"rename container", "(is gone-", "_web)"},
			nil,
		},
		{"a restart policy is changed", func(d *driftLab, before map[string]model.Container) {
			d.docker("update", "--restart", "no", before["web"].ID)
		}, []v1alpha1.Reason{v1alpha1.ReasonRestartPolicyDrifted}, "web", []string{"update container", "_web (is no want unless-stopped)", "disrupts nothing"}, nil},
		{
			"the base is restarted", func(d *driftLab, before map[string]model.Container) { d.docker("restart", "-t", "0", before["web"].ID) },
			[]v1alpha1.Reason{v1alpha1.ReasonNamespaceStale, v1alpha1.ReasonContainerExited},
			"web",
			[]string{"restart container", "_web_ssh (started before its base)", "disrupts services"},
			web,
		},
		{
			"the base is stopped", func(d *driftLab, before map[string]model.Container) { d.docker("stop", "-t", "0", before["web"].ID) },
			[]v1alpha1.Reason{v1alpha1.ReasonContainerExited},
			"web",
			[]string{"start container", "_web (is exited, "},
			web,
		},
		{
			"the base is removed", func(d *driftLab, before map[string]model.Container) { d.docker("rm", "-f", before["web"].ID) },
			[]v1alpha1.Reason{v1alpha1.ReasonBaseRecreated},
			"web",
			[]string{"create container", "_web (is absent)"},
			web,
		},
		{
			"a network is removed", (*driftLab).removeOffice,
			[]v1alpha1.Reason{v1alpha1.ReasonNetworkMissing},
			"office",
			[]string{"create network", "_office (is absent want "},
			nil,
		},
	}
}

// removeOffice removes the network of the office, faster than its only decky is
// connected again.
func (d *driftLab) removeOffice(before map[string]model.Container) {
	d.t.Helper()
	id := d.networks()["office"].ID
	d.eventually("the network to be left by all", func() error {
		if err := d.engine.Disconnect(d.t.Context(), before["web"].ID, id); err != nil {
			return err
		}
		return d.engine.RemoveNetwork(d.t.Context(), id)
	})
}

// Scenarios 70, 71 and 72: whatever somebody does to a decky on the engine is
// repaired with the least disruption. An event says what was found and what is
// wanted, and it is counted.
func TestDriftIsRepairedToldAndCounted(t *testing.T) {
	t.Parallel()
	d := newDriftLab(t)
	for _, each := range drifts() {
		t.Run(each.name, func(t *testing.T) {
			d := &driftLab{d.in(t), d.registry, d.topology, d.office, d.web, d.corporate, d.project}
			before := d.containers()
			found, repaired := d.counted("found"), d.counted("repaired", each.reasons...)
			told := d.repairsTold(each)
			each.by(d, before)
			d.eventually("an event that tells of the repair", func() error {
				if have := d.repairsTold(each); have <= told {
					return fmt.Errorf("there are %d, as before", have)
				}
				return nil
			})
			d.waitReady(d.office, d.web, d.topology)
			// A container that is removed may be found, and started, while it has only ended.
			if difference := d.counted("found") - found; difference < 1 {
				t.Errorf("found %v times", difference)
			}
			if difference := d.counted("repaired", each.reasons...) - repaired; difference < 1 {
				t.Errorf("repaired %v times", difference)
			}
			d.assertUntouched(before, slices.DeleteFunc([]string{"web", "web_ssh", "web_redis", "peer", "peer_ssh"},
				func(name string) bool { return slices.Contains(each.touched, name) })...)
		})
	}
}

// repairsTold counts the events that tell of the repair of a drift.
func (d *driftLab) repairsTold(of drift) int {
	d.t.Helper()
	count := 0
	for _, event := range d.told(of.object) {
		hasReason := func(reason v1alpha1.Reason) bool { return strings.HasPrefix(event, "Normal "+string(reason)+": ") }
		if slices.ContainsFunc(of.reasons, hasReason) && containsAll(event, of.told) {
			count++
		}
	}
	return count
}

// counted returns how many drifts were found or repaired, for reasons or for any.
func (d *driftLab) counted(what string, reasons ...v1alpha1.Reason) float64 {
	d.t.Helper()
	families, err := d.registry.Gather()
	if err != nil {
		d.t.Fatal(err)
	}
	sum := 0.0
	for _, family := range families {
		if family.GetName() != "deckyard_drift_"+what+"_total" {
			continue
		}
		for _, metric := range family.GetMetric() {
			if reason := metric.GetLabel()[0].GetValue(); len(reasons) == 0 || slices.Contains(reasons, v1alpha1.Reason(reason)) {
				sum += metric.GetCounter().GetValue()
			}
		}
	}
	return sum
}

// A base that somebody creates anew by hand, with all that marks it as ours, is
// kept, and its services move to it. An event says so.
func TestBaseRecreatedByHandGetsItsServices(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topo, web := topology("acme"), decky("acme", "web", "dmz", "ssh")
	w.create(topo, dmz("acme", "dmz"), web)
	w.waitReady(topo)
	w.suspend(topo)
	w.waitReady(topo)

	was := w.containers()["web"]
	spec := model.ContainerSpec{
		Name: was.Name, Identity: was.Identity, Image: was.Image, Command: []string{"/sbin/init"}, Hostname: was.Hostname, Sysctls: was.Sysctls,
		Home: model.EndpointSpec{NetworkName: was.Endpoints[0].NetworkName, NetworkID: was.Endpoints[0].NetworkID, Address: was.Endpoints[0].Address, MAC: was.Endpoints[0].MAC},
	}
	if err := w.engine.RemoveContainer(t.Context(), was.ID); err != nil {
		t.Fatal(err)
	}
	id, err := w.engine.CreateContainer(t.Context(), spec, "")
	if err == nil {
		err = w.engine.StartContainer(t.Context(), id)
	}
	if err != nil {
		t.Fatal(err)
	}
	service := w.containers()["web_ssh"].Name
	w.waitMessage(web, v1alpha1.ConditionReady, v1alpha1.ReasonSuspended, fmt.Sprintf(
		"The topology is suspended; 3 actions would be done, which disrupts services: remove container %[1]s, create container %[1]s, start container %[1]s", service))
	recorded := w.record()
	w.resume(topo)
	w.waitReady(web, topo)
	recorded.want("remove web_ssh", "create web_ssh", "start web_ssh")
	if base := w.containers()["web"]; base.ID != id {
		t.Errorf("the base is %.12s, not %.12s", base.ID, id)
	}
	w.sharesNamespace("web", "web_ssh")
	w.waitTold("web", " "+string(v1alpha1.ReasonBaseRecreated)+": ", "_web_ssh (shares the namespace of another container)")
}

// An image that is deleted under a running decky is missed and named; nothing
// that runs is touched, and nothing has to be once it is back.
func TestDeletedImageIsNamedAndAwaited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	image := emptyRegistry(t) + "/probe:" + w.namespace
	w.docker("tag", builtInImage(t), image)
	web := decky("acme", "web", "dmz", "ssh")
	web.Spec.Services = append(web.Spec.Services, v1alpha1.Service{Name: "probe", Image: image, Command: []string{"/sbin/init"}})
	w.create(topology("acme"), dmz("acme", "dmz"), web)
	w.waitReady(web)
	before, recorded := w.containers(), w.record()

	w.docker("rmi", "-f", image)
	w.requestPasses(web)
	w.waitCondition(web, v1alpha1.ConditionImagesPresent, metav1.ConditionFalse, v1alpha1.ReasonImageMissing)
	w.waitCondition(web, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonImageMissing)
	w.waitTold("web", "Warning ", image)
	w.tagBuiltIn(image)
	w.waitReady(web)
	recorded.want()
	w.assertUntouched(before, "web", "web_ssh", "web_probe")
}

// Scenario 43: what is undone as often as it is repaired is repaired with growing
// delay, and says so; once that ends the decky is Ready again.
// Scenario 64: so is the topology, by itself.
func TestRepairsThatAreUndoneBackOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topo, web := topology("acme"), decky("acme", "web", "dmz", "ssh")
	w.create(topo, dmz("acme", "dmz"), web)
	w.waitReady(topo)
	before, recorded := w.containers(), w.record()
	w.eventually("the repairs to be put off for longer", func() error {
		if err := w.engine.StopContainer(t.Context(), before["web_ssh"].ID, 0); err != nil {
			return err
		}
		if err := w.kube.Get(t.Context(), client.ObjectKeyFromObject(web), web); err != nil {
			return err
		}
		if message := readyMessage(web); !strings.Contains(message, "the next repair follows 2s after the last: start container") {
			return errors.New(message)
		}
		return nil
	})
	if has(web, v1alpha1.ConditionStalled) || !has(web, v1alpha1.ConditionReconciling) {
		t.Errorf("conditions: %+v", web.Status.Conditions)
	}
	if repairs := len(recorded.writes()); repairs < 15 || repairs > 60 {
		t.Errorf("repaired %d times", repairs)
	}
	w.waitTold("web", "Warning "+string(v1alpha1.ReasonRepairBackoff)+": ")
	w.waitReady(web, topo)
	w.assertUntouched(before, "web")
}

// Scenario 43: a service that exits whenever it is started is named with its state
// and exit code, is restarted with growing delay, and is Ready again when it
// answers; the topology follows.
// Scenario 64: a topology whose cause is gone returns to Ready by itself.
func TestServiceThatExitsIsNamedAndComesBack(t *testing.T) {
	t.Parallel()
	image := echoImage(t)
	w := newWorld(t)
	port := freePort(t)
	topo, web := topology("acme"), decky("acme", "web", "dmz")
	// The service ends because a port that it needs is taken in its namespace.
	blocker := v1alpha1.Service{Name: "blocker", Image: image, Command: []string{"/echo", fmt.Sprintf("%d/tcp", port)}}
	web.Spec.Services = []v1alpha1.Service{blocker}
	w.create(topo, dmz("acme", "dmz"), web)
	w.waitReady(topo)
	edit(w, web, func(web *v1alpha1.Decky) {
		web.Spec.Services = append(web.Spec.Services, echoService("erp", image, tcpPort(port)))
	})

	message := w.waitCondition(web, v1alpha1.ConditionContainersRunning, metav1.ConditionFalse, v1alpha1.ReasonCrashLooping)
	for _, words := range []string{w.project("acme") + "_web_erp", "restarting", "exit code 1", "docker logs"} {
		if !strings.Contains(message, words) {
			t.Errorf("%q is not in the message: %s", words, message)
		}
	}
	w.waitCondition(topo, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonProgressing)
	var starts []int64
	w.eventually("several restarts", func() error {
		starts = w.startsOf(w.containers()["web_erp"].ID)
		if len(starts) < 5 {
			return fmt.Errorf("there were %d starts", len(starts))
		}
		return nil
	})
	// The engine waits a tenth of a second at first, and then twice as long each time.
	for i, pause := 0, 100*time.Millisecond; i < 4; i, pause = i+1, 2*pause {
		if passed := time.Duration(starts[i+1] - starts[i]); passed < pause {
			t.Errorf("restart %d came %s after the start before, want at least %s", i+1, passed, pause)
		}
	}
	edit(w, web, func(web *v1alpha1.Decky) { web.Spec.Services = web.Spec.Services[1:] })
	w.waitReady(web, topo)
}

// startsOf returns when a container was started, as the engine tells it.
func (w *world) startsOf(id string) []int64 {
	w.t.Helper()
	var starts []int64
	for line := range strings.FieldsSeq(w.docker("events", "--since", "10m", "--until", "0s", "--filter", "container="+id, "--filter", "event=start", "--format", "{{.TimeNano}}")) {
		var at int64
		if _, err := fmt.Sscan(line, &at); err != nil {
			w.t.Fatal(err)
		}
		starts = append(starts, at)
	}
	return starts
}
