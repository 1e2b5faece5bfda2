// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package graph_test

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/catalogue"
	"github.com/deckyard/deckyard/internal/fault"
	"github.com/deckyard/deckyard/internal/graph"
	"github.com/deckyard/deckyard/internal/model"
)

func load(t *testing.T) *catalogue.Catalogue {
	t.Helper()
	c, err := catalogue.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func published(hostIP string, hostPort, port uint16, protocol model.Protocol) model.PublishedPort {
	return model.PublishedPort{
		HostIP: netip.MustParseAddr(hostIP), HostPort: hostPort, Port: model.Port{Number: port, Protocol: protocol},
	}
}

// Scenario 45.
func TestPublished(t *testing.T) {
	t.Parallel()
	udp := func(containerPort, hostPort int32) v1alpha1.PublishedPort {
		return v1alpha1.PublishedPort{ContainerPort: containerPort, HostPort: hostPort, Protocol: v1alpha1.ProtocolUDP}
	}
	withDNS := func(d *v1alpha1.Decky) {
		d.Spec.Services = append(d.Spec.Services, v1alpha1.Service{
			Name: "names", Image: "dns", Ports: []v1alpha1.ServicePort{{ContainerPort: 53}, {ContainerPort: 53, Protocol: v1alpha1.ProtocolUDP}},
		})
	}
	cases := map[string]struct {
		decky v1alpha1.Decky
		want  []model.PublishedPort
		fault fault.Fault
	}{
		"nothing": {decky: decky("a", 1, services("ssh"))},
		"every port": {
			decky: decky("a", 1, services("smtp"), withDNS, publishing("")),
			want: []model.PublishedPort{
				published("0.0.0.0", 25, 25, model.TCP), published("0.0.0.0", 587, 587, model.TCP),
				published("0.0.0.0", 53, 53, model.TCP), published("0.0.0.0", 53, 53, model.UDP),
			},
		},
		"some ports": {
			decky: decky("a", 1, services("ssh", "http"), withDNS, publishing("127.0.0.1", port(80, 8080), port(22, 0), udp(53, 5353))),
			want: []model.PublishedPort{
				published("127.0.0.1", 8080, 80, model.TCP), published("127.0.0.1", 22, 22, model.TCP), published("127.0.0.1", 5353, 53, model.UDP),
			},
		},
		"one host port over both protocols": {
			decky: decky("a", 1, withDNS, publishing("", port(53, 53), udp(53, 53))),
			want:  []model.PublishedPort{published("0.0.0.0", 53, 53, model.TCP), published("0.0.0.0", 53, 53, model.UDP)},
		},
		"a port of no service": {
			decky: decky("a", 1, services("ssh"), publishing("", port(22, 0), port(80, 0))),
			fault: fault.Fault{
				Reason: v1alpha1.ReasonInvalidSpec, Field: "spec.publish.ports[1].containerPort",
				Message: "no service of the decky listens on port 80/tcp: add a service that does, or remove the port",
			},
		},
		"a port over the other protocol": {
			decky: decky("a", 1, services("ssh"), publishing("", udp(22, 0))),
			fault: fault.Fault{
				Reason: v1alpha1.ReasonInvalidSpec, Field: "spec.publish.ports[0].containerPort",
				Message: "no service of the decky listens on port 22/udp: add a service that does, or remove the port",
			},
		},
		"a port twice": {
			decky: decky("a", 1, services("ssh"), publishing("", port(22, 0), port(22, 2222))),
			fault: fault.Fault{
				Reason: v1alpha1.ReasonInvalidSpec, Field: "spec.publish.ports[1].containerPort",
				Message: "port 22/tcp is listed twice: remove one",
			},
		},
		"a host port twice": {
			decky: decky("a", 1, services("ssh", "http"), publishing("", port(80, 22), port(22, 0))),
			fault: fault.Fault{
				Reason: v1alpha1.ReasonPortConflict, Field: "spec.publish.ports[1].hostPort",
				Message: "host port 22/tcp leads to port 80/tcp already: give each a hostPort of its own",
			},
		},
		"a host port out of range": {
			decky: decky("a", 1, services("ssh"), publishing("", port(22, 70000))),
			fault: fault.Fault{
				Reason: v1alpha1.ReasonInvalidSpec, Field: "spec.publish.ports[0].hostPort",
				Message: "70000 is not a port: use a number from 1 to 65535",
			},
		},
		"a malformed host address": {
			decky: decky("a", 1, services("ssh"), publishing("localhost")),
			fault: fault.Fault{
				Reason: v1alpha1.ReasonInvalidSpec, Field: "spec.publish.hostIP",
				Message: `"localhost" is not an IPv4 address of the host: write one, such as 127.0.0.1, or 0.0.0.0 for all of them`,
			},
		},
	}
	known := load(t)
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			services, mistake := known.Services(&tc.decky)
			if mistake != nil {
				t.Fatal(mistake)
			}
			have, mistake := graph.Published(&tc.decky, services)
			expect(t, tc.fault, mistake)
			if diff := cmp.Diff(tc.want, have, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
				t.Errorf("(-want +have):\n%s", diff)
			}
		})
	}
}

