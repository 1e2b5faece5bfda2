// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

// Disruption is what a plan costs those who use the decky meanwhile. The worst of
// its actions decides.
type Disruption int

// The classes of disruption, the least first.
const (
	// DisruptsNothing: whatever works goes on working.
	DisruptsNothing Disruption = iota
	// DisruptsInterfaces: connections over the interfaces that change end; no
	// container restarts.
	DisruptsInterfaces
	// DisruptsServices: services that run end, to start again; the base and its
	// addresses stay.
	DisruptsServices
	// DisruptsBase: a base that runs ends, and with it every session.
	DisruptsBase
)

// String says what is disrupted, in words that follow "disrupts".
func (d Disruption) String() string {
	switch d {
	case DisruptsNothing:
	case DisruptsInterfaces:
		return "interfaces"
	case DisruptsServices:
		return "services"
	case DisruptsBase:
		return "the base and its services"
	}
	return "nothing"
}
