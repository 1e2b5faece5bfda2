// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/model"
	"github.com/deckyard/deckyard/internal/plan"
)

// deckyCase is a change of what is desired, of the engine, or of both.
type deckyCase struct {
	// spec changes the desired decky; its hashes follow.
	spec func(*model.DeckySpec)
	// engine changes an engine that has converged on the unchanged spec.
	engine func(world)
}

// plan returns the plan for a case.
func (c deckyCase) plan() plan.Plan {
	desired, observed := c.build()
	return plan.Decky(desired, observed)
}

func (c deckyCase) build() (model.DeckySpec, model.Observed) {
	desired := web()
	observed := converged(desired)
	w := world{&observed}
	if c.engine != nil {
		c.engine(w)
	}
	if c.spec != nil {
		c.spec(&desired)
		seal(&desired)
	}
	return desired, w.sorted()
}

func consent(desired *model.DeckySpec) { desired.MayRecreateBase = true }

func both(changes ...func(*model.DeckySpec)) func(*model.DeckySpec) {
	return func(desired *model.DeckySpec) {
		for _, change := range changes {
			change(desired)
		}
	}
}

func withoutOffice(desired *model.DeckySpec) {
	desired.Endpoints, desired.Routes = desired.Endpoints[:1], desired.Routes[:1]
}

func hostname(desired *model.DeckySpec) { desired.Base.Hostname = "www" }

func homeAddress(desired *model.DeckySpec) {
	desired.Endpoints[0].Address = netip.MustParseAddr("10.0.1.77")
	desired.Base.Home = desired.Endpoints[0]
}

