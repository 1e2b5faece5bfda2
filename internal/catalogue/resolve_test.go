// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package catalogue_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/catalogue"
	"github.com/deckyard/deckyard/internal/fault"
	"github.com/deckyard/deckyard/internal/model"
)

func listing(services ...v1alpha1.Service) *v1alpha1.Decky {
	return &v1alpha1.Decky{Spec: v1alpha1.DeckySpec{Services: services}}
}

func configured(name string, pairs ...string) *v1alpha1.Decky {
	config := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		config[pairs[i]] = pairs[i+1]
	}
	return listing(v1alpha1.Service{Name: name, Config: config})
}

func ofArchetype(name string) *v1alpha1.Decky {
	return &v1alpha1.Decky{Spec: v1alpha1.DeckySpec{Archetype: name}}
}

func custom(name string, ports ...int32) v1alpha1.Service {
	service := v1alpha1.Service{Name: name, Image: "nginx:1.27"}
	for _, port := range ports {
		service.Ports = append(service.Ports, v1alpha1.ServicePort{ContainerPort: port})
	}
	return service
}

// Scenarios 30, 33 and 34: each refused case, with its message.
func TestMistakesInServices(t *testing.T) {
	t.Parallel()
	c := load(t)
	long := strings.Repeat("x", 300)
	cases := map[string]struct {
		decky *v1alpha1.Decky
		want  fault.Fault
	}{
		"a service unknown": {
			listing(v1alpha1.Service{Name: "sssh"}),
			fault.Fault{
				Reason: v1alpha1.ReasonUnknownService, Field: "spec.services[0].name",
				Message: `service "sssh" is not in the catalogue (did you mean ssh?): use ftp, http, https, redis, smtp, ssh or telnet, or set image for a custom service`,
			},
		},
		"a service unknown and like none": {
			listing(v1alpha1.Service{Name: "gopher"}),
			fault.Fault{
				Reason: v1alpha1.ReasonUnknownService, Field: "spec.services[0].name",
				Message: `service "gopher" is not in the catalogue: use ftp, http, https, redis, smtp, ssh or telnet, or set image for a custom service`,
			},
		},
		"a service not built yet": {
			listing(v1alpha1.Service{Name: "ssh"}, v1alpha1.Service{Name: "mysql"}),
			fault.Fault{
				Reason: v1alpha1.ReasonNotSupported, Field: "spec.services[1].name",
				Message: `service mysql is not built yet: remove it, or set image to bring your own`,
			},
		},
		"a singleton": {
			listing(v1alpha1.Service{Name: "sniffer"}),
			fault.Fault{
				Reason: v1alpha1.ReasonInvalidSpec, Field: "spec.services[0].name",
				Message: `service sniffer is not allowed on a decky, since it watches a whole node: remove it`,
			},
		},
		"an archetype unknown": {
			ofArchetype("linux-sever"),
			fault.Fault{
				Reason: v1alpha1.ReasonUnknownArchetype, Field: "spec.archetype",
				Message: `archetype "linux-sever" is not in the catalogue (did you mean linux-server?): use database-server, devops-host, domain-controller, file-server, industrial-control, iot-device, jump-host, linux-server, mail-server, monitoring-node, printer, voip-server, web-server, windows-server or windows-workstation`,
			},
		},
		"an archetype with a service not built yet": {
			ofArchetype("mail-server"),
			fault.Fault{
				Reason: v1alpha1.ReasonNotSupported, Field: "spec.archetype",
				Message: `archetype mail-server needs service pop3, which is not built yet: use another archetype, or list services of your own in spec.services`,
			},
		},
		"a key unknown": {
			configured("smtp", "MTA", "exim"),
			fault.Fault{
				Reason: v1alpha1.ReasonInvalidConfig, Field: "spec.services[0].config.MTA",
				Message: `service smtp has no config key "MTA" (did you mean mta?): use banner or mta`,
			},
		},
		"a bad choice": {
			configured("smtp", "mta", "sendmial"),
			fault.Fault{
				Reason: v1alpha1.ReasonInvalidConfig, Field: "spec.services[0].config.mta",
				Message: `config key mta of service smtp must be one of postfix, exim, sendmail, not "sendmial"`,
			},
		},
		"a word for a number": {
			configured("http", "responseCode", "teapot"),
			fault.Fault{
				Reason: v1alpha1.ReasonInvalidConfig, Field: "spec.services[0].config.responseCode",
				Message: `config key responseCode of service http must be a whole number from 200 to 599, not "teapot"`,
			},
		},
		"a number out of bounds": {
			configured("http", "responseCode", "600"),
			fault.Fault{
				Reason: v1alpha1.ReasonInvalidConfig, Field: "spec.services[0].config.responseCode",
				Message: `config key responseCode of service http must be a whole number from 200 to 599, not "600"`,
			},
		},
		"text too long": {
			configured("ssh", "banner", long),
			fault.Fault{
				Reason: v1alpha1.ReasonInvalidConfig, Field: "spec.services[0].config.banner",
				Message: `config key banner of service ssh must be at most 200 bytes long, not "` + long[:60] + `"…`,
			},
		},
		"a line break in a line": {
			configured("ftp", "banner", "a\nb"),
			fault.Fault{
				Reason: v1alpha1.ReasonInvalidConfig, Field: "spec.services[0].config.banner",
				Message: `config key banner of service ftp must be printable text on one line, not "a\nb"`,
			},
		},
		"an empty value": {
			configured("redis", "version", ""),
			fault.Fault{
				Reason: v1alpha1.ReasonInvalidConfig, Field: "spec.services[0].config.version",
				Message: `config key version of service redis must be set, or left out for the default, not ""`,
			},
		},
		"a value of another form": {
			configured("redis", "version", "latest"),
			fault.Fault{
				Reason: v1alpha1.ReasonInvalidConfig, Field: "spec.services[0].config.version",
				Message: `config key version of service redis must be a version such as 7.2.4, not "latest"`,
			},
		},
		"an element of another form, that may be a secret": {
			configured("ssh", "users", "root:secret,hunter2"),
			fault.Fault{
				Reason: v1alpha1.ReasonInvalidConfig, Field: "spec.services[0].config.users",
				Message: `config key users of service ssh must be a comma-separated list of user:password, not the value given (not shown)`,
			},
		},
		"an empty element": {
			configured("http", "extraHeaders", "X-A: 1,,X-B: 2"),
			fault.Fault{
				Reason: v1alpha1.ReasonInvalidConfig, Field: "spec.services[0].config.extraHeaders",
				Message: `config key extraHeaders of service http must be a comma-separated list without empty or repeated elements, not "X-A: 1,,X-B: 2"`,
			},
		},
		"a bad element": {
			configured("https", "httpVersions", "1.1,4"),
			fault.Fault{
				Reason: v1alpha1.ReasonInvalidConfig, Field: "spec.services[0].config.httpVersions",
				Message: `config key httpVersions of service https must be a comma-separated list of 1.1, 2, not "1.1,4"`,
			},
		},
		"an element not built yet": {
			configured("https", "httpVersions", "1.1, 2, 3"),
			fault.Fault{
				Reason: v1alpha1.ReasonNotSupported, Field: "spec.services[0].config.httpVersions",
				Message: `config key httpVersions of service https: "3" is not built yet; it must be a comma-separated list of 1.1, 2`,
			},
		},
		"the first of several keys, by name": {
			configured("smtp", "zz", "1", "aa", "1"),
			fault.Fault{
				Reason: v1alpha1.ReasonInvalidConfig, Field: "spec.services[0].config.aa",
				Message: `service smtp has no config key "aa": use banner or mta`,
			},
		},
		"a service twice": {
			listing(v1alpha1.Service{Name: "ssh"}, v1alpha1.Service{Name: "ssh"}),
			fault.Fault{
				Reason: v1alpha1.ReasonInvalidSpec, Field: "spec.services[1].name",
				Message: `service "ssh" is listed twice: remove one of them, or rename a custom one`,
			},
		},
		"smtp and a custom service on 25": {
			listing(v1alpha1.Service{Name: "smtp"}, custom("relay", 25)),
			fault.Fault{
				Reason: v1alpha1.ReasonPortConflict, Field: "spec.services[1].ports",
				Message: `service relay claims port 25/tcp, which service smtp of the same decky has: remove one of them, or move a custom one to another port`,
			},
		},
		"a custom service on 80 and http": {
			listing(custom("web", 80), v1alpha1.Service{Name: "http"}),
			fault.Fault{
				Reason: v1alpha1.ReasonPortConflict, Field: "spec.services[1]",
				Message: `service http claims port 80/tcp, which service web of the same decky has: remove one of them, or move a custom one to another port`,
			},
		},
		"a custom port twice": {
			listing(custom("web", 80, 80)),
			fault.Fault{
				Reason: v1alpha1.ReasonInvalidSpec, Field: "spec.services[0].ports[1]",
				Message: `port 80/tcp of service "web" is listed twice: remove one`,
			},
		},
		"a custom port out of range": {
			listing(custom("web", 70000)),
			fault.Fault{
				Reason: v1alpha1.ReasonInvalidSpec, Field: "spec.services[0].ports[0]",
				Message: `70000 is not a port: use a number from 1 to 65535`,
			},
		},
		"a custom service with config": {
			listing(v1alpha1.Service{Name: "web", Image: "nginx", Config: map[string]string{"a": "b"}}),
			fault.Fault{
				Reason: v1alpha1.ReasonInvalidSpec, Field: "spec.services[0].config",
				Message: `config of "web" is possible for a catalogue service only: remove image, or pass the settings in env or command`,
			},
		},
		"a catalogue service with a command": {
			listing(v1alpha1.Service{Name: "ssh", Command: []string{"sh"}}),
			fault.Fault{
				Reason: v1alpha1.ReasonInvalidSpec, Field: "spec.services[0].command",
				Message: `command of "ssh" is possible for a custom service only: set image, or use config for a catalogue service`,
			},
		},
		"a variable twice": {
			listing(v1alpha1.Service{Name: "web", Image: "nginx", Env: []v1alpha1.EnvVar{{Name: "A"}, {Name: "A"}}}),
			fault.Fault{
				Reason: v1alpha1.ReasonInvalidSpec, Field: "spec.services[0].env[1].name",
				Message: `environment variable A of service "web" is set twice: remove one`,
			},
		},
		"a variable with a bad name": {
			listing(v1alpha1.Service{Name: "web", Image: "nginx", Env: []v1alpha1.EnvVar{{Name: "A=B"}}}),
			fault.Fault{
				Reason: v1alpha1.ReasonInvalidSpec, Field: "spec.services[0].env[0].name",
				Message: `"A=B" is not the name of an environment variable: use letters, digits and underscores`,
			},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, mistake := c.Services(tc.decky)
			if mistake == nil {
				t.Fatal("accepted")
			}
			if diff := cmp.Diff(tc.want, *mistake); diff != "" {
				t.Errorf("(-want +have):\n%s", diff)
			}
		})
	}
}

