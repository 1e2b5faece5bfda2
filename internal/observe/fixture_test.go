// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package observe_test

import (
	"context"
	"errors"
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
	"github.com/deckyard/deckyard/internal/engine/fake"
	"github.com/deckyard/deckyard/internal/model"
	"github.com/deckyard/deckyard/internal/observe"
)

const (
	relistInterval = 45 * time.Second
	staleAfter     = 3 * time.Minute
	// settle is longer than the longest batch window.
	settle = time.Second
)

// What is on the engine of a fixture, besides the engine's own networks.
const (
	image       = "deckyard/decoy:1"
	officeName  = "default_acme_office"
	baseName    = "default_acme_web01"
	sshName     = "default_acme_web01_ssh"
	foreignName = "registry"

	lanKey   = "LAN default/office"
	deckyKey = "Decky default/web01"
	// later follows the key of who is woken once for all that happens in a while.
	later = ", later"
)

// pass lets time go by and everybody act.
func pass(duration time.Duration) {
	<-time.NewTimer(duration).C
	synctest.Wait()
}

// A watchedEngine is a fake engine that can keep an answer back.
type watchedEngine struct {
	*fake.Engine
	mu sync.Mutex
	// held are the containers whose next inspection waits, by id, after the
	// engine has looked, until the channel is closed.
	held map[string]chan struct{}
	// sinces are the times from which events were asked for.
	sinces []time.Time
}

// Container implements engine.Reader.
func (e *watchedEngine) Container(ctx context.Context, id string) (model.Container, error) {
	container, err := e.Engine.Container(ctx, id)
	e.mu.Lock()
	held := e.held[id]
	delete(e.held, id)
	e.mu.Unlock()
	if held != nil {
		<-held
	}
	return container, err
}

// Subscribe implements engine.Events.
func (e *watchedEngine) Subscribe(ctx context.Context, since time.Time, subscribed func(), handle func(engine.Event)) error {
	e.mu.Lock()
	e.sinces = append(e.sinces, since)
	e.mu.Unlock()
	return e.Engine.Subscribe(ctx, since, subscribed, handle)
}

// hold keeps the next answer to an inspection back until release is called.
func (e *watchedEngine) hold(id string) (release func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	held := make(chan struct{})
	e.held[id] = held
	return func() { close(held) }
}

// failWith answers every question with an error, or with nil takes that back.
func (e *watchedEngine) failWith(err error) {
	e.Intercept(func(context.Context, fake.Operation, string) error { return err })
}

// beSilent keeps every answer back until the question's time is over.
func (e *watchedEngine) beSilent() {
	e.Intercept(func(ctx context.Context, operation fake.Operation, _ string) error {
		if operation == fake.OpSubscribe {
			return nil
		}
		<-ctx.Done()
		return ctx.Err()
	})
}

// damage makes a container one that cannot be inspected.
func (e *watchedEngine) damage(name string) {
	e.Intercept(func(_ context.Context, operation fake.Operation, target string) error {
		if operation == fake.OpContainer && target == name {
			return errors.New("layer is nil")
		}
		return nil
	})
}

func (e *watchedEngine) lists() int       { return e.Calls(fake.OpNetworks) }
func (e *watchedEngine) inspections() int { return e.Calls(fake.OpContainer) }

// A fixture is an observer of a fake engine, with queues that record.
type fixture struct {
	*observe.Observer
	engine *watchedEngine
	// hand acts on the engine behind everybody's back.
	hand  fake.Hand
	woken *wakeUps
}

// newFixture returns an observer that has not been started, of an engine with
// the network of the LAN office, and the decky web01 with a base on it and the
// service ssh; besides a foreign container.
func newFixture(t *testing.T) fixture {
	t.Helper()
	f := newEmptyFixture(t)
	f.addNetwork("office", "172.16.1.0/24")
	f.addDecky("web01", "172.16.1.2")
	f.hand.AddContainer(model.ContainerSpec{Name: foreignName, Image: "registry:2", Home: model.EndpointSpec{NetworkName: "bridge"}})
	return f
}