// changeOfSpec holds the rows of the table "What each change does" of the API.
func changeOfSpec() map[string]deckyCase {
	return map[string]deckyCase{
		"none": {},
		"attachment-added": {spec: func(d *model.DeckySpec) {
			d.Endpoints = append(d.Endpoints, endpoint("lab", 3, 9))
		}},
		"attachment-added-with-a-route": {spec: func(d *model.DeckySpec) {
			d.Endpoints = append(d.Endpoints, endpoint("lab", 3, 9))
			d.Routes[1].Via = netip.MustParseAddr("10.0.3.7")
		}, engine: func(w world) { w.Networks = append(w.Networks, seenNetwork("id-lab", network("lab", 3))) }},
		"attachment-added-where-a-route-leads": {spec: func(d *model.DeckySpec) {
			d.Endpoints = append(d.Endpoints, endpoint("lab", 9, 9))
			d.Routes = d.Routes[:1]
		}},
		"attachment-removed": {spec: withoutOffice},
		"attachment-address": {spec: func(d *model.DeckySpec) { d.Endpoints[1].Address = netip.MustParseAddr("10.0.2.77") }},
		"attachment-mac":     {spec: func(d *model.DeckySpec) { d.Endpoints[1].MAC = "02:00:00:00:00:77" }},
		"attachment-mac-left-to-engine": {spec: func(d *model.DeckySpec) {
			d.Endpoints[1].MAC = ""
		}},
		"service-added":        {spec: func(d *model.DeckySpec) { d.Services = append(d.Services, service("telnet", 23)) }},
		"service-removed":      {spec: func(d *model.DeckySpec) { d.Services = d.Services[:1] }},
		"service-reconfigured": {spec: func(d *model.DeckySpec) { d.Services[1].Env = []string{"SERVICE=ssh", "BANNER=x"} }},
		"service-image": {spec: func(d *model.DeckySpec) {
			d.Services[1].Image, d.Services[1].BuiltInImage = "registry/ssh:2", false
		}},
		"service-image-absent": {spec: func(d *model.DeckySpec) {
			added := service("telnet", 23)
			added.Image, added.BuiltInImage, added.ImageAbsent = "registry/telnet:1", false, true
			d.Services = append(d.Services, added)
			d.Services[1].Image, d.Services[1].BuiltInImage, d.Services[1].ImageAbsent = "registry/ssh:2", false, true
			d.Services[0].Env = []string{"OTHER=1"}
		}},
		"image-absent-consented": {spec: both(consent, func(d *model.DeckySpec) {
			d.Base.Image, d.Base.BuiltInImage, d.Base.ImageAbsent = "registry/base:1", false, true
		})},
		"hostname-consented-and-service-image-absent": {spec: both(consent, hostname, func(d *model.DeckySpec) {
			d.Services[1].ImageAbsent = true
		})},
		"service-ports": {spec: func(d *model.DeckySpec) { d.Services[1].Ports = nil }},
		"forwarding": {spec: func(d *model.DeckySpec) {
			d.Base.Sysctls = map[string]string{model.SysctlIPForward: "1", "net.ipv4.ip_default_ttl": "64"}
		}},
		"route-added": {spec: func(d *model.DeckySpec) {
			d.Routes = append(d.Routes, model.Route{Destination: netip.MustParsePrefix("10.0.8.0/24"), Via: netip.MustParseAddr("10.0.1.7")})
		}},
		"route-via-another-hop": {spec: func(d *model.DeckySpec) { d.Routes[1].Via = netip.MustParseAddr("10.0.1.7") }},
		"route-removed":         {spec: func(d *model.DeckySpec) { d.Routes = d.Routes[:1] }},
		"route-without-an-interface": {spec: func(d *model.DeckySpec) {
			d.Routes[1].Via = netip.MustParseAddr("10.0.5.7")
		}},
		"hostname-waits":     {spec: hostname},
		"hostname-consented": {spec: both(hostname, consent)},
		"publish-waits":      {spec: func(d *model.DeckySpec) { d.Base.Published = nil }},
		"publish-consented":  {spec: both(func(d *model.DeckySpec) { d.Base.Published = nil }, consent)},
		"image-waits":        {spec: func(d *model.DeckySpec) { d.Base.Image, d.Base.BuiltInImage = "registry/base:1", false }},
		"os-family-waits": {spec: func(d *model.DeckySpec) {
			d.Base.Sysctls = map[string]string{model.SysctlIPForward: "0", "net.ipv4.ip_default_ttl": "128"}
		}},
		"home-address-waits":     {spec: homeAddress},
		"home-address-consented": {spec: both(homeAddress, consent)},
		"home-mac-waits": {spec: func(d *model.DeckySpec) {
			d.Endpoints[0].MAC = "02:00:00:00:00:77"
			d.Base.Home = d.Endpoints[0]
		}},
		"limits-wait": {spec: func(d *model.DeckySpec) { d.Base.Limits.Memory = 1 << 20 }},
		"several-wait-and-the-rest-is-done": {spec: both(hostname, homeAddress, func(d *model.DeckySpec) {
			withoutOffice(d)
			d.Services = append(d.Services, service("telnet", 23))
		})},
		"built-in-image-newer":           {spec: func(d *model.DeckySpec) { newerBuiltIn(d) }},
		"built-in-image-newer-consented": {spec: both(newerBuiltIn, consent)},
		"hash-of-another-version": {engine: func(w world) {
			w.container("base").Identity.SpecHash = "v0:1"
			w.container("ssh").Identity.SpecHash = "v0:2"
		}},
		"ten-changes-at-once": {spec: both(hostname, consent, newerBuiltIn, func(d *model.DeckySpec) {
			d.Endpoints = []model.EndpointSpec{d.Endpoints[0], endpoint("lab", 3, 9)}
			d.Routes = d.Routes[:1]
			d.Services = []model.ContainerSpec{service("telnet", 23), d.Services[0]}
		})},
	}
}

func newerBuiltIn(desired *model.DeckySpec) {
	for _, spec := range []*model.ContainerSpec{&desired.Base, &desired.Services[0], &desired.Services[1]} {
		spec.Image, spec.ImageID = "deckyard/decoy:2222", "sha256:2222"
	}
}

// TestPlanOfAChangedSpec is Scenarios 24, 26, 28, 29, 31, 38, 48 and 63: each
// change does what the API's table says, and no more.
func TestPlanOfAChangedSpec(t *testing.T) {
	t.Parallel()

	for name, tc := range changeOfSpec() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkGolden(t, "change-"+name, tc.plan())
		})
	}
}

