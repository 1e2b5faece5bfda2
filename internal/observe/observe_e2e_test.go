//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package observe_test

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net/netip"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/engine/contract"
	"github.com/deckyard/deckyard/internal/engine/docker"
	"github.com/deckyard/deckyard/internal/engine/host"
	"github.com/deckyard/deckyard/internal/model"
	"github.com/deckyard/deckyard/internal/observe"
)

// patience bounds the wait for the real engine.
const patience = 20 * time.Second

// A realFixture is an observer of the engine of this machine, with the network
// and the base of an observed decky on it.
type realFixture struct {
	*observe.Observer
	engine            *docker.Engine
	instance          string
	network, base     string
	networkID, baseID string
	home              model.EndpointSpec
	woken             chan wakeUp
}

func newRealFixture(t *testing.T, third byte) *realFixture {
	t.Helper()
	dockerEngine, err := docker.New(docker.DefaultHost)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dockerEngine.Close() })
	random := make([]byte, 4)
	if _, err := rand.Read(random); err != nil {
		t.Fatal(err)
	}
	f := &realFixture{
		Observer: observe.New(dockerEngine, dockerEngine, observe.Options{Host: host.New()}),
		engine:   dockerEngine,
		instance: "observe" + hex.EncodeToString(random),
		woken:    make(chan wakeUp, 1000),
	}
	f.network, f.base = f.instance+"_office", f.instance+"_web01"
	f.build(t, netip.AddrFrom4([4]byte{10, 214, third, 0}))
	for _, kind := range []model.OwnerKind{model.OwnerLAN, model.OwnerDecky} {
		if err := f.Source(kind).Start(t.Context(), channelQueue{kind: kind, namespace: f.instance, to: f.woken}); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- f.Start(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("start: %v", err)
		}
	})
	if _, err := f.Snapshot(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.wantWoken(t, "LAN office", "Decky web01")
	return f
}

// build puts image, network and base on the engine until the end of the test.
func (f *realFixture) build(t *testing.T, first netip.Addr) {
	t.Helper()
	ctx := t.Context()
	image := contract.LoadImage(t, f.engine, contract.BuildProgram(t))
	var err error
	f.networkID, err = f.engine.CreateNetwork(ctx, model.NetworkSpec{
		Name: f.network, Identity: f.identity(model.OwnerLAN, "office", model.RoleNetwork),
		Driver: "bridge", Subnet: netip.PrefixFrom(first, 24), Gateway: first.Next(), Internal: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	f.cleanUp(t, func(ctx context.Context) error { return f.engine.RemoveNetwork(ctx, f.networkID) })
	f.home = model.EndpointSpec{NetworkName: f.network, NetworkID: f.networkID, Address: first.Next().Next()}
	f.baseID, err = f.engine.CreateContainer(ctx, model.ContainerSpec{
		Name: f.base, Identity: f.identity(model.OwnerDecky, "web01", model.RoleBase), Image: image,
		Command: []string{"listen"}, Limits: model.Limits{Memory: 64 << 20, PIDs: 32},
		Home: f.home,
	}, "")
	if err != nil {
		t.Fatal(err)
	}
	f.cleanUp(t, func(ctx context.Context) error { return f.engine.RemoveContainer(ctx, f.baseID) })
	if err := f.engine.StartContainer(ctx, f.baseID); err != nil {
		t.Fatal(err)
	}
}

func (f *realFixture) cleanUp(t *testing.T, remove func(context.Context) error) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	t.Cleanup(func() {
		if err := remove(ctx); err != nil {
			t.Errorf("clean up: %v", err)
		}
	})
}

func (f *realFixture) identity(kind model.OwnerKind, name string, role model.Role) model.Identity {
	return model.Identity{
		Owner: model.Owner{
			Instance: f.instance, Kind: kind, Namespace: f.instance, Name: name, Topology: "acme", UID: "uid-" + name,
		},
		Role: role, SpecHash: "v1:0",
	}
}

// wantWoken waits until each of the keys was woken, and returns when the last was.
func (f *realFixture) wantWoken(t *testing.T, keys ...string) time.Time {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	var last time.Time
	for missing := slices.Clone(keys); len(missing) > 0; {
		select {
		case woken := <-f.woken:
			if i := slices.Index(missing, woken.key); i >= 0 {
				missing = slices.Delete(missing, i, i+1)
				last = woken.at
			}
		case <-deadline.C:
			t.Fatalf("not woken: %v", missing)
		}
	}
	return last
}

// settle waits until nobody is woken any more.
func (f *realFixture) settle() {
	for {
		select {
		case <-f.woken:
		case <-time.After(300 * time.Millisecond):
			return
		}
	}
}

// A channelQueue sends what is added to it, if it is of one namespace.
type channelQueue struct {
	workqueue.TypedRateLimitingInterface[reconcile.Request]
	kind      model.OwnerKind
	namespace string
	to        chan wakeUp
}

// A wakeUp is a key that was added to a queue.
type wakeUp struct {
	key string
	at  time.Time
}

// Add implements workqueue.TypedInterface.
func (q channelQueue) Add(request reconcile.Request) {
	if request.Namespace == q.namespace {
		q.to <- wakeUp{key: string(q.kind) + " " + request.Name, at: time.Now()}
	}
}

// AddAfter implements workqueue.TypedDelayingInterface: what comes later says so.
func (q channelQueue) AddAfter(request reconcile.Request, _ time.Duration) {
	q.Add(reconcile.Request{NamespacedName: types.NamespacedName{Namespace: request.Namespace, Name: request.Name + later}})
}

func TestRealEngineWakesWithin100Milliseconds(t *testing.T) {
	t.Parallel()
	f := newRealFixture(t, 1)
	events := f.record(t)
	var latencies []time.Duration
	for range 10 {
		f.settle()
		events.take()
		if err := f.engine.Disconnect(t.Context(), f.baseID, f.networkID); err != nil {
			t.Fatal(err)
		}
		woken := f.wantWoken(t, "Decky web01", "LAN office"+later)
		latencies = append(latencies, woken.Sub(events.take()[0].Time))
		if err := f.engine.Connect(t.Context(), f.baseID, f.home); err != nil {
			t.Fatal(err)
		}
		f.wantWoken(t, "Decky web01", "LAN office"+later)
	}
	slices.Sort(latencies)
	t.Logf("from the engine's event to the wake-up: %v", latencies)
	if median := latencies[len(latencies)/2]; median > 100*time.Millisecond {
		t.Errorf("median %v", median)
	}
}

// A network event of an endpoint names network and container, and nothing by
// which their owners could be told, so both are found in what is known.
func TestRealEngineTellsOfConnectionsByIDsAlone(t *testing.T) {
	t.Parallel()
	f := newRealFixture(t, 2)
	events := f.record(t)
	f.settle()
	if err := f.engine.Disconnect(t.Context(), f.baseID, f.networkID); err != nil {
		t.Fatal(err)
	}
	f.wantWoken(t, "Decky web01", "LAN office"+later)
	f.settle()
	told := events.take()
	for i := range told {
		told[i].Time = time.Time{}
	}
	// The engine may tell it twice.
	want := []engine.Event{{Type: engine.ObjectNetwork, ID: f.networkID, ContainerID: f.baseID}}
	if diff := cmp.Diff(want, slices.Compact(told)); diff != "" {
		t.Errorf("events of a disconnection (-want +have):\n%s", diff)
	}
	observed, err := f.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if base, ok := find(observed, f.baseID); !ok || len(base.Endpoints) != 0 {
		t.Errorf("base after the disconnection: %+v", base)
	}
}

// A recorder keeps the events of the fixture's objects.
type recorder struct {
	mu     sync.Mutex
	events []engine.Event
}

// take returns the events since the last call.
func (r *recorder) take() []engine.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	events := r.events
	r.events = nil
	return events
}

