// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/model"
	"github.com/deckyard/deckyard/internal/plan"
)

// Sweeper removes what carries our instance's label and whose owner does not
// exist any more, such as the result of a creation whose answer was lost. An
// owner must be missing at two lists in a row: what is just being created or
// removed is not mistaken for a leftover.
type Sweeper struct {
	node *Node
	// missing holds the UIDs of the owners that the list before did not find.
	missing map[string]bool
}

// NewSweeper returns a Sweeper for a node.
func NewSweeper(node *Node) *Sweeper { return &Sweeper{node: node, missing: map[string]bool{}} }

// Sweep looks at one list of the engine. The calls must not overlap.
func (s *Sweeper) Sweep(ctx context.Context, observed model.Observed) {
	logger := log.FromContext(ctx)
	alive := map[string]bool{}
	missing := map[string]bool{}
	for _, owner := range owners(observed, s.node.Instance) {
		exists, err := s.exists(ctx, owner)
		if err != nil {
			logger.Error(err, "Looking for the owner of a Docker object", "owner", owner.Name)
			return
		}
		alive[owner.UID] = exists || !s.missing[owner.UID]
		missing[owner.UID] = !exists
	}
	s.missing = missing
	planned := plan.Orphans(observed, s.node.Instance, alive)
	if planned.Empty() {
		return
	}
	report := s.node.Executor.Apply(ctx, planned)
	if err := s.node.lookAgain(ctx, report); err != nil {
		logger.Error(err, "Observing what was swept")
	}
	if report.Err != nil {
		logger.Error(report.Err, "Removing leftovers")
	}
}

// owners returns the distinct owners of an instance's objects.
func owners(observed model.Observed, instance string) []model.Owner {
	seen := map[string]bool{}
	var found []model.Owner
	add := func(identity model.Identity) {
		if !identity.BelongsTo(instance) || seen[identity.Owner.UID] {
			return
		}
		seen[identity.Owner.UID] = true
		found = append(found, identity.Owner)
	}
	for _, network := range observed.Networks {
		add(network.Identity)
	}
	for _, container := range observed.Containers {
		add(container.Identity)
	}
	for _, filter := range observed.Filters {
		add(filter.Identity())
	}
	return found
}

// exists reads the owner from the cache and, only if it is not found there,
// from the API server.
func (s *Sweeper) exists(ctx context.Context, owner model.Owner) (bool, error) {
	for _, reader := range []client.Reader{s.node.Kube, s.node.Live} {
		var object client.Object = &v1alpha1.Decky{}
		if owner.Kind == model.OwnerLAN {
			object = &v1alpha1.LAN{}
		}
		err := reader.Get(ctx, client.ObjectKey{Namespace: owner.Namespace, Name: owner.Name}, object)
		switch {
		case err == nil && string(object.GetUID()) == owner.UID:
			return true, nil
		case err != nil && !apierrors.IsNotFound(err):
			return false, err
		}
	}
	return false, nil
}
