// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"maps"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/model"
)

// labelsOf returns the labels that carry an identity, beside further ones. The
// identity wins. Every label that identityOf reads for the role is set, so that
// a label of the container's image never shows through.
func labelsOf(identity model.Identity, extra map[string]string) map[string]string {
	owner := identity.Owner
	labels := maps.Clone(extra)
	if labels == nil {
		labels = map[string]string{}
	}
	labels[v1alpha1.DockerLabelInstance] = owner.Instance
	labels[v1alpha1.DockerLabelOwnerUID] = owner.UID
	labels[v1alpha1.DockerLabelNamespace] = owner.Namespace
	labels[v1alpha1.DockerLabelTopology] = owner.Topology
	labels[v1alpha1.DockerLabelRole] = string(identity.Role)
	labels[v1alpha1.DockerLabelSpecHash] = identity.SpecHash
	labels[ownerNameLabel(identity.Role)] = owner.Name
	if identity.Role == model.RoleService {
		labels[v1alpha1.DockerLabelService] = identity.Service
	}
	return labels
}

// identityOf returns what labels say about whose an object is and what for; the
// zero value if they name no role of ours.
func identityOf(labels map[string]string) model.Identity {
	role := model.Role(labels[v1alpha1.DockerLabelRole])
	identity := model.Identity{
		Role:     role,
		SpecHash: labels[v1alpha1.DockerLabelSpecHash],
		Owner: model.Owner{
			Instance:  labels[v1alpha1.DockerLabelInstance],
			Namespace: labels[v1alpha1.DockerLabelNamespace],
			Topology:  labels[v1alpha1.DockerLabelTopology],
			Name:      labels[ownerNameLabel(role)],
			UID:       labels[v1alpha1.DockerLabelOwnerUID],
		},
	}
	switch role {
	case model.RoleNetwork:
		identity.Owner.Kind = model.OwnerLAN
	case model.RoleBase:
		identity.Owner.Kind = model.OwnerDecky
	case model.RoleService:
		identity.Owner.Kind = model.OwnerDecky
		identity.Service = labels[v1alpha1.DockerLabelService]
	default:
		return model.Identity{}
	}
	return identity
}

// identityOfContainer is identityOf for a container with a network mode. An image that
// somebody makes of a container of ours, as evidence, inherits its labels, and so does
// what runs from it. It is told by its network: ours never have one of those that the
// engine gives by itself.
func identityOfContainer(labels map[string]string, mode string) model.Identity {
	switch mode {
	case "", "default", "bridge", "host", "none":
		return model.Identity{}
	}
	identity := identityOf(labels)
	if isService := identity.Role == model.RoleService; isService != (namespaceOf(mode) != "") {
		return model.Identity{}
	}
	return identity
}

// ownerNameLabel returns the label that holds the owner's name.
func ownerNameLabel(role model.Role) string {
	if role == model.RoleNetwork {
		return v1alpha1.DockerLabelLAN
	}
	return v1alpha1.DockerLabelDecky
}
