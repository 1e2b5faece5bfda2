// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Finalizer holds each object until what it owns in Docker is gone.
const Finalizer = "deckyard.dev/teardown"

// LabelNode is stamped by the Topology controller on the LANs and Deckies of
// a topology; the operator of that node, and no other, acts on them.
const LabelNode = "deckyard.dev/node"

// Annotations that a user sets.
const (
	// AnnotationRecreateAllowed consents once to the recreation of a base. Its
	// value is the metadata.generation for which consent is given.
	AnnotationRecreateAllowed = "deckyard.dev/recreate-allowed"

	// AnnotationAbandon, with value "true" on an object that is being deleted,
	// releases it without touching Docker.
	AnnotationAbandon = "deckyard.dev/abandon"

	// AnnotationReconcileRequestedAt asks for a reconciliation now. Its value,
	// usually a time, is echoed in status.lastHandledReconcileAt.
	AnnotationReconcileRequestedAt = "deckyard.dev/reconcile-requested-at"
)

// Labels on every Docker network and container of ours. The owner's UID is the
// proof of ownership; names are for people.
const (
	// DockerLabelInstance holds the UID of the control plane's kube-system namespace.
	DockerLabelInstance = "deckyard.dev/instance"
	// DockerLabelOwnerUID holds the UID of the LAN or Decky that owns the object.
	DockerLabelOwnerUID = "deckyard.dev/owner-uid"
	// DockerLabelNamespace holds the namespace of the owner.
	DockerLabelNamespace = "deckyard.dev/namespace"
	// DockerLabelTopology holds the name of the owner's Topology.
	DockerLabelTopology = "deckyard.dev/topology"
	// DockerLabelLAN holds the name of the owning LAN, on networks.
	DockerLabelLAN = "deckyard.dev/lan"
	// DockerLabelDecky holds the name of the owning Decky, on containers.
	DockerLabelDecky = "deckyard.dev/decky"
	// DockerLabelRole is network, base or service.
	DockerLabelRole = "deckyard.dev/role"
	// DockerLabelService holds the service's name, on service containers.
	DockerLabelService = "deckyard.dev/service"
	// DockerLabelSpecHash holds the hash of the model from which the object was created.
	DockerLabelSpecHash = "deckyard.dev/spec-hash"
)
