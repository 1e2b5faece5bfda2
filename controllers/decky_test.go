// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/deckyard/deckyard/api/v1alpha1"
	enginefake "github.com/deckyard/deckyard/internal/engine/fake"
	"github.com/deckyard/deckyard/internal/model"
)

// Scenario 22: a new decky on a live topology gets its base, with all its
// interfaces, before its services, and no sibling is touched.
func TestDeckyIsCreatedInOrder(t *testing.T) {
	t.Parallel()
	l := newAcme(t)
	before := l.ids()
	db := decky("db", "office", services("redis"), visiting("dmz"))
	l.create(db)
	l.wantReady()
	want := []string{
		"create container lab_acme_db", "connect lab_acme_db to lab_acme_dmz", "start container lab_acme_db",
		"create container lab_acme_db_redis", "start container lab_acme_db_redis",
	}
	l.wantUntouched(before)
	l.remove(db)
	l.converge()
	if have := l.engine.Writes(); len(have) == 0 {
		t.Errorf("nothing was removed:%s", l.describe())
	}
	l.engine.ForgetWrites()
	l.create(decky("db", "office", services("redis"), visiting("dmz")))
	l.converge()
	l.wantWrites(want...)
}

func TestDeckyReportsWhatWasSeen(t *testing.T) {
	t.Parallel()
	l := newAcme(t)
	web := at(decky("web", "dmz"))
	l.read(web)
	if web.Status.Base.ContainerID == "" || web.Status.Base.Image != builtIn || web.Status.Base.StartedAt == nil {
		t.Errorf("base %+v", web.Status.Base)
	}
	if web.Status.OSFamily != v1alpha1.OSFamilyLinux || web.Status.LANs != "dmz,office" || web.Status.ServicesSummary != "2/2" {
		t.Errorf("OS family %q, LANs %q, services %q", web.Status.OSFamily, web.Status.LANs, web.Status.ServicesSummary)
	}
	for i, want := range []v1alpha1.InterfaceStatus{
		{LAN: "dmz", Address: "172.16.0.2", Connected: true}, {LAN: "office", Address: "172.16.1.3", Connected: true},
	} {
		have := web.Status.Interfaces[i]
		if have.MACAddress == "" {
			t.Errorf("no MAC address on %s", have.LAN)
		}
		have.MACAddress = ""
		if have != want {
			t.Errorf("interface %+v, want %+v", have, want)
		}
	}
	for _, service := range web.Status.Services {
		if service.ContainerID == "" || service.State != "running" || !service.Ready || service.Message != "" {
			t.Errorf("service %+v", service)
		}
	}
}

// editOf is what a test of small changes does to the decky web of acme, and
// which calls that causes.
type editOf struct {
	change func(*v1alpha1.Decky)
	writes []string
	// touched are the containers that may be touched.
	touched []string
}

