//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/engine/docker"
	"github.com/deckyard/deckyard/internal/operator"
	"github.com/deckyard/deckyard/test/engineproxy"
)

// nodeOperator is an operator of one test: that of another node of the cluster,
// with a way to the engine of its own. The Topology controller is the shared
// operator's, as in a cluster.
type nodeOperator struct {
	*engineproxy.Proxy
	t       *testing.T
	options operator.Options
	// stop ends the operator; nil while none runs.
	stop func() error
}

// newNodeOperator starts an operator, with other options than the shared one's,
// until the test ends.
func newNodeOperator(t *testing.T, node string, change ...func(*operator.Options)) *nodeOperator {
	t.Helper()
	holdLeadership(t)
	proxy, err := engineproxy.Start(docker.DefaultHost)
	if err != nil {
		t.Fatal(err)
	}
	o := &nodeOperator{Proxy: proxy, t: t, options: shared.options}
	o.options.DockerHost, o.options.NodeName = proxy.Address(), node
	o.options.LeaderElection, o.options.LeaderElectionNamespace = true, metav1.NamespaceDefault
	for _, apply := range change {
		apply(&o.options)
	}
	o.start()
	t.Cleanup(func() {
		o.end()
		o.Close()
	})
	return o
}

// newWorld gives the test a namespace, whose teardown the operator lives to see.
func (o *nodeOperator) newWorld() *world {
	o.t.Helper()
	w := newWorld(o.t)
	o.t.Cleanup(func() {
		if o.IsConnected() && o.stop != nil {
			return
		}
		o.kill()
		o.revive()
	})
	return w
}

// holdLeadership makes the shared operator appear as the leader: it runs
// without an election.
func holdLeadership(t *testing.T) {
	t.Helper()
	now := metav1.NewMicroTime(time.Now())
	lease := &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Namespace: metav1.NamespaceDefault, Name: "deckyard-topology"},
		Spec: coordinationv1.LeaseSpec{
			HolderIdentity: new(nodeName), LeaseDurationSeconds: new(int32(3600)), AcquireTime: &now, RenewTime: &now,
		},
	}
	if err := shared.kube.Create(t.Context(), lease); err != nil && !apierrors.IsAlreadyExists(err) {
		t.Fatal(err)
	}
}

// topology returns a topology that lives on the operator's node.
func (o *nodeOperator) topology(name string) *v1alpha1.Topology {
	created := topology(name)
	created.Spec.NodeName = o.options.NodeName
	return created
}

func (o *nodeOperator) start() {
	o.stop = startOperator(shared.config, o.options)
}

// kill ends the operator when it cannot finish anything on the engine any more.
func (o *nodeOperator) kill() {
	o.t.Helper()
	o.Disconnect()
	o.end()
}

// revive starts a killed operator, with the engine in reach.
func (o *nodeOperator) revive() {
	o.t.Helper()
	if err := o.Connect(); err != nil {
		o.t.Fatal(err)
	}
	o.start()
}

func (o *nodeOperator) end() {
	o.t.Helper()
	if o.stop == nil {
		return
	}
	if err := o.stop(); err != nil {
		o.t.Errorf("the operator ended with: %v", err)
	}
	o.stop = nil
}
