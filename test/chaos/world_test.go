//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/deckyard/deckyard/config/crd"
	"github.com/deckyard/deckyard/internal/builtin"
	"github.com/deckyard/deckyard/internal/controlplane"
	"github.com/deckyard/deckyard/internal/controlplane/controlplanetest"
	"github.com/deckyard/deckyard/internal/engine/docker"
	"github.com/deckyard/deckyard/internal/operator"
	"github.com/deckyard/deckyard/test/engineproxy"
	"github.com/deckyard/deckyard/test/netns"
	"github.com/deckyard/deckyard/test/privateengine"
)

const (
	// patience is how long the operator may take to make all true again: longer
	// than its longest delay between attempts, and than it takes to give a call up.
	patience = 100 * time.Second
	poll     = 50 * time.Millisecond
	// namespace holds the objects.
	namespace = "default"
)

// world is an engine of its own, an operator, and what is wanted of it.
type world struct {
	t        *testing.T
	own      *privateengine.Engine
	proxy    *engineproxy.Proxy
	engine   *docker.Engine
	kube     client.Client
	instance string
	image    string
	operator *keeper
	// whole says that the operator has its control plane with it, and starts only
	// where it reaches the engine.
	whole    bool
	saboteur *saboteur
	want     *wanted
	foreign  *foreign
	// relieve ends what a round has taken from the operator.
	relieve []func()
	// restarts counts those of the engine, which has abandoned interfaces in them.
	restarts  int
	abandoned map[string]bool
}

// newWorld starts an engine, a control plane that lives as long as the test, and
// an operator that does not have to.
func newWorld(t *testing.T) *world {
	t.Helper()
	w := newBareWorld(t)
	config := controlplanetest.Start(t, crd.Files)
	if err := rest.LoadTLSFiles(config); err != nil {
		t.Fatal(err)
	}
	w.connect(config)
	w.start("manager", "--kubeconfig="+w.writeKubeconfig(config), "--node-name=node-1", "--leader-elect=false",
		"--docker-host="+w.proxy.Address(), "--metrics-bind-address=0", "--health-probe-bind-address=0")
	return w
}

// newWholeWorld starts an engine, and an operator with a control plane in one
// process.
func newWholeWorld(t *testing.T) *world {
	t.Helper()
	w := newBareWorld(t)
	w.whole = true
	directory := filepath.Join(t.TempDir(), "data")
	w.start("deckyard", "up", "--data-dir", directory, "--docker-host", w.proxy.Address())
	var config *rest.Config
	w.eventually("the control plane to be made", func() (err error) {
		config, err = clientcmd.BuildConfigFromFlags("", controlplane.KubeconfigPath(directory))
		return errors.Join(err, w.operator.failed())
	})
	config.Dial = w.dialWithin
	w.connect(config)
	return w
}

func newBareWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, own: privateengine.Start(t), want: newWanted(), abandoned: map[string]bool{}}
	var err error
	if w.engine, err = docker.New(w.own.Host()); err != nil {
		t.Fatal(err)
	}
	if w.proxy, err = engineproxy.Start(w.own.Host()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.proxy.Close)
	image, err := builtin.Load()
	if err != nil {
		t.Fatal(err)
	}
	if err := w.engine.LoadImage(t.Context(), image.Archive()); err != nil {
		t.Fatal(err)
	}
	w.image = image.Reference
	w.foreign = w.newForeign()
	return w
}

// start keeps a program running where the engine's network is its host's.
func (w *world) start(program string, arguments ...string) {
	w.operator = keep(w.t, filepath.Join(w.t.TempDir(), "log"), func() *exec.Cmd {
		return w.own.Command(context.Background(), filepath.Join(programs, program), arguments...)
	})
	w.saboteur = newSaboteur(w.proxy, w.operator.kill)
	w.t.Cleanup(w.saboteur.disarm)
}

