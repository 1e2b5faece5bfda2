// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/controllers"
	"github.com/deckyard/deckyard/internal/apply"
	"github.com/deckyard/deckyard/internal/catalogue"
	enginefake "github.com/deckyard/deckyard/internal/engine/fake"
	"github.com/deckyard/deckyard/internal/model"
	"github.com/deckyard/deckyard/internal/observe"
	"github.com/deckyard/deckyard/internal/pass"
)

const (
	// namespace holds all objects of a lab, node is the one whose engine it has.
	namespace = "lab"
	node      = "node-1"
	instance  = "instance-1"
	// builtIn is the image that the operator carries.
	builtIn = "deckyard/decoy:test"
	// maxRounds is more than anything needs that ends at all.
	maxRounds = 40
)

// lab is an operator at a standstill: its passes run when a test says so, over
// an API server and an engine that are in memory.
type lab struct {
	t *testing.T
	// api is what the API server has, cache what the operator sees of it.
	api    client.WithWatch
	cache  *cache
	engine *enginefake.Engine
	hand   enginefake.Hand
	clock  *clocktesting.FakeClock
	events *recorder
	// metrics holds what the operator of now has counted.
	metrics *prometheus.Registry

	observer    *watchedObserver
	node        *controllers.Node
	puller      *apply.Puller
	reconcilers []kindReconciler
	created     int
	// elected is closed, unless a test says that another operator is elected.
	elected chan struct{}
}

// kindReconciler is the reconciler of a kind, in the order in which the lab
// runs them.
type kindReconciler struct {
	kind string
	reconcile.Reconciler
}

func newLab(t *testing.T, options ...enginefake.Option) *lab {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	builder := fake.NewClientBuilder().WithScheme(scheme).
		WithStatusSubresource(&v1alpha1.Topology{}, &v1alpha1.LAN{}, &v1alpha1.Decky{})
	if err := controllers.AddIndexes(t.Context(), indexer{builder}); err != nil {
		t.Fatal(err)
	}
	l := &lab{
		t: t, api: builder.Build(), engine: enginefake.New(options...), events: &recorder{},
		clock:   clocktesting.NewFakeClock(time.Date(2026, 1, 1, 1, 0, 0, 0, time.UTC)),
		elected: make(chan struct{}),
	}
	close(l.elected)
	l.cache = newCache(l.api)
	l.hand = l.engine.ByHand(t)
	l.restart()
	return l
}

// loadCatalogue loads the catalogue, which nothing changes, once for all tests.
var loadCatalogue = sync.OnceValues(func() (*catalogue.Catalogue, error) {
	return catalogue.Load(context.Background())
})

// restart makes a new operator, which remembers nothing of the one before.
func (l *lab) restart() {
	l.t.Helper()
	services, err := loadCatalogue()
	if err != nil {
		l.t.Fatal(err)
	}
	kube := l.cache.client()
	l.metrics = prometheus.NewRegistry()
	l.observer = &watchedObserver{
		Observer: observe.New(l.engine, l.engine, observe.Options{Clock: l.clock, Host: l.engine, Firewall: l.engine}),
		blocked:  map[string]bool{},
	}
	l.node = &controllers.Node{
		Name: node, Instance: instance, Kube: kube, Live: l.api,
		Passes:   &pass.Runner{Kube: kube, Recorder: l.events},
		Observer: l.observer, Host: l.engine, Prober: l.engine, HostProber: l.engine, Clock: l.clock, Metrics: controllers.NewMetrics(l.metrics),
		Executor: apply.New(l.engine, l.engine, apply.Options{}),
	}
	l.puller = apply.NewPuller(l.engine, l.clock)
	l.reconcilers = []kindReconciler{
		{"Topology", &controllers.EngineReporter{Node: l.node, Elected: l.elected}},
		{"Topology", &controllers.TopologyReconciler{Passes: l.node.Passes, Kube: kube, NodeName: node}},
		{"LAN", &controllers.LANReconciler{Node: l.node}},
		{"Decky", &controllers.DeckyReconciler{Node: l.node, Catalogue: services, Images: &controllers.ImageStore{
			Images: l.engine, Puller: l.puller,
			BuiltIn: controllers.BuiltInImage{Reference: builtIn, Archive: func() io.Reader { return archive(l.t, builtIn) }},
		}}},
	}
}