// record subscribes until the end of the test.
func (f *realFixture) record(t *testing.T) *recorder {
	t.Helper()
	r := &recorder{}
	ctx, cancel := context.WithCancel(t.Context())
	subscribed, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- f.engine.Subscribe(ctx, time.Time{}, func() { close(subscribed) }, func(event engine.Event) {
			if event.ID == f.networkID || event.ID == f.baseID || event.ContainerID == f.baseID {
				r.mu.Lock()
				defer r.mu.Unlock()
				r.events = append(r.events, event)
			}
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("subscription ended with %v", err)
		}
	})
	<-subscribed
	return r
}

func TestRealEngineShowsTheSameInListsAndInspections(t *testing.T) {
	t.Parallel()
	f := newRealFixture(t, 3)
	f.settle()
	for range 3 {
		if err := f.Relist(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Refresh(t.Context(), []string{f.baseID}, []string{f.networkID}); err != nil {
		t.Fatal(err)
	}
	select {
	case woken := <-f.woken:
		t.Errorf("%s was woken although nothing changed", woken.key)
	default:
	}
	listed, err := f.engine.Containers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	again, err := f.engine.Containers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	first, _ := find(model.Observed{Containers: listed}, f.baseID)
	second, _ := find(model.Observed{Containers: again}, f.baseID)
	if diff := cmp.Diff(first, second, comparing()); diff != "" {
		t.Errorf("two lists differ:\n%s", diff)
	}
}

func TestRealEngineOutOfReachIsUnavailable(t *testing.T) {
	t.Parallel()
	nobody, err := docker.New("unix://" + filepath.Join(t.TempDir(), "docker.sock"))
	if err != nil {
		t.Fatal(err)
	}
	observer := observe.New(nobody, nobody, observe.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- observer.Start(ctx) }()
	g := gomega.NewWithT(t)
	g.Eventually(func() error {
		_, err := observer.Snapshot(ctx)
		return err
	}, patience).Should(gomega.MatchError(engine.ErrUnavailable))
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("start: %v", err)
	}
}

func find(observed model.Observed, id string) (model.Container, bool) {
	for _, container := range observed.Containers {
		if container.ID == id {
			return container, true
		}
	}
	return model.Container{}, false
}
