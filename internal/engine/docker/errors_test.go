// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package docker_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/engine/docker"
	"github.com/deckyard/deckyard/internal/model"
)

const anID = "8f2c0d6b9a1e4c7d8f2c0d6b9a1e4c7d8f2c0d6b9a1e4c7d8f2c0d6b9a1e4c7d"

// The texts are the engine's own, as engine 20.10 says them, or the one that is named.
func TestErrorsOfTheEngineHaveTheirKind(t *testing.T) {
	t.Parallel()
	createNetwork := func(t *testing.T, e *docker.Engine) error {
		t.Helper()
		_, err := e.CreateNetwork(t.Context(), model.NetworkSpec{Name: "lan"})
		return err
	}
	start := func(t *testing.T, e *docker.Engine) error {
		t.Helper()
		return e.StartContainer(t.Context(), anID)
	}
	createContainer := func(t *testing.T, e *docker.Engine) error {
		t.Helper()
		_, err := e.CreateContainer(t.Context(), model.ContainerSpec{Name: "web01", Image: "nginx"}, anID)
		return err
	}
	connect := func(t *testing.T, e *docker.Engine) error {
		t.Helper()
		return e.Connect(t.Context(), anID, model.EndpointSpec{
			NetworkID: anID, NetworkName: "lan", Address: netip.MustParseAddr("10.0.0.2"),
		})
	}
	removeNetwork := func(t *testing.T, e *docker.Engine) error {
		t.Helper()
		return e.RemoveNetwork(t.Context(), anID)
	}
	removeImage := func(t *testing.T, e *docker.Engine) error {
		t.Helper()
		return e.RemoveImage(t.Context(), "nginx")
	}
	pull := func(t *testing.T, e *docker.Engine) error {
		t.Helper()
		return e.PullImage(t.Context(), "nginx")
	}
	for name, tc := range map[string]struct {
		attempt func(*testing.T, *docker.Engine) error
		status  int
		message string
		want    error
	}{
		"network name": {createNetwork, 409, "network with name lan already exists", engine.ErrExists},
		"subnet":       {createNetwork, 403, "Pool overlaps with other one on this address space", engine.ErrConflict},
		"subnet, engine 25": {
			createNetwork, 403, "invalid pool request: Pool overlaps with other one on this address space", engine.ErrConflict,
		},
		"subnet of another bridge": {
			createNetwork, 403, "cannot create network 1f (br-1f): conflicts with network 2e (br-2e): networks have overlapping IPv4",
			engine.ErrConflict,
		},
		"bad subnet": {createNetwork, 400, "invalid network config: invalid subnet", engine.ErrInvalid},
		"fault of the engine": {
			createNetwork, 500, "Failed to Setup IP tables: Unable to enable SKIP DNAT rule", nil,
		},
		"endpoints": {
			removeNetwork, 403, "error while removing network: network lan id 8f has active endpoints", engine.ErrInUse,
		},
		"predefined network": {removeNetwork, 403, "bridge is a pre-defined network and cannot be removed", engine.ErrDenied},
		"address at start":   {start, 500, "Address already in use", engine.ErrConflict},
		"port of a container": {
			start, 500, "driver failed programming external connectivity on endpoint web01 (8f): " +
				"Bind for 0.0.0.0:8080 failed: port is already allocated", engine.ErrConflict,
		},
		"port of a process": {
			start, 500, "driver failed programming external connectivity on endpoint web01 (8f): " +
				"Error starting userland proxy: listen tcp4 0.0.0.0:8080: bind: address already in use", engine.ErrConflict,
		},
		"port of a process, engine 28": {
			start, 500, "failed to set up container networking: driver failed programming external connectivity on endpoint web01 (8f): " +
				"failed to bind host port for 0.0.0.0:8080:172.18.0.2:80/tcp: address already in use", engine.ErrConflict,
		},
		"base does not run": {
			start, 409, "cannot join network of a non running container: 8f", engine.ErrConflict,
		},
		"network is gone": {start, 404, "network 8f not found", engine.ErrNotFound},
		"program is missing": {
			start, 400, `failed to create shim: OCI runtime create failed: exec: "x": executable file not found`, engine.ErrInvalid,
		},
		"container name": {
			createContainer, 409, `Conflict. The container name "/web01" is already in use by container "8f".`, engine.ErrExists,
		},
		"image is missing": {createContainer, 404, "No such image: nginx:latest", engine.ErrNotFound},
		"bad container":    {createContainer, 400, "invalid environment variable", engine.ErrInvalid},
		"connected meanwhile": {
			connect, 403, "endpoint with name web01 already exists in network lan", engine.ErrConflict,
		},
		"connected meanwhile, engine 28": {connect, 409, "web01 is already attached to network lan", engine.ErrConflict},
		"address at connect":             {connect, 403, "Address already in use", engine.ErrConflict},
		"route to the subnet": {
			connect, 500, "failed to add interface veth1f to sandbox: error setting interface \"veth1f\" IP to 10.0.0.2/24: " +
				"cannot program address 10.0.0.2/24 in sandbox interface because it conflicts with existing route {Ifindex: 5 Dst: 10.0.0.0/24 Src: <nil> Gw: 10.1.0.7 Flags: [] Table: 254}",
			engine.ErrConflict,
		},
		"address outside": {
			connect, 500, "Invalid address 10.9.0.2: It does not belong to any of this network's subnets", engine.ErrInvalid,
		},
		"address outside, engine 25": {
			connect, 400, "invalid endpoint settings:\nno configured subnet or ip-range contain the IP address 10.9.0.2", engine.ErrInvalid,
		},
		"image in use": {
			removeImage, 409, "conflict: unable to remove repository reference \"nginx\" (must force) - container 8f is using its referenced image 2e",
			engine.ErrInUse,
		},
		"no such image": {
			pull, 404, "manifest for nginx:latest not found: manifest unknown: manifest unknown", engine.ErrNotFound,
		},
		"no such image, Debian's engine":      {pull, 500, "manifest unknown", engine.ErrNotFound},
		"no such repository, Debian's engine": {pull, 500, "name unknown", engine.ErrNotFound},
		"registry is out of reach": {
			pull, 500, `Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io: no such host`, nil,
		},
		"registry wants a login":  {pull, 401, "unauthorized: authentication required", engine.ErrDenied},
		"engine is shutting down": {pull, 503, "shutting down", engine.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refuse := func(w http.ResponseWriter, r *http.Request, operation string) {
				w.Header().Set("Content-Type", "application/json")
				if operation == "GET /containers/"+anID+"/json" {
					_, _ = w.Write([]byte(inspection("running")))
					return
				}
				w.WriteHeader(tc.status)
				_ = json.NewEncoder(w).Encode(map[string]string{"message": tc.message})
			}
			err := tc.attempt(t, serveWith(t, "1.41", refuse).engine(t))
			if err == nil {
				t.Fatal("no error")
			}
			for _, kind := range kinds() {
				if errors.Is(err, kind) != (kind == tc.want) { //nolint:errorlint // want is one of the kinds themselves
					t.Errorf("error %q: is %q = %t", err, kind, errors.Is(err, kind))
				}
			}
			if !strings.Contains(err.Error(), tc.message) || strings.Contains(err.Error(), "Error response from daemon") {
				t.Errorf("error %q should hold the engine's words %q alone", err, tc.message)
			}
		})
	}
}

