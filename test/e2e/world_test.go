//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/controlplane/controlplanetest"
	"github.com/deckyard/deckyard/internal/model"
)

// patience is how long a test waits for the operator; poll is how often it looks.
const (
	patience = 60 * time.Second
	poll     = 50 * time.Millisecond
)

// world is one test's view: a namespace, the API, and the engine seen directly.
type world struct {
	*suite
	t         *testing.T
	namespace string
}

// newWorld gives the test a namespace, which is torn down with all it caused at
// the test's end.
func newWorld(t *testing.T) *world {
	t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "e2e-"}}
	if err := shared.kube.Create(t.Context(), namespace); err != nil {
		t.Fatal(err)
	}
	w := &world{suite: shared, t: t, namespace: namespace.Name}
	t.Cleanup(func() { w.tearDown(namespace) })
	return w
}

// tearDown deletes what the test created and checks that nothing of it stays on
// the engine. The namespace itself goes later, by itself: its controller takes
// ten seconds, which only the test of that spends.
func (w *world) tearDown(namespace *corev1.Namespace) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, kind := range []client.Object{&v1alpha1.Topology{}, &v1alpha1.Decky{}, &v1alpha1.LAN{}} {
		if err := w.kube.DeleteAllOf(ctx, kind, client.InNamespace(w.namespace)); err != nil {
			w.t.Error(err)
		}
	}
	w.eventuallyIn(ctx, "all objects to go", func() error {
		if left := w.describe(ctx); left != "" {
			return errors.New("objects are left")
		}
		return nil
	})
	if left := w.ownedNames(ctx); len(left) > 0 {
		w.t.Errorf("left on the engine: %v", left)
	}
	if left := w.filtersIn(ctx); len(left) > 0 {
		w.t.Errorf("left of the firewall: %v", left)
	}
	if err := w.kube.Delete(ctx, namespace); client.IgnoreNotFound(err) != nil {
		w.t.Error(err)
	}
}

// describe lists the objects of the namespace and why they are not ready.
func (w *world) describe(ctx context.Context) string {
	var out strings.Builder
	var topologies v1alpha1.TopologyList
	var lans v1alpha1.LANList
	var deckies v1alpha1.DeckyList
	for _, list := range []client.ObjectList{&topologies, &lans, &deckies} {
		if err := w.kube.List(ctx, list, client.InNamespace(w.namespace)); err != nil {
			return err.Error()
		}
	}
	line := func(kind, name string, conditions []metav1.Condition) {
		fmt.Fprintf(&out, "\n  %s %s", kind, name)
		for _, condition := range conditions {
			fmt.Fprintf(&out, "\n  %s %s %s=%s %s: %s", kind, name, condition.Type, condition.Status, condition.Reason, condition.Message)
		}
	}
	for _, topology := range topologies.Items {
		line("Topology", topology.Name, topology.Status.Conditions)
	}
	for _, lan := range lans.Items {
		line("LAN", lan.Name, lan.Status.Conditions)
	}
	for _, decky := range deckies.Items {
		line("Decky", decky.Name, decky.Status.Conditions)
	}
	return out.String()
}

// eventually waits until check returns nil.
func (w *world) eventually(what string, check func() error) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	w.eventuallyIn(ctx, what, check)
}

func (w *world) eventuallyIn(ctx context.Context, what string, check func() error) {
	w.t.Helper()
	if err := controlplanetest.Eventually(ctx, poll, check); err != nil {
		w.t.Fatalf("waited for %s: %v%s", what, err, w.describe(context.WithoutCancel(ctx)))
	}
}

