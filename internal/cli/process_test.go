// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package cli_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	"github.com/deckyard/deckyard/internal/controlplane"
)

func TestSignalStopsTheOperatorBeforeTheControlPlane(t *testing.T) {
	t.Parallel()
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			running := up(t, dataDirectory(t))
			if code := running.signal(t, signal); code != 0 {
				t.Errorf("exit code: got %d, want 0", code)
			}
			want := []string{"Serving the Kubernetes API", operatorStopping + " answered=true", "Stopping the control plane"}
			if diff := cmp.Diff(want, running.messages(t)); diff != "" {
				t.Errorf("log (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSecondProcessOnADataDirectoryIsRefused(t *testing.T) {
	t.Parallel()
	path := dataDirectory(t)
	running := up(t, path)
	for _, flags := range [][]string{nil, {"--detach"}} {
		got := run(t, append([]string{"up", "--data-dir", path, "--listen", "127.0.0.1:0"}, flags...)...)
		assertCode(t, got, 1)
		assertContains(t, got.errors,
			fmt.Sprintf("data directory %q is in use by process %d", path, running.command.Process.Pid),
			"stop it with 'deckyard down --data-dir "+path+"', or choose another --data-dir")
	}
	if code := running.signal(t, syscall.SIGTERM); code != 0 {
		t.Errorf("exit code of the first: got %d, want 0", code)
	}
}

// Every write that a client saw succeed must be there after the process was killed in
// the middle of writing, again and again.
func TestKilledProcessLosesNothingAcknowledged(t *testing.T) {
	t.Parallel()
	path := dataDirectory(t)
	acknowledged := &acknowledgements{created: map[string]bool{}, counters: map[string]int{}}
	for round := range 3 {
		running := up(t, path)
		acknowledged.assertKept(t, kubeClient(t, path))
		acknowledged.writeUntilKilled(t, kubeClient(t, path), round, running)
	}
	running := up(t, path)
	acknowledged.assertKept(t, kubeClient(t, path))
	running.signal(t, syscall.SIGTERM)
}

// acknowledgements are what the API server has confirmed.
type acknowledgements struct {
	mutex    sync.Mutex
	created  map[string]bool
	counters map[string]int
}

const (
	writers        = 4
	writesPerRound = 200
)

func (a *acknowledgements) writeUntilKilled(t *testing.T, client *kubernetes.Clientset, round int, running *foreground) {
	t.Helper()
	enough := make(chan struct{})
	var group sync.WaitGroup
	for writer := range writers {
		group.Go(func() { a.write(t.Context(), client, round, writer, enough) })
	}
	<-enough
	running.signal(t, syscall.SIGKILL)
	group.Wait()
}

// write creates an object and counts it in another, until the server is gone.
func (a *acknowledgements) write(ctx context.Context, client *kubernetes.Clientset, round, writer int, enough chan struct{}) {
	configMaps := client.CoreV1().ConfigMaps(metav1.NamespaceDefault)
	counter := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("counter-%d-%d", round, writer)}}
	if _, err := configMaps.Create(ctx, counter, metav1.CreateOptions{}); err != nil {
		return
	}
	for count := 1; ; count++ {
		object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("object-%d-%d-%d", round, writer, count)}}
		if _, err := configMaps.Create(ctx, object, metav1.CreateOptions{}); err != nil {
			return
		}
		a.confirm(func() { a.created[object.Name] = true }, round, enough)
		counter.Data = map[string]string{"count": strconv.Itoa(count)}
		if _, err := configMaps.Update(ctx, counter, metav1.UpdateOptions{}); err != nil {
			return
		}
		a.confirm(func() { a.counters[counter.Name] = count }, round, enough)
	}
}

func (a *acknowledgements) confirm(record func(), round int, enough chan struct{}) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	before := len(a.created)
	record()
	if before < len(a.created) && len(a.created) == (round+1)*writesPerRound {
		close(enough)
	}
}