// changeOfEngine holds what can have happened on the engine.
func changeOfEngine() map[string]deckyCase {
	return map[string]deckyCase{
		"nothing-there": {engine: func(w world) { w.Containers, w.Namespaces = nil, nil }},
		"base-missing":  {engine: func(w world) { w.remove("base") }},
		"base-missing-without-home-network": {
			engine: func(w world) { w.remove("base") },
			spec:   func(d *model.DeckySpec) { d.Endpoints[0].NetworkID, d.Base.Home.NetworkID = "", "" },
		},
		"base-stopped": {engine: func(w world) { w.stop("base", model.StateExited) }},
		"base-and-services-out": {engine: func(w world) {
			w.stop("base", model.StateExited)
			w.stop("http", model.StateExited)
			w.stop("ssh", model.StateExited)
		}},
		"base-never-started": {engine: func(w world) {
			w.stop("base", model.StateCreated)
			w.container("base").StartedAt = time.Time{}
			w.disconnect("office")
			w.remove("http")
			w.remove("ssh")
		}},
		"base-never-started-and-spec-changed": {
			engine: func(w world) {
				w.stop("base", model.StateCreated)
				w.container("base").StartedAt = time.Time{}
			},
			spec: hostname,
		},
		"base-restarted":  {engine: func(w world) { w.container("base").StartedAt = started.Add(time.Hour) }},
		"base-paused":     {engine: func(w world) { w.stop("base", model.StatePaused) }},
		"base-restarting": {engine: func(w world) { w.stop("base", model.StateRestarting); w.remove("ssh"); w.disconnect("office") }},
		"base-dead":       {engine: func(w world) { w.stop("base", model.StateDead) }},
		"base-removing":   {engine: func(w world) { w.stop("base", model.StateRemoving); w.stop("ssh", model.StateExited) }},
		"base-renamed":    {engine: func(w world) { w.container("base").Name = "renamed" }},
		"base-recreated-by-hand": {engine: func(w world) {
			w.container("http").NamespaceOf = "id-of-the-old-base"
			w.container("ssh").NamespaceOf = "id-of-the-old-base"
		}},
		"base-and-service-renamed": {engine: func(w world) {
			w.container("base").Name, w.container("ssh").Name = "renamed", "aaa"
			w.stop("base", model.StateExited)
		}},
		"renamed-and-its-name-is-taken": {engine: func(w world) {
			w.container("base").Name = "renamed"
			w.foreign("lab_acme_web")
		}},
		"service-renamed-and-its-name-is-taken": {
			engine: func(w world) {
				w.container("http").Name = "renamed"
				w.foreign("lab_acme_web_http")
			},
			spec: both(hostname, consent),
		},
		"service-has-the-name-of-the-missing-base": {engine: func(w world) {
			w.remove("base")
			w.container("http").Name = "lab_acme_web"
			w.foreign("lab_acme_web_http")
		}},
		"services-with-each-others-names": {engine: func(w world) {
			http, ssh := w.container("http"), w.container("ssh")
			http.Name, ssh.Name = ssh.Name, http.Name
		}},
		"restart-policy": {engine: func(w world) {
			w.container("base").RestartPolicy, w.container("ssh").RestartPolicy = "no", "on-failure"
			w.container("http").RestartPolicy = model.RestartPolicy
		}},
		"renamed-and-spec-changed": {
			engine: func(w world) { w.container("base").Name, w.container("ssh").Name = "renamed", "aaa" },
			spec:   both(hostname, consent),
		},
		"service-missing":    {engine: func(w world) { w.remove("ssh") }},
		"service-stopped":    {engine: func(w world) { w.stop("ssh", model.StateExited) }},
		"service-created":    {engine: func(w world) { w.stop("ssh", model.StateCreated) }},
		"service-paused":     {engine: func(w world) { w.stop("ssh", model.StatePaused) }},
		"service-restarting": {engine: func(w world) { w.stop("ssh", model.StateRestarting) }},
		"service-dead":       {engine: func(w world) { w.stop("ssh", model.StateDead) }},
		"service-removing":   {engine: func(w world) { w.stop("ssh", model.StateRemoving) }},
		"service-extra": {engine: func(w world) {
			extra := *w.container("ssh")
			extra.ID, extra.Name = "id-extra", "somebody-elses-name"
			w.Containers = append(w.Containers, extra)
		}},
		"service-with-another-label": {engine: func(w world) { w.container("ssh").Identity.Service = "telnet" }},
		"second-base": {engine: func(w world) {
			extra := *w.container("base")
			extra.ID, extra.Name = "id-extra", "copy"
			sharer := *w.container("ssh")
			sharer.ID, sharer.Name, sharer.NamespaceOf = "id-sharer", "copy-ssh", extra.ID
			w.Containers = append(w.Containers, extra, sharer)
		}},
		"endpoint-missing":  {engine: func(w world) { w.disconnect("office") }},
		"home-missing":      {engine: func(w world) { w.disconnect("dmz") }},
		"endpoint-extra":    {engine: func(w world) { extraEndpoint(w) }},
		"endpoint-address":  {engine: func(w world) { w.endpoint("office").Address = netip.MustParseAddr("10.0.2.200") }},
		"home-address":      {engine: func(w world) { w.endpoint("dmz").Address = netip.MustParseAddr("10.0.1.200") }},
		"home-mac":          {engine: func(w world) { w.endpoint("dmz").MAC = "02:42:0a:00:01:09" }},
		"endpoint-unknown":  {engine: func(w world) { w.endpoint("office").Address = netip.Addr{} }},
		"network-recreated": {engine: func(w world) { recreatedNetwork(w) }},
		"stopped-and-network-recreated": {engine: func(w world) {
			recreatedNetwork(w)
			w.stop("base", model.StateExited)
			w.endpoint("old-office").MAC = ""
		}},
		"home-network-is-to-go": {spec: func(d *model.DeckySpec) { d.Endpoints[0].NetworkID, d.Base.Home.NetworkID = "", "" }},
		"stopped-and-home-network-is-to-go": {
			engine: func(w world) { w.stop("base", model.StateExited) },
			spec:   func(d *model.DeckySpec) { d.Endpoints[0].NetworkID, d.Base.Home.NetworkID = "", "" },
		},
		"dead-and-home-network-is-to-go": {
			engine: func(w world) { w.stop("base", model.StateDead) },
			spec:   func(d *model.DeckySpec) { d.Endpoints[0].NetworkID, d.Base.Home.NetworkID = "", "" },
		},
		"dead-and-image-absent": {
			engine: func(w world) { w.stop("base", model.StateDead) },
			spec:   func(d *model.DeckySpec) { d.Base.ImageAbsent = true },
		},
		"sysctl-changed": {engine: func(w world) { w.Namespaces["id-base"].Sysctls[model.SysctlIPForward] = "1" }},
		"route-missing":  {engine: func(w world) { w.reroute(func(route model.Route) bool { return route == toLab() }) }},
		"route-extra": {engine: func(w world) {
			w.reroute(isNone, model.Route{Destination: netip.MustParsePrefix("10.0.7.0/24"), Via: netip.MustParseAddr("10.0.2.66")},
				model.Route{Destination: netip.MustParsePrefix("10.0.7.128/25")})
		}},
		"route-twice": {engine: func(w world) {
			w.reroute(isNone, model.Route{Destination: toLab().Destination, Via: netip.MustParseAddr("10.0.2.66")})
		}},
		"default-route-missing": {engine: func(w world) { w.reroute(model.Route.IsDefault) }},
		"default-route-via-another-hop": {engine: func(w world) {
			w.reroute(model.Route.IsDefault, model.Route{Destination: defaultRoute().Destination, Via: netip.MustParseAddr("10.0.2.1")})
		}},
		"default-route-extra": {
			spec: func(d *model.DeckySpec) { d.Routes = d.Routes[1:] },
		},
		"sysctl-not-known": {engine: func(w world) { delete(w.Namespaces, "id-base") }},
		"foreign-base-name": {engine: func(w world) {
			w.remove("base")
			w.foreign("lab_acme_web")
		}},
		"foreign-service-name": {engine: func(w world) {
			w.remove("ssh")
			w.remove("http")
			w.foreign("lab_acme_web_ssh")
		}},
		"base-name-of-another-instance": {engine: func(w world) {
			w.remove("base")
			w.foreign("lab_acme_web").Identity = strangeIdentity("instance-b")
		}},
		"base-name-of-an-older-decky": {engine: func(w world) {
			w.remove("base")
			w.foreign("lab_acme_web").Identity = strangeIdentity(instance)
		}},
		"foreign-container-has-the-address": {engine: func(w world) {
			w.disconnect("office")
			w.foreign("squatter", seenEndpoint(web().Endpoints[1]))
		}},
		"our-container-has-the-address": {engine: func(w world) {
			w.disconnect("office")
			w.foreign("lab_acme_db", seenEndpoint(web().Endpoints[1])).Identity = strangeIdentity(instance)
		}},
		"our-container-has-the-address-of-the-missing-base": {engine: func(w world) {
			w.remove("base")
			w.foreign("lab_acme_db", seenEndpoint(web().Endpoints[1])).Identity = strangeIdentity(instance)
		}},
		"our-container-has-the-address-and-spec-changed": {
			engine: func(w world) {
				w.disconnect("office")
				w.foreign("lab_acme_db", seenEndpoint(web().Endpoints[1])).Identity = strangeIdentity(instance)
			},
			spec: both(hostname, consent),
		},
		"foreign-container-has-the-host-port": {engine: func(w world) {
			w.remove("base")
			w.foreign("proxy").HostPorts = []model.PublishedPort{
				{HostIP: netip.IPv4Unspecified(), HostPort: 8080, Port: model.Port{Number: 8000, Protocol: model.TCP}},
			}
		}},
		"foreign-container-has-the-new-host-port": {
			engine: func(w world) {
				w.foreign("proxy").HostPorts = []model.PublishedPort{
					{HostIP: netip.IPv4Unspecified(), HostPort: 9090, Port: model.Port{Number: 8000, Protocol: model.TCP}},
				}
				w.stop("ssh", model.StateExited)
			},
			spec: both(func(d *model.DeckySpec) { d.Base.Published[0].HostPort = 9090 }, consent),
		},
	}
}

