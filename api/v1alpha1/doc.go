// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package v1alpha1 holds the API of Deckyard, group deckyard.dev.
//
// A Topology is one deception network on one Docker Engine. A LAN is one of
// its network segments and becomes a Docker network. A Decky is one decoy
// machine: a base container that owns the addresses, and one container per
// decoy service that shares the base's network namespace, so that the whole
// looks like one host.
//
// What a user wants is in spec and is never written by the operator; what the
// operator chose (subnets, addresses, MACs) and saw is in status. Start
// reading at topology_types.go; every condition and reason is in
// conditions.go, every label, annotation and finalizer in metadata.go.
//
// +kubebuilder:object:generate=true
// +groupName=deckyard.dev
package v1alpha1