func (a *acknowledgements) assertKept(t *testing.T, client *kubernetes.Clientset) {
	t.Helper()
	list, err := client.CoreV1().ConfigMaps(metav1.NamespaceDefault).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]int{}
	for _, configMap := range list.Items {
		// An object that only counts has no count.
		found[configMap.Name], _ = strconv.Atoi(configMap.Data["count"])
	}
	for name := range a.created {
		if _, ok := found[name]; !ok {
			t.Errorf("%s was acknowledged and is lost", name)
		}
	}
	for name, count := range a.counters {
		if found[name] < count {
			t.Errorf("%s: got count %d, and %d was acknowledged", name, found[name], count)
		}
	}
}

func TestDetachedInstance(t *testing.T) {
	t.Parallel()
	path := dataDirectory(t)
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	services := t.TempDir()
	writeFile(t, filepath.Join(services, "beacon.yaml"), beacon)
	started := run(t, "up", "--detach", "--data-dir", path, "--listen", "127.0.0.1:0", "--kubeconfig", kubeconfig, "--catalogue", services)
	assertCode(t, started, 0)
	holder, err := controlplane.Holder(path)
	if err != nil || holder == 0 {
		t.Fatalf("holder: got %d, %v, want the detached process", holder, err)
	}
	t.Cleanup(func() { _ = syscall.Kill(holder, syscall.SIGKILL) })
	assertContains(t, started.out, fmt.Sprintf("Deckyard is ready (process %d).", holder),
		"kubeconfig: "+kubeconfig, "log:        "+filepath.Join(path, "deckyard.log"),
		"deckyard --data-dir "+path+" kubectl get deckyard -A", "deckyard --data-dir "+path+" down")
	log := filepath.Join(path, "deckyard.log")
	for _, file := range []string{kubeconfig, log} {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("mode of %s: got %o, want 600", file, info.Mode().Perm())
		}
	}

	stopped := run(t, "down", "--data-dir", path)
	assertCode(t, stopped, 0)
	assertContains(t, stopped.out, fmt.Sprintf("Stopped process %d.", holder), "Deckies keep running")
	if holder, err := controlplane.Holder(path); err != nil || holder != 0 {
		t.Errorf("holder after down: got %d, %v, want none", holder, err)
	}
	content, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	assertContains(t, string(content), `"services":["beacon","ftp",`)
}

// beacon is a service of a catalogue directory.
const beacon = `
name: beacon
summary: A service of this test.
ports:
  - {port: 9999, protocol: tcp}
container:
  command: ["/usr/sbin/sshd"]
  user: "65532:65532"
  read_only: true
  cap_drop: [ALL]
  security_opt: ["no-new-privileges:true"]
  pids_limit: 20
  mem_limit: 32m
`

func TestDetachedInstanceThatDiesShowsItsLog(t *testing.T) {
	t.Parallel()
	path := dataDirectory(t)
	taken := listen(t)
	got := run(t, "up", "--detach", "--data-dir", path, "--listen", taken)
	assertCode(t, got, 1)
	assertContains(t, got.errors, "the detached process ended before it was ready (exit status 1)",
		"the end of its log "+filepath.Join(path, "deckyard.log"), "listen on "+taken+": the port is taken by another process")
}

// What is placed on the node goes on when the host gets another name, also from a
// backup on another host.
func TestNodeKeepsItsName(t *testing.T) {
	t.Parallel()
	path := dataDirectory(t)
	hostname, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	running := up(t, path)
	running.signal(t, syscall.SIGTERM)
	assertContains(t, running.log.String(), fmt.Sprintf(`"node":%q`, hostname))
	file := controlplane.FilePath(path, "node-name")
	assertFile(t, file, hostname+"\n")
	// As it would be if the host had been renamed since.
	writeFile(t, file, "earlier-name\n")
	running = up(t, path)
	running.signal(t, syscall.SIGTERM)
	assertContains(t, running.log.String(), `"node":"earlier-name"`)
	backup := filepath.Join(t.TempDir(), "backup.tar.gz")
	assertBackup(t, path, backup)
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
	assertCode(t, run(t, "restore", backup, "--data-dir", path), 0)
	assertFile(t, file, "earlier-name\n")
}

