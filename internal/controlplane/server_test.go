// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controlplane_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/deckyard/deckyard/internal/controlplane"
	"github.com/deckyard/deckyard/internal/controlplane/controlplanetest"
)

// patience is far above what a loaded machine needs.
const patience = time.Minute

var widgetResource = schema.GroupVersionResource{Group: "test.deckyard.dev", Version: "v1", Resource: "widgets"}

// widgets is a definition as small as one can be.
const widgets = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: widgets.test.deckyard.dev
spec:
  group: test.deckyard.dev
  scope: Namespaced
  names: {plural: widgets, singular: widget, kind: Widget, listKind: WidgetList}
  versions:
    - name: v1
      served: true
      storage: true
      subresources: {status: {}}
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              properties:
                size: {type: integer, default: 3}
              x-kubernetes-validations:
                - rule: self.size < 10
                  message: size must be below 10
            status:
              type: object
              x-kubernetes-preserve-unknown-fields: true
`

func widgetFiles() fstest.MapFS {
	return fstest.MapFS{"bases/widgets.yaml": &fstest.MapFile{Data: []byte(widgets)}}
}

// shared is the control plane of all tests that do not restart theirs.
var shared *rest.Config

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	config, stop, err := controlplanetest.StartForMain(widgetFiles())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	shared = config
	code := m.Run()
	if err := stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

func TestDefinitionsDefaultAndValidate(t *testing.T) {
	t.Parallel()
	widgets := widgetsIn(t, shared, newNamespace(t, shared))
	created, err := widgets.Create(t.Context(), newWidget("small", nil), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if size, _, _ := unstructured.NestedInt64(created.Object, "spec", "size"); size != 3 {
		t.Errorf("size: got %d, want the default 3", size)
	}
	_, err = widgets.Create(t.Context(), newWidget("big", map[string]any{"size": int64(10)}), metav1.CreateOptions{})
	if !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), "size must be below 10") {
		t.Errorf("got %v, want the rule's message", err)
	}
}

func TestDeletedNamespaceGoesWithItsObjects(t *testing.T) {
	t.Parallel()
	namespace := newNamespace(t, shared)
	widgets := widgetsIn(t, shared, namespace)
	if _, err := widgets.Create(t.Context(), newWidget("one", nil), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	namespaces := clientset(t, shared).CoreV1().Namespaces()
	if err := namespaces.Delete(t.Context(), namespace, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the namespace to be gone", func(ctx context.Context) bool {
		_, err := namespaces.Get(ctx, namespace, metav1.GetOptions{})
		return apierrors.IsNotFound(err)
	})
}

func TestDependantsGoWithTheirOwner(t *testing.T) {
	t.Parallel()
	widgets := widgetsIn(t, shared, newNamespace(t, shared))
	owner, err := widgets.Create(t.Context(), newWidget("owner", nil), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	dependant := newWidget("dependant", nil)
	dependant.SetOwnerReferences([]metav1.OwnerReference{{
		APIVersion: owner.GetAPIVersion(), Kind: owner.GetKind(), Name: owner.GetName(), UID: owner.GetUID(),
	}})
	if _, err := widgets.Create(t.Context(), dependant, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := widgets.Delete(t.Context(), owner.GetName(), metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the dependant to be gone", func(ctx context.Context) bool {
		_, err := widgets.Get(ctx, dependant.GetName(), metav1.GetOptions{})
		return apierrors.IsNotFound(err)
	})
}

func TestAnonymousRequestsAreRefused(t *testing.T) {
	t.Parallel()
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots(t, shared), MinVersion: tls.VersionTLS12}}
	defer transport.CloseIdleConnections()
	for _, path := range []string{"/", "/readyz", "/version", "/api/v1/namespaces", "/openid/v1/jwks"} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, shared.Host+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := transport.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusUnauthorized {
			t.Errorf("GET %s: got %s, want 401", path, response.Status)
		}
	}
}

func TestServiceAccountsMayDoWhatRolesSay(t *testing.T) {
	t.Parallel()
	namespace := newNamespace(t, shared)
	admin := clientset(t, shared)
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "reader"}}
	if _, err := admin.CoreV1().ServiceAccounts(namespace).Create(t.Context(), account, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	request, err := admin.CoreV1().ServiceAccounts(namespace).CreateToken(t.Context(), account.Name, &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	config := rest.AnonymousClientConfig(shared)
	config.BearerToken = request.Status.Token
	secrets := clientset(t, config).CoreV1().Secrets(namespace)
	// The server reads accounts from a copy, which follows within moments.
	waitFor(t, "the account to be known", func(ctx context.Context) bool {
		_, err := secrets.List(ctx, metav1.ListOptions{})
		if !apierrors.IsUnauthorized(err) && !apierrors.IsForbidden(err) {
			t.Fatalf("without a role: got %v, want forbidden", err)
		}
		return apierrors.IsForbidden(err)
	})
	binding := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "reader"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "edit"},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: namespace, Name: account.Name}},
	}
	if _, err := admin.RbacV1().RoleBindings(namespace).Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the role to count", func(ctx context.Context) bool {
		_, err := secrets.List(ctx, metav1.ListOptions{})
		return err == nil
	})
}

func TestRestartKeepsObjectsAndCredentials(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "data")
	first := newPlane(t, path, nil)
	first.start(t)
	created, err := widgetsIn(t, first.server.RESTConfig(), "default").Create(t.Context(), newWidget("kept", nil), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	kubeconfig := withoutServer(t, controlplane.KubeconfigPath(path))
	first.stop(t)
	assertFileModes(t, path)

	second := newPlane(t, path, nil)
	second.start(t)
	defer second.stop(t)
	kept, err := widgetsIn(t, second.server.RESTConfig(), "default").Get(t.Context(), "kept", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if kept.GetUID() != created.GetUID() {
		t.Errorf("uid: got %s, want %s", kept.GetUID(), created.GetUID())
	}
	if got := withoutServer(t, controlplane.KubeconfigPath(path)); !bytes.Equal(got, kubeconfig) {
		t.Error("the restart changed the credentials in the kubeconfig")
	}
}

// renewalAge is past the time at which certificates are renewed: they are good for a
// year, and renewed two months before their end.
const renewalAge = 310 * 24 * time.Hour

// startInThePast starts a plane whose certificates are due for renewal by the real
// clock, which the other side of each connection reads, and by its own after a step of
// renewalAge.
func startInThePast(t *testing.T) (*plane, *clocktesting.FakeClock) {
	t.Helper()
	clock := clocktesting.NewFakeClock(time.Now().Add(-renewalAge))
	started := newPlane(t, filepath.Join(t.TempDir(), "data"), clock)
	started.start(t)
	return started, clock
}

func TestCertificatesAreRenewedWhileServing(t *testing.T) {
	t.Parallel()
	plane, clock := startInThePast(t)
	defer plane.stop(t)
	before := withoutServer(t, plane.directory.Kubeconfig())
	waitFor(t, "the renewal to be scheduled", func(context.Context) bool { return clock.HasWaiters() })
	clock.Step(renewalAge)
	waitFor(t, "the kubeconfig to be renewed", func(context.Context) bool {
		return !bytes.Equal(before, withoutServer(t, plane.directory.Kubeconfig()))
	})
	if _, err := clientset(t, plane.server.RESTConfig()).CoreV1().Namespaces().List(t.Context(), metav1.ListOptions{}); err != nil {
		t.Errorf("list with the renewed certificate: %v", err)
	}
}

// Nothing but the kubeconfig cannot be written at the moment of the renewal. It is
// written as soon as it can be, though the certificates are good for another year.
func TestKubeconfigIsMadeUpForAfterARenewal(t *testing.T) {
	t.Parallel()
	plane, clock := startInThePast(t)
	defer plane.stop(t)
	path, certificate := plane.directory.Kubeconfig(), plane.directory.File("pki", "admin.crt")
	before := readFile(t, certificate)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	// A folder cannot be replaced by a file.
	if err := os.MkdirAll(filepath.Join(path, "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the renewal to be scheduled", func(context.Context) bool { return clock.HasWaiters() })
	clock.Step(renewalAge)
	waitFor(t, "the certificate to be renewed", func(context.Context) bool { return readFile(t, certificate) != before })
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the kubeconfig to be written", func(context.Context) bool {
		clock.Step(time.Minute)
		_, err := os.Stat(path)
		return err == nil
	})
	if err := controlplane.CheckKubeconfig(path, clock.Now()); err != nil {
		t.Error(err)
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestStopWhileStarting(t *testing.T) {
	t.Parallel()
	plane := newPlane(t, filepath.Join(t.TempDir(), "data"), nil)
	ctx, cancel := context.WithCancel(t.Context())
	go plane.run(ctx)
	waitFor(t, "etcd to start", func(context.Context) bool {
		_, err := os.Stat(plane.directory.File("etcd", "member", "snap", "db"))
		return err == nil
	})
	cancel()
	if err := <-plane.ended; err != nil {
		t.Errorf("got %v, want a clean stop", err)
	}
}

func TestRefusedDefinitionEndsTheRun(t *testing.T) {
	t.Parallel()
	broken := strings.Replace(widgets, "rule: self.size < 10", "rule: self.nothing < 10", 1)
	directory, err := controlplane.OpenDataDirectory(filepath.Join(t.TempDir(), "data"))
	if err != nil {
		t.Fatal(err)
	}
	defer directory.Close() //nolint:errcheck // a test's
	options, err := controlplane.Options{
		DataDirectory: directory,
		Listener:      newListener(t),
		CRDs:          fstest.MapFS{"widgets.yaml": {Data: []byte(broken)}},
	}.Complete()
	if err != nil {
		t.Fatal(err)
	}
	server, err := options.New()
	if err != nil {
		t.Fatal(err)
	}
	err = server.Run(t.Context())
	want := `apply custom resource definition "widgets.test.deckyard.dev"`
	if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "undefined field 'nothing'") {
		t.Errorf("got %v, want it to contain %q and the cause", err, want)
	}
	select {
	case <-server.Ready():
		t.Error("it says that it is ready")
	default:
	}
}

func TestOptionsThatAreMissing(t *testing.T) {
	t.Parallel()
	options, err := controlplane.Options{}.Complete()
	if err != nil {
		t.Fatal(err)
	}
	_, err = options.New()
	want := "validate control plane options: no data directory\nno listener"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %q", err, want)
	}
}

// plane is a control plane that a test starts and stops itself.
type plane struct {
	directory *controlplane.DataDirectory
	server    *controlplane.Server
	cancel    context.CancelFunc
	ended     chan error
}

func newPlane(t *testing.T, path string, clock *clocktesting.FakeClock) *plane {
	t.Helper()
	directory, err := controlplane.OpenDataDirectory(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = directory.Close() })
	options := controlplane.Options{DataDirectory: directory, Listener: newListener(t), CRDs: widgetFiles()}
	if clock != nil {
		options.Clock = clock
	}
	completed, err := options.Complete()
	if err != nil {
		t.Fatal(err)
	}
	server, err := completed.New()
	if err != nil {
		t.Fatal(err)
	}
	return &plane{directory: directory, server: server, ended: make(chan error, 1)}
}

func (p *plane) run(ctx context.Context) { p.ended <- p.server.Run(ctx) }

func (p *plane) start(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	p.cancel = cancel
	go p.run(ctx)
	select {
	case <-p.server.Ready():
	case err := <-p.ended:
		t.Fatal(err)
	}
}

func (p *plane) stop(t *testing.T) {
	t.Helper()
	p.cancel()
	if err := <-p.ended; err != nil {
		t.Error(err)
	}
	if err := p.directory.Close(); err != nil {
		t.Error(err)
	}
}

func newListener(t *testing.T) net.Listener {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener
}

func newNamespace(t *testing.T, config *rest.Config) string {
	t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}}
	created, err := clientset(t, config).CoreV1().Namespaces().Create(t.Context(), namespace, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return created.Name
}

func newWidget(name string, spec map[string]any) *unstructured.Unstructured {
	if spec == nil {
		spec = map[string]any{}
	}
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": widgetResource.GroupVersion().String(),
		"kind":       "Widget",
		"metadata":   map[string]any{"name": name},
		"spec":       spec,
	}}
}

func widgetsIn(t *testing.T, config *rest.Config, namespace string) dynamic.ResourceInterface {
	t.Helper()
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client.Resource(widgetResource).Namespace(namespace)
}

func clientset(t *testing.T, config *rest.Config) *kubernetes.Clientset {
	t.Helper()
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func roots(t *testing.T, config *rest.Config) *x509.CertPool {
	t.Helper()
	authority, err := os.ReadFile(config.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	return pool
}

// withoutServer drops the line that names the port.
func withoutServer(t *testing.T, kubeconfig string) []byte {
	t.Helper()
	content, err := os.ReadFile(kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	var kept [][]byte
	for line := range bytes.Lines(content) {
		if !bytes.Contains(line, []byte("server:")) {
			kept = append(kept, line)
		}
	}
	return bytes.Join(kept, nil)
}

// assertFileModes allows nobody else anything in a data directory.
func assertFileModes(t *testing.T, path string) {
	t.Helper()
	err := filepath.WalkDir(path, func(file string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			assertMode(t, file, 0o700)
		} else {
			assertMode(t, file, 0o600)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func waitFor(t *testing.T, what string, condition func(ctx context.Context) bool) {
	t.Helper()
	err := wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
		return condition(ctx), nil
	})
	if err != nil {
		t.Fatalf("wait for %s: %v", what, err)
	}
}
