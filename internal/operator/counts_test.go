// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package operator

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/config/crd"
	"github.com/deckyard/deckyard/internal/controlplane/controlplanetest"
	"github.com/deckyard/deckyard/internal/engine/docker"
	"github.com/deckyard/deckyard/internal/engine/fake"
	"github.com/deckyard/deckyard/internal/engine/simulated"
	"github.com/deckyard/deckyard/internal/model"
)

const (
	// deckiesPerLAN are on each LAN of a counted world.
	deckiesPerLAN = 5
	// countedChanges are made one after the other.
	countedChanges = 5
)

// What one change costs does not depend on how much there is that did not change, and
// what coming up costs is so much per object. Counts do not depend on how busy the
// machine is, so that these bounds hold anywhere.
func TestCountsDoNotGrowWithWhatDoesNotChange(t *testing.T) {
	t.Parallel()
	// One of its own: operators of other tests would write to its objects, too.
	config := controlplanetest.Start(t, crd.Files)
	for _, lans := range []int{2, 12} {
		t.Run(fmt.Sprintf("%d deckies", lans*deckiesPerLAN), func(t *testing.T) {
			w := newCountedWorld(t, config, fmt.Sprintf("counted-%d", lans))
			deckies := w.bringUp(lans)
			w.checkCold(lans, len(deckies))
			w.checkChanges(deckies)
		})
	}
}

// countedWorld is a world whose operator is connected to a simulated engine, and whose
// requests are counted on both sides.
type countedWorld struct {
	*world
	outer *simulated.Engine
	api   *requestCounter
}

func newCountedWorld(t *testing.T, config *rest.Config, node string) *countedWorld {
	t.Helper()
	inner := fake.New(fake.WithPrograms(listenOnSSH), fake.WithClock(time.Now))
	w := &countedWorld{
		world: newStillWorld(t, config, inner),
		outer: simulated.New(inner, simulated.Measured().Scaled(0.02), clock.RealClock{}), api: &requestCounter{counts: map[string]int{}},
	}
	w.node = node
	socket := filepath.Join(t.TempDir(), "docker.sock")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	// Longer than the test's own, for what is torn down after it.
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.outer.Serve(ctx, listener) }()
	dockerEngine, err := docker.New("unix://" + socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = dockerEngine.Close()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	w.to = ports{dockerEngine, inner}
	w.config = rest.CopyConfig(config)
	w.config.Wrap(w.api.wrap)
	return w
}

// listenOnSSH does what the program of the service ssh does.
func listenOnSSH(spec model.ContainerSpec) fake.Process {
	if len(spec.Command) == 0 || spec.Command[0] != "/usr/sbin/sshd" {
		return fake.Process{}
	}
	return fake.Process{Ports: []model.Port{{Number: 22, Protocol: model.TCP}}}
}

// bringUp brings a topology up, in which each LAN but the DMZ has a visitor there.
func (w *countedWorld) bringUp(lans int) []*v1alpha1.Decky {
	w.t.Helper()
	w.start()
	w.t.Cleanup(func() { w.stop() })
	w.enterNamespace()
	w.api.reset()
	topology := w.topology("acme", "172.16.0.0/12")
	w.create(topology)
	var deckies []*v1alpha1.Decky
	for number := range lans {
		home := fmt.Sprintf("lan-%d", number)
		w.create(lan("acme", home, func(lan *v1alpha1.LAN) { lan.Spec.DMZ = number == 0 }))
		for i := range deckiesPerLAN {
			member := decky("acme", fmt.Sprintf("srv-%d-%d", number, i), home)
			if i == 0 && number > 0 {
				visiting("lan-0")(member)
			}
			deckies = append(deckies, member)
			w.create(member)
		}
	}
	for _, member := range deckies {
		w.waitFor(v1alpha1.ReasonSucceeded, member)
	}
	w.waitFor(v1alpha1.ReasonSucceeded, topology)
	return deckies
}

