// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package docker_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/model"
)

// baseSpec returns a base with everything set.
func baseSpec() model.ContainerSpec {
	return model.ContainerSpec{
		Name: "default_acme_web01",
		Identity: model.Identity{
			Owner: model.Owner{
				Instance: "instance", Kind: model.OwnerDecky, Namespace: "default", Topology: "acme", Name: "web01", UID: "uid",
			},
			Role:     model.RoleBase,
			SpecHash: "v1:abc",
		},
		Image:        "deckyard/decoy:1",
		Command:      []string{"base"},
		Env:          []string{"A=1"},
		User:         "65534:65534",
		ReadOnlyRoot: true,
		Tmpfs:        []string{"/tmp"},
		Capabilities: []string{"NET_BIND_SERVICE"},
		Limits:       model.Limits{Memory: 64 << 20, PIDs: 128, NanoCPUs: 500_000_000},
		Hostname:     "web01",
		Sysctls:      map[string]string{"net.ipv4.ip_forward": "0"},
		Published: []model.PublishedPort{
			{HostIP: netip.MustParseAddr("127.0.0.1"), HostPort: 8080, Port: model.Port{Number: 80, Protocol: model.TCP}},
			{HostIP: netip.IPv4Unspecified(), HostPort: 1161, Port: model.Port{Number: 161, Protocol: model.UDP}},
		},
		DNS: []netip.Addr{netip.MustParseAddr("127.0.0.1")},
		Home: model.EndpointSpec{
			NetworkName: "default_acme_dmz", NetworkID: anID, Address: netip.MustParseAddr("10.0.0.10"), MAC: "02:1a:4b:00:00:14",
		},
		ExtraLabels: map[string]string{"com.docker.compose.project": "default_acme", "deckyard.dev/role": "forged"},
	}
}

func TestContainerIsConfinedAndPlacedAsItsSpecSays(t *testing.T) {
	t.Parallel()
	labels := map[string]any{
		"com.docker.compose.project": "default_acme",
		"deckyard.dev/instance":      "instance",
		"deckyard.dev/owner-uid":     "uid",
		"deckyard.dev/namespace":     "default",
		"deckyard.dev/topology":      "acme",
		"deckyard.dev/decky":         "web01",
		"deckyard.dev/role":          "base",
		"deckyard.dev/spec-hash":     "v1:abc",
	}
	confinement := map[string]any{
		"CapDrop":        []any{"ALL"},
		"CapAdd":         []any{"CAP_NET_BIND_SERVICE"},
		"SecurityOpt":    []any{"no-new-privileges:true"},
		"ReadonlyRootfs": true,
		"Privileged":     false,
		"Tmpfs":          map[string]any{"/tmp": "rw,noexec,nosuid,nodev,size=16m,mode=1777"},
		"Memory":         float64(64 << 20),
		"MemorySwap":     float64(64 << 20),
		"PidsLimit":      float64(128),
		"NanoCpus":       float64(500_000_000),
		"Ulimits":        []any{map[string]any{"Name": "nofile", "Soft": float64(4096), "Hard": float64(4096)}},
		"IpcMode":        "private",
		"Init":           false,
		"RestartPolicy":  map[string]any{"Name": "unless-stopped", "MaximumRetryCount": float64(0)},
		"LogConfig":      map[string]any{"Type": "json-file", "Config": map[string]any{"max-size": "10m", "max-file": "3"}},
		"MaskedPaths":    nil,
		"ReadonlyPaths":  nil,
		"Binds":          nil,
		"Mounts":         nil,
	}
	for name, tc := range map[string]struct {
		service bool
		// want holds parts of what is sent.
		config, hostConfig map[string]any
	}{
		"base": {
			config: map[string]any{
				"Hostname": "web01", "User": "65534:65534", "Image": "deckyard/decoy:1",
				"Cmd": []any{"base"}, "Entrypoint": nil, "Env": []any{"A=1"}, "Labels": labels,
				"Healthcheck":  map[string]any{"Test": []any{"NONE"}},
				"ExposedPorts": map[string]any{"80/tcp": map[string]any{}, "161/udp": map[string]any{}},
			},
			hostConfig: map[string]any{
				"NetworkMode": "default_acme_dmz",
				"Sysctls":     map[string]any{"net.ipv4.ip_forward": "0"},
				"Dns":         []any{"127.0.0.1"},
				"PortBindings": map[string]any{
					"80/tcp":  []any{map[string]any{"HostIp": "127.0.0.1", "HostPort": "8080"}},
					"161/udp": []any{map[string]any{"HostIp": "0.0.0.0", "HostPort": "1161"}},
				},
			},
		},
		"service": {
			service: true,
			config: map[string]any{
				"Hostname": "", "Image": "deckyard/decoy:1", "Healthcheck": map[string]any{"Test": []any{"NONE"}},
				"ExposedPorts": nil, "MacAddress": nil,
			},
			hostConfig: map[string]any{
				"NetworkMode": "container:" + anID, "Sysctls": nil, "Dns": nil, "PortBindings": nil,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, "1.41", answers{"POST /containers/create": {201, `{"Id":"` + anID + `"}`}})
			namespaceOf := ""
			if tc.service {
				namespaceOf = anID
			}
			id, err := s.engine(t).CreateContainer(t.Context(), baseSpec(), namespaceOf)
			if err != nil || id != anID {
				t.Fatalf("id %q, error %v", id, err)
			}
			sent := s.body(t, "POST /containers/create")
			wantParts(t, "container", sent, tc.config)
			wantParts(t, "confinement", at(t, sent, "HostConfig"), confinement)
			wantParts(t, "networking", at(t, sent, "HostConfig"), tc.hostConfig)
		})
	}
}

