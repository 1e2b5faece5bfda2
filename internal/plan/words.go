// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/deckyard/deckyard/internal/model"
)

// This file holds the wording that several checks share.

// stranger is a Docker object that stands in the way and is not the owner's.
type stranger struct {
	// kind is network or container.
	kind     TargetKind
	name, id string
	identity model.Identity
}

func strangeContainer(container model.Container) stranger {
	return stranger{kind: TargetContainer, name: container.Name, id: container.ID, identity: container.Identity}
}

func strangeNetwork(network model.Network) stranger {
	return stranger{kind: TargetNetwork, name: network.Name, id: network.ID, identity: network.Identity}
}

// describe names the object and says whose it is.
func (s stranger) describe(instance string) string {
	object := fmt.Sprintf("Docker %s %q (%s)", s.kind, s.name, shortID(s.id))
	switch {
	case s.identity.IsForeign():
		return "the foreign " + object
	case s.identity.Owner.Instance != instance:
		return fmt.Sprintf("the %s of %s of the Deckyard instance %s", object, ownerText(s.identity.Owner), s.identity.Owner.Instance)
	default:
		return fmt.Sprintf("the %s of %s", object, ownerText(s.identity.Owner))
	}
}

// orElse says what to do about the object, as the last choice of several.
func (s stranger) orElse(instance string) string {
	switch {
	case s.identity.IsForeign():
		return fmt.Sprintf("or remove that one if it is not needed: docker %s rm %s", s.kind, shortID(s.id))
	case s.identity.Owner.Instance != instance:
		return "or, if that instance is lost, remove what it left: deckyard purge --instance " + s.identity.Owner.Instance
	default:
		return fmt.Sprintf("or wait until it goes with that %s", s.identity.Owner.Kind)
	}
}

func ownerText(owner model.Owner) string {
	return fmt.Sprintf("%s %s/%s", owner.Kind, owner.Namespace, owner.Name)
}

// shortID cuts an id to the length that the docker command shows.
func shortID(id string) string {
	const length = 12
	return id[:min(length, len(id))]
}

// shortHash cuts a spec hash to what tells two apart for a person.
func shortHash(hash string) string {
	const length = 8
	version, digest, found := strings.Cut(hash, ":")
	if !found {
		return cmp.Or(hash, "none")
	}
	return version + ":" + digest[:min(length, len(digest))]
}

func containerNames(containers []model.Container) string {
	names := make([]string, len(containers))
	for i, container := range containers {
		names[i] = container.Name
	}
	return strings.Join(names, ", ")
}

// absent stands for what is not, or should not be there.
const absent = "absent"

// wantText says what differs: the field, what it is, and what it should be.
func wantText(field string, have, want any) string {
	return fmt.Sprintf("%s %v want %v", field, have, want)
}