// create creates objects in the test's namespace.
func (w *world) create(objects ...client.Object) {
	w.t.Helper()
	for _, object := range objects {
		object.SetNamespace(w.namespace)
		if err := w.kube.Create(w.t.Context(), object); err != nil {
			w.t.Fatalf("create %T %s: %v", object, object.GetName(), err)
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

// suspend has the operator change nothing of a topology until resume.
func (w *world) suspend(topology *v1alpha1.Topology) {
	w.t.Helper()
	edit(w, topology, func(topology *v1alpha1.Topology) { topology.Spec.Suspend = true })
}

func (w *world) resume(topology *v1alpha1.Topology) {
	w.t.Helper()
	edit(w, topology, func(topology *v1alpha1.Topology) { topology.Spec.Suspend = false })
}

// remove deletes an object and waits until it is gone.
func (w *world) remove(object client.Object) {
	w.t.Helper()
	if err := w.kube.Delete(w.t.Context(), object); err != nil {
		w.t.Fatal(err)
	}
	w.eventually(object.GetName()+" to go", func() error {
		err := w.kube.Get(w.t.Context(), client.ObjectKeyFromObject(object), object)
		if apierrors.IsNotFound(err) {
			return nil
		}
		return errors.Join(err, errors.New("it still exists"))
	})
}

// reporter is any of the three kinds.
type reporter interface {
	client.Object
	Progress() v1alpha1.Progress
}

// waitReady waits until the objects are Ready at their generation.
func (w *world) waitReady(objects ...reporter) {
	w.t.Helper()
	for _, object := range objects {
		w.waitCondition(object, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	}
}

// waitCondition waits until a condition of the object's generation has a status
// and a reason; it returns the message.
func (w *world) waitCondition(object reporter, conditionType string, want metav1.ConditionStatus, reason v1alpha1.Reason) string {
	w.t.Helper()
	message := ""
	w.eventually(fmt.Sprintf("%s %s=%s %s", object.GetName(), conditionType, want, reason), func() error {
		if err := w.kube.Get(w.t.Context(), client.ObjectKeyFromObject(object), object); err != nil {
			return err
		}
		condition := meta.FindStatusCondition(*object.Progress().Conditions, conditionType)
		if condition == nil {
			return errors.New("the condition is absent")
		}
		if condition.Status != want || condition.Reason != string(reason) || condition.ObservedGeneration != object.GetGeneration() {
			return fmt.Errorf("it is %s %s: %s", condition.Status, condition.Reason, condition.Message)
		}
		message = condition.Message
		return nil
	})
	return message
}

// has reports whether a condition is present and True.
func has(object reporter, conditionType string) bool {
	return meta.IsStatusConditionTrue(*object.Progress().Conditions, conditionType)
}

// containers returns the namespace's containers by name without the project.
func (w *world) containers() map[string]model.Container {
	w.t.Helper()
	listed, err := w.engine.Containers(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	found := map[string]model.Container{}
	for _, container := range listed {
		if container.Identity.Owner.Namespace != w.namespace {
			continue
		}
		inspected, err := w.engine.Container(w.t.Context(), container.ID)
		if err != nil {
			continue
		}
		found[w.short(container.Name)] = inspected
	}
	return found
}

// networks returns the namespace's networks by LAN name.
func (w *world) networks() map[string]model.Network {
	w.t.Helper()
	listed, err := w.engine.Networks(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	found := map[string]model.Network{}
	for _, network := range listed {
		if network.Identity.Owner.Namespace == w.namespace {
			found[network.Identity.Owner.Name] = network
		}
	}
	return found
}

// short strips the project from a Docker name: "ns_topo_web_ssh" is "web_ssh".
func (w *world) short(name string) string {
	parts := strings.SplitN(name, "_", 3)
	return parts[len(parts)-1]
}

// project returns the Compose project of a topology.
func (w *world) project(topology string) string { return w.namespace + "_" + topology }

// ownedNames lists what the namespace still has on the engine.
func (w *world) ownedNames(ctx context.Context) []string {
	var names []string
	containers, err := w.engine.Containers(ctx)
	if err != nil {
		w.t.Error(err)
	}
	for _, container := range containers {
		if container.Identity.Owner.Namespace == w.namespace {
			names = append(names, container.Name)
		}
	}
	networks, err := w.engine.Networks(ctx)
	if err != nil {
		w.t.Error(err)
	}
	for _, network := range networks {
		if network.Identity.Owner.Namespace == w.namespace {
			names = append(names, network.Name)
		}
	}
	slices.Sort(names)
	return names
}

// docker runs the Docker command line, as somebody by hand would.
func (w *world) docker(arguments ...string) string {
	w.t.Helper()
	output, err := exec.CommandContext(w.t.Context(), "docker", arguments...).CombinedOutput()
	if err != nil {
		w.t.Fatalf("docker %s: %v: %s", strings.Join(arguments, " "), err, output)
	}
	return strings.TrimSpace(string(output))
}

// dialFrom opens a TCP connection from within a container's network namespace.
func (w *world) dialFrom(container, address string, timeout time.Duration) (conn net.Conn, err error) {
	w.t.Helper()
	err = w.inNamespace(container, func() (err error) {
		conn, err = dialOnThisThread(address, timeout)
		return err
	})
	return conn, err
}

// dialOnThisThread connects without net.Dialer's further goroutines, which
// would run on other threads, in other namespaces.
func dialOnThisThread(address string, timeout time.Duration) (net.Conn, error) {
	target, err := net.ResolveTCPAddr("tcp4", address)
	if err != nil {
		return nil, err
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(fd), address)
	defer func() { _ = file.Close() }()
	limit := unix.NsecToTimeval(timeout.Nanoseconds())
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &limit); err != nil {
		return nil, err
	}
	if err := unix.Connect(fd, &unix.SockaddrInet4{Port: target.Port, Addr: [4]byte(target.IP.To4())}); err != nil {
		return nil, fmt.Errorf("connect %s: %w", address, err)
	}
	return net.FileConn(file)
}

// reaches fails the test unless a TCP connection from the container succeeds.
func (w *world) reaches(container, address string) {
	w.t.Helper()
	w.eventually(container+" to reach "+address, func() error {
		conn, err := w.dialFrom(container, address, 3*time.Second)
		if err != nil {
			return err
		}
		return conn.Close()
	})
}

func topology(name string) *v1alpha1.Topology {
	return &v1alpha1.Topology{ObjectMeta: metav1.ObjectMeta{Name: name}}
}

func lan(topology, name string) *v1alpha1.LAN {
	return &v1alpha1.LAN{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       v1alpha1.LANSpec{TopologyRef: v1alpha1.TopologyReference{Name: topology}},
	}
}

func dmz(topology, name string) *v1alpha1.LAN {
	created := lan(topology, name)
	created.Spec.DMZ = true
	return created
}

// decky returns a decky on its home LAN with catalogue services.
func decky(topology, name, home string, services ...string) *v1alpha1.Decky {
	created := &v1alpha1.Decky{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: v1alpha1.DeckySpec{
			TopologyRef: v1alpha1.TopologyReference{Name: topology},
			Home:        v1alpha1.Attachment{LAN: home},
		},
	}
	for _, service := range services {
		created.Spec.Services = append(created.Spec.Services, v1alpha1.Service{Name: service})
	}
	return created
}