// newEmptyFixture returns an observer that has not been started, of an engine
// with nothing on it.
func newEmptyFixture(t *testing.T) fixture {
	t.Helper()
	watched := &watchedEngine{Engine: fake.New(fake.WithImages(image)), held: map[string]chan struct{}{}}
	f := fixture{
		Observer: observe.New(watched, watched, observe.Options{
			Host: watched, RelistInterval: relistInterval, StaleAfter: staleAfter,
		}),
		engine: watched,
		hand:   watched.ByHand(t),
		woken:  &wakeUps{},
	}
	for _, kind := range []model.OwnerKind{model.OwnerLAN, model.OwnerDecky} {
		if err := f.Source(kind).Start(t.Context(), recordingQueue{kind: kind, to: f.woken}); err != nil {
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
	pass(settle)
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

// addNetwork adds the network of a LAN.
func (f fixture) addNetwork(lan, subnet string) {
	prefix := netip.MustParsePrefix(subnet)
	f.hand.AddNetwork(model.NetworkSpec{
		Name: "default_acme_" + lan, Identity: identity(model.OwnerLAN, lan, model.RoleNetwork),
		Driver: "bridge", Subnet: prefix, Gateway: prefix.Addr().Next(), Internal: true,
	})
}

// addDecky adds a base in the office and a service of the same decky.
func (f fixture) addDecky(name, address string) {
	f.hand.AddContainer(model.ContainerSpec{
		Name: "default_acme_" + name, Identity: identity(model.OwnerDecky, name, model.RoleBase), Image: image,
		Home: model.EndpointSpec{NetworkName: officeName, Address: netip.MustParseAddr(address)},
	})
	f.addService(name, "ssh")
}

// addService adds a service. It is on the engine's own network, which does not
// matter here and saves it from the death of the base.
func (f fixture) addService(decky, service string) {
	f.hand.AddContainer(model.ContainerSpec{
		Name:     "default_acme_" + decky + "_" + service,
		Identity: identity(model.OwnerDecky, decky, model.RoleService), Image: image,
		Home: model.EndpointSpec{NetworkName: "bridge"},
	})
}

// idOf returns the id of a container or network of the engine.
func (f fixture) idOf(t *testing.T, name string) string {
	t.Helper()
	containers, err := f.engine.Containers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, container := range containers {
		if container.Name == name {
			return container.ID
		}
	}
	networks, err := f.engine.Networks(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, network := range networks {
		if network.Name == name {
			return network.ID
		}
	}
	t.Fatalf("nothing is called %q", name)
	return ""
}

// actual returns a container as the engine has it.
func (f fixture) actual(t *testing.T, name string) model.Container {
	t.Helper()
	container, err := f.engine.Engine.Container(t.Context(), f.idOf(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return container
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

// observed returns a container of the present snapshot.
func (f fixture) observed(t *testing.T, name string) (model.Container, bool) {
	t.Helper()
	for _, container := range f.snapshot(t).Containers {
		if container.Name == name {
			return container, true
		}
	}
	return model.Container{}, false
}

// mustObserve returns a container that the present snapshot must show.
func (f fixture) mustObserve(t *testing.T, name string) model.Container {
	t.Helper()
	container, ok := f.observed(t, name)
	if !ok {
		t.Fatalf("the snapshot does not show %s", name)
	}
	return container
}

// wantUpToDate checks that the present snapshot shows a container as it is.
func (f fixture) wantUpToDate(t *testing.T, name string) {
	t.Helper()
	want := f.actual(t, name)
	have, ok := f.observed(t, name)
	if !ok || have.State != want.State || have.StartedAt != want.StartedAt {
		t.Errorf("snapshot shows %s %s since %v, the engine has it %s since %v",
			name, have.State, have.StartedAt, want.State, want.StartedAt)
	}
}

// unnoticed does something of which no event tells.
func (f fixture) unnoticed(act func()) {
	f.engine.DropEvents(true)
	act()
	f.engine.DropEvents(false)
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

// AddAfter implements workqueue.TypedDelayingInterface: what comes later says so.
func (q recordingQueue) AddAfter(request reconcile.Request, _ time.Duration) {
	q.to.mu.Lock()
	defer q.to.mu.Unlock()
	q.to.keys = append(q.to.keys, string(q.kind)+" "+request.String()+later)
}

func identity(kind model.OwnerKind, name string, role model.Role) model.Identity {
	return model.Identity{
		Owner: model.Owner{
			Instance: "instance", Kind: kind, Namespace: "default", Name: name, Topology: "acme", UID: "uid-" + name,
		},
		Role: role,
	}
}

func nameOf(object string) types.NamespacedName {
	return types.NamespacedName{Namespace: "default", Name: object}
}

// foreignNetwork is a network that somebody else makes.
func foreignNetwork() model.NetworkSpec {
	return model.NetworkSpec{Name: "foreign", Driver: "bridge", Subnet: netip.MustParsePrefix("10.9.0.0/24")}
}

// ended returns a context that has ended.
func ended(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	return ctx
}
