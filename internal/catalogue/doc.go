// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package catalogue knows the decoy services, archetypes and OS families, and
// resolves what they mean for one Decky.
//
// The catalogue is data: YAML under data/, one file per service, whose
// container part is a Compose service fragment loaded by compose-go. A
// directory given to the operator adds services. Every fragment drops all
// capabilities, forbids new privileges and has limits, or is not loaded; a
// fragment's field that is not acted upon is an error, never ignored.
//
// A loaded Catalogue is immutable and its methods are pure. A mistake in a
// Decky is a *fault.Fault, one in the catalogue's own files an error. It must
// not import anything that talks to Docker or the API. Start reading at
// catalogue.go.
package catalogue