// Scenario 44.
func TestPublishOutsideTheDMZIsRefused(t *testing.T) {
	t.Parallel()
	inside, outside := lan("dmz", 1, dmz), lan("office", 1)
	gateway := decky("gw", 1, services("ssh"), publishing(""))
	silent := decky("quiet", 1, services("ssh"))
	expect(t, fault.Fault{}, graph.CheckPublish(&gateway, &inside))
	expect(t, fault.Fault{}, graph.CheckPublish(&silent, &outside))
	expect(t, fault.Fault{
		Reason: v1alpha1.ReasonPublishOutsideDMZ, Field: "spec.publish",
		Message: "Decky gw cannot publish ports, since its home LAN office is not the DMZ: remove publish, or create the decky on a LAN with dmz: true",
	}, graph.CheckPublish(&gateway, &outside))
}

// Scenario 46.
func TestCheckHostPorts(t *testing.T) {
	t.Parallel()
	conflict := func(field, message string) fault.Fault {
		return fault.Fault{Reason: v1alpha1.ReasonPortConflict, Field: field, Message: message}
	}
	const firstPort = "spec.publish.ports[0].hostPort"
	lans := []v1alpha1.LAN{lan("dmz", 1, dmz), lan("office", 1), lan("dmz", 1, dmz, elsewhere)}
	away := func(d *v1alpha1.Decky) { d.Namespace = "other" }
	web := func(hostIP string, hostPort int32) func(*v1alpha1.Decky) {
		return func(d *v1alpha1.Decky) {
			services("http")(d)
			publishing(hostIP, port(80, hostPort))(d)
		}
	}
	cases := map[string]struct {
		others []v1alpha1.Decky
		mine   func(*v1alpha1.Decky)
		want   fault.Fault
	}{
		"different ports": {[]v1alpha1.Decky{decky("a", 1, web("", 8080))}, web("", 8081), fault.Fault{}},
		"the same port": {
			[]v1alpha1.Decky{decky("a", 1, web("", 8080))},
			web("", 8080),
			conflict(firstPort, "host port 0.0.0.0:8080/tcp is published by Decky a: use hostPort 8081, the nearest free one"),
		},
		"the nearest free one is nobody's, later or not": {
			[]v1alpha1.Decky{decky("a", 1, web("", 8080)), decky("z", 9, web("", 8081))},
			web("", 8080),
			conflict(firstPort, "host port 0.0.0.0:8080/tcp is published by Decky a: use hostPort 8079, the nearest free one"),
		},
		"a later one is at fault itself": {[]v1alpha1.Decky{decky("z", 9, web("", 8080))}, web("", 8080), fault.Fault{}},
		"one that runs, of the same second": {
			[]v1alpha1.Decky{decky("z", 5, web("", 8080), running)},
			web("", 8080),
			conflict(firstPort, "host port 0.0.0.0:8080/tcp is published by Decky z: use hostPort 8081, the nearest free one"),
		},
		"one that does not run, of the same second": {[]v1alpha1.Decky{decky("z", 5, web("", 8080))}, web("", 8080), fault.Fault{}},
		"in another topology": {
			[]v1alpha1.Decky{decky("me", 1, web("", 8080), away)},
			web("", 8080),
			conflict(firstPort, "host port 0.0.0.0:8080/tcp is published by Decky other/me: use hostPort 8081, the nearest free one"),
		},
		"on two addresses": {[]v1alpha1.Decky{decky("a", 1, web("127.0.0.1", 8080))}, web("127.0.0.2", 8080), fault.Fault{}},
		"on all addresses and on one": {
			[]v1alpha1.Decky{decky("a", 1, web("", 8080))},
			web("127.0.0.1", 8080),
			conflict(firstPort, "host port 127.0.0.1:8080/tcp is published by Decky a: use hostPort 8081, the nearest free one"),
		},
		"on one address and on all": {
			[]v1alpha1.Decky{decky("a", 1, web("127.0.0.1", 8080))},
			web("", 8080),
			conflict(firstPort, "host port 0.0.0.0:8080/tcp is published by Decky a: use hostPort 8081, the nearest free one"),
		},
		"without a list": {
			[]v1alpha1.Decky{decky("a", 1, services("ssh"), publishing(""))},
			func(d *v1alpha1.Decky) { services("http", "ssh")(d); publishing("")(d) },
			conflict("spec.publish", "host port 0.0.0.0:22/tcp is published by Decky a: use hostPort 23, the nearest free one"),
		},
		"of one that is leaving":        {[]v1alpha1.Decky{decky("a", 1, web("", 8080), deckyDeleting)}, web("", 8080), fault.Fault{}},
		"of one outside the DMZ":        {[]v1alpha1.Decky{decky("a", 1, web("", 8080), on("office"))}, web("", 8080), fault.Fault{}},
		"of one on no LAN":              {[]v1alpha1.Decky{decky("a", 1, web("", 8080), on("ghost"))}, web("", 8080), fault.Fault{}},
		"of one with invalid services":  {[]v1alpha1.Decky{decky("a", 1, web("", 8080), services("nonsense"))}, web("", 8080), fault.Fault{}},
		"of one that publishes nothing": {[]v1alpha1.Decky{decky("a", 1, services("http"))}, web("", 80), fault.Fault{}},
		"of one with invalid ports":     {[]v1alpha1.Decky{decky("a", 1, services("ssh"), publishing("", port(80, 8080)))}, web("", 8080), fault.Fault{}},
	}
	known := load(t)
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mine := decky("me", 5, tc.mine)
			inBothOrders(append(tc.others, mine), func(deckies []v1alpha1.Decky) {
				expect(t, tc.want, graph.CheckHostPorts(&mine, deckies, lans, known))
			})
		})
	}
}

