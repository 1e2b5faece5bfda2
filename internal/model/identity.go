// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package model

import "cmp"

// Role says what a Docker object is for.
type Role string

// The roles. A container or network without one of them is not ours.
const (
	RoleNetwork Role = "network"
	RoleBase    Role = "base"
	RoleService Role = "service"
)

// OwnerKind is the API kind of an owner.
type OwnerKind string

// The kinds that own Docker objects: a LAN owns a network, a Decky containers. A
// Topology owns none; it is woken by what concerns the engine as a whole.
const (
	OwnerLAN      OwnerKind = "LAN"
	OwnerDecky    OwnerKind = "Decky"
	OwnerTopology OwnerKind = "Topology"
)

// Owner identifies the API object that a Docker object belongs to. UID is the
// proof of ownership; the rest is for finding and naming it.
type Owner struct {
	// Instance is the UID of the control plane's kube-system namespace.
	Instance string
	// Kind is LAN or Decky.
	Kind OwnerKind
	// Namespace and Name are the API object's key.
	Namespace, Name string
	// Topology is the name of the Topology that the object belongs to.
	Topology string
	// UID is the API object's UID.
	UID string
}

// Owns reports whether identity is proven to belong to the owner: same
// instance and same UID.
func (o Owner) Owns(identity Identity) bool {
	return o.UID != "" && o.Instance == identity.Owner.Instance && o.UID == identity.Owner.UID
}

// Identity is what the labels of a Docker object say about it. It is the zero
// value for an object that carries none of our labels.
type Identity struct {
	// Owner is whom the object belongs to.
	Owner Owner
	// Role is what the object is for.
	Role Role
	// Service is the service's name, for containers of RoleService.
	Service string
	// SpecHash is the hash, with its version prefix, of what the object was created from.
	SpecHash string
}

// IsForeign reports whether the object carries no complete identity of any
// Deckyard instance.
func (i Identity) IsForeign() bool {
	return i.Owner.UID == "" || i.Owner.Instance == "" || i.Role == ""
}

// BelongsTo reports whether the object carries a complete identity of an instance.
func (i Identity) BelongsTo(instance string) bool {
	return !i.IsForeign() && i.Owner.Instance == instance
}

// Compare orders owners by kind, namespace, topology, name and UID.
func (o Owner) Compare(other Owner) int {
	return cmp.Or(
		cmp.Compare(o.Kind, other.Kind),
		cmp.Compare(o.Namespace, other.Namespace),
		cmp.Compare(o.Topology, other.Topology),
		cmp.Compare(o.Name, other.Name),
		cmp.Compare(o.UID, other.UID),
	)
}