// Scenarios 24, 26, 28, 29, 31, 61 and 63: each change costs exactly what it has to.
func TestChangesCostNoMoreThanTheyHaveTo(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]editOf{
		"attached": {
			change: func(o *v1alpha1.Decky) {
				o.Spec.Attachments = append(o.Spec.Attachments, v1alpha1.Attachment{LAN: "lab", Address: "172.16.9.9"})
			},
			writes: []string{"connect lab_acme_web to lab_acme_lab"},
		},
		"detached": {
			change: func(o *v1alpha1.Decky) { o.Spec.Attachments = nil },
			writes: []string{"disconnect lab_acme_web from lab_acme_office"},
		},
		"address of an attachment": {
			change: func(o *v1alpha1.Decky) { o.Spec.Attachments[0].Address = "172.16.1.77" },
			writes: []string{"disconnect lab_acme_web from lab_acme_office", "connect lab_acme_web to lab_acme_office"},
		},
		"service added": {
			change:  services("redis"),
			writes:  []string{"create container lab_acme_web_redis", "start container lab_acme_web_redis"},
			touched: []string{"lab_acme_web_redis"},
		},
		"service removed": {
			change:  func(o *v1alpha1.Decky) { o.Spec.Services = o.Spec.Services[:1] },
			writes:  []string{"remove container lab_acme_web_http"},
			touched: []string{"lab_acme_web_http"},
		},
		"service reconfigured": {
			change:  config("ssh", map[string]string{"banner": "OpenSSH_8.0"}),
			writes:  []string{"remove container lab_acme_web_ssh", "create container lab_acme_web_ssh", "start container lab_acme_web_ssh"},
			touched: []string{"lab_acme_web_ssh"},
		},
		"order of services": {
			change: func(o *v1alpha1.Decky) { slices.Reverse(o.Spec.Services) },
		},
		"labels and annotations": {
			change: func(o *v1alpha1.Decky) {
				o.Labels["team"] = "blue"
				o.Annotations = map[string]string{"note": "honeypot"}
			},
		},
		"ten edits at once": {
			change: func(o *v1alpha1.Decky) {
				o.Spec.Services = nil
				services("smtp", "ssh", "redis")(o)
				config("ssh", map[string]string{"banner": "OpenSSH_8.0"})(o)
				o.Spec.Attachments = []v1alpha1.Attachment{{LAN: "lab"}}
			},
			touched: []string{"lab_acme_web_http", "lab_acme_web_ssh"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			topo, dmzLAN, office, web, files := acme()
			l.create(topo, dmzLAN, office, lan("lab", subnet("172.16.9.0/24")), web, files, decky("bridge", "office", visiting("lab")))
			l.wantReady()
			l.engine.ForgetWrites()
			before := l.ids()
			edit(l, web, tc.change)
			l.converge()
			if name != "ten edits at once" {
				l.wantWrites(tc.writes...)
			}
			l.wantUntouched(before, tc.touched...)
			l.read(web)
			if !isReady(web) {
				t.Errorf("not Ready:%s", l.describe())
			}
			l.assertSteadyState()
		})
	}
}

