// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package operator

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/controllers"
	"github.com/deckyard/deckyard/internal/apply"
	"github.com/deckyard/deckyard/internal/builtin"
	"github.com/deckyard/deckyard/internal/catalogue"
	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/engine/docker"
	"github.com/deckyard/deckyard/internal/engine/host"
	"github.com/deckyard/deckyard/internal/observe"
	"github.com/deckyard/deckyard/internal/pass"
)

// Options say where the operator runs and what it serves.
type Options struct {
	// DockerHost is the engine's local socket, as unix:///PATH.
	DockerHost string
	// NodeName is the node whose LANs and Deckies are this operator's.
	NodeName string
	Logger   logr.Logger
	// LeaderElection, with its namespace, lets one of several operators run the
	// Topology controller.
	LeaderElection          bool
	LeaderElectionNamespace string
	// MetricsAddress and ProbeAddress are host:port to listen on; "0" serves nothing.
	MetricsAddress, ProbeAddress string
	// Registerer takes the operator's metrics; nil is what MetricsAddress serves.
	Registerer prometheus.Registerer
	// Catalogue is what deckies can be made of; nil is the built-in one.
	Catalogue *catalogue.Catalogue
	// RelistInterval is how often the whole engine is listed, which finds what no
	// event told of and sweeps leftovers; 0 is the observer's default. Shorter ones
	// are for tests.
	RelistInterval time.Duration
	// Host is the host of the engine; nil is this machine. Another one belongs to a
	// simulated engine.
	Host Host
}

const (
	// passes is how many passes of a kind run at once: enough to keep the
	// executor's calls to the engine in flight.
	passes = 16
	// clientQPS and clientBurst leave pacing to the API server's own fairness.
	clientQPS, clientBurst = 500, 1000
)

// Scheme returns the scheme with the kinds that the operator reads and writes.
func Scheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		return nil, fmt.Errorf("build the scheme: %w", err)
	}
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return nil, fmt.Errorf("build the scheme: %w", err)
	}
	return scheme, nil
}

// Run runs the operator until ctx is done, and returns the first error.
func Run(ctx context.Context, restConfig *rest.Config, options Options) error {
	dockerEngine, err := docker.New(options.DockerHost)
	if err != nil {
		return err
	}
	defer func() { _ = dockerEngine.Close() }()
	operatorManager, err := newManager(restConfig, options)
	if err != nil {
		return err
	}
	instance, err := readInstance(ctx, operatorManager.GetAPIReader())
	switch {
	case ctx.Err() != nil:
		// Told to stop before it had begun: nothing failed.
		return nil
	case err != nil:
		return err
	}
	engineHost := options.Host
	if engineHost == nil {
		engineHost = host.New()
	}
	if err := assemble(ctx, operatorManager, ports{dockerEngine, engineHost}, instance, options); err != nil {
		return err
	}
	options.Logger.Info("Starting the operator", "node", options.NodeName, "instance", instance)
	if err := operatorManager.Start(ctx); err != nil {
		return fmt.Errorf("run the operator: %w", err)
	}
	return nil
}

func newManager(restConfig *rest.Config, options Options) (manager.Manager, error) {
	scheme, err := Scheme()
	if err != nil {
		return nil, err
	}
	restConfig = rest.CopyConfig(restConfig)
	restConfig.QPS, restConfig.Burst = clientQPS, clientBurst
	// Several operators may run in one process, in tests.
	skipNameValidation, readsOwnWrites := true, true
	created, err := ctrl.NewManager(restConfig, manager.Options{
		Scheme:                        scheme,
		Logger:                        options.Logger,
		Metrics:                       metricsserver.Options{BindAddress: options.MetricsAddress},
		HealthProbeBindAddress:        options.ProbeAddress,
		LeaderElection:                options.LeaderElection,
		LeaderElectionID:              "deckyard-topology",
		LeaderElectionNamespace:       options.LeaderElectionNamespace,
		LeaderElectionReleaseOnCancel: true,
		Controller:                    config.Controller{SkipNameValidation: &skipNameValidation},
		// Who wrote which field is as large as the rest of an object, and read by nobody.
		Cache: cache.Options{DefaultTransform: cache.TransformStripManagedFields()},
		// For allocations; other lists do without.
		Client: client.Options{Cache: &client.CacheOptions{EnableReadYourWritesConsistency: &readsOwnWrites}},
	})
	if err != nil {
		return nil, fmt.Errorf("create the manager: %w", err)
	}
	return created, nil
}

// instancePoll is how often a starting control plane is asked for its namespace.
const instancePoll = 50 * time.Millisecond