// wantParts checks some fields of decoded JSON.
func wantParts(t *testing.T, what string, decoded any, want map[string]any) {
	t.Helper()
	for key, part := range want {
		if diff := cmp.Diff(part, at(t, decoded, key)); diff != "" {
			t.Errorf("%s: %s (-want +sent):\n%s", what, key, diff)
		}
	}
}

// Engines before API 1.44 know a single MAC, for the whole container.
func TestHomeMACIsSentWhereTheEngineTakesIt(t *testing.T) {
	t.Parallel()
	for apiVersion, tc := range map[string]struct{ container, endpoint any }{
		"1.41": {"02:1a:4b:00:00:14", ""},
		"1.44": {nil, "02:1a:4b:00:00:14"},
		"1.51": {nil, "02:1a:4b:00:00:14"},
	} {
		t.Run(apiVersion, func(t *testing.T) {
			t.Parallel()
			s := serve(t, apiVersion, answers{"POST /containers/create": {201, `{"Id":"` + anID + `"}`}})
			if _, err := s.engine(t).CreateContainer(t.Context(), baseSpec(), ""); err != nil {
				t.Fatal(err)
			}
			sent := s.body(t, "POST /containers/create")
			endpoint := at(t, sent, "NetworkingConfig", "EndpointsConfig", "default_acme_dmz")
			want := tc.container
			if got := at(t, sent, "MacAddress"); got != want && !(want == nil && got == "") {
				t.Errorf("container's MAC %v, want %v", got, want)
			}
			if got := at(t, endpoint, "MacAddress"); got != tc.endpoint {
				t.Errorf("endpoint's MAC %v, want %v", got, tc.endpoint)
			}
			if got := at(t, endpoint, "IPAMConfig", "IPv4Address"); got != "10.0.0.10" {
				t.Errorf("address %v", got)
			}
		})
	}
}

