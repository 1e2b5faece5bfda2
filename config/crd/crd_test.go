// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package crd_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/yaml"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/config/crd"
	"github.com/deckyard/deckyard/internal/controlplane/controlplanetest"
)

// server is the API server that all tests of this package share.
var server dynamic.Interface

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	config, stop, err := controlplanetest.StartForMain(crd.Files)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	// The tests run in parallel and would wait for the client's rate limit only.
	config.QPS = -1
	server, err = dynamic.NewForConfig(config)
	if err != nil {
		return 0, err
	}
	return m.Run(), nil
}

// resources returns the client of a kind, in the namespace that tests share:
// every test names its objects after itself.
func resources(kind string) dynamic.ResourceInterface {
	plural := map[string]string{"Topology": "topologies", "LAN": "lans", "Decky": "deckies"}[kind]
	return server.Resource(v1alpha1.GroupVersion.WithResource(plural)).Namespace(metav1.NamespaceDefault)
}

// newObject returns an object from its spec in YAML.
func newObject(tb testing.TB, kind, name, spec string) *unstructured.Unstructured {
	tb.Helper()
	object := &unstructured.Unstructured{Object: map[string]any{}}
	object.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(kind))
	object.SetName(name)
	setFromYAML(tb, object, "spec", spec)
	return object
}

func setFromYAML(tb testing.TB, object *unstructured.Unstructured, field, text string) {
	tb.Helper()
	var value map[string]any
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
		tb.Fatalf("parse %s: %v", field, err)
	}
	object.Object[field] = value
}

// objectName makes a DNS label of the running test's name.
func objectName(tb testing.TB) string {
	tb.Helper()
	_, name, _ := strings.Cut(tb.Name(), "/")
	return strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(name)), "-")
}

func create(tb testing.TB, object *unstructured.Unstructured) *unstructured.Unstructured {
	tb.Helper()
	created, err := resources(object.GetKind()).Create(tb.Context(), object, metav1.CreateOptions{})
	if err != nil {
		tb.Fatalf("create %s %q: %v", object.GetKind(), object.GetName(), err)
	}
	return created
}

// assertRefused checks that the API server called the object invalid, with
// exactly one complaint, which has all fragments.
func assertRefused(tb testing.TB, err error, fragments ...string) {
	tb.Helper()
	if !apierrors.IsInvalid(err) {
		tb.Fatalf("got error %v, want the object to be called invalid", err)
	}
	var status apierrors.APIStatus
	if !errors.As(err, &status) || status.Status().Details == nil {
		tb.Fatalf("got error %v, want one with details", err)
	}
	if complaints := countComplaints(status.Status().Details.Causes); complaints != 1 {
		tb.Errorf("got %d complaints, want 1: %v", complaints, err)
	}
	for _, fragment := range fragments {
		if !strings.Contains(err.Error(), fragment) {
			tb.Errorf("message lacks %q:\n%v", fragment, err)
		}
	}
}

// countComplaints leaves out the server's note that a violation of the schema
// kept it from trying the CEL rules.
func countComplaints(causes []metav1.StatusCause) int {
	complaints := 0
	for _, cause := range causes {
		if !strings.Contains(cause.Message, "some validation rules were not checked") {
			complaints++
		}
	}
	return complaints
}