// in returns the same lab for a part of its test.
func (l *lab) in(t *testing.T) *lab {
	part := *l
	part.t = t
	return &part
}

// indexer gives a fake client the indexes that a manager's cache gets.
type indexer struct{ *fake.ClientBuilder }

// IndexField implements client.FieldIndexer.
func (i indexer) IndexField(_ context.Context, object client.Object, field string, extract client.IndexerFunc) error {
	i.WithIndex(object, field, extract)
	return nil
}

// archive returns an image as docker-load takes it.
func archive(t *testing.T, reference string) io.Reader {
	t.Helper()
	var buffer bytes.Buffer
	writer := tar.NewWriter(&buffer)
	for name, content := range map[string]string{
		"config.json":   "{}",
		"manifest.json": fmt.Sprintf(`[{"Config": "config.json", "RepoTags": [%q], "Layers": []}]`, reference),
	} {
		if err := writer.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(content))}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(writer, content); err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return &buffer
}

// create creates objects as the API server would: with what it adds to them.
func (l *lab) create(objects ...pass.Object) {
	l.t.Helper()
	for _, object := range objects {
		l.created++
		object.SetNamespace(namespace)
		object.SetUID(types.UID(fmt.Sprintf("uid-%d", l.created)))
		object.SetCreationTimestamp(creation(l.created))
		object.SetGeneration(1)
		if err := l.api.Create(l.t.Context(), object); err != nil {
			l.t.Fatalf("create %s: %v", object.GetName(), err)
		}
	}
}

// edit changes an object as a user does: not its status, and a change of its
// spec begins a new generation.
func edit[T pass.Object](l *lab, object T, change func(T)) {
	l.t.Helper()
	l.read(object)
	before := specOf(object)
	change(object)
	if before != specOf(object) {
		object.SetGeneration(object.GetGeneration() + 1)
	}
	if err := l.api.Update(l.t.Context(), object); err != nil {
		l.t.Fatalf("edit %s: %v", object.GetName(), err)
	}
}

// remove begins the deletion of objects.
func (l *lab) remove(objects ...pass.Object) {
	l.t.Helper()
	for _, object := range objects {
		if err := l.api.Delete(l.t.Context(), object); err != nil {
			l.t.Fatalf("delete %s: %v", object.GetName(), err)
		}
	}
}

// read updates objects to what the API server has.
func (l *lab) read(objects ...pass.Object) {
	l.t.Helper()
	for _, object := range objects {
		if err := l.api.Get(l.t.Context(), client.ObjectKeyFromObject(object), object); err != nil {
			l.t.Fatalf("get %s: %v", object.GetName(), err)
		}
	}
}

// exists reports whether the API server still has an object.
func (l *lab) exists(object pass.Object) bool {
	l.t.Helper()
	err := l.api.Get(l.t.Context(), client.ObjectKeyFromObject(object), object)
	if client.IgnoreNotFound(err) != nil {
		l.t.Fatal(err)
	}
	return err == nil
}

// objects lists what the API server has: topologies, LANs and deckies by name.
func (l *lab) objects() []pass.Object {
	l.t.Helper()
	var topologies v1alpha1.TopologyList
	var lans v1alpha1.LANList
	var deckies v1alpha1.DeckyList
	for _, list := range []client.ObjectList{&topologies, &lans, &deckies} {
		if err := l.api.List(l.t.Context(), list); err != nil {
			l.t.Fatal(err)
		}
	}
	var objects []pass.Object
	for i := range topologies.Items {
		objects = append(objects, &topologies.Items[i])
	}
	for i := range lans.Items {
		objects = append(objects, &lans.Items[i])
	}
	for i := range deckies.Items {
		objects = append(objects, &deckies.Items[i])
	}
	return objects
}

// kindOf names the kind of an object.
func kindOf(object pass.Object) string {
	switch object.(type) {
	case *v1alpha1.Topology:
		return "Topology"
	case *v1alpha1.LAN:
		return "LAN"
	default:
		return "Decky"
	}
}

// relist lets the observer see the engine as it is. An engine that does not
// answer is no mistake here: the passes have to cope.
func (l *lab) relist() {
	l.t.Helper()
	if err := l.observer.Relist(l.t.Context()); err == nil {
		l.node.Reassess(l.t.Context(), model.Observed{})
	}
}