func TestWantsOneOf(t *testing.T) {
	t.Parallel()
	known := load(t)
	wants := decky("a", 1, services("ssh", "http"), publishing("127.0.0.1", port(80, 8080)))
	for name, tc := range map[string]struct {
		decky v1alpha1.Decky
		ports []model.PublishedPort
		want  bool
	}{
		"the same":                {wants, []model.PublishedPort{published("127.0.0.1", 8080, 22, model.TCP)}, true},
		"one of several":          {wants, []model.PublishedPort{published("127.0.0.1", 1, 1, model.TCP), published("0.0.0.0", 8080, 80, model.TCP)}, true},
		"another port":            {wants, []model.PublishedPort{published("127.0.0.1", 80, 80, model.TCP)}, false},
		"another address":         {wants, []model.PublishedPort{published("127.0.0.2", 8080, 80, model.TCP)}, false},
		"another protocol":        {wants, []model.PublishedPort{published("127.0.0.1", 8080, 80, model.UDP)}, false},
		"of none":                 {wants, nil, false},
		"by one that has no port": {decky("a", 1, services("ssh")), []model.PublishedPort{published("0.0.0.0", 22, 22, model.TCP)}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if have := graph.WantsOneOf(&tc.decky, tc.ports, known); have != tc.want {
				t.Errorf("have %t", have)
			}
		})
	}
}