func isNone(model.Route) bool { return false }

func strangeIdentity(instance string) model.Identity {
	return model.Identity{
		Owner: model.Owner{Instance: instance, Kind: model.OwnerDecky, Namespace: "other", Name: "db", Topology: "acme", UID: "uid-other"},
		Role:  model.RoleBase,
	}
}

func extraEndpoint(w world) {
	w.Networks = append(w.Networks, seenNetwork("id-lab", network("lab", 3)))
	base := w.container("base")
	base.Endpoints = append(base.Endpoints,
		seenEndpoint(endpoint("lab", 3, 9)),
		model.Endpoint{NetworkID: "id-bridge", NetworkName: "bridge", Address: netip.MustParseAddr("172.17.0.2")})
}

// recreatedNetwork gives the base an endpoint on a network that is gone, and
// whose name the current one bears.
func recreatedNetwork(w world) {
	w.endpoint("office").NetworkID = "id-old-office"
}

// TestPlanOfAChangedEngine is Scenarios 22, 35, 39, 40, 41, 43, 59, 70, 71 and
// 72: what was changed by hand or by accident is repaired with as little as
// possible, and what is not ours is left alone.
func TestPlanOfAChangedEngine(t *testing.T) {
	t.Parallel()

	for name, tc := range changeOfEngine() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkGolden(t, "engine-"+name, tc.plan())
		})
	}
}

