// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"context"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/controller-manager/pkg/informerfactory"
	"k8s.io/kubernetes/pkg/controller/clusterroleaggregation"
	"k8s.io/kubernetes/pkg/controller/garbagecollector"
	"k8s.io/kubernetes/pkg/controller/namespace"
)

const (
	namespaceWorkers = 2
	garbageWorkers   = 2
	roleWorkers      = 1
	// discoveryPeriod is how soon a kind that a user adds is garbage collected.
	discoveryPeriod = 30 * time.Second
	namespaceResync = 5 * time.Minute
)

// controllers are those of a cluster's controller manager that Deckyard's users
// rely on: without them a deleted namespace stays Terminating, the dependants of a
// deleted owner stay for ever, and the roles view, edit and admin allow nothing.
type controllers struct {
	kubeClient     *kubernetes.Clientset
	informers      informers.SharedInformerFactory
	metadata       metadatainformer.SharedInformerFactory
	informersReady chan struct{}
	namespace      *namespace.NamespaceController
	roles          *clusterroleaggregation.ClusterRoleAggregationController
	garbage        *garbagecollector.GarbageCollector
}

func newControllers(ctx context.Context, config *rest.Config) (*controllers, error) {
	kubeClient, err := kubernetes.NewForConfig(rest.AddUserAgent(config, "deckyard-controllers"))
	if err != nil {
		return nil, fmt.Errorf("create client for controllers: %w", err)
	}
	metadataClient, err := metadata.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("create metadata client for controllers: %w", err)
	}
	c := &controllers{
		kubeClient:     kubeClient,
		informers:      informers.NewSharedInformerFactory(kubeClient, 0),
		metadata:       metadatainformer.NewSharedInformerFactory(metadataClient, 0),
		informersReady: make(chan struct{}),
	}
	c.namespace = namespace.NewNamespaceController(ctx, kubeClient, metadataClient,
		kubeClient.Discovery().ServerPreferredNamespacedResources,
		c.informers.Core().V1().Namespaces(), namespaceResync, corev1.FinalizerKubernetes)
	c.roles = clusterroleaggregation.NewClusterRoleAggregation(c.informers.Rbac().V1().ClusterRoles(), kubeClient.RbacV1())
	// The collector resets this mapper when discovery changes; it must not share
	// the client that it compares with.
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(kubeClient.Discovery()))
	c.garbage, err = garbagecollector.NewGarbageCollector(ctx, kubeClient, metadataClient, mapper,
		garbagecollector.DefaultIgnoredResources(), informerfactory.NewInformerFactory(c.informers, c.metadata), c.informersReady)
	if err != nil {
		return nil, fmt.Errorf("create garbage collector: %w", err)
	}
	return c, nil
}

// run blocks until ctx is done and every controller has ended.
func (c *controllers) run(ctx context.Context) {
	c.informers.Start(ctx.Done())
	c.metadata.Start(ctx.Done())
	close(c.informersReady)
	var loops sync.WaitGroup
	loops.Go(func() { c.namespace.Run(ctx, namespaceWorkers) })
	loops.Go(func() { c.roles.Run(ctx, roleWorkers) })
	loops.Go(func() { c.garbage.Run(ctx, garbageWorkers, discoveryPeriod) })
	loops.Go(func() { c.garbage.Sync(ctx, c.kubeClient.Discovery(), discoveryPeriod) })
	loops.Wait()
	c.informers.Shutdown()
	c.metadata.Shutdown()
}