func TestUnknownOSFamilyIsRefused(t *testing.T) {
	t.Parallel()
	_, mistake := load(t).Family(&v1alpha1.Decky{Spec: v1alpha1.DeckySpec{OSFamily: "beos"}})
	want := &fault.Fault{
		Reason: v1alpha1.ReasonInvalidSpec, Field: "spec.osFamily",
		Message: `osFamily "beos" is not known: use bsd, cisco, embedded, linux, windows or windows-server`,
	}
	if diff := cmp.Diff(want, mistake); diff != "" {
		t.Errorf("(-want +have):\n%s", diff)
	}
}

// A port over UDP is another than the same number over TCP.
func TestSamePortOfAnotherProtocolIsNoClash(t *testing.T) {
	t.Parallel()
	web := custom("web")
	web.Ports = []v1alpha1.ServicePort{{ContainerPort: 80, Protocol: v1alpha1.ProtocolUDP}}
	if _, mistake := load(t).Services(listing(v1alpha1.Service{Name: "http"}, web)); mistake != nil {
		t.Error(mistake)
	}
}

// Scenario 37.
func TestArchetypeGivesServicesAndFamily(t *testing.T) {
	t.Parallel()
	c := load(t)
	names := func(decky *v1alpha1.Decky) []string {
		services, mistake := c.Services(decky)
		if mistake != nil {
			t.Fatal(mistake)
		}
		var names []string
		for _, service := range services {
			names = append(names, service.Name)
		}
		return names
	}
	decky := ofArchetype("web-server")
	if have, want := names(decky), []string{"http", "ftp"}; !slices.Equal(have, want) {
		t.Errorf("have services %v, want %v", have, want)
	}
	decky.Spec.Services = []v1alpha1.Service{{Name: "ssh"}}
	if have, want := names(decky), []string{"ssh"}; !slices.Equal(have, want) {
		t.Errorf("have services %v, want those of the spec, %v", have, want)
	}
	printer := ofArchetype("printer")
	if have := c.OSFamily(printer); have != v1alpha1.OSFamilyEmbedded {
		t.Errorf("have family %s, want embedded", have)
	}
	printer.Spec.OSFamily = v1alpha1.OSFamilyCisco
	if have := c.OSFamily(printer); have != v1alpha1.OSFamilyCisco {
		t.Errorf("have family %s, want that of the spec, cisco", have)
	}
	if have := c.OSFamily(&v1alpha1.Decky{}); have != v1alpha1.OSFamilyLinux {
		t.Errorf("have family %s without any, want linux", have)
	}
}

