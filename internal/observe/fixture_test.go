// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package observe_test

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/model"
	"github.com/deckyard/deckyard/internal/observe"
)

const (
	relistInterval = 45 * time.Second
	staleAfter     = 3 * time.Minute
	// settle is longer than the longest batch window.
	settle = time.Second
)

// inBubble runs a test in time that passes only when everybody waits.
func inBubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, test)
}

// pass lets time go by and everybody act.
func pass(duration time.Duration) {
	<-time.NewTimer(duration).C
	synctest.Wait()
}

// A fixture is an observer of a scripted engine, with queues that record.
type fixture struct {
	*observe.Observer
	engine *scriptedEngine
	woken  *wakeUps
}

// newFixture returns an observer that has not been started, of an engine with
// the acme network: the network office, and the decky web01 with a base on it and
// the service ssh; besides a foreign container.
func newFixture(t *testing.T) fixture {
	t.Helper()
	scripted := newScriptedEngine()
	for _, network := range []model.Network{officeNetwork()} {
		scripted.networks[network.ID] = network
	}
	for _, container := range []model.Container{baseContainer(), serviceContainer(), foreignContainer()} {
		scripted.containers[container.ID] = container
	}
	return newFixtureOf(t, scripted)
}

func newFixtureOf(t *testing.T, scripted *scriptedEngine) fixture {
	t.Helper()
	f := fixture{
		Observer: observe.New(scripted, scripted, observe.Options{
			Host:           scriptedHost{of: scripted},
			RelistInterval: relistInterval,
			StaleAfter:     staleAfter,
		}),
		engine: scripted,
		woken:  &wakeUps{},
	}
	for _, kind := range []model.OwnerKind{model.OwnerLAN, model.OwnerDecky} {
		to := recordingQueue{kind: kind, to: f.woken}
		if err := f.Source(kind).Start(t.Context(), to); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

// newStartedFixture returns a fixture whose observer has listed, and woken
// everybody at first sight.
func newStartedFixture(t *testing.T) fixture {
	t.Helper()
	f := newFixture(t)
	f.start(t)
	f.woken.take()
	return f
}

// start starts the observer until the end of the test.
func (f fixture) start(t *testing.T) {
	t.Helper()
	go func() {
		if err := f.Start(t.Context()); err != nil {
			t.Errorf("start: %v", err)
		}
	}()
	synctest.Wait()
}

// snapshot returns the present snapshot.
func (f fixture) snapshot(t *testing.T) model.Observed {
	t.Helper()
	observed, err := f.Snapshot(t.Context())
	if err != nil {
		t.Fatalf("snapshot: %v", err)
	}
	return observed
}

// container returns a container of the present snapshot.
func (f fixture) container(t *testing.T, id string) (model.Container, bool) {
	t.Helper()
	for _, container := range f.snapshot(t).Containers {
		if container.ID == id {
			return container, true
		}
	}
	return model.Container{}, false
}

// edit changes a container of the engine without telling anybody.
func (f fixture) edit(id string, edit func(*model.Container)) {
	f.engine.change(func(e *scriptedEngine) {
		container := e.containers[id]
		edit(&container)
		e.containers[id] = container
	})
}

// wakeUps are the keys that were added to queues.
type wakeUps struct {
	mu   sync.Mutex
	keys []string
}

// take returns the keys that were woken since the last call, sorted, each once.
func (w *wakeUps) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	keys := w.keys
	w.keys = nil
	slices.Sort(keys)
	return slices.Compact(keys)
}

// A recordingQueue records what is added to it.
type recordingQueue struct {
	workqueue.TypedRateLimitingInterface[reconcile.Request]
	kind model.OwnerKind
	to   *wakeUps
}

// Add implements workqueue.TypedInterface.
func (q recordingQueue) Add(request reconcile.Request) {
	q.to.mu.Lock()
	defer q.to.mu.Unlock()
	q.to.keys = append(q.to.keys, string(q.kind)+" "+request.String())
}

const (
	lanKey   = "LAN default/office"
	deckyKey = "Decky default/web01"
)

func deckyName() types.NamespacedName {
	return types.NamespacedName{Namespace: "default", Name: "web01"}
}

func identity(kind model.OwnerKind, name string, role model.Role) model.Identity {
	return model.Identity{
		Owner: model.Owner{
			Instance: "instance", Kind: kind, Namespace: "default", Name: name, Topology: "acme", UID: "uid-" + name,
		},
		Role: role,
	}
}

func officeNetwork() model.Network {
	return model.Network{
		ID: "net-office", Name: "default_acme_office", Identity: identity(model.OwnerLAN, "office", model.RoleNetwork),
		Driver: "bridge", Subnets: []netip.Prefix{netip.MustParsePrefix("172.16.1.0/24")}, Internal: true,
	}
}

func officeEndpoint() model.Endpoint {
	return model.Endpoint{
		NetworkID: "net-office", NetworkName: "default_acme_office", Address: netip.MustParseAddr("172.16.1.2"),
	}
}

func baseContainer() model.Container {
	return model.Container{
		ID: "web01-base", Name: "default_acme_web01", Identity: identity(model.OwnerDecky, "web01", model.RoleBase),
		State: model.StateRunning, PID: 100, StartedAt: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		Endpoints: []model.Endpoint{officeEndpoint()},
	}
}

func serviceContainer() model.Container {
	return model.Container{
		ID: "web01-ssh", Name: "default_acme_web01_ssh", Identity: identity(model.OwnerDecky, "web01", model.RoleService),
		State: model.StateRunning, PID: 101, StartedAt: time.Date(2026, 1, 1, 0, 0, 1, 0, time.UTC),
		NamespaceOf: "web01-base",
	}
}

func foreignContainer() model.Container {
	return model.Container{ID: "foreign", Name: "registry", State: model.StateRunning, Image: "registry:2"}
}

func foreignNetwork() model.Network {
	return model.Network{ID: "net-foreign", Name: "bridge", Driver: "bridge"}
}

var _ engine.Reader = (*scriptedEngine)(nil)

// ended returns a context that has ended.
func ended(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	return ctx
}
