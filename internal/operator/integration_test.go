// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package operator

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/config/crd"
	"github.com/deckyard/deckyard/internal/controlplane/controlplanetest"
	"github.com/deckyard/deckyard/internal/engine/fake"
	"github.com/deckyard/deckyard/internal/status"
)

const (
	// patience is shorter than the time after which a waiting object is looked at
	// again in any case: what comes true in time was woken.
	patience = 30 * time.Second
	poll     = 20 * time.Millisecond
)

// shared is the connection to the control plane of all tests.
var shared *rest.Config

func TestMain(m *testing.M) {
	ctrl.SetLogger(logr.Discard())
	config, stop, err := controlplanetest.StartForMain(crd.Files)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	shared = config
	code := m.Run()
	if err := stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// world is a running operator on an engine in memory, and a namespace.
type world struct {
	t         *testing.T
	kube      client.Client
	engine    *fake.Engine
	hand      fake.Hand
	node      string
	namespace string
	// config and to are what the operator is connected to.
	config *rest.Config
	to     ports
	// change makes the operator's options other than usual.
	change []func(*Options)
	// stop ends the operator.
	stop func()
}

// newWorld starts an operator, which runs until the test ends.
func newWorld(t *testing.T, change ...func(*Options)) *world {
	t.Helper()
	w := newStillWorld(t, shared, fake.New(), change...)
	w.to = ports{w.engine, w.engine}
	w.start()
	t.Cleanup(func() { w.stop() })
	w.enterNamespace()
	return w
}

// newStillWorld returns a world in which no operator runs yet.
func newStillWorld(t *testing.T, config *rest.Config, engine *fake.Engine, change ...func(*Options)) *world {
	t.Helper()
	scheme, err := Scheme()
	if err != nil {
		t.Fatal(err)
	}
	kube, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, kube: kube, engine: engine, node: strings.ToLower(t.Name()), config: config, change: change}
	w.hand = w.engine.ByHand(t)
	return w
}

// start starts an operator.
func (w *world) start() {
	w.t.Helper()
	options := Options{NodeName: w.node, Logger: logr.Discard(), MetricsAddress: "0", ProbeAddress: "0"}
	for _, apply := range w.change {
		apply(&options)
	}
	operatorManager, err := newManager(w.config, options)
	if err != nil {
		w.t.Fatal(err)
	}
	instance, err := readInstance(w.t.Context(), operatorManager.GetAPIReader())
	if err != nil {
		w.t.Fatal(err)
	}
	if err := assemble(w.t.Context(), operatorManager, w.to, instance, options); err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- operatorManager.Start(ctx) }()
	w.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Errorf("the operator ended with %v", err)
		}
	}
}

// in returns the same operator with a namespace of its own, for a part of a test.
func (w *world) in(t *testing.T) *world {
	t.Helper()
	part := *w
	part.t, part.hand = t, w.engine.ByHand(t)
	part.enterNamespace()
	return &part
}

// enterNamespace makes a namespace, which is torn down before the operator stops.
func (w *world) enterNamespace() {
	w.t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "integration-"}}
	if err := w.kube.Create(w.t.Context(), namespace); err != nil {
		w.t.Fatal(err)
	}
	w.namespace = namespace.Name
	w.t.Cleanup(w.tearDown)
}

// tearDown deletes what is left in the namespace, so that it does not keep the
// engine's subnets and ports from others.
func (w *world) tearDown() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, kind := range []client.Object{&v1alpha1.Topology{}, &v1alpha1.Decky{}, &v1alpha1.LAN{}} {
		if err := w.kube.DeleteAllOf(ctx, kind, client.InNamespace(w.namespace)); err != nil {
			w.t.Error(err)
		}
	}
	w.eventuallyIn(ctx, "all to go", func() error {
		var lans v1alpha1.LANList
		var deckies v1alpha1.DeckyList
		err := errors.Join(w.kube.List(ctx, &lans, client.InNamespace(w.namespace)), w.kube.List(ctx, &deckies, client.InNamespace(w.namespace)))
		if err == nil && len(lans.Items)+len(deckies.Items) > 0 {
			err = fmt.Errorf("%d LANs and %d deckies are left", len(lans.Items), len(deckies.Items))
		}
		return err
	})
}

func (w *world) eventually(what string, check func() error) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	w.eventuallyIn(ctx, what, check)
}

func (w *world) eventuallyIn(ctx context.Context, what string, check func() error) {
	w.t.Helper()
	if err := controlplanetest.Eventually(ctx, poll, check); err != nil {
		w.t.Fatalf("waited for %s: %v", what, err)
	}
}