func TestPurgeOfARunningInstance(t *testing.T) {
	t.Parallel()
	path := dataDirectory(t)
	running := up(t, path)
	createTopology(t, path, "acme")
	createTopology(t, path, "other")
	ended := make(chan error, 1)
	go func() { ended <- running.command.Wait() }()

	got := run(t, "down", "--purge", "--data-dir", path)
	assertCode(t, got, 0)
	if err := <-ended; err != nil {
		t.Errorf("the instance: %v", err)
	}
	assertPurged(t, path, got, "acme", "other")
}

func TestPurgeOfAStoppedInstance(t *testing.T) {
	t.Parallel()
	path := dataDirectory(t)
	running := up(t, path)
	createTopology(t, path, "acme")
	running.signal(t, syscall.SIGTERM)

	got := run(t, "down", "--purge", "--data-dir", path)
	assertCode(t, got, 0)
	assertContains(t, got.out, "Starting the stopped instance in "+path)
	assertPurged(t, path, got, "acme")
}

func TestPurgeThatTakesTooLongKeepsTheData(t *testing.T) {
	t.Parallel()
	path := dataDirectory(t)
	running := up(t, path)
	createTopology(t, path, "acme")
	// A stopped process answers nobody and tears nothing down.
	if err := running.command.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	got := run(t, "down", "--purge", "--timeout", "300ms", "--data-dir", path)
	assertCode(t, got, 1)
	assertContains(t, got.errors, "tear down topologies: ")
	if err := running.command.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	running.signal(t, syscall.SIGTERM)
	if initialized, err := controlplane.Initialized(path); err != nil || !initialized {
		t.Errorf("the data: got %t, %v, want it kept", initialized, err)
	}
}

func assertPurged(t *testing.T, path string, got result, topologies ...string) {
	t.Helper()
	for _, topology := range topologies {
		assertContains(t, got.out, "Deleting topology default/"+topology)
	}
	assertContains(t, got.out, imageRemoved+"unix:///var/run/docker.sock")
	// What no topology stands for goes after them, the image after all containers.
	last := -1
	for _, said := range []string{"Deleting topology", "Removed " + leftover + " of unix:///var/run/docker.sock.", imageRemoved, "Removed " + path} {
		at := strings.Index(got.out, said)
		if at <= last {
			t.Errorf("%q is not said, or too early:\n%s", said, got.out)
		}
		last = at
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the data directory: got %v, want it gone", err)
	}
}

// createTopology makes one that waits for its operator.
func createTopology(t *testing.T, path, name string) {
	t.Helper()
	client, err := dynamic.NewForConfig(restConfig(t, path))
	if err != nil {
		t.Fatal(err)
	}
	topology := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": topologyResource.GroupVersion().String(),
		"kind":       "Topology",
		"metadata":   map[string]any{"name": name, "finalizers": []any{"deckyard.dev/teardown"}},
		"spec":       map[string]any{},
	}}
	if _, err := client.Resource(topologyResource).Namespace(metav1.NamespaceDefault).Create(t.Context(), topology, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func TestKubectlReadsTheDataDirectory(t *testing.T) {
	t.Parallel()
	path := dataDirectory(t)
	running := up(t, path)
	got := run(t, "--data-dir", path, "kubectl", "get", "namespaces", "-o", "name")
	assertCode(t, got, 0)
	assertContains(t, got.out, "namespace/default", "namespace/kube-system")

	manifest := filepath.Join(t.TempDir(), "topology.yaml")
	content := "apiVersion: deckyard.dev/v1alpha1\nkind: Topology\nmetadata: {name: acme}\nspec: {suspend: true}\n"
	writeFile(t, manifest, content)
	got = run(t, "--data-dir", path, "kubectl", "apply", "-f", manifest)
	assertCode(t, got, 0)
	assertContains(t, got.out, "topology.deckyard.dev/acme created")

	got = run(t, "kubectl", "--kubeconfig", controlplane.KubeconfigPath(path), "get", "topologies", "acme", "-o", "jsonpath={.spec.suspend}")
	assertCode(t, got, 0)
	if got.out != "true" {
		t.Errorf("suspend: got %q, want true", got.out)
	}
	running.signal(t, syscall.SIGTERM)

	got = run(t, "--data-dir", path, "kubectl", "get", "namespaces")
	assertCode(t, got, 1)
	assertContains(t, got.errors, "No control plane runs in "+path+": start one with 'deckyard up'.")
}