// connect makes the client, and reads who the control plane is.
func (w *world) connect(config *rest.Config) {
	w.t.Helper()
	scheme, err := operator.Scheme()
	if err != nil {
		w.t.Fatal(err)
	}
	config = rest.CopyConfig(config)
	config.QPS, config.Burst = 500, 1000
	config.Timeout = 10 * time.Second
	w.eventually("the API server to answer", func() error {
		if w.kube, err = client.New(config, client.Options{Scheme: scheme}); err != nil {
			return err
		}
		kubeSystem := &corev1.Namespace{}
		err := w.kube.Get(w.t.Context(), client.ObjectKey{Name: metav1.NamespaceSystem}, kubeSystem)
		w.instance = string(kubeSystem.UID)
		return err
	})
}

// writeKubeconfig leads to the control plane from within the engine's network
// namespace.
func (w *world) writeKubeconfig(config *rest.Config) string {
	w.t.Helper()
	listener := w.listenWithin("127.0.0.1:0")
	w.t.Cleanup(func() { _ = listener.Close() })
	go forward(listener, strings.TrimPrefix(config.Host, "https://"))
	path := filepath.Join(w.t.TempDir(), "kubeconfig")
	err := clientcmd.WriteToFile(clientcmdapi.Config{
		Clusters: map[string]*clientcmdapi.Cluster{"cluster": {
			Server: "https://" + listener.Addr().String(), CertificateAuthorityData: config.CAData,
		}},
		AuthInfos: map[string]*clientcmdapi.AuthInfo{"user": {
			ClientCertificateData: config.CertData, ClientKeyData: config.KeyData, Token: config.BearerToken,
		}},
		Contexts:       map[string]*clientcmdapi.Context{"context": {Cluster: "cluster", AuthInfo: "user"}},
		CurrentContext: "context",
	}, path)
	if err != nil {
		w.t.Fatal(err)
	}
	return path
}

// forward passes what comes to a listener on to an address.
func forward(listener net.Listener, address string) {
	for {
		near, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer func() { _ = near.Close() }()
			far, err := net.Dial("tcp", address)
			if err != nil {
				return
			}
			defer func() { _ = far.Close() }()
			go func() {
				_, _ = io.Copy(far, near)
				_ = far.Close()
			}()
			_, _ = io.Copy(near, far)
		}()
	}
}

// listenWithin listens in the engine's network namespace.
func (w *world) listenWithin(address string) net.Listener {
	w.t.Helper()
	listener, err := w.tryListenWithin(address)
	if err != nil {
		w.t.Fatal(err)
	}
	return listener
}

func (w *world) tryListenWithin(address string) (listener net.Listener, err error) {
	err = netns.Within(w.own.NetworkNamespace(), func() (err error) {
		listener, err = net.Listen("tcp4", address)
		return err
	})
	return listener, err
}

// dialWithin connects to an address of the engine's network namespace.
func (w *world) dialWithin(ctx context.Context, _, address string) (conn net.Conn, err error) {
	err = netns.Within(w.own.NetworkNamespace(), func() (err error) {
		conn, err = (&net.Dialer{}).DialContext(ctx, "tcp4", address)
		return err
	})
	return conn, err
}

// eventually waits until check returns nil.
func (w *world) eventually(what string, check func() error) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	if err := controlplanetest.Eventually(ctx, poll, check); err != nil {
		w.t.Fatalf("waited for %s: %v", what, err)
	}
}

// pause lets the operator work for a time.
func (w *world) pause(length time.Duration) {
	select {
	case <-w.t.Context().Done():
	case <-time.After(length):
	}
}

// docker does by hand what may fail, since what it is about may be gone.
func (w *world) docker(arguments ...string) {
	if output, err := w.own.Docker(w.t.Context(), arguments...); err != nil {
		w.t.Logf("  in vain: %v %s", err, output)
	}
}

// mustDocker does by hand what cannot fail.
func (w *world) mustDocker(arguments ...string) string {
	w.t.Helper()
	output, err := w.own.Docker(w.t.Context(), arguments...)
	if err != nil {
		w.t.Fatal(err)
	}
	return output
}

// describeNumber returns "1 thing" or "2 things".
func describeNumber(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