func TestAttachmentCarriesItsMACOrIsRefused(t *testing.T) {
	t.Parallel()
	endpoint := model.EndpointSpec{
		NetworkName: "lan", NetworkID: anID, Address: netip.MustParseAddr("10.0.1.20"), MAC: "02:1a:4b:00:00:20",
	}
	say := answers{
		"GET /containers/" + anID + "/json":   {200, inspection("running")},
		"POST /networks/" + anID + "/connect": {200, ""},
	}
	for apiVersion, want := range map[string]error{"1.41": engine.ErrInvalid, "1.43": engine.ErrInvalid, "1.44": nil, "1.51": nil} {
		t.Run(apiVersion, func(t *testing.T) {
			t.Parallel()
			s := serve(t, apiVersion, say)
			if err := s.engine(t).Connect(t.Context(), anID, endpoint); !errors.Is(err, want) {
				t.Fatalf("error %v, want %v", err, want)
			}
			if want != nil {
				if sent := s.sent(); len(sent) != 1 {
					t.Errorf("sent %q", sent)
				}
				return
			}
			sent := s.body(t, "POST /networks/"+anID+"/connect")
			wantParts(t, "connection", at(t, sent, "EndpointConfig"), map[string]any{
				"MacAddress": endpoint.MAC, "IPAMConfig": map[string]any{"IPv4Address": "10.0.1.20"},
			})
		})
	}
}

func TestNetworkIsSentWithAddressingAndOptions(t *testing.T) {
	t.Parallel()
	spec := model.NetworkSpec{
		Name: "default_acme_dmz", Driver: "bridge",
		Subnet: netip.MustParsePrefix("10.0.0.0/24"), Gateway: netip.MustParseAddr("10.0.0.1"),
		Internal: true, MTU: 1400,
		Identity: model.Identity{Owner: model.Owner{Name: "dmz", UID: "uid", Kind: model.OwnerLAN}, Role: model.RoleNetwork},
	}
	for apiVersion, checkDuplicate := range map[string]any{"1.41": true, "1.44": nil} {
		t.Run(apiVersion, func(t *testing.T) {
			t.Parallel()
			s := serve(t, apiVersion, answers{"POST /networks/create": {201, `{"Id":"` + anID + `"}`}})
			if id, err := s.engine(t).CreateNetwork(t.Context(), spec); err != nil || id != anID {
				t.Fatalf("id %q, error %v", id, err)
			}
			sent := s.body(t, "POST /networks/create")
			wantParts(t, "network", sent, map[string]any{
				"Name": "default_acme_dmz", "Driver": "bridge", "Internal": true, "CheckDuplicate": checkDuplicate,
				"Attachable": false, "Ingress": false,
				"IPAM": map[string]any{
					"Driver": "default", "Options": nil,
					"Config": []any{map[string]any{"Subnet": "10.0.0.0/24", "Gateway": "10.0.0.1"}},
				},
				"Options": map[string]any{
					"com.docker.network.bridge.enable_ip_masquerade": "false", "com.docker.network.driver.mtu": "1400",
				},
			})
			wantParts(t, "labels", at(t, sent, "Labels"), map[string]any{"deckyard.dev/lan": "dmz", "deckyard.dev/role": "network"})
		})
	}
}

func TestPausedContainerGoesOnWhenStarted(t *testing.T) {
	t.Parallel()
	s := serve(t, "1.41", answers{
		"POST /containers/" + anID + "/start":   {409, `{"message":"cannot start a paused container, try unpause instead"}`},
		"GET /containers/" + anID + "/json":     {200, inspection("paused")},
		"POST /containers/" + anID + "/unpause": {204, ""},
	})
	if err := s.engine(t).StartContainer(t.Context(), anID); err != nil {
		t.Error(err)
	}
}

// An endpoint can outlive its container; the engine finds it by the name alone.
func TestEndpointOfARemovedContainerIsDisconnectedByName(t *testing.T) {
	t.Parallel()
	networkID := "1" + anID[1:]
	var names []any
	s := serveWith(t, "1.41", func(w http.ResponseWriter, _ *http.Request, operation string) {
		w.Header().Set("Content-Type", "application/json")
		switch operation {
		case "GET /networks/" + networkID:
			_, _ = w.Write([]byte(`{"Id":"` + networkID + `","Name":"lan","Containers":{"` + anID + `":{"Name":"web01"}}}`))
		case "GET /containers/" + anID + "/json":
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write([]byte(`{"message":"No such container"}`))
		default:
			if len(names) == 0 {
				w.WriteHeader(http.StatusNotFound)
				_, _ = w.Write([]byte(`{"message":"No such container"}`))
			}
			names = append(names, operation)
		}
	})
	if err := s.engine(t).Disconnect(t.Context(), anID, networkID); err != nil {
		t.Fatal(err)
	}
	sent := s.body(t, "POST /networks/"+networkID+"/disconnect")
	wantParts(t, "disconnection", sent, map[string]any{"Container": "web01", "Force": true})
}