// Scenarios 39, 40, 70, 71 and 72: what was changed by hand is repaired, and
// nothing else is touched.
func TestDriftIsRepaired(t *testing.T) {
	t.Parallel()
	l := newAcme(t)
	const web, ssh, http = "lab_acme_web", "lab_acme_web_ssh", "lab_acme_web_http"
	for name, tc := range map[string]struct {
		drift   func(*lab)
		touched []string
		// reason is that of the event about the repair, and of the counter.
		reason string
		// renamed has another name until it is repaired.
		renamed string
	}{
		"service killed":  {func(l *lab) { l.hand.Kill(ssh) }, []string{ssh}, "ContainerExited", ""},
		"service removed": {func(l *lab) { l.hand.Remove(ssh) }, []string{ssh}, "ContainerMissing", ""},
		"service paused":  {func(l *lab) { l.hand.Pause(ssh) }, nil, "ContainerExited", ""},
		"service renamed": {func(l *lab) { l.hand.Rename(ssh, "x") }, nil, "ContainerRenamed", ssh},
		"base renamed":    {func(l *lab) { l.hand.Rename(web, "x") }, nil, "ContainerRenamed", web},
		"restart policy":  {func(l *lab) { l.hand.SetRestartPolicy(web, "no") }, nil, "RestartPolicyDrifted", ""},
		"base stopped":    {func(l *lab) { l.hand.Stop(web) }, []string{web, ssh, http}, "ContainerExited", ""},
		"base removed":    {func(l *lab) { l.hand.Remove(web) }, []string{web, ssh, http}, "BaseRecreated", ""},
		"base restarted":  {func(l *lab) { l.hand.Restart(web) }, []string{web, ssh, http}, "NamespaceStale", ""},
		"base crashed":    {func(l *lab) { l.hand.Crash(web, 2) }, []string{web, ssh, http}, "NamespaceStale", ""},
		"engine restarted": {
			func(l *lab) { l.hand.RestartEngine() },
			[]string{web, ssh, http, "lab_acme_files", "lab_acme_files_ftp"},
			"ContainerExited", "",
		},
		"disconnected":           {func(l *lab) { l.hand.Disconnect(web, "lab_acme_office") }, nil, "EndpointMissing", ""},
		"disconnected from home": {func(l *lab) { l.hand.Disconnect(web, "lab_acme_dmz") }, nil, "EndpointMissing", ""},
		"network removed":        {func(l *lab) { l.hand.RemoveNetwork("lab_acme_office") }, []string{"lab_acme_office"}, "NetworkMissing", ""},
		"connected to a foreign network": {func(l *lab) {
			l.hand.AddNetwork(model.NetworkSpec{Name: "corp", Driver: "bridge", Subnet: prefix("192.168.7.0/24")})
			l.hand.Connect(web, "corp", addr("192.168.7.9"))
		}, nil, "EndpointExtra", ""},
		"connected with another address": {func(l *lab) {
			l.hand.Disconnect(web, "lab_acme_office")
			l.hand.Connect(web, "lab_acme_office", addr("172.16.1.99"))
		}, nil, "AddressDrifted", ""},
		"ip_forward set":        {func(l *lab) { l.hand.SetSysctl(web, model.SysctlIPForward, "1") }, nil, "SysctlDrifted", ""},
		"an interface forwards": {func(l *lab) { l.hand.SetSysctl(web, "net.ipv4.conf.eth1.forwarding", "1") }, nil, "SysctlDrifted", ""},
		"default route removed": {func(l *lab) { l.hand.RemoveRoute(web, defaultRoute("172.16.0.1")) }, nil, "RouteMissing", ""},
		"default route of an internal LAN": {func(l *lab) {
			l.hand.AddRoute("lab_acme_files", defaultRoute("172.16.1.1"))
		}, nil, "RouteExtra", ""},
		"a route of somebody's": {func(l *lab) {
			l.hand.AddRoute(web, model.Route{Destination: prefix("10.9.0.0/16"), Via: addr("172.16.1.66")})
		}, nil, "RouteExtra", ""},
		"a kernel setting set": {func(l *lab) { l.hand.SetSysctl(web, "net.ipv4.ip_default_ttl", "255") }, nil, "SysctlDrifted", ""},
	} {
		t.Run(name, func(t *testing.T) {
			l := l.in(t)
			// An operator that made the repairs before would put off the next sooner or later.
			l.restart()
			l.events.take()
			before := l.ids()
			tc.drift(l)
			l.wantUntouched(before, append(slices.Clone(tc.touched), tc.renamed)...)
			l.converge()
			if diff := cmp.Diff(acmeOnDocker(), l.docker()); diff != "" {
				t.Errorf("on the engine (-want +have):\n%s", diff)
			}
			l.wantUntouched(before, tc.touched...)
			sent := l.events.take()
			if !slices.ContainsFunc(sent, func(event string) bool { return isRepair(event, tc.reason) }) {
				t.Errorf("no event tells of the repair, because of %s: %q", tc.reason, sent)
			}
			for _, counter := range []string{"deckyard_drift_found_total", "deckyard_drift_repaired_total"} {
				if l.counted(counter, tc.reason) == 0 {
					t.Errorf("%s does not count %s", counter, tc.reason)
				}
			}
			l.wantReady()
		})
	}
}