// reporter is any of the three kinds.
type reporter interface {
	client.Object
	Progress() v1alpha1.Progress
}

func (w *world) create(objects ...client.Object) {
	w.t.Helper()
	for _, object := range objects {
		object.SetNamespace(w.namespace)
		if err := w.kube.Create(w.t.Context(), object); err != nil {
			w.t.Fatalf("create %s: %v", object.GetName(), err)
		}
	}
}

// edit changes an object, repeating on a conflict with the operator's writes.
func edit[T client.Object](w *world, object T, change func(T)) {
	w.t.Helper()
	w.eventually("an edit to be taken", func() error {
		if err := w.kube.Get(w.t.Context(), client.ObjectKeyFromObject(object), object); err != nil {
			return err
		}
		change(object)
		return w.kube.Update(w.t.Context(), object)
	})
}

func (w *world) remove(objects ...client.Object) {
	w.t.Helper()
	for _, object := range objects {
		if err := w.kube.Delete(w.t.Context(), object); err != nil {
			w.t.Fatal(err)
		}
	}
}

// waitFor waits until objects are not Ready for a reason or, with Succeeded, Ready.
func (w *world) waitFor(reason v1alpha1.Reason, objects ...reporter) {
	w.t.Helper()
	for _, object := range objects {
		w.eventually(fmt.Sprintf("%s to be %s", object.GetName(), reason), func() error {
			if err := w.kube.Get(w.t.Context(), client.ObjectKeyFromObject(object), object); err != nil {
				return err
			}
			conditions := *object.Progress().Conditions
			have, message := status.Because(conditions, v1alpha1.ConditionReady)
			if have != reason || reason == v1alpha1.ReasonSucceeded && !status.IsReady(conditions, object.GetGeneration()) {
				return fmt.Errorf("it is %s: %s", have, message)
			}
			return nil
		})
	}
}

// waitGone waits until objects do not exist any more.
func (w *world) waitGone(objects ...reporter) {
	w.t.Helper()
	for _, object := range objects {
		w.eventually(object.GetName()+" to go", func() error {
			err := w.kube.Get(w.t.Context(), client.ObjectKeyFromObject(object), object)
			if apierrors.IsNotFound(err) {
				return nil
			}
			_, message := status.Because(*object.Progress().Conditions, v1alpha1.ConditionReady)
			return errors.Join(err, fmt.Errorf("it exists: %s", message))
		})
	}
}

// topology returns a Topology for the operator's node, with a pool of its own.
func (w *world) topology(name, pool string) *v1alpha1.Topology {
	return &v1alpha1.Topology{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       v1alpha1.TopologySpec{NodeName: w.node, AddressPools: []string{pool}},
	}
}

func lan(topology, name string, change ...func(*v1alpha1.LAN)) *v1alpha1.LAN {
	created := &v1alpha1.LAN{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       v1alpha1.LANSpec{TopologyRef: v1alpha1.TopologyReference{Name: topology}},
	}
	for _, apply := range change {
		apply(created)
	}
	return created
}

func dmz(lan *v1alpha1.LAN) { lan.Spec.DMZ = true }

func subnet(prefix string) func(*v1alpha1.LAN) {
	return func(lan *v1alpha1.LAN) { lan.Spec.Subnet = prefix }
}

func decky(topology, name, home string, change ...func(*v1alpha1.Decky)) *v1alpha1.Decky {
	created := &v1alpha1.Decky{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: v1alpha1.DeckySpec{
			TopologyRef: v1alpha1.TopologyReference{Name: topology}, Home: v1alpha1.Attachment{LAN: home},
			Services: []v1alpha1.Service{{Name: "ssh"}},
		},
	}
	for _, apply := range change {
		apply(created)
	}
	return created
}

func publish(hostPort int32) func(*v1alpha1.Decky) {
	return func(decky *v1alpha1.Decky) {
		decky.Spec.Publish = &v1alpha1.Publish{Ports: []v1alpha1.PublishedPort{{ContainerPort: 22, HostPort: hostPort}}}
	}
}

func address(text string) func(*v1alpha1.Decky) {
	return func(decky *v1alpha1.Decky) { decky.Spec.Home.Address = text }
}

func visiting(lan string) func(*v1alpha1.Decky) {
	return func(decky *v1alpha1.Decky) { decky.Spec.Attachments = []v1alpha1.Attachment{{LAN: lan}} }
}

func image(reference string) func(*v1alpha1.Decky) {
	return func(decky *v1alpha1.Decky) {
		decky.Spec.Services = append(decky.Spec.Services, v1alpha1.Service{Name: "erp", Image: reference})
	}
}

func prefix(text string) netip.Prefix { return netip.MustParsePrefix(text) }
