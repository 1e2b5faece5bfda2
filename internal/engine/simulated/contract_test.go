// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package simulated_test

import (
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"k8s.io/utils/clock"

	"github.com/deckyard/deckyard/internal/engine/contract"
	"github.com/deckyard/deckyard/internal/engine/docker"
	"github.com/deckyard/deckyard/internal/engine/fake"
	"github.com/deckyard/deckyard/internal/engine/simulated"
	"github.com/deckyard/deckyard/internal/model"
)

func TestContractOnSimulatedEngine(t *testing.T) {
	t.Parallel()
	for name, options := range map[string][]fake.Option{
		"API 1.41": nil,
		"API 1.44": {fake.WithEndpointMAC()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inner := fake.New(append(options, fake.WithPrograms(contractProgram), fake.WithImages(contract.InMemoryImage), fake.WithClock(time.Now))...)
			dockerEngine, _ := serve(t, inner, simulated.Measured().Scaled(0.01))
			subject := contract.InMemory(t, func(t *testing.T) contract.Hand { return inner.ByHand(t) })
			subject.Reader, subject.Networks, subject.Containers, subject.Changer = dockerEngine, dockerEngine, dockerEngine, dockerEngine
			subject.Images, subject.Events, subject.Prober = dockerEngine, dockerEngine, dockerEngine
			subject.HostProber, subject.Host, subject.Firewall = inner, inner, inner
			contract.Run(t, subject)
		})
	}
}

// serve serves an engine until the test ends, and returns the adapter to it.
func serve(t *testing.T, inner *fake.Engine, times simulated.Times) (*docker.Engine, *simulated.Engine) {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "docker.sock")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	outer := simulated.New(inner, times, clock.RealClock{})
	ended := make(chan error, 1)
	go func() { ended <- outer.Serve(t.Context(), listener) }()
	dockerEngine, err := docker.New("unix://" + socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = dockerEngine.Close()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return dockerEngine, outer
}

// Every operation that the adapter uses is served, and none besides.
func TestOperationsAreThoseOfTheAdapter(t *testing.T) {
	t.Parallel()
	var want []string
	for _, endpoint := range docker.Endpoints() {
		want = append(want, endpoint.Method+" "+endpoint.Path)
	}
	slices.Sort(want)
	have := simulated.New(fake.New(), simulated.Times{}, clock.RealClock{}).Operations()
	if !slices.Equal(have, want) {
		t.Errorf("operations %q, want %q", have, want)
	}
}

func TestCallsTakeTheirTimeAndAreCounted(t *testing.T) {
	t.Parallel()
	inner := fake.New(fake.WithImages("contract:1"))
	const each = 30 * time.Millisecond
	dockerEngine, outer := serve(t, inner, simulated.Times{Workers: 2, CreateContainer: each})
	begun := time.Now()
	ended := make(chan error)
	for number := range 4 {
		spec := model.ContainerSpec{Name: "c" + strconv.Itoa(number), Image: "contract:1", Home: model.EndpointSpec{NetworkName: "bridge"}}
		go func() {
			_, err := dockerEngine.CreateContainer(t.Context(), spec, "")
			ended <- err
		}()
	}
	for range 4 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	if took := time.Since(begun); took < 2*each {
		t.Errorf("4 creations by 2 workers took %s, want at least %s", took, 2*each)
	}
	if calls := outer.Calls()[http.MethodPost+" /containers/create"]; calls != 4 {
		t.Errorf("%d creations counted", calls)
	}
}

// contractProgram does what the suite's program does.
func contractProgram(spec model.ContainerSpec) fake.Process {
	var process fake.Process
	process.Exits, process.ExitCode, process.Ports = contract.Behaviour(spec.Command)
	return process
}