func TestListsTakeOneRequest(t *testing.T) {
	t.Parallel()
	var containers, networks []map[string]any
	for range 100 {
		containers = append(containers, map[string]any{"Id": anID, "Names": []string{"/db/alias", "/web01"}, "State": "running"})
		networks = append(networks, map[string]any{"Id": anID, "Name": "lan"})
	}
	s := serve(t, "1.41", answers{
		"GET /containers/json": {200, mustJSON(t, containers)}, "GET /networks": {200, mustJSON(t, networks)},
	})
	dockerEngine := s.engine(t)
	seen, err := dockerEngine.Containers(t.Context())
	if err != nil || len(seen) != 100 || seen[0].Name != "web01" {
		t.Errorf("%d containers, error %v", len(seen), err)
	}
	if seen, err := dockerEngine.Networks(t.Context()); err != nil || len(seen) != 100 {
		t.Errorf("%d networks, error %v", len(seen), err)
	}
	if sent := s.sent(); len(sent) != 2 {
		t.Errorf("sent %q", sent)
	}
}

func mustJSON(t *testing.T, value any) string {
	t.Helper()
	encoded, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(encoded)
}

// A container whose start an engine broke off when it ended is one of those that
// can only be removed.
func TestContainerThatCanNeverStartIsDead(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]model.State{
		"driver failed programming external connectivity on endpoint web: port is already allocated":          model.StateCreated,
		"task d3c5fbf318272ccac6aadaee284b6d1c63bb0070a9bd6af249ce26b8ac543cb3: already exists":               model.StateDead,
		"failed to create task for container: task d3c5fbf318272ccac6aadaee284b6d1c: already exists: unknown": model.StateDead,
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			s := serve(t, "1.41", answers{"GET /containers/" + anID + "/json": {200, mustJSON(t, map[string]any{
				"Id": anID, "Name": "/web01", "State": map[string]any{"Status": "created", "Error": text},
				"Config": map[string]any{}, "HostConfig": map[string]any{},
			})}})
			container, err := s.engine(t).Container(t.Context(), anID)
			if err != nil || container.State != want {
				t.Errorf("state %q, want %q: %v", container.State, want, err)
			}
		})
	}
	s := serve(t, "1.41", answers{"GET /containers/" + anID + "/json": {200, mustJSON(t, map[string]any{
		"Id": anID, "State": map[string]any{"Status": "running", "Error": "task 1: already exists"},
		"Config": map[string]any{}, "HostConfig": map[string]any{},
	})}})
	if container, err := s.engine(t).Container(t.Context(), anID); err != nil || !container.IsRunning() {
		t.Errorf("a container that runs is %q: %v", container.State, err)
	}
}

// Of a container that never ran the engine tells its networks' names alone. It is
// asked for networks of that name, not for all of hundreds.
func TestNetworkOfAContainerThatNeverRan(t *testing.T) {
	t.Parallel()
	s := serveWith(t, "1.41", func(w http.ResponseWriter, r *http.Request, operation string) {
		said := mustJSON(t, map[string]any{
			"Id": anID, "State": map[string]any{"Status": "created"}, "Config": map[string]any{}, "HostConfig": map[string]any{},
			"NetworkSettings": map[string]any{"Networks": map[string]any{"lab": map[string]any{"IPAMConfig": map[string]any{"IPv4Address": "10.0.0.9"}}}},
		})
		if operation == "GET /networks" {
			if like := r.URL.Query().Get("filters"); like != `{"name":{"lab":true}}` {
				t.Errorf("asked for networks with filters %q", like)
			}
			said = `[{"Id":"1","Name":"lab"},{"Id":"2","Name":"lab2"}]`
		}
		if _, err := io.WriteString(w, said); err != nil {
			t.Errorf("answer %s: %v", operation, err)
		}
	})
	container, err := s.engine(t).Container(t.Context(), anID)
	if _, found := container.EndpointOn("1"); err != nil || !found {
		t.Errorf("endpoints %+v, want one on network 1: %v", container.Endpoints, err)
	}
}