// TestAssessmentAndPlanAgree holds that what is reported as in sync is not
// planned to change, and the other way round.
func TestAssessmentAndPlanAgree(t *testing.T) {
	t.Parallel()

	for _, cases := range []map[string]deckyCase{changeOfSpec(), changeOfEngine()} {
		for name, tc := range cases {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				desired, observed := tc.build()
				planned, state := plan.Decky(desired, observed), plan.Assess(desired, observed)
				if state.InSync() && !(planned.Empty() && len(planned.RecreatePending) == 0) {
					t.Errorf("in sync, and yet:\n%s", planned)
				}
				if planned.Empty() && len(planned.RecreatePending) == 0 && !state.InSync() && !waitsForTheEngine(state) {
					t.Errorf("nothing to do, and yet not in sync: %+v", state)
				}
			})
		}
	}
}

// waitsForTheEngine reports whether only the engine or time can help.
func waitsForTheEngine(state plan.DeckyState) bool {
	waits := state.Base.Reason == v1alpha1.ReasonCrashLooping
	for _, service := range state.Services {
		waits = waits || service.Reason == v1alpha1.ReasonCrashLooping || !service.Listening()
	}
	return waits
}

// TestServiceIsReadyOnlyWhileItsPortsListen holds that a port counts only where
// an intruder reaches it.
func TestServiceIsReadyOnlyWhileItsPortsListen(t *testing.T) {
	t.Parallel()

	ssh := model.Port{Number: 22, Protocol: model.TCP}
	tests := map[string]struct {
		sockets []model.Socket
		want    bool
	}{
		"on all IPv4 addresses":      {[]model.Socket{{Port: ssh, Address: netip.IPv4Unspecified()}}, true},
		"on all addresses":           {[]model.Socket{{Port: ssh, Address: netip.IPv6Unspecified()}}, true},
		"on the home address":        {[]model.Socket{{Port: ssh, Address: netip.MustParseAddr("10.0.1.9")}}, true},
		"on the mapped home address": {[]model.Socket{{Port: ssh, Address: netip.MustParseAddr("::ffff:10.0.1.9")}}, true},
		"on loopback alone":          {[]model.Socket{{Port: ssh, Address: netip.MustParseAddr("127.0.0.1")}}, false},
		"with another protocol":      {[]model.Socket{{Port: model.Port{Number: 22, Protocol: model.UDP}, Address: netip.IPv4Unspecified()}}, false},
		"on another port":            {[]model.Socket{{Port: model.Port{Number: 2222, Protocol: model.TCP}, Address: netip.IPv4Unspecified()}}, false},
		"not at all":                 {nil, false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			desired := web()
			desired.Services = desired.Services[1:]
			observed := converged(desired).WithNamespace("id-base", model.Namespace{Listening: tc.sockets, Routes: desired.Routes})
			state := plan.Assess(desired, observed).Services[0]
			if state.Ready() != tc.want {
				t.Errorf("ready = %t, want %t; missing %v", state.Ready(), tc.want, state.MissingPorts)
			}
			if planned := plan.Decky(desired, observed); !planned.Empty() {
				t.Errorf("a port that does not listen is planned away:\n%s", planned)
			}
		})
	}
}

