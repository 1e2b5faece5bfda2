// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package model_test

import (
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/deckyard/deckyard/internal/model"
)

func exampleContainer() model.ContainerSpec {
	return model.ContainerSpec{
		Name: "lab_acme_web",
		Identity: model.Identity{
			Owner: model.Owner{
				Instance: "instance", Kind: model.OwnerDecky, Namespace: "lab", Name: "web", Topology: "acme", UID: "uid",
			},
			Role: model.RoleBase,
		},
		Image: "registry/image:1", ImageID: "sha256:1",
		Command:      []string{"/bin/sh", "-c"},
		Env:          []string{"A=1", "B=2"},
		Tmpfs:        []string{"/run", "/tmp"},
		Capabilities: []string{"NET_BIND_SERVICE", "NET_RAW"},
		Limits:       model.Limits{Memory: 1, PIDs: 2, NanoCPUs: 3},
		Hostname:     "web",
		Sysctls:      map[string]string{"net.ipv4.ip_forward": "0", "net.ipv4.ip_default_ttl": "64"},
		Published: []model.PublishedPort{
			{HostIP: netip.MustParseAddr("127.0.0.1"), HostPort: 8080, Port: model.Port{Number: 80, Protocol: model.TCP}},
			{HostIP: netip.MustParseAddr("127.0.0.1"), HostPort: 8443, Port: model.Port{Number: 443, Protocol: model.TCP}},
		},
		DNS:         []netip.Addr{netip.MustParseAddr("127.0.0.1")},
		Home:        model.EndpointSpec{NetworkName: "lab_acme_dmz", LAN: "dmz", Address: netip.MustParseAddr("10.0.0.2"), MAC: "02:00:00:00:00:01"},
		Ports:       []model.Port{{Number: 80, Protocol: model.TCP}},
		ExtraLabels: map[string]string{"com.docker.compose.project": "lab_acme"},
	}
}

func exampleNetwork() model.NetworkSpec {
	return model.NetworkSpec{
		Name: "lab_acme_dmz",
		Identity: model.Identity{
			Owner: model.Owner{Instance: "instance", Kind: model.OwnerLAN, Namespace: "lab", Name: "dmz", Topology: "acme", UID: "uid"},
			Role:  model.RoleNetwork,
		},
		Driver:  "bridge",
		Subnet:  netip.MustParsePrefix("10.0.0.0/24"),
		Gateway: netip.MustParseAddr("10.0.0.1"),
		MTU:     1400,
	}
}

// TestHashesAreStable pins the encoding: whoever changes it must raise the
// version, or every running container would look like one of another spec.
func TestHashesAreStable(t *testing.T) {
	t.Parallel()

	if have, want := model.HashContainer(exampleContainer()), "v1:832bd543e85abe8077834e762133b57f"; have != want {
		t.Errorf("container: have %s, want %s", have, want)
	}
	if have, want := model.HashNetwork(exampleNetwork()), "v1:b040e798ca1591ac79394d31cd9b3102"; have != want {
		t.Errorf("network: have %s, want %s", have, want)
	}
}

// TestHashCoversEveryField changes each leaf of a spec in turn and expects
// another hash, unless the field is left out on purpose.
func TestHashCoversEveryField(t *testing.T) {
	t.Parallel()

	t.Run("container", func(t *testing.T) {
		t.Parallel()
		spec := exampleContainer()
		checkLeaves(t, &spec, func() string { return model.HashContainer(spec) }, []string{
			"Identity.SpecHash", "ImageID", "ImageAbsent", "Home.NetworkID", "Ports", "ExtraLabels",
		})
	})
	t.Run("network", func(t *testing.T) {
		t.Parallel()
		spec := exampleNetwork()
		checkLeaves(t, &spec, func() string { return model.HashNetwork(spec) }, []string{
			"Identity.SpecHash", "Filter.Published", "Filter.Egress", "Filter.RoutedFrames", "ExtraLabels",
		})
	})
}