// TestAdmissionRefuses shows every rule that a new object can break, with the
// message a user gets.
//
// Scenario 15: illegal characters in a name are rejected by admission.
// Scenario 19: a pinned address that is malformed is rejected.
// Scenario 34: two custom services of one decky on one port are rejected.
func TestAdmissionRefuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		kind, name, spec string
		want             []string
	}{
		"topology name with a dot": {
			kind: "Topology", name: "acme.prod", spec: `{}`,
			want: []string{`metadata.name "acme.prod" is not a DNS label`, "at most 63 lower-case letters"},
		},
		"lan name with a dot": {
			kind: "LAN", name: "lan.1", spec: `{topologyRef: {name: acme}}`,
			want: []string{`metadata.name "lan.1" is not a DNS label`},
		},
		"decky name longer than 63": {
			kind: "Decky", name: strings.Repeat("a", 64), spec: `{topologyRef: {name: acme}, home: {lan: dmz}}`,
			want: []string{`metadata.name "` + strings.Repeat("a", 64) + `" is not a DNS label`},
		},
		"lan name in upper case": {
			kind: "LAN", name: "DMZ", spec: `{topologyRef: {name: acme}}`,
			want: []string{"metadata.name", "lower case alphanumeric"},
		},

		"pool that is no cidr": {
			kind: "Topology", spec: `{addressPools: ["10.0.0.0"]}`,
			want: []string{"spec.addressPools[0]", `"10.0.0.0" is not an IPv4 CIDR`, "such as 10.32.0.0/16"},
		},
		"pool of ipv6": {
			kind: "Topology", spec: `{addressPools: ["fd00::/64"]}`,
			want: []string{`"fd00::/64" is not an IPv4 CIDR`},
		},
		"pool with host bits": {
			kind: "Topology", spec: `{addressPools: ["172.16.0.0/12", "10.1.2.3/16"]}`,
			want: []string{"spec.addressPools[1]", "10.1.2.3/16 has host bits set: write 10.1.0.0/16"},
		},
		"pool of multicast": {
			kind: "Topology", spec: `{addressPools: ["224.0.0.0/8"]}`,
			want: []string{"224.0.0.0/8 cannot hold LANs"},
		},
		"pool of everything": {
			kind: "Topology", spec: `{addressPools: ["0.0.0.0/0"]}`,
			want: []string{"0.0.0.0/0 cannot hold LANs: use a unicast block from /8 to /29"},
		},
		"pool smaller than a lan": {
			kind: "Topology", spec: `{addressPools: ["10.0.0.0/8", "10.1.0.0/26"], lanPrefixLength: 24}`,
			want: []string{"spec.addressPools", "addressPools: [\"10.1.0.0/26\"] cannot hold a LAN of lanPrefixLength 24"},
		},
		"pool smaller than the default lan": {
			kind: "Topology", spec: `{addressPools: ["10.1.0.0/26"]}`,
			want: []string{"cannot hold a LAN of lanPrefixLength 24"},
		},
		"no pool": {
			kind: "Topology", spec: `{addressPools: []}`,
			want: []string{"spec.addressPools", "at least 1 items"},
		},
		"lan prefix length out of range": {
			kind: "Topology", spec: `{lanPrefixLength: 30}`,
			want: []string{"spec.lanPrefixLength", "less than or equal to 29"},
		},
		"node name": {
			kind: "Topology", spec: `{nodeName: "Node_1"}`,
			want: []string{"spec.nodeName", `nodeName "Node_1" is not a node name`},
		},

		"lan without topology": {
			kind: "LAN", spec: `{}`,
			want: []string{"spec.topologyRef: Required value"},
		},
		"topology reference that is no name": {
			kind: "LAN", spec: `{topologyRef: {name: Acme}}`,
			want: []string{"spec.topologyRef.name", `topologyRef.name "Acme" is not a DNS label`},
		},
		"subnet that is no cidr": {
			kind: "LAN", spec: `{topologyRef: {name: acme}, subnet: 10.20.0.0}`,
			want: []string{"spec.subnet", `subnet "10.20.0.0" is not an IPv4 CIDR`, "from /16 to /29"},
		},
		"subnet of ipv6": {
			kind: "LAN", spec: `{topologyRef: {name: acme}, subnet: "fd00::/24"}`,
			want: []string{`subnet "fd00::/24" is not an IPv4 CIDR`},
		},
		"subnet with leading zeros": {
			kind: "LAN", spec: `{topologyRef: {name: acme}, subnet: 10.020.0.0/24}`,
			want: []string{`subnet "10.020.0.0/24" is not an IPv4 CIDR`},
		},
		"subnet with host bits": {
			kind: "LAN", spec: `{topologyRef: {name: acme}, subnet: 10.20.0.5/24}`,
			want: []string{"spec.subnet", "subnet 10.20.0.5/24 has host bits set: write 10.20.0.0/24"},
		},
		"subnet too large": {
			kind: "LAN", spec: `{topologyRef: {name: acme}, subnet: 10.0.0.0/15}`,
			want: []string{"subnet 10.0.0.0/15 is too large or too small: use a prefix length from /16 to /29"},
		},
		"subnet too small": {
			kind: "LAN", spec: `{topologyRef: {name: acme}, subnet: 10.0.0.0/30}`,
			want: []string{"subnet 10.0.0.0/30 is too large or too small"},
		},
		"subnet of loopback": {
			kind: "LAN", spec: `{topologyRef: {name: acme}, subnet: 127.0.0.0/16}`,
			want: []string{"subnet 127.0.0.0/16 is reserved"},
		},
		"gateway that is no address": {
			kind: "LAN", spec: `{topologyRef: {name: acme}, subnet: 10.20.0.0/24, gateway: 10.20.0.256}`,
			want: []string{"spec.gateway", `gateway "10.20.0.256" is not an IPv4 host address`, "such as 10.20.0.1"},
		},
		"gateway without subnet": {
			kind: "LAN", spec: `{topologyRef: {name: acme}, gateway: 10.20.0.1}`,
			want: []string{"gateway 10.20.0.1 needs a subnet that it belongs to"},
		},
		"gateway outside the subnet": {
			kind: "LAN", spec: `{topologyRef: {name: acme}, subnet: 10.20.0.0/24, gateway: 10.20.1.1}`,
			want: []string{"spec.gateway", "gateway 10.20.1.1 is not an address of subnet 10.20.0.0/24"},
		},
		"gateway is the network address": {
			kind: "LAN", spec: `{topologyRef: {name: acme}, subnet: 10.20.0.64/26, gateway: 10.20.0.64}`,
			want: []string{"spec.gateway", "gateway 10.20.0.64 is the network address of subnet 10.20.0.64/26"},
		},
		"gateway is the broadcast address": {
			kind: "LAN", spec: `{topologyRef: {name: acme}, subnet: 10.20.0.64/26, gateway: 10.20.0.127}`,
			want: []string{"gateway 10.20.0.127 is the broadcast address of subnet 10.20.0.64/26"},
		},
		"gateway is the broadcast address of the largest subnet": {
			kind: "LAN", spec: `{topologyRef: {name: acme}, subnet: 10.20.0.0/16, gateway: 10.20.255.255}`,
			want: []string{"is the broadcast address of subnet 10.20.0.0/16"},
		},
		"gateway is the broadcast address of the smallest subnet": {
			kind: "LAN", spec: `{topologyRef: {name: acme}, subnet: 10.20.0.8/29, gateway: 10.20.0.15}`,
			want: []string{"is the broadcast address of subnet 10.20.0.8/29"},
		},
		"egress outside the dmz": {
			kind: "LAN", spec: `{topologyRef: {name: acme}, egress: Allow}`,
			want: []string{"spec.egress", "egress Allow is possible for the DMZ only: set dmz to true, or egress to Deny"},
		},
		"unknown egress": {
			kind: "LAN", spec: `{topologyRef: {name: acme}, egress: Maybe}`,
			want: []string{"spec.egress", `Unsupported value: "Maybe"`, `"Deny", "Allow"`},
		},
		"unknown driver": {
			kind: "LAN", spec: `{topologyRef: {name: acme}, driver: overlay}`,
			want: []string{"spec.driver", `Unsupported value: "overlay"`, `"bridge", "macvlan", "ipvlan"`},
		},
		"parent of a bridge": {
			kind: "LAN", spec: `{topologyRef: {name: acme}, parent: eth0}`,
			want: []string{"spec.parent", `parent "eth0" is possible with driver macvlan or ipvlan only`},
		},
		"macvlan without parent": {
			kind: "LAN", spec: `{topologyRef: {name: acme}, driver: macvlan}`,
			want: []string{"spec.parent", "driver macvlan needs a parent"},
		},
		"parent that is no interface": {
			kind: "LAN", spec: `{topologyRef: {name: acme}, driver: ipvlan, parent: "eth0 up"}`,
			want: []string{`parent "eth0 up" is not an interface name`, "such as eth0.20"},
		},
		"mtu out of range": {
			kind: "LAN", spec: `{topologyRef: {name: acme}, mtu: 100}`,
			want: []string{"spec.mtu", "greater than or equal to 576"},
		},

		"decky without home": {
			kind: "Decky", spec: `{topologyRef: {name: acme}}`,
			want: []string{"spec.home: Required value"},
		},
		"home lan that is no name": {
			kind: "Decky", spec: `{topologyRef: {name: acme}, home: {lan: D_M_Z}}`,
			want: []string{"spec.home.lan", `lan "D_M_Z" is not a DNS label`},
		},
		"home address that is none": {
			kind: "Decky", spec: `{topologyRef: {name: acme}, home: {lan: dmz, address: 10.20.0}}`,
			want: []string{"spec.home.address", `address "10.20.0" is not an IPv4 host address`},
		},
		"home address with leading zeros": {
			kind: "Decky", spec: `{topologyRef: {name: acme}, home: {lan: dmz, address: 10.20.0.015}}`,
			want: []string{`address "10.20.0.015" is not an IPv4 host address`},
		},
		"home address of ipv6": {
			kind: "Decky", spec: `{topologyRef: {name: acme}, home: {lan: dmz, address: "fd00::1"}}`,
			want: []string{`address "fd00::1" is not an IPv4 host address`},
		},
		"home address of multicast": {
			kind: "Decky", spec: `{topologyRef: {name: acme}, home: {lan: dmz, address: 224.0.0.1}}`,
			want: []string{`address "224.0.0.1" is not an IPv4 host address`},
		},
		"mac in upper case": {
			kind: "Decky", spec: `{topologyRef: {name: acme}, home: {lan: dmz, macAddress: "02:42:0A:14:00:0F"}}`,
			want: []string{"spec.home.macAddress", `macAddress "02:42:0A:14:00:0F" is not a MAC address`, "lower-case"},
		},
		"mac of multicast": {
			kind: "Decky", spec: `{topologyRef: {name: acme}, home: {lan: dmz, macAddress: "03:42:0a:14:00:0f"}}`,
			want: []string{"macAddress 03:42:0a:14:00:0f is not a unicast address"},
		},
		"mac of zeros": {
			kind: "Decky", spec: `{topologyRef: {name: acme}, home: {lan: dmz, macAddress: "00:00:00:00:00:00"}}`,
			want: []string{"macAddress 00:00:00:00:00:00 is not a unicast address"},
		},
		"attachment to the home lan": {
			kind: "Decky", spec: `{topologyRef: {name: acme}, home: {lan: dmz}, attachments: [{lan: office}, {lan: dmz}]}`,
			want: []string{"spec.attachments", `attachments: "dmz" is the home LAN already`},
		},
		"attachment to one lan twice": {
			kind: "Decky", spec: `{topologyRef: {name: acme}, home: {lan: dmz}, attachments: [{lan: office}, {lan: office}]}`,
			want: []string{"spec.attachments[1]", "Duplicate value", "office"},
		},
		"address of home repeated": {
			kind: "Decky", spec: `{topologyRef: {name: acme}, home: {lan: dmz, address: 10.20.0.9}, attachments: [{lan: office, address: 10.20.0.9}]}`,
			want: []string{"spec.attachments", "address 10.20.0.9 is the home address already"},
		},
		"address of an attachment repeated": {
			kind: "Decky", spec: `{topologyRef: {name: acme}, home: {lan: dmz}, attachments: [{lan: office, address: 10.20.0.9}, {lan: lab, address: 10.20.0.9}, {lan: ot}]}`,
			want: []string{`the same address is given to LANs ["office", "lab"]`},
		},
		"hostname": {
			kind: "Decky", spec: `{topologyRef: {name: acme}, home: {lan: dmz}, hostname: web_01}`,
			want: []string{"spec.hostname", `hostname "web_01" is not a host name`, "such as srv-web-01"},
		},
		"base image": {
			kind: "Decky", spec: `{topologyRef: {name: acme}, home: {lan: dmz}, image: "nginx latest"}`,
			want: []string{"spec.image", `image "nginx latest" is not an image reference`},
		},
		"unknown os family": {
			kind: "Decky", spec: `{topologyRef: {name: acme}, home: {lan: dmz}, osFamily: solaris}`,
			want: []string{"spec.osFamily", `Unsupported value: "solaris"`, `"windows-server"`},
		},
		"unknown update strategy": {
			kind: "Decky", spec: `{topologyRef: {name: acme}, home: {lan: dmz}, updateStrategy: Rolling}`,
			want: []string{"spec.updateStrategy", `"InPlace", "Recreate"`},
		},
		"host address to publish on": {
			kind: "Decky", spec: `{topologyRef: {name: acme}, home: {lan: dmz}, publish: {hostIP: localhost}}`,
			want: []string{"spec.publish.hostIP", `publish.hostIP "localhost" is not an IPv4 address of a host`, "0.0.0.0 for all"},
		},
		"host port published twice": {
			kind: "Decky", spec: `{topologyRef: {name: acme}, home: {lan: dmz}, publish: {ports: [{containerPort: 80}, {containerPort: 22}, {containerPort: 8080, hostPort: 80}]}}`,
			want: []string{"spec.publish.ports", "hostPort 80 is claimed by more than one of containerPorts [80, 8080]"},
		},
		"container port published twice": {
			kind: "Decky", spec: `{topologyRef: {name: acme}, home: {lan: dmz}, publish: {ports: [{containerPort: 80, hostPort: 81}, {containerPort: 80, hostPort: 82}]}}`,
			want: []string{"spec.publish.ports[1]", "Duplicate value"},
		},
		"host port out of range": {
			kind: "Decky", spec: `{topologyRef: {name: acme}, home: {lan: dmz}, publish: {ports: [{containerPort: 80, hostPort: 65536}]}}`,
			want: []string{"spec.publish.ports[0].hostPort", "less than or equal to 65535"},
		},
		"service name": {
			kind: "Decky", spec: `{topologyRef: {name: acme}, home: {lan: dmz}, services: [{name: SSH}]}`,
			want: []string{"spec.services[0].name", `services: name "SSH" is not a DNS label`, "such as ssh"},
		},
		"service named twice": {
			kind: "Decky", spec: `{topologyRef: {name: acme}, home: {lan: dmz}, services: [{name: ssh}, {name: ssh}]}`,
			want: []string{"spec.services[1]", "Duplicate value", "ssh"},
		},
		"config of a custom service": {
			kind: "Decky", spec: `{topologyRef: {name: acme}, home: {lan: dmz}, services: [{name: erp, image: "erp:1", config: {banner: x}}]}`,
			want: []string{"spec.services[0].config", `services: "erp" has an image and a config`, "env or command"},
		},
		"command of a catalogue service": {
			kind: "Decky", spec: `{topologyRef: {name: acme}, home: {lan: dmz}, services: [{name: ssh, command: [sshd]}]}`,
			want: []string{"spec.services[0].command", `services: "ssh" has command but no image`, "set image, or use config"},
		},
		"environment of a catalogue service": {
			kind: "Decky", spec: `{topologyRef: {name: acme}, home: {lan: dmz}, services: [{name: ssh, env: [{name: A, value: b}]}]}`,
			want: []string{`services: "ssh" has env but no image`},
		},
		"ports of a catalogue service": {
			kind: "Decky", spec: `{topologyRef: {name: acme}, home: {lan: dmz}, services: [{name: ssh, ports: [{containerPort: 22}]}]}`,
			want: []string{`services: "ssh" has ports but no image`},
		},
		"image of a custom service": {
			kind: "Decky", spec: `{topologyRef: {name: acme}, home: {lan: dmz}, services: [{name: erp, image: "-erp"}]}`,
			want: []string{"spec.services[0].image", `image "-erp" is not an image reference`},
		},
		"port with two owners": {
			kind: "Decky", spec: `{topologyRef: {name: acme}, home: {lan: dmz}, services: [{name: erp, image: "erp:1", ports: [{containerPort: 80}, {containerPort: 81}]}, {name: crm, image: "crm:1", ports: [{containerPort: 80}]}, {name: ssh}]}`,
			want: []string{"spec.services", `services: ["erp", "crm"] claim the same port and protocol`},
		},
		"environment variable": {
			kind: "Decky", spec: `{topologyRef: {name: acme}, home: {lan: dmz}, services: [{name: erp, image: "erp:1", env: [{name: 1A}]}]}`,
			want: []string{"spec.services[0].env[0].name", "should match"},
		},
		"too many config keys": {
			kind: "Decky", spec: `{topologyRef: {name: acme}, home: {lan: dmz}, services: [{name: ssh, config: {` + keys(33) + `}}]}`,
			want: []string{"spec.services[0].config", "at most 32"},
		},
		"config value too long": {
			kind: "Decky", spec: `{topologyRef: {name: acme}, home: {lan: dmz}, services: [{name: http, config: {app: none, body: ` + strings.Repeat("x", 4097) + `}}]}`,
			want: []string{"spec.services[0].config", `config: the value of ["body"] is too long: use at most 4096 characters`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			objectToCreate := newObject(t, test.kind, objectName(t), test.spec)
			if test.name != "" {
				objectToCreate.SetName(test.name)
			}
			_, err := resources(test.kind).Create(t.Context(), objectToCreate, metav1.CreateOptions{})
			assertRefused(t, err, test.want...)
		})
	}
}