// checkCold checks what coming up has cost.
func (w *countedWorld) checkCold(lans, deckies int) {
	w.t.Helper()
	requests := w.api.snapshot()
	for name, most := range map[string]int{
		// The label of the node, the address before it is used, and that it is ready.
		// A few are labelled twice, before the first is seen.
		"PATCH deckies": deckies + deckies/5, "PATCH deckies/status": 2*deckies + deckies/5,
		// The same, what is reached from there, and how many are attached once in a while.
		"PATCH lans": lans + 2, "PATCH lans/status": 6 * lans,
		"POST events": 1 + lans + deckies,
	} {
		if requests[name] > most {
			w.t.Errorf("%s %d times, want at most %d: %v", name, requests[name], most, requests)
		}
	}
	want := map[string]int{
		"POST /images/load": 1, "POST /networks/create": lans, "POST /networks/{id}/connect": lans - 1,
		"POST /containers/create": 2 * deckies, "POST /containers/{id}/start": 2 * deckies,
	}
	if diff := cmp.Diff(want, dockerWrites(w.outer.Calls())); diff != "" {
		w.t.Errorf("Docker writes (-want +have):\n%s", diff)
	}
	const readsPerDecky = 14
	if reads := dockerReads(w.outer.Calls()); reads > readsPerDecky*deckies {
		w.t.Errorf("%d Docker reads for %d deckies, want at most %d each: %v", reads, deckies, readsPerDecky, w.outer.Calls())
	}
}

// checkChanges checks what changes of one service cost.
func (w *countedWorld) checkChanges(deckies []*v1alpha1.Decky) {
	w.t.Helper()
	before := w.outer.Calls()
	for number := range countedChanges {
		edit(w.world, deckies[number], func(decky *v1alpha1.Decky) {
			decky.Spec.Services[0].Config = map[string]string{"banner": "OpenSSH_9.9"}
		})
		w.waitFor(v1alpha1.ReasonSucceeded, deckies[number])
	}
	calls := w.outer.Calls()
	for name, count := range before {
		calls[name] -= count
	}
	want := map[string]int{
		"DELETE /containers/{id}": countedChanges, "POST /containers/create": countedChanges, "POST /containers/{id}/start": countedChanges,
	}
	if diff := cmp.Diff(want, dockerWrites(calls)); diff != "" {
		w.t.Errorf("Docker writes for %d changes (-want +have):\n%s", countedChanges, diff)
	}
	// Events tell of what a pass has looked at already, or has not.
	const readsPerChange = 12
	if reads := dockerReads(calls); reads > readsPerChange*countedChanges {
		w.t.Errorf("%d Docker reads for %d changes, want at most %d each: %v", reads, countedChanges, readsPerChange, calls)
	}
	if lists := calls["GET /containers/json"]; lists > 0 {
		w.t.Errorf("%d lists of all containers for %d changes", lists, countedChanges)
	}
}

func isDockerRead(name string) bool {
	return strings.HasPrefix(name, http.MethodGet) || strings.HasPrefix(name, http.MethodHead)
}

func dockerReads(calls map[string]int) int {
	sum := 0
	for name, count := range calls {
		if isDockerRead(name) {
			sum += count
		}
	}
	return sum
}

func dockerWrites(calls map[string]int) map[string]int {
	writes := maps.Clone(calls)
	maps.DeleteFunc(writes, func(name string, count int) bool { return isDockerRead(name) || count == 0 })
	return writes
}

// requestCounter counts requests to the API server.
type requestCounter struct {
	mutex  sync.Mutex
	counts map[string]int
}

func (c *requestCounter) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(request *http.Request) (*http.Response, error) {
		name := request.Method + " others"
		for _, resource := range []string{"topologies", "lans", "deckies", "events"} {
			if strings.Contains(request.URL.Path, "/"+resource) {
				name = request.Method + " " + resource
			}
		}
		if strings.HasSuffix(request.URL.Path, "/status") {
			name += "/status"
		}
		c.mutex.Lock()
		c.counts[name]++
		c.mutex.Unlock()
		return next.RoundTrip(request)
	})
}

// roundTripper makes a http.RoundTripper of a function.
type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }

func (c *requestCounter) reset() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	clear(c.counts)
}

func (c *requestCounter) snapshot() map[string]int {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return maps.Clone(c.counts)
}