// checkLeaves changes the leaves of the struct that spec points at, one at a time.
func checkLeaves(t *testing.T, spec any, hash func() string, excluded []string) {
	t.Helper()
	before := hash()
	var visit func(path string, value reflect.Value)
	visit = func(path string, value reflect.Value) {
		if value.Kind() == reflect.Struct && value.Type().PkgPath() == reflect.TypeFor[model.ContainerSpec]().PkgPath() {
			for i := range value.NumField() {
				visit(strings.TrimPrefix(path+"."+value.Type().Field(i).Name, "."), value.Field(i))
			}
			return
		}
		kept := reflect.New(value.Type()).Elem()
		kept.Set(value)
		value.Set(changed(t, path, value))
		if differs := hash() != before; differs == slices.Contains(excluded, path) {
			t.Errorf("field %s: hash differs = %t", path, differs)
		}
		value.Set(kept)
	}
	visit("", reflect.ValueOf(spec).Elem())
}

// changed returns another value of the same type.
func changed(t *testing.T, path string, value reflect.Value) reflect.Value {
	t.Helper()
	switch kept := value.Interface().(type) {
	case netip.Addr:
		return reflect.ValueOf(netip.MustParseAddr("192.0.2.1"))
	case netip.Prefix:
		return reflect.ValueOf(netip.MustParsePrefix("192.0.2.0/24"))
	case map[string]string:
		return reflect.ValueOf(map[string]string{"other": "1"})
	case []model.Port:
		return reflect.ValueOf(append(slices.Clone(kept), model.Port{Number: 1}))
	case []model.PublishedPort:
		return reflect.ValueOf(append(slices.Clone(kept), model.PublishedPort{HostPort: 1}))
	case []netip.Addr:
		return reflect.ValueOf(append(slices.Clone(kept), netip.MustParseAddr("192.0.2.1")))
	case []string:
		return reflect.ValueOf(append(slices.Clone(kept), "other"))
	}
	other := reflect.New(value.Type()).Elem()
	switch value.Kind() {
	case reflect.String:
		other.SetString(value.String() + "x")
	case reflect.Bool:
		other.SetBool(!value.Bool())
	case reflect.Int, reflect.Int64:
		other.SetInt(value.Int() + 1)
	default:
		t.Fatalf("field %s: no other value of a %s is known here", path, value.Type())
	}
	return other
}

func TestHashIgnoresOrderOfSets(t *testing.T) {
	t.Parallel()

	spec := exampleContainer()
	slices.Reverse(spec.Env)
	slices.Reverse(spec.Tmpfs)
	slices.Reverse(spec.Capabilities)
	slices.Reverse(spec.Published)
	if have, want := model.HashContainer(spec), model.HashContainer(exampleContainer()); have != want {
		t.Errorf("have %s, want %s", have, want)
	}
}

func TestHashOfBuiltInImageIgnoresItsReference(t *testing.T) {
	t.Parallel()

	before, after := exampleContainer(), exampleContainer()
	before.BuiltInImage, after.BuiltInImage = true, true
	after.Image = "registry/image:2"
	if model.HashContainer(before) != model.HashContainer(after) {
		t.Error("the hash follows the built-in image's reference")
	}
}

func TestHashIgnoresForwarding(t *testing.T) {
	t.Parallel()

	before, after := exampleContainer(), exampleContainer()
	after.Sysctls[model.SysctlIPForward] = "1"
	if model.HashContainer(before) != model.HashContainer(after) {
		t.Error("the hash follows ip_forward, which is set on the running base")
	}
}

func TestHashTellsAdjacentValuesApart(t *testing.T) {
	t.Parallel()

	before, after := exampleContainer(), exampleContainer()
	before.Command, after.Command = []string{"ab", "c"}, []string{"a", "bc"}
	if model.HashContainer(before) == model.HashContainer(after) {
		t.Error("two command lines have one hash")
	}
}

func TestHashesDiffer(t *testing.T) {
	t.Parallel()

	tests := map[string]struct {
		a, b string
		want bool
	}{
		"equal":                     {"v1:a", "v1:a", false},
		"different":                 {"v1:a", "v1:b", true},
		"of another version":        {"v1:a", "v2:b", false},
		"a label without a version": {"", "v1:b", false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if have := model.HashesDiffer(tc.a, tc.b); have != tc.want {
				t.Errorf("have %t, want %t", have, tc.want)
			}
		})
	}
}
