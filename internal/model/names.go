// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package model

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// nameSeparator joins the parts of a Docker name. It cannot occur in a part,
// since those are DNS labels, so different parts never give the same name.
const nameSeparator = "_"

// ProjectName is the Compose project of a topology.
func ProjectName(namespace, topology string) string {
	return dockerName(namespace, topology)
}

// NetworkName is the Docker network of a LAN.
func NetworkName(namespace, topology, lan string) string {
	return dockerName(namespace, topology, lan)
}

// BridgeName is the host's interface of a LAN's network. It is known before the
// network exists, so that filter rules can be there first, and it looks like a
// name that the engine chooses itself.
func BridgeName(lan Owner) string {
	const digits = 12
	parts := []string{"bridge", lan.Instance, lan.UID, lan.Namespace, lan.Topology, lan.Name}
	digest := sha256.Sum256([]byte(strings.Join(parts, nameSeparator)))
	return "br-" + hex.EncodeToString(digest[:])[:digits]
}

// BaseName is the base container of a decky.
func BaseName(namespace, topology, decky string) string {
	return dockerName(namespace, topology, decky)
}

// ServiceName is the container of a decky's service.
func ServiceName(namespace, topology, decky, service string) string {
	return dockerName(namespace, topology, decky, service)
}

// dockerName joins DNS labels. It adds no word of its own: the engine's DNS
// shows the name to whoever is inside a decky.
func dockerName(labels ...string) string {
	return strings.Join(labels, nameSeparator)
}