// The events about a drift say what was and what is: it may be an intruder's
// work. An edit is no drift.
func TestEventsTellADriftFromAnEdit(t *testing.T) {
	t.Parallel()
	l := newAcme(t)
	web := at(decky("web", "dmz"))
	l.events.take()
	l.hand.SetSysctl("lab_acme_web", model.SysctlIPForward, "1")
	l.converge()
	want := []string{
		"web Warning SysctlDrifted: set sysctl lab_acme_web net.ipv4.ip_forward (is 1 want 0); this disrupts nothing",
		"web Normal SysctlDrifted: set sysctl lab_acme_web net.ipv4.ip_forward (is 1 want 0); this disrupts nothing",
		"web Normal Succeeded: ready",
	}
	if diff := cmp.Diff(want, l.eventsOf("web")); diff != "" {
		t.Errorf("events of a drift (-want +have):\n%s", diff)
	}
	found, repaired := l.counted("deckyard_drift_found_total", "SysctlDrifted"), l.counted("deckyard_drift_repaired_total", "SysctlDrifted")
	if found != 1 || repaired != 1 {
		t.Errorf("counted %v found and %v repaired", found, repaired)
	}
	edit(l, web, func(o *v1alpha1.Decky) { o.Spec.Attachments = nil })
	l.converge()
	want = []string{"web Normal SpecChanged: disconnect endpoint lab_acme_web@office (is 172.16.1.3 02:42:ac:10:01:03 want absent); this disrupts interfaces", "web Normal Succeeded: ready"}
	if diff := cmp.Diff(want, l.eventsOf("web")); diff != "" {
		t.Errorf("events of an edit (-want +have):\n%s", diff)
	}
	if l.counted("deckyard_drift_repaired_total", "EndpointExtra") != 0 || l.counted("deckyard_plan_actions_total", "disconnect") != 1 {
		t.Error("the edit is counted as a drift, or its action is not counted")
	}
}

// What somebody sets in the namespace of a decky that leads somewhere is found
// within a minute or so: no event tells of it.
func TestDeckyThatLeadsSomewhereIsLookedAtOften(t *testing.T) {
	t.Parallel()
	l := newAcme(t)
	web := at(decky("web", "dmz"))
	for range 2 {
		if after := l.mustPass(web).RequeueAfter; after < time.Minute || after > 70*time.Second {
			t.Errorf("looked at again after %s", after)
		}
		edit(l, web, func(o *v1alpha1.Decky) { o.Spec.Services = o.Spec.Services[:1] })
		l.converge()
	}
	l.create(decky("inner", "office"))
	l.converge()
	if after := l.mustPass(at(decky("inner", "office"))).RequeueAfter; after < 10*time.Minute {
		t.Errorf("a decky of one inner LAN is looked at again after %s", after)
	}
}

// A drift is counted once, also when the status that tells of it is refused at first.
func TestDriftIsCountedOnce(t *testing.T) {
	t.Parallel()
	l := newAcme(t)
	l.restart()
	l.hand.Disconnect("lab_acme_web", "lab_acme_office")
	l.relist()
	// The status is written at once, and at the end of the pass.
	l.cache.refuse(2)
	web := at(decky("web", "dmz"))
	if result := l.mustPass(web); result.RequeueAfter == 0 || l.writes(reconnect) > 0 {
		t.Errorf("repaired before it was told, or not tried again: %+v", result)
	}
	l.mustPass(web)
	for _, counter := range []string{"deckyard_drift_found_total", "deckyard_drift_repaired_total"} {
		if count := l.counted(counter, "EndpointMissing"); count != 1 {
			t.Errorf("%s counts %v", counter, count)
		}
	}
}

// Scenario 43: a service that exits again and again is left to the engine, and named.
func TestCrashLoop(t *testing.T) {
	t.Parallel()
	var healthy flag
	l := newLab(t, enginefake.WithImages("acme/erp:1"), enginefake.WithPrograms(func(spec model.ContainerSpec) enginefake.Process {
		if spec.Image == "acme/erp:1" && !healthy.isSet() {
			return enginefake.Process{Exits: true, ExitCode: 3}
		}
		return enginefake.Process{Ports: spec.Ports}
	}))
	topo, web := topology("acme"), decky("web", "dmz", services("ssh"), custom("erp", "acme/erp:1", 8000))
	l.create(topo, lan("dmz", dmz), web)
	l.converge()
	l.wantConditions(web, v1alpha1.ConditionReady, "False CrashLooping", v1alpha1.ConditionContainersRunning, "False CrashLooping",
		v1alpha1.ConditionReconciling, "True Progressing", v1alpha1.ConditionStalled, "absent")
	l.wantMessage(web, v1alpha1.ConditionReady, "lab_acme_web_erp", "restarting", "exit code 3", "docker logs")
	if web.Status.ServicesSummary != "1/2" || web.Status.Services[1].RestartCount != 1 || web.Status.Services[1].Ready {
		t.Errorf("services %q %+v", web.Status.ServicesSummary, web.Status.Services)
	}
	l.wantConditions(topo, v1alpha1.ConditionReady, "False Progressing")
	l.wantMessage(topo, v1alpha1.ConditionReady, "web (CrashLooping)")
	l.assertSteadyState()
	if result := l.mustPass(web); result.RequeueAfter <= 0 || result.RequeueAfter.Minutes() > 1 {
		t.Errorf("looked at again after %v", result.RequeueAfter)
	}
	healthy.set()
	l.hand.Restart("lab_acme_web_erp")
	l.wantReady()
}