func TestMACPrefixesFitTheMachine(t *testing.T) {
	t.Parallel()
	c := load(t)
	const brother, cisco = "00:80:77", "00:00:0c"
	printer := ofArchetype("printer")
	if have := c.MACPrefixes(printer); !slices.Contains(have, brother) {
		t.Errorf("a printer has %v", have)
	}
	printer.Spec.OSFamily = v1alpha1.OSFamilyCisco
	if have := c.MACPrefixes(printer); !slices.Contains(have, cisco) {
		t.Errorf("a printer with the stack of a router has %v", have)
	}
	if have := c.MACPrefixes(ofArchetype("nothing")); len(have) != 0 {
		t.Errorf("an unknown archetype has %v", have)
	}
}

func TestCustomService(t *testing.T) {
	t.Parallel()
	web := v1alpha1.Service{
		Name: "web", Image: "nginx:1.27", Command: []string{"nginx", "-g", "daemon off;"},
		Env:   []v1alpha1.EnvVar{{Name: "B", Value: "2"}, {Name: "A", Value: "1"}, {Name: "A0", Value: "0"}},
		Ports: []v1alpha1.ServicePort{{ContainerPort: 80}, {ContainerPort: 53, Protocol: v1alpha1.ProtocolUDP}},
	}
	have, mistake := load(t).Services(listing(web))
	if mistake != nil {
		t.Fatal(mistake)
	}
	want := []catalogue.Service{{
		Name: "web", Field: "spec.services[0]", Custom: true,
		Ports: []model.Port{{Number: 80, Protocol: model.TCP}, {Number: 53, Protocol: model.UDP}},
		Container: catalogue.Container{
			Image: "nginx:1.27", Command: []string{"nginx", "-g", "daemon off;"}, Env: []string{"A=1", "A0=0", "B=2"},
			Limits: model.Limits{Memory: 256 << 20, PIDs: 256},
		},
	}}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("(-want +have):\n%s", diff)
	}
}

// What a caller does to a result must not reach the catalogue.
func TestResultsShareNothing(t *testing.T) {
	t.Parallel()
	c := load(t)
	services, _ := c.Services(configured("ssh", "banner", "a"))
	services[0].Container.Command[0], services[0].Ports[0].Number = "changed", 1
	base := c.Base(&v1alpha1.Decky{})
	base.Command[0] = "changed"
	family, _ := c.Family(&v1alpha1.Decky{})
	family.Sysctls["net.ipv4.ip_default_ttl"] = "changed"

	services, _ = c.Services(configured("ssh", "banner", "a"))
	family, _ = c.Family(&v1alpha1.Decky{})
	if services[0].Container.Command[0] == "changed" || services[0].Ports[0].Number == 1 ||
		c.Base(&v1alpha1.Decky{}).Command[0] == "changed" || family.Sysctls["net.ipv4.ip_default_ttl"] == "changed" {
		t.Error("a change of a result changed the catalogue")
	}
}