// readInstance returns the identity of the control plane: the UID of its
// kube-system namespace, which a new control plane makes shortly after its start.
func readInstance(ctx context.Context, reader client.Reader) (string, error) {
	namespace := &corev1.Namespace{}
	var lastErr error
	err := wait.PollUntilContextTimeout(ctx, instancePoll, time.Minute, true, func(ctx context.Context) (bool, error) {
		lastErr = reader.Get(ctx, types.NamespacedName{Name: "kube-system"}, namespace)
		return lastErr == nil, nil
	})
	if err != nil {
		if lastErr != nil {
			err = lastErr
		}
		return "", fmt.Errorf("read namespace kube-system: %w", err)
	}
	return string(namespace.UID), nil
}

// ports are the engine that an operator acts on, and the engine's host.
type ports struct {
	engine wholeEngine
	host   Host
}

// Host is all of an engine's host.
type Host interface {
	apply.Host
	engine.HostProber
}

// wholeEngine is all of an engine.
type wholeEngine interface {
	apply.Engine
	engine.Images
	engine.Events
	engine.Prober
}

// assemble adds everything that runs to the manager.
func assemble(ctx context.Context, operatorManager manager.Manager, to ports, instance string, options Options) error {
	image, err := builtin.Load()
	if err != nil {
		return err
	}
	services, err := catalogueOrBuiltIn(ctx, options.Catalogue)
	if err != nil {
		return err
	}
	if err := controllers.AddIndexes(ctx, operatorManager.GetFieldIndexer()); err != nil {
		return fmt.Errorf("index the cache: %w", err)
	}
	observer := observe.New(to.engine, to.engine, observe.Options{
		Host: to.host, Firewall: to.host, Registerer: registerer(options), RelistInterval: options.RelistInterval,
	})
	puller := apply.NewPuller(to.engine, clock.RealClock{})
	puller.OnFinished(func(string) { observer.WakeBlocked() })
	runner := &pass.Runner{Kube: operatorManager.GetClient(), Recorder: operatorManager.GetEventRecorder("deckyard")}
	node := &controllers.Node{
		Name: options.NodeName, Instance: instance,
		Kube: operatorManager.GetClient(), Live: operatorManager.GetAPIReader(), Passes: runner,
		Observer: observer, Host: to.host, Prober: to.engine, HostProber: to.host, Clock: clock.RealClock{}, Metrics: controllers.NewMetrics(registerer(options)),
		Executor: apply.New(to.engine, to.host, apply.Options{}),
	}
	store := &controllers.ImageStore{Images: to.engine, Puller: puller, BuiltIn: controllers.BuiltInImage{
		Reference: image.Reference, Archive: image.Archive,
	}}
	observer.OnRelist(controllers.NewSweeper(node).Sweep)
	observer.OnRelist(node.Reassess)
	runnables := []manager.Runnable{observer, puller}
	for _, runnable := range runnables {
		if err := operatorManager.Add(runnable); err != nil {
			return fmt.Errorf("add to the manager: %w", err)
		}
	}
	return setUp(operatorManager, node, store, services, observer)
}

func catalogueOrBuiltIn(ctx context.Context, known *catalogue.Catalogue) (*catalogue.Catalogue, error) {
	if known != nil {
		return known, nil
	}
	return catalogue.Load(ctx)
}

// registerer returns where metrics are registered: nowhere if nobody serves
// them, so that a process can run several operators.
func registerer(options Options) prometheus.Registerer {
	if options.Registerer != nil {
		return options.Registerer
	}
	if options.MetricsAddress == "0" {
		return nil
	}
	return metrics.Registry
}

type controller interface {
	SetupWithManager(manager ctrl.Manager) error
}

func setUp(operatorManager manager.Manager, node *controllers.Node, store *controllers.ImageStore, services *catalogue.Catalogue, observer *observe.Observer) error {
	all := []controller{
		&controllers.EngineReporter{Node: node, Elected: operatorManager.Elected()},
		&controllers.TopologyReconciler{Passes: node.Passes, Kube: node.Kube, NodeName: node.Name},
		&controllers.LANReconciler{Node: node, Concurrency: passes},
		&controllers.DeckyReconciler{Node: node, Concurrency: passes, Catalogue: services, Images: store},
	}
	for _, each := range all {
		if err := each.SetupWithManager(operatorManager); err != nil {
			return fmt.Errorf("set up a controller: %w", err)
		}
	}
	if err := operatorManager.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return fmt.Errorf("add the health check: %w", err)
	}
	if err := operatorManager.AddReadyzCheck("engine", healthCheck(observer)); err != nil {
		return fmt.Errorf("add the readiness check: %w", err)
	}
	return nil
}

// healthCheck makes readiness depend on a recent view of the engine.
func healthCheck(observer *observe.Observer) healthz.Checker {
	return func(*http.Request) error { return observer.Healthy() }
}