// pass runs one pass of each controller of its kind over an object, on what the
// observer has seen last. The result is the last one's.
func (l *lab) pass(object pass.Object) (reconcile.Result, error) {
	l.t.Helper()
	return l.passIn(l.t.Context(), object)
}

func (l *lab) passIn(ctx context.Context, object pass.Object) (reconcile.Result, error) {
	l.t.Helper()
	request := requestFor(object)
	var result reconcile.Result
	for _, reconciler := range l.reconcilers {
		if reconciler.kind != kindOf(object) {
			continue
		}
		var err error
		if result, err = reconciler.Reconcile(ctx, request); err != nil {
			return result, err
		}
	}
	return result, nil
}

func requestFor(object pass.Object) reconcile.Request {
	return reconcile.Request{NamespacedName: client.ObjectKeyFromObject(object)}
}

// mustPass runs one pass that must not fail.
func (l *lab) mustPass(object pass.Object) reconcile.Result {
	l.t.Helper()
	result, err := l.pass(object)
	if err != nil {
		l.t.Fatalf("pass over %s: %v", object.GetName(), err)
	}
	return result
}

// round relists the engine and runs a pass over every object.
func (l *lab) round() error { return l.roundIn(l.t.Context()) }

func (l *lab) roundIn(ctx context.Context) error {
	l.t.Helper()
	l.relist()
	var failures []error
	for _, object := range l.objects() {
		_, err := l.passIn(ctx, object)
		failures = append(failures, err)
		if l.exists(object) {
			checkConditionRules(l.t, object)
		}
	}
	return errors.Join(failures...)
}

// converge runs rounds until one neither fails nor changes anything.
func (l *lab) converge() {
	l.t.Helper()
	for range maxRounds {
		before := l.written()
		if err := l.round(); err == nil && before == l.written() {
			return
		}
	}
	l.t.Fatalf("no end after %d rounds:%s", maxRounds, l.describe())
}

// written counts what the operator has asked of the engine and the API server.
func (l *lab) written() int {
	return len(l.engine.Writes()) + len(l.cache.writes())
}

// assertSteadyState checks that a round of a new operator writes neither to the
// engine nor to the API server, and sends no event.
func (l *lab) assertSteadyState() {
	l.t.Helper()
	l.restart()
	l.age()
	l.engine.ForgetWrites()
	l.events.take()
	before := len(l.cache.writes())
	if err := l.round(); err != nil {
		l.t.Errorf("a pass failed in the steady state: %v", err)
	}
	if writes := l.engine.Writes(); len(writes) > 0 {
		l.t.Errorf("written to the engine in the steady state: %q", writes)
	}
	if after := l.cache.writes(); len(after) > before {
		l.t.Errorf("written to the API server in the steady state: %q", after[before:])
	}
	if sent := l.events.take(); len(sent) > 0 {
		l.t.Errorf("events in the steady state: %q", sent)
	}
}

// age makes all conditions older: one that a pass takes away and sets again
// would be written with the present time.
func (l *lab) age() {
	l.t.Helper()
	for _, object := range l.objects() {
		conditions := *object.Progress().Conditions
		for i := range conditions {
			conditions[i].LastTransitionTime = creation(0)
		}
		if err := l.api.Status().Update(l.t.Context(), object); err != nil {
			l.t.Fatal(err)
		}
	}
}

// wantReady converges and checks that all objects are Ready and stay so.
func (l *lab) wantReady() {
	l.t.Helper()
	l.converge()
	for _, object := range l.objects() {
		if !isReady(object) {
			l.t.Fatalf("%s %s is not Ready:%s", kindOf(object), object.GetName(), l.describe())
		}
	}
	l.wantContained()
	l.assertSteadyState()
}

// filters returns the filter rules of our instance.
func (l *lab) filters() []model.Filter {
	l.t.Helper()
	filters, err := l.engine.Filters(l.t.Context())
	if err != nil {
		l.t.Fatal(err)
	}
	return filters
}