// Ready needs every declared port to listen. No event tells when it does, so the
// decky is looked at again, the less often the longer it has lasted.
func TestPortThatDoesNotListen(t *testing.T) {
	t.Parallel()
	l := newAcme(t)
	web := at(decky("web", "dmz"))
	l.hand.SetListening("lab_acme_web_ssh")
	l.converge()
	l.wantWrites()
	l.wantConditions(web, v1alpha1.ConditionReady, "False PortNotListening", v1alpha1.ConditionServicesAnswering, "False PortNotListening",
		v1alpha1.ConditionContainersRunning, "True Succeeded", v1alpha1.ConditionReconciling, "True Progressing")
	l.wantMessage(web, v1alpha1.ConditionReady, "22/tcp", "ssh")
	if web.Status.ServicesSummary != "1/2" {
		t.Errorf("services %q", web.Status.ServicesSummary)
	}
	if result := l.mustPass(web); result.RequeueAfter != 15*1e9 {
		t.Errorf("looked at again after %v, although it has run for an hour", result.RequeueAfter)
	}
	l.hand.SetListening("lab_acme_web_ssh", model.Port{Number: 22, Protocol: model.TCP})
	l.wantReady()
}

// Scenario 52: while the engine is away nothing is known; nothing is reported
// missing, nothing is removed, and work goes on when it is back.
func TestDeckyWhileTheEngineIsAway(t *testing.T) {
	t.Parallel()
	l := newAcme(t)
	topo, web := at(topology("acme")), at(decky("web", "dmz"))
	l.read(web)
	before := web.Status
	l.engine.SetDown(true)
	for range 4 {
		if err := l.round(); err == nil {
			t.Error("no pass is repeated with back-off")
		}
	}
	l.wantConditions(web, v1alpha1.ConditionReady, "Unknown EngineUnavailable", v1alpha1.ConditionContainersRunning, "Unknown EngineUnavailable",
		v1alpha1.ConditionEndpointsInSync, "Unknown EngineUnavailable", v1alpha1.ConditionServicesAnswering, "Unknown EngineUnavailable",
		v1alpha1.ConditionReconciling, "True ProgressingWithRetry")
	l.wantConditions(topo, v1alpha1.ConditionReady, "Unknown EngineUnavailable", v1alpha1.ConditionDeckiesReady, "Unknown EngineUnavailable",
		v1alpha1.ConditionLANsReady, "Unknown EngineUnavailable")
	before.Conditions, web.Status.Conditions = nil, nil
	if diff := cmp.Diff(before, web.Status); diff != "" {
		t.Errorf("facts were changed (-before +now):\n%s", diff)
	}
	written := l.written()
	if err := l.round(); err == nil || l.written() != written {
		t.Errorf("the same news is written again, or err is nil: %v", err)
	}
	l.engine.SetDown(false)
	l.wantReady()
	l.wantWrites()
}

