// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package model

import "strings"

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