// wantContained checks that every network of ours has whole filter rules, and
// that there are no others.
func (l *lab) wantContained() {
	l.t.Helper()
	networks, err := l.engine.Networks(l.t.Context())
	if err != nil {
		l.t.Fatal(err)
	}
	var bridges, filtered []string
	for _, network := range networks {
		if network.Identity.Owner.Instance == instance {
			bridges = append(bridges, network.Bridge)
		}
	}
	for _, filter := range l.filters() {
		if filter.Intact {
			filtered = append(filtered, filter.Bridge)
		}
	}
	slices.Sort(bridges)
	if !slices.Equal(bridges, filtered) {
		l.t.Errorf("networks have the bridges %v, of which filtered are %v", bridges, filtered)
	}
}

// wantGone converges and checks that nothing of the lab is left anywhere.
func (l *lab) wantGone() {
	l.t.Helper()
	l.converge()
	if len(l.objects()) > 0 {
		l.t.Errorf("objects are left:%s", l.describe())
	}
	if left := l.docker(); len(left) > 0 {
		l.t.Errorf("left on the engine: %q", left)
	}
	if left := l.filters(); len(left) > 0 {
		l.t.Errorf("left of the firewall: %+v", left)
	}
}

// docker lists what of our instance is on the engine, sorted: networks with
// their subnets, containers with their states and addresses.
func (l *lab) docker() []string {
	l.t.Helper()
	found, err := l.listDocker()
	if err != nil {
		l.t.Fatal(err)
	}
	return found
}

func (l *lab) listDocker() ([]string, error) {
	networks, err := l.engine.Networks(l.t.Context())
	if err != nil {
		return nil, err
	}
	containers, err := l.engine.Containers(l.t.Context())
	if err != nil {
		return nil, err
	}
	found := []string{}
	for _, network := range networks {
		if network.Identity.Owner.Instance == instance {
			found = append(found, fmt.Sprintf("network %s %s", network.Name, network.Subnets[0]))
		}
	}
	for _, container := range containers {
		if container.Identity.Owner.Instance != instance {
			continue
		}
		words := []string{"container", container.Name, string(container.State)}
		for _, endpoint := range container.Endpoints {
			words = append(words, endpoint.NetworkName+"="+endpoint.Address.String())
		}
		found = append(found, strings.Join(words, " "))
	}
	slices.Sort(found)
	return found, nil
}

// ids returns the ids of all containers and networks by name, with the start
// times of containers: what tells whether one was touched.
func (l *lab) ids() map[string]string {
	l.t.Helper()
	ids := map[string]string{}
	networks, err := l.engine.Networks(l.t.Context())
	if err != nil {
		l.t.Fatal(err)
	}
	for _, network := range networks {
		ids[network.Name] = network.ID
	}
	containers, err := l.engine.Containers(l.t.Context())
	if err != nil {
		l.t.Fatal(err)
	}
	for _, container := range containers {
		inspected, err := l.engine.Container(l.t.Context(), container.ID)
		if err != nil {
			l.t.Fatal(err)
		}
		ids[container.Name] = fmt.Sprint(container.ID, inspected.StartedAt)
	}
	return ids
}

// wantUntouched checks that of the objects of an earlier ids, those but the
// excepted ones are the same still.
func (l *lab) wantUntouched(before map[string]string, except ...string) {
	l.t.Helper()
	after := l.ids()
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if !slices.Contains(except, name) && before[name] != after[name] {
			l.t.Errorf("%s was touched", name)
		}
	}
}

// wantWrites checks what was asked of the engine since the last ForgetWrites.
func (l *lab) wantWrites(want ...string) {
	l.t.Helper()
	if have := l.engine.Writes(); !slices.Equal(have, want) {
		l.t.Errorf("written to the engine: %q, want %q", have, want)
	}
}

// describe lists the objects with their conditions, and what is on the engine.
func (l *lab) describe() string {
	l.t.Helper()
	var text strings.Builder
	for _, object := range l.objects() {
		for _, condition := range *object.Progress().Conditions {
			fmt.Fprintf(&text, "\n  %s %s: %s=%s %s: %s", kindOf(object), object.GetName(),
				condition.Type, condition.Status, condition.Reason, condition.Message)
		}
	}
	found, err := l.listDocker()
	if err != nil {
		found = []string{err.Error()}
	}
	for _, line := range found {
		fmt.Fprintf(&text, "\n  %s", line)
	}
	return text.String()
}

// writes counts how often something was asked of the engine.
func (l *lab) writes(write string) int {
	l.t.Helper()
	count := 0
	for _, have := range l.engine.Writes() {
		if have == write {
			count++
		}
	}
	return count
}