// Scenario 48: what needs a new base waits for consent, while all else of the
// decky is repaired and changed; with consent the base is recreated once.
func TestRecreationWaitsForConsent(t *testing.T) {
	t.Parallel()
	l := newAcme(t)
	web := at(decky("web", "dmz"))
	before := l.ids()
	edit(l, web, func(o *v1alpha1.Decky) { o.Spec.Hostname = "srv-web-01" })
	l.converge()
	l.wantWrites()
	l.wantConditions(web, v1alpha1.ConditionReady, "False RecreatePending", v1alpha1.ConditionStalled, "True RecreatePending",
		v1alpha1.ConditionRecreatePending, "True RecreatePending", v1alpha1.ConditionContainersRunning, "True Succeeded")
	l.wantMessage(web, v1alpha1.ConditionReady, "hostname", "spec.updateStrategy", `deckyard.dev/recreate-allowed="2"`)
	l.assertSteadyState()

	l.hand.Kill("lab_acme_web_http")
	edit(l, web, services("redis"))
	l.converge()
	l.wantUntouched(before, "lab_acme_web_http")
	l.wantConditions(web, v1alpha1.ConditionReady, "False RecreatePending")
	if web.Status.ServicesSummary != "3/3" {
		t.Errorf("services %s while consent is missing", web.Status.ServicesSummary)
	}

	edit(l, web, annotate[*v1alpha1.Decky](v1alpha1.AnnotationRecreateAllowed, "2"))
	l.converge()
	l.wantUntouched(before, "lab_acme_web_http")
	l.engine.ForgetWrites()
	edit(l, web, annotate[*v1alpha1.Decky](v1alpha1.AnnotationRecreateAllowed, "3"))
	l.converge()
	if count := l.writes("create container lab_acme_web"); count != 1 {
		t.Errorf("the base was created %d times: %q", count, l.engine.Writes())
	}
	l.wantReady()
	l.wantConditions(web, v1alpha1.ConditionRecreatePending, "absent", v1alpha1.ConditionStalled, "absent")

	edit(l, web, func(o *v1alpha1.Decky) { o.Spec.Hostname = "srv-web-02" })
	l.converge()
	l.wantConditions(web, v1alpha1.ConditionReady, "False RecreatePending")
}

// Scenario 38: with a new base come new services, which answer in its namespace.
func TestRecreateStrategyNeedsNoConsent(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*v1alpha1.Decky){
		"hostname":     func(o *v1alpha1.Decky) { o.Spec.Hostname = "srv-web-01" },
		"OS family":    func(o *v1alpha1.Decky) { o.Spec.OSFamily = v1alpha1.OSFamilyWindows },
		"publish":      publish(80, 8080),
		"home address": address("172.16.0.9"),
		"home MAC":     func(o *v1alpha1.Decky) { o.Spec.Home.MACAddress = "00:50:56:00:00:09" },
		"image":        func(o *v1alpha1.Decky) { o.Spec.Image = "acme/base:1" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newAcme(t)
			l.engine.SetImage("acme/base:1", "sha256:base")
			before := l.ids()
			edit(l, at(decky("web", "dmz")), func(o *v1alpha1.Decky) {
				o.Spec.UpdateStrategy = v1alpha1.UpdateRecreate
				change(o)
			})
			l.wantReady()
			recreated := []string{"lab_acme_web", "lab_acme_web_http", "lab_acme_web_ssh"}
			l.wantUntouched(before, recreated...)
			after := l.ids()
			for _, name := range recreated {
				if before[name] == after[name] {
					t.Errorf("%s is the old one", name)
				}
			}
		})
	}
}

// Scenario 83: a new built-in image restarts nothing, unless it may.
func TestNewBuiltInImage(t *testing.T) {
	t.Parallel()
	for strategy, restarts := range map[v1alpha1.UpdateStrategy]bool{v1alpha1.UpdateInPlace: false, v1alpha1.UpdateRecreate: true} {
		t.Run(string(strategy), func(t *testing.T) {
			t.Parallel()
			l := newAcme(t)
			edit(l, at(decky("files", "office")), func(o *v1alpha1.Decky) { o.Spec.UpdateStrategy = strategy })
			l.wantReady()
			before := l.ids()
			l.engine.SetImage(builtIn, "sha256:newer")
			l.wantReady()
			after := l.ids()
			for _, name := range []string{"lab_acme_files", "lab_acme_files_ftp"} {
				if restarted := before[name] != after[name]; restarted != restarts {
					t.Errorf("%s recreated: %t", name, restarted)
				}
			}
			l.wantUntouched(before, "lab_acme_files", "lab_acme_files_ftp")
		})
	}
}