// TestAssessNamesContainerStateAndExitCode is the reporting half of Scenario 43.
func TestAssessNamesContainerStateAndExitCode(t *testing.T) {
	t.Parallel()

	desired, observed := deckyCase{engine: func(w world) { w.stop("ssh", model.StateRestarting) }}.build()
	state := plan.Assess(desired, observed)
	have := []any{state.Services[1].Name, state.Services[1].State(), state.Services[1].Reason, state.Services[1].Message, state.Services[1].Ready()}
	want := []any{
		"ssh", "restarting", v1alpha1.ReasonCrashLooping,
		`container "lab_acme_web_ssh" is restarting, last exit code 137; see: docker logs lab_acme_web_ssh`, false,
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("service state (-want +have):\n%s", diff)
	}
}

// TestAssessReportsEndpoints holds that the live values are reported, also of
// interfaces that are wrong or extra.
func TestAssessReportsEndpoints(t *testing.T) {
	t.Parallel()

	desired, observed := deckyCase{engine: func(w world) {
		w.endpoint("office").Address = netip.MustParseAddr("10.0.2.200")
		extraEndpoint(w)
	}}.build()
	var have []string
	for _, endpoint := range plan.Assess(desired, observed).Endpoints {
		have = append(have, endpoint.LAN+" "+endpoint.Address.String()+" "+string(endpoint.Reason))
	}
	want := []string{
		"dmz 10.0.1.9 ", "office 10.0.2.200 AddressDrifted", "lab 10.0.3.9 EndpointExtra", "bridge 172.17.0.2 EndpointExtra",
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("endpoints (-want +have):\n%s", diff)
	}
}

// TestRemoveDecky is Scenario 23 and the decky's part of Scenario 57: services,
// then the base, under whatever name, and nothing else.
func TestRemoveDecky(t *testing.T) {
	t.Parallel()

	tests := map[string]func(world){
		"whole":         func(world) {},
		"half":          func(w world) { w.remove("base"); w.remove("http"); w.stop("ssh", model.StateCreated) },
		"renamed":       func(w world) { w.container("base").Name = "aaa" },
		"going-already": func(w world) { w.remove("http"); w.remove("ssh"); w.stop("base", model.StateRemoving) },
		"gone":          func(w world) { w.Containers = nil },
		"among-others": func(w world) {
			w.foreign("lab_acme_web_telnet").Identity = strangeIdentity("instance-b")
			w.foreign("lab_acme_web_smtp").Identity = strangeIdentity(instance)
			w.foreign("lab_acme_web_ftp")
		},
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			desired, observed := deckyCase{engine: change}.build()
			checkGolden(t, "remove-decky-"+name, plan.RemoveDecky(desired.Owner, observed))
		})
	}
}