// keys returns n entries of a YAML flow mapping.
func keys(n int) string {
	entries := make([]string, n)
	for i := range entries {
		entries[i] = fmt.Sprintf("k%d: v", i)
	}
	return strings.Join(entries, ", ")
}

// TestAdmissionAccepts shows that no rule is stricter than the API says.
func TestAdmissionAccepts(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ kind, spec string }{
		"topology without fields":       {"Topology", `{}`},
		"topology with all fields":      {"Topology", `{nodeName: node-1.example.com, addressPools: [10.0.0.0/8, 192.168.0.0/16], lanPrefixLength: 29, suspend: true}`},
		"pool of one lan":               {"Topology", `{addressPools: [10.0.1.0/24]}`},
		"lan without a subnet":          {"LAN", `{topologyRef: {name: acme}}`},
		"lan with empty optional texts": {"LAN", `{topologyRef: {name: acme}, subnet: "", gateway: "", parent: ""}`},
		"largest lan":                   {"LAN", `{topologyRef: {name: acme}, subnet: 10.20.0.0/16, gateway: 10.20.1.0}`},
		"smallest lan":                  {"LAN", `{topologyRef: {name: acme}, subnet: 10.20.0.8/29, gateway: 10.20.0.14}`},
		"gateway with a last octet 255": {"LAN", `{topologyRef: {name: acme}, subnet: 10.20.0.0/22, gateway: 10.20.1.255}`},
		"gateway with high octets":      {"LAN", `{topologyRef: {name: acme}, subnet: 203.255.255.0/24, gateway: 203.255.255.254}`},
		"dmz with egress":               {"LAN", `{topologyRef: {name: acme}, dmz: true, egress: Allow, mtu: 1400}`},
		"macvlan with a parent":         {"LAN", `{topologyRef: {name: acme}, driver: macvlan, parent: eth0.20}`},
		"decky with a home only":        {"Decky", `{topologyRef: {name: acme}, home: {lan: dmz}}`},
		"decky with empty texts":        {"Decky", `{topologyRef: {name: acme}, home: {lan: dmz, address: "", macAddress: ""}, hostname: "", image: "", archetype: ""}`},
		"decky with an archetype":       {"Decky", `{topologyRef: {name: acme}, home: {lan: dmz}, archetype: web-server, osFamily: bsd, updateStrategy: Recreate}`},
		"decky with many interfaces":    {"Decky", `{topologyRef: {name: acme}, home: {lan: dmz, address: 10.0.0.5, macAddress: "02:42:0a:14:00:0f"}, attachments: [{lan: a, address: 10.0.1.5}, {lan: b}, {lan: c}]}`},
		"host name with dots":           {"Decky", `{topologyRef: {name: acme}, home: {lan: dmz}, hostname: DC01.corp.example}`},
		"publish everything":            {"Decky", `{topologyRef: {name: acme}, home: {lan: dmz}, publish: {}}`},
		"one port over two protocols":   {"Decky", `{topologyRef: {name: acme}, home: {lan: dmz}, publish: {hostIP: 127.0.0.1, ports: [{containerPort: 53}, {containerPort: 53, protocol: UDP}]}}`},
		"one custom port, two protocols": {"Decky", `{topologyRef: {name: acme}, home: {lan: dmz}, services: [{name: a, image: "a:1", ports: [{containerPort: 53}]},
			{name: b, image: "reg.example:5000/b@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", command: [run, "-v"], env: [{name: A, value: "1"}], ports: [{containerPort: 53, protocol: UDP}]}]}`},
		"longest configuration": {"Decky", `{topologyRef: {name: acme}, home: {lan: dmz}, services: [{name: ssh, config: {` + keys(31) + `, banner: ` + strings.Repeat("x", 4096) + `}}]}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			create(t, newObject(t, test.kind, objectName(t), test.spec))
		})
	}
}

// TestAdmissionRefusesChange shows what cannot be changed later. Scenario 10,
// Scenario 27, Scenario 78: after deployment a LAN keeps its subnet, its driver
// and its place, and a decky its home; the API server names the rule.
func TestAdmissionRefusesChange(t *testing.T) {
	t.Parallel()
	const deployed = `{networkID: 4f1a, networkName: default_acme_lan, subnet: 10.20.0.0/24, gateway: 10.20.0.1, observedGeneration: 1, attached: 0}`
	for name, test := range map[string]struct {
		kind, before, status, after string
		want                        []string
	}{
		"topology of a lan": {
			kind: "LAN", before: `{topologyRef: {name: acme}}`, after: `{topologyRef: {name: other}}`,
			want: []string{"spec.topologyRef.name", `topologyRef.name is immutable: it is "acme" and cannot become "other"`},
		},
		"topology of a decky": {
			kind: "Decky", before: `{topologyRef: {name: acme}, home: {lan: dmz}}`, after: `{topologyRef: {name: other}, home: {lan: dmz}}`,
			want: []string{`topologyRef.name is immutable: it is "acme" and cannot become "other"; delete the Decky`},
		},
		"home lan": {
			kind: "Decky", before: `{topologyRef: {name: acme}, home: {lan: dmz}}`, after: `{topologyRef: {name: acme}, home: {lan: office}}`,
			want: []string{"spec.home.lan", `home.lan is immutable: it is "dmz" and cannot become "office"; add the other LAN to attachments`},
		},
		"node of a placed topology": {
			kind: "Topology", before: `{}`, status: `{nodeName: node-1, observedGeneration: 1}`, after: `{nodeName: node-2}`,
			want: []string{"spec.nodeName", `spec.nodeName is immutable once the topology is placed: node "node-1" carries it, so it cannot become "node-2"`},
		},
		"subnet set": {
			kind: "LAN", before: `{topologyRef: {name: acme}}`, status: deployed, after: `{topologyRef: {name: acme}, subnet: 10.21.0.0/24}`,
			want: []string{"spec.subnet", `spec.subnet is immutable after deployment: it is "" and cannot become "10.21.0.0/24"`},
		},
		"subnet changed": {
			kind: "LAN", before: `{topologyRef: {name: acme}, subnet: 10.20.0.0/24}`, status: deployed, after: `{topologyRef: {name: acme}, subnet: 10.21.0.0/24}`,
			want: []string{`spec.subnet is immutable after deployment: it is "10.20.0.0/24" and cannot become "10.21.0.0/24"; set it back`},
		},
		"subnet removed": {
			kind: "LAN", before: `{topologyRef: {name: acme}, subnet: 10.20.0.0/24}`, status: deployed, after: `{topologyRef: {name: acme}}`,
			want: []string{"spec.subnet is immutable after deployment"},
		},
		"gateway changed": {
			kind: "LAN", before: `{topologyRef: {name: acme}, subnet: 10.20.0.0/24}`, status: deployed, after: `{topologyRef: {name: acme}, subnet: 10.20.0.0/24, gateway: 10.20.0.2}`,
			want: []string{"spec.gateway", `spec.gateway is immutable after deployment: it is "" and cannot become "10.20.0.2"`},
		},
		"dmz changed": {
			kind: "LAN", before: `{topologyRef: {name: acme}, dmz: true}`, status: deployed, after: `{topologyRef: {name: acme}}`,
			want: []string{"spec.dmz", "spec.dmz is immutable after deployment: it is true and cannot become false"},
		},
		"driver changed": {
			kind: "LAN", before: `{topologyRef: {name: acme}, driver: macvlan, parent: eth0}`, status: deployed, after: `{topologyRef: {name: acme}, driver: ipvlan, parent: eth0}`,
			want: []string{"spec.driver", `spec.driver is immutable after deployment: it is "macvlan" and cannot become "ipvlan"`},
		},
		"parent changed": {
			kind: "LAN", before: `{topologyRef: {name: acme}, driver: macvlan, parent: eth0}`, status: deployed, after: `{topologyRef: {name: acme}, driver: macvlan, parent: eth1}`,
			want: []string{"spec.parent", `spec.parent is immutable after deployment: it is "eth0" and cannot become "eth1"`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			object := create(t, newObject(t, test.kind, objectName(t), test.before))
			if test.status != "" {
				object = writeStatus(t, object, test.status)
			}
			setFromYAML(t, object, "spec", test.after)
			_, err := resources(test.kind).Update(t.Context(), object, metav1.UpdateOptions{})
			assertRefused(t, err, test.want...)
		})
	}
}

func writeStatus(tb testing.TB, object *unstructured.Unstructured, status string) *unstructured.Unstructured {
	tb.Helper()
	setFromYAML(tb, object, "status", status)
	updated, err := resources(object.GetKind()).UpdateStatus(tb.Context(), object, metav1.UpdateOptions{})
	if err != nil {
		tb.Fatalf("write status of %s %q: %v", object.GetKind(), object.GetName(), err)
	}
	return updated
}

// TestAdmissionAcceptsChange shows what stays free to change. Scenario 78:
// before deployment the edit passes.
func TestAdmissionAcceptsChange(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ kind, before, status, after string }{
		"lan before deployment": {
			kind: "LAN", before: `{topologyRef: {name: acme}, subnet: 10.20.0.0/24}`, status: `{observedGeneration: 1, attached: 0, subnet: 10.20.0.0/24}`,
			after: `{topologyRef: {name: acme}, subnet: 10.21.0.0/24, gateway: 10.21.0.9, dmz: true, driver: macvlan, parent: eth0}`,
		},
		"egress and mtu after deployment": {
			kind: "LAN", before: `{topologyRef: {name: acme}, dmz: true}`, status: `{observedGeneration: 1, attached: 0, networkID: 4f1a}`,
			after: `{topologyRef: {name: acme}, dmz: true, egress: Allow, mtu: 1400}`,
		},
		"node before it is placed": {
			kind: "Topology", before: `{nodeName: node-1}`, status: `{observedGeneration: 1}`, after: `{nodeName: node-2}`,
		},
		"node where it is placed": {
			kind: "Topology", before: `{}`, status: `{observedGeneration: 1, nodeName: node-1}`, after: `{nodeName: node-1}`,
		},
		"attachments, services and home address": {
			kind: "Decky", before: `{topologyRef: {name: acme}, home: {lan: dmz}, attachments: [{lan: office}], services: [{name: ssh}]}`,
			after: `{topologyRef: {name: acme}, home: {lan: dmz, address: 10.20.0.7}, attachments: [{lan: lab}], services: [{name: http}]}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			object := create(t, newObject(t, test.kind, objectName(t), test.before))
			if test.status != "" {
				object = writeStatus(t, object, test.status)
			}
			setFromYAML(t, object, "spec", test.after)
			if _, err := resources(test.kind).Update(t.Context(), object, metav1.UpdateOptions{}); err != nil {
				t.Errorf("update %s: %v", test.kind, err)
			}
		})
	}
}