// Scenario 23: a decky that is deleted takes its own with it, and nothing else.
func TestDeckyIsDeleted(t *testing.T) {
	t.Parallel()
	l := newAcme(t)
	web := at(decky("web", "dmz"))
	before := l.ids()
	l.remove(web)
	l.converge()
	if l.exists(web) {
		t.Errorf("the decky is left:%s", l.describe())
	}
	l.wantUntouched(before, "lab_acme_web", "lab_acme_web_http", "lab_acme_web_ssh")
	want := []string{
		"container lab_acme_files running lab_acme_office=172.16.1.2", "container lab_acme_files_ftp running",
		"network lab_acme_dmz 172.16.0.0/24", "network lab_acme_office 172.16.1.0/24",
	}
	if diff := cmp.Diff(want, l.docker()); diff != "" {
		t.Errorf("on the engine (-want +have):\n%s", diff)
	}
}

// Deletion needs neither a valid spec nor what it refers to.
func TestInvalidDeckyIsDeleted(t *testing.T) {
	t.Parallel()
	l := newAcme(t)
	web := at(decky("web", "dmz"))
	edit(l, web, func(o *v1alpha1.Decky) {
		o.Spec.Services = []v1alpha1.Service{{Name: "gopher"}}
		o.Spec.Attachments = []v1alpha1.Attachment{{LAN: "nowhere"}}
	})
	l.converge()
	l.remove(web)
	l.converge()
	if l.exists(web) || len(l.docker()) != 4 {
		t.Errorf("something is left:%s", l.describe())
	}
}

// Scenario 76: while suspended, drift is reported and nothing is changed.
func TestSuspendedTopologyReportsAndChangesNothing(t *testing.T) {
	t.Parallel()
	l := newAcme(t)
	topo, web, office := at(topology("acme")), at(decky("web", "dmz")), at(lan("office"))
	edit(l, topo, func(o *v1alpha1.Topology) { o.Spec.Suspend = true })
	l.wantReady()
	l.hand.Kill("lab_acme_web_ssh")
	edit(l, web, func(o *v1alpha1.Decky) { o.Spec.Attachments = nil })
	l.hand.Stop("lab_acme_files")
	l.hand.RemoveNetwork("lab_acme_office")
	extra := lan("extra")
	l.create(extra)
	before := l.ids()
	l.converge()
	l.wantWrites()
	l.wantUntouched(before)
	l.wantConditions(web, v1alpha1.ConditionReady, "False Suspended", v1alpha1.ConditionReconciling, "absent", v1alpha1.ConditionStalled, "absent",
		v1alpha1.ConditionContainersRunning, "False ContainerExited")
	l.wantMessage(web, v1alpha1.ConditionReady, "suspended", "start container lab_acme_web_ssh")
	l.wantConditions(office, v1alpha1.ConditionReady, "False Suspended", v1alpha1.ConditionNetworkInSync, "False NetworkMissing")
	l.wantConditions(extra, v1alpha1.ConditionReady, "False Suspended")
	l.wantMessage(extra, v1alpha1.ConditionReady, "create network lab_acme_extra")
	if web.Status.ObservedGeneration != web.Generation {
		t.Errorf("observedGeneration %d of %d", web.Status.ObservedGeneration, web.Generation)
	}
	l.assertSteadyState()
	l.remove(extra)
	edit(l, topo, func(o *v1alpha1.Topology) { o.Spec.Suspend = false })
	edit(l, web, visiting("office"))
	l.wantReady()
	if diff := cmp.Diff(acmeOnDocker(), l.docker()); diff != "" {
		t.Errorf("on the engine (-want +have):\n%s", diff)
	}
}

// Scenario 76: a suspended topology is torn down all the same.
func TestSuspendedTopologyIsTornDown(t *testing.T) {
	t.Parallel()
	l := newAcme(t)
	topo := at(topology("acme"))
	edit(l, topo, func(o *v1alpha1.Topology) { o.Spec.Suspend = true })
	l.remove(topo)
	l.wantGone()
}