func kinds() []error {
	return []error{
		engine.ErrUnavailable, engine.ErrNotFound, engine.ErrExists, engine.ErrConflict,
		engine.ErrInUse, engine.ErrInvalid, engine.ErrDenied,
	}
}

// inspection returns the engine's answer for a container on no network.
func inspection(state string) string {
	encoded, err := json.Marshal(map[string]any{
		"Id": anID, "Name": "/web01", "Image": "sha256:1",
		"State":           map[string]any{"Status": state, "Running": true, "Paused": state == "paused"},
		"Config":          map[string]any{"Image": "nginx"},
		"HostConfig":      map[string]any{"NetworkMode": "home"},
		"NetworkSettings": map[string]any{"Networks": map[string]any{}},
	})
	if err != nil {
		panic(err)
	}
	return string(encoded)
}

func TestAbsenceOfWhatShouldGoIsSuccess(t *testing.T) {
	t.Parallel()
	for name, attempt := range map[string]func(*testing.T, *docker.Engine) error{
		"network":   func(t *testing.T, e *docker.Engine) error { return e.RemoveNetwork(t.Context(), anID) },
		"container": func(t *testing.T, e *docker.Engine) error { return e.RemoveContainer(t.Context(), anID) },
		"stop":      func(t *testing.T, e *docker.Engine) error { return e.StopContainer(t.Context(), anID, 0) },
		"image":     func(t *testing.T, e *docker.Engine) error { return e.RemoveImage(t.Context(), "nginx") },
		"endpoint":  func(t *testing.T, e *docker.Engine) error { return e.Disconnect(t.Context(), anID, anID) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			nothing := func(w http.ResponseWriter, _ *http.Request, _ string) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(http.StatusNotFound)
				_, _ = w.Write([]byte(`{"message":"No such thing"}`))
			}
			if err := attempt(t, serveWith(t, "1.41", nothing).engine(t)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestRemovalUnderWayIsSuccess(t *testing.T) {
	t.Parallel()
	s := serve(t, "1.41", answers{
		"DELETE /containers/" + anID: {409, `{"message":"removal of container web01 is already in progress"}`},
	})
	if err := s.engine(t).RemoveContainer(t.Context(), anID); err != nil {
		t.Error(err)
	}
}

func TestFailureInTheMidstOfAPullIsAnError(t *testing.T) {
	t.Parallel()
	for name, progress := range map[string]string{
		"told":   `{"status":"Pulling"}` + "\n" + `{"errorDetail":{"message":"toomanyrequests"},"error":"toomanyrequests"}`,
		"broken": `{"status":"Pulling"}` + "\n" + `{"status":"Dow`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dockerEngine := serve(t, "1.41", answers{
				"POST /images/create": {200, progress}, "POST /images/load": {200, progress},
			}).engine(t)
			if err := dockerEngine.PullImage(t.Context(), "nginx"); err == nil {
				t.Error("pull: no error")
			}
			if err := dockerEngine.LoadImage(t.Context(), strings.NewReader("")); err == nil {
				t.Error("load: no error")
			}
		})
	}
}

func TestWhatIsNoIDOrReferenceIsNeverSent(t *testing.T) {
	t.Parallel()
	s := serve(t, "1.41", nil)
	dockerEngine := s.engine(t)
	for _, id := range []string{"", ".", "..", "../networks/x", "x/json", "x?force=1", "x y", "é"} {
		for operation, err := range map[string]error{
			"remove network":    dockerEngine.RemoveNetwork(t.Context(), id),
			"remove container":  dockerEngine.RemoveContainer(t.Context(), id),
			"start container":   dockerEngine.StartContainer(t.Context(), id),
			"stop container":    dockerEngine.StopContainer(t.Context(), id, 0),
			"restart container": dockerEngine.RestartContainer(t.Context(), id, 0),
			"disconnect":        dockerEngine.Disconnect(t.Context(), id, anID),
			"disconnect from":   dockerEngine.Disconnect(t.Context(), anID, id),
			"connect":           dockerEngine.Connect(t.Context(), id, model.EndpointSpec{NetworkID: anID}),
			"connect to":        dockerEngine.Connect(t.Context(), anID, model.EndpointSpec{NetworkID: id}),
			"remove image":      dockerEngine.RemoveImage(t.Context(), "../containers/"+id),
			"pull image":        dockerEngine.PullImage(t.Context(), "../containers/"+id),
		} {
			if !errors.Is(err, engine.ErrInvalid) {
				t.Errorf("%s %q: %v", operation, id, err)
			}
		}
	}
	if sent := s.sent(); len(sent) > 0 {
		t.Errorf("sent %q", sent)
	}
}
