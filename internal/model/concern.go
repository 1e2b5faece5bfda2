// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package model

// A Concern says which containers a pass over one object has to know: what its owner
// has, and what can be in the way. They are few, however many there are on the engine.
type Concern struct {
	// Owner is the object's. Its own containers are of concern.
	Owner Owner
	// BaseName, when set, is the name of a base: containers under that name, or that
	// of any of its services, are of concern, whoever has them.
	BaseName string
	// LANs are the UIDs of LANs. All containers on their networks are of concern.
	LANs []string
	// Networks are the ids of networks. All containers on them are of concern.
	Networks []string
	// HostPorts says that all containers that hold ports of the host are of concern.
	HostPorts bool
	// Routes says that the routes of the host are.
	Routes bool
}