func TestMACOfAnAttachment(t *testing.T) {
	t.Parallel()
	const mac = "00:50:56:01:02:03"
	create := func(l *lab) *v1alpha1.Decky {
		web := decky("web", "dmz", services("ssh"), visiting("office"))
		web.Spec.Attachments[0].MACAddress = mac
		l.create(topology("acme"), lan("dmz", dmz), lan("office"), web)
		l.converge()
		l.read(web)
		return web
	}
	t.Run("before engine 25", func(t *testing.T) {
		t.Parallel()
		l := newLab(t)
		web := create(l)
		l.wantConditions(web, v1alpha1.ConditionReady, "False MACNotSupported", v1alpha1.ConditionStalled, "True MACNotSupported")
		l.wantMessage(web, v1alpha1.ConditionReady, "spec.attachments[0].macAddress", mac, "Docker Engine 25")
		l.wantWrites("set filter lab/dmz", "create network lab_acme_dmz", "set filter lab/office", "create network lab_acme_office")
		edit(l, web, func(o *v1alpha1.Decky) { o.Spec.Attachments[0].MACAddress, o.Spec.Home.MACAddress = "", mac })
		l.wantReady()
		l.read(web)
		if have := web.Status.Interfaces[0].MACAddress; have != mac {
			t.Errorf("home has MAC %s, want %s", have, mac)
		}
	})
	t.Run("from engine 25", func(t *testing.T) {
		t.Parallel()
		l := newLab(t, enginefake.WithEndpointMAC())
		web := create(l)
		l.wantReady()
		if have := web.Status.Interfaces[1].MACAddress; have != mac {
			t.Errorf("attachment has MAC %s, want %s", have, mac)
		}
	})
}

// Scenarios 35 and 36: names that look alike are kept apart.
func TestNamesAreKeptApart(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.create(topology("acme"), topology("globex"),
		lan("dmz", dmz), decky("web", "dmz", services("ssh")), decky("web-ssh", "dmz", services("ssh")),
		lan("dmz-2", dmz, lanOf("globex")), decky("web-2", "dmz-2", services("ssh"), deckyOf("globex")))
	l.wantReady()
	want := []string{
		"container lab_acme_web running lab_acme_dmz=172.16.0.2",
		"container lab_acme_web-ssh running lab_acme_dmz=172.16.0.3",
		"container lab_acme_web-ssh_ssh running",
		"container lab_acme_web_ssh running",
		"container lab_globex_web-2 running lab_globex_dmz-2=172.16.1.2",
		"container lab_globex_web-2_ssh running",
		"network lab_acme_dmz 172.16.0.0/24",
		"network lab_globex_dmz-2 172.16.1.0/24",
	}
	if diff := cmp.Diff(want, l.docker()); diff != "" {
		t.Errorf("on the engine (-want +have):\n%s", diff)
	}
}

// Scenario 59: a container of somebody else under our name is never touched,
// and named; the decky comes up once it is gone.
func TestForeignContainerInTheWay(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"lab_acme_web", "lab_acme_web_ssh"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			foreign := model.ContainerSpec{Name: name, Image: "alpine:3"}
			l.hand.AddContainer(foreign)
			web := decky("web", "dmz", services("ssh", "http"))
			l.create(topology("acme"), lan("dmz", dmz), web)
			before := l.ids()
			l.converge()
			l.wantUntouched(before)
			l.wantConditions(web, v1alpha1.ConditionReady, "False ForeignContainer", v1alpha1.ConditionContainersRunning, "False ForeignContainer",
				v1alpha1.ConditionReconciling, "True DependencyNotReady", v1alpha1.ConditionStalled, "absent")
			l.wantMessage(web, v1alpha1.ConditionReady, name)
			if !l.observer.isBlocked("Decky web") {
				t.Error("nobody would wake the decky when the container goes")
			}
			l.hand.Remove(name)
			l.wantReady()
			if l.observer.isBlocked("Decky web") {
				t.Error("the decky is woken by what does not concern it any more")
			}
		})
	}
}