// TestAdmissionRefusesStaleEdit proves Scenario 62: of two edits that are based
// on one version the second is rejected.
func TestAdmissionRefusesStaleEdit(t *testing.T) {
	t.Parallel()
	first := create(t, newObject(t, "Topology", "stale-edit", `{}`))
	second := first.DeepCopy()
	setFromYAML(t, first, "spec", `{lanPrefixLength: 25}`)
	if _, err := resources("Topology").Update(t.Context(), first, metav1.UpdateOptions{}); err != nil {
		t.Fatalf("update: %v", err)
	}
	setFromYAML(t, second, "spec", `{lanPrefixLength: 26}`)
	if _, err := resources("Topology").Update(t.Context(), second, metav1.UpdateOptions{}); !apierrors.IsConflict(err) {
		t.Errorf("got error %v, want a conflict", err)
	}
}

// TestDefaults shows what the API server fills in.
func TestDefaults(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ kind, given, want string }{
		"topology": {
			kind: "Topology", given: `{}`,
			want: `{spec: {addressPools: [172.16.0.0/12], lanPrefixLength: 24, suspend: false}, status: {observedGeneration: -1}}`,
		},
		"lan": {
			kind: "LAN", given: `{topologyRef: {name: acme}}`,
			want: `{spec: {topologyRef: {name: acme}, dmz: false, driver: bridge, egress: Deny}, status: {observedGeneration: -1, attached: 0}}`,
		},
		"decky": {
			kind:  "Decky",
			given: `{topologyRef: {name: acme}, home: {lan: dmz}, publish: {ports: [{containerPort: 80}]}, services: [{name: erp, image: "erp:1", ports: [{containerPort: 80}]}]}`,
			want: `{spec: {topologyRef: {name: acme}, home: {lan: dmz}, forwarding: false, updateStrategy: InPlace,
				publish: {hostIP: 0.0.0.0, ports: [{containerPort: 80, protocol: TCP}]},
				services: [{name: erp, image: "erp:1", ports: [{containerPort: 80, protocol: TCP}]}]}, status: {observedGeneration: -1}}`,
		},
		"empty publish": {
			kind: "Decky", given: `{topologyRef: {name: acme}, home: {lan: dmz}, publish: {}}`,
			want: `{spec: {topologyRef: {name: acme}, home: {lan: dmz}, forwarding: false, updateStrategy: InPlace, publish: {hostIP: 0.0.0.0}}, status: {observedGeneration: -1}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			created := create(t, newObject(t, test.kind, "defaults-"+objectName(t), test.given))
			want := map[string]any{}
			if err := yaml.Unmarshal([]byte(test.want), &want); err != nil {
				t.Fatal(err)
			}
			have := normalise(t, map[string]any{"spec": created.Object["spec"], "status": created.Object["status"]})
			if diff := cmp.Diff(want, have); diff != "" {
				t.Errorf("defaulted object (-want +have):\n%s", diff)
			}
		})
	}
}

// normalise gives a decoded object the number types that yaml.Unmarshal gives.
func normalise(tb testing.TB, object map[string]any) map[string]any {
	tb.Helper()
	text, err := yaml.Marshal(object)
	if err != nil {
		tb.Fatal(err)
	}
	normal := map[string]any{}
	if err := yaml.Unmarshal(text, &normal); err != nil {
		tb.Fatal(err)
	}
	return normal
}

// TestServerSideApplyMerges shows that two managers can own entries of one list.
func TestServerSideApplyMerges(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		kind, first, second string
		path                []string
		want                string
	}{
		"services": {
			kind:   "Decky",
			first:  `{topologyRef: {name: acme}, home: {lan: dmz}, services: [{name: ssh, config: {banner: a}}]}`,
			second: `{topologyRef: {name: acme}, home: {lan: dmz}, services: [{name: http}]}`,
			path:   []string{"spec", "services"}, want: `[{name: ssh, config: {banner: a}}, {name: http}]`,
		},
		"attachments": {
			kind:   "Decky",
			first:  `{topologyRef: {name: acme}, home: {lan: dmz}, attachments: [{lan: office, address: 10.0.0.5}]}`,
			second: `{topologyRef: {name: acme}, home: {lan: dmz}, attachments: [{lan: lab}]}`,
			path:   []string{"spec", "attachments"}, want: `[{lan: office, address: 10.0.0.5}, {lan: lab}]`,
		},
		"published ports": {
			kind:   "Decky",
			first:  `{topologyRef: {name: acme}, home: {lan: dmz}, publish: {ports: [{containerPort: 53, hostPort: 5353}]}}`,
			second: `{topologyRef: {name: acme}, home: {lan: dmz}, publish: {ports: [{containerPort: 53, protocol: UDP}]}}`,
			path:   []string{"spec", "publish", "ports"}, want: `[{containerPort: 53, protocol: TCP, hostPort: 5353}, {containerPort: 53, protocol: UDP}]`,
		},
		"environment and ports of a service": {
			kind:   "Decky",
			first:  `{topologyRef: {name: acme}, home: {lan: dmz}, services: [{name: erp, image: "erp:1", env: [{name: A, value: "1"}], ports: [{containerPort: 80}]}]}`,
			second: `{topologyRef: {name: acme}, home: {lan: dmz}, services: [{name: erp, env: [{name: B, value: "2"}], ports: [{containerPort: 81}]}]}`,
			path:   []string{"spec", "services"},
			want:   `[{name: erp, image: "erp:1", env: [{name: A, value: "1"}, {name: B, value: "2"}], ports: [{containerPort: 80, protocol: TCP}, {containerPort: 81, protocol: TCP}]}]`,
		},
		"address pools": {
			kind: "Topology", first: `{addressPools: [10.0.0.0/8]}`, second: `{addressPools: [192.168.0.0/16]}`,
			path: []string{"spec", "addressPools"}, want: `[10.0.0.0/8, 192.168.0.0/16]`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			objectName := "apply-" + objectName(t)
			apply(t, "first", newObject(t, test.kind, objectName, test.first))
			applied := apply(t, "second", newObject(t, test.kind, objectName, test.second))
			have, _, err := unstructured.NestedSlice(applied.Object, test.path...)
			if err != nil {
				t.Fatal(err)
			}
			var want []any
			if err := yaml.Unmarshal([]byte(test.want), &want); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, normalise(t, map[string]any{"list": have})["list"]); diff != "" {
				t.Errorf("merged list (-want +have):\n%s", diff)
			}
		})
	}
}

func apply(tb testing.TB, manager string, object *unstructured.Unstructured) *unstructured.Unstructured {
	tb.Helper()
	applied, err := resources(object.GetKind()).Apply(tb.Context(), object.GetName(), object, metav1.ApplyOptions{FieldManager: manager})
	if err != nil {
		tb.Fatalf("apply %s %q as %s: %v", object.GetKind(), object.GetName(), manager, err)
	}
	return applied
}

// TestDefinitions pins what "kubectl get" shows and answers to.
func TestDefinitions(t *testing.T) {
	t.Parallel()
	definitions, err := crd.CRDs()
	if err != nil {
		t.Fatal(err)
	}
	type shape struct {
		Plural, Scope      string
		ShortNames         []string
		Categories         []string
		Columns, WideOnly  []string
		HasStatusSubobject bool
	}
	have := map[string]shape{}
	for _, definition := range definitions {
		version := definition.Spec.Versions[0]
		columns, wideOnly := columnNames(version.AdditionalPrinterColumns)
		have[definition.Spec.Names.Kind] = shape{
			Plural: definition.Spec.Names.Plural, Scope: string(definition.Spec.Scope),
			ShortNames: definition.Spec.Names.ShortNames, Categories: definition.Spec.Names.Categories,
			Columns: columns, WideOnly: wideOnly,
			HasStatusSubobject: version.Subresources != nil && version.Subresources.Status != nil,
		}
	}
	deckyard := []string{"deckyard"}
	want := map[string]shape{
		"Topology": {"topologies", "Namespaced", []string{"topo"}, deckyard, []string{"Ready", "Reason", "LANs", "Deckies", "Node", "Age"}, nil, true},
		"LAN":      {"lans", "Namespaced", nil, deckyard, []string{"Ready", "Subnet", "DMZ", "Attached", "Reaches", "Topology", "Age"}, nil, true},
		"Decky":    {"deckies", "Namespaced", nil, deckyard, []string{"Ready", "Home", "LANs", "Services", "Topology", "Age"}, []string{"Image", "Node", "OS"}, true},
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("definitions (-want +have):\n%s", diff)
	}
}

func columnNames(columns []apiextensionsv1.CustomResourceColumnDefinition) (names, wideOnly []string) {
	for _, column := range columns {
		if column.Priority == 0 {
			names = append(names, column.Name)
		} else {
			wideOnly = append(wideOnly, column.Name)
		}
	}
	return names, wideOnly
}