// Scenario 59: the labels of ours come along into an image that is made of one of our
// containers, and with it into containers that are not ours.
func TestInheritedLabelsMakeNoIdentity(t *testing.T) {
	t.Parallel()
	for role, isOurs := range map[model.Role]map[string]bool{
		model.RoleBase:    {"default_acme_dmz": true, "container:" + anID: false},
		model.RoleService: {"default_acme_dmz": false, "container:" + anID: true},
	} {
		for _, mode := range []string{"", "default", "bridge", "host", "none"} {
			isOurs[mode] = false
		}
		for mode, want := range isOurs {
			s := serve(t, "1.41", answers{"GET /containers/json": {200, fmt.Sprintf(
				`[{"Id":"1","Names":["/x"],"State":"created","Labels":{"deckyard.dev/role":%q,"deckyard.dev/instance":"ours"},"HostConfig":{"NetworkMode":%q}}]`, role, mode)}})
			containers, err := s.engine(t).Containers(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if have := containers[0].Identity.Owner.Instance == "ours" && containers[0].Identity.Role == role; have != want {
				t.Errorf("%s in mode %q: identity %+v", role, mode, containers[0].Identity)
			}
		}
	}
}

func TestForeignObjectsAreReadAsTheyAre(t *testing.T) {
	t.Parallel()
	s := serve(t, "1.41", answers{
		"GET /networks": {200, `[
			{"Id":"1","Name":"old","Driver":"bridge","IPAM":{"Config":[{"Subnet":"172.30.0.0/16","Gateway":"172.30.0.1/16"}]}},
			{"Id":"2","Name":"dual","IPAM":{"Config":[{"Subnet":"fd00::/64","Gateway":"fd00::1"},{"Subnet":"10.9.0.5/24"}]},
			 "Options":{"com.docker.network.driver.mtu":"jumbo"}},
			{"Id":"3","Name":"host","IPAM":{"Config":null}}]`},
		"GET /containers/json": {200, `[{"Id":"1","Names":["/x"],"State":"running","Labels":{"deckyard.dev/owner-uid":"forged"},
			"Ports":[{"IP":"::","PrivatePort":80,"PublicPort":8080,"Type":"tcp"},{"IP":"0.0.0.0","PrivatePort":80,"PublicPort":8080,"Type":"tcp"},
				{"PrivatePort":443,"Type":"tcp"}],
			"HostConfig":{"NetworkMode":"bridge"},
			"NetworkSettings":{"Networks":{"bridge":{"NetworkID":"9","EndpointID":"8","Gateway":"172.17.0.1","IPAddress":"172.17.0.2","MacAddress":"02:42:AC:11:00:02"},
				"gone":{"IPAMConfig":{"IPv4Address":"10.0.0.9"}},"none":null}}}]`},
	})
	dockerEngine := s.engine(t)
	networks, err := dockerEngine.Networks(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantNetworks := []model.Network{
		{ID: "2", Name: "dual", Subnets: []netip.Prefix{netip.MustParsePrefix("10.9.0.0/24")}, Masquerade: true},
		{ID: "3", Name: "host", Masquerade: true},
		{
			ID: "1", Name: "old", Driver: "bridge", Subnets: []netip.Prefix{netip.MustParsePrefix("172.30.0.0/16")},
			Gateway: netip.MustParseAddr("172.30.0.1"), Masquerade: true,
		},
	}
	if diff := cmp.Diff(wantNetworks, networks, compareNetip()); diff != "" {
		t.Errorf("networks (-want +got):\n%s", diff)
	}
	containers, err := dockerEngine.Containers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantContainers := []model.Container{{
		ID: "1", Name: "x", State: model.StateRunning, HomeNetwork: "bridge",
		// What a failed connection left behind is no interface.
		Endpoints: []model.Endpoint{{
			NetworkID: "9", NetworkName: "bridge", Address: netip.MustParseAddr("172.17.0.2"), MAC: "02:42:ac:11:00:02",
		}},
		HostPorts: []model.PublishedPort{
			{HostIP: netip.IPv4Unspecified(), HostPort: 8080, Port: model.Port{Number: 80, Protocol: model.TCP}},
		},
	}}
	if diff := cmp.Diff(wantContainers, containers, compareNetip()); diff != "" {
		t.Errorf("containers (-want +got):\n%s", diff)
	}
}

// Engines show the setting of a connection that failed halfway like an interface.
// Only networks that show no gateway are asked, each once.
func TestEndpointsThatNeverJoinedAreNotSeen(t *testing.T) {
	t.Parallel()
	const settings = `{"Networks":{
		"dmz":{"NetworkID":"1","EndpointID":"a","Gateway":"10.0.1.1","IPAddress":"10.0.1.9"},
		"office":{"NetworkID":"2","EndpointID":"b","IPAddress":"10.0.2.9"},
		"lab":{"NetworkID":"3","EndpointID":"c","IPAddress":"10.0.3.9"},
		"gone":{"NetworkID":"4","EndpointID":"d","IPAddress":"10.0.4.9"},
		"host":{"NetworkID":"5","EndpointID":"e"}}}`
	said := answers{
		"GET /containers/json": {200, `[{"Id":"` + anID + `","State":"running","NetworkSettings":` + settings + `},
			{"Id":"2","State":"running","NetworkSettings":` + settings + `},{"Id":"3","State":"exited","NetworkSettings":` + settings + `}]`},
		"GET /containers/" + anID + "/json": {200, `{"Id":"` + anID + `","State":{"Status":"running"},"Config":{},"HostConfig":{},
			"NetworkSettings":` + settings + `}`},
		"GET /networks/2": {200, `{"Id":"2","Containers":{"` + anID + `":{}}}`},
		"GET /networks/3": {200, `{"Id":"3","Containers":{}}`},
		"GET /networks/4": {404, `{"message":"network 4 not found"}`},
	}
	namesOf := func(container model.Container) []string {
		var names []string
		for _, endpoint := range container.Endpoints {
			names = append(names, endpoint.NetworkName)
		}
		return names
	}
	s := serve(t, "1.44", said)
	containers, err := s.engine(t).Containers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	have := map[string][]string{}
	for _, container := range containers {
		have[container.ID] = namesOf(container)
	}
	want := map[string][]string{anID: {"dmz", "host", "office"}, "2": {"dmz", "host"}, "3": {"dmz", "gone", "host", "lab", "office"}}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("endpoints in the list (-want +got):\n%s", diff)
	}
	if sent := s.sent(); len(sent) != 4 {
		t.Errorf("requests %q, want the list and three networks", sent)
	}

	container, err := s.engine(t).Container(t.Context(), anID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"dmz", "host", "office"}, namesOf(container)); diff != "" {
		t.Errorf("endpoints in the inspection (-want +got):\n%s", diff)
	}
}

// What never became an interface does not count as connected.
func TestConnectionThatFailedHalfwayIsMadeAgain(t *testing.T) {
	t.Parallel()
	s := serve(t, "1.41", answers{
		"GET /containers/" + anID + "/json": {200, `{"Id":"` + anID + `","State":{"Status":"running"},"Config":{},"HostConfig":{},
			"NetworkSettings":{"Networks":{"office":{"NetworkID":"2","EndpointID":"b","IPAddress":"10.0.2.9"}}}}`},
		"GET /networks/2":          {200, `{"Id":"2","Containers":{}}`},
		"POST /networks/2/connect": {200, ``},
	})
	endpoint := model.EndpointSpec{NetworkID: "2", NetworkName: "office", Address: netip.MustParseAddr("10.0.2.9")}
	if err := s.engine(t).Connect(t.Context(), anID, endpoint); err != nil {
		t.Fatal(err)
	}
	s.body(t, "POST /networks/2/connect")
}
