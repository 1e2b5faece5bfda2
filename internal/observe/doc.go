// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package observe keeps a picture of everything on one Docker Engine and wakes
// the owners of what changed.
//
// Lists are the truth and events are hints: the observer subscribes, lists, and
// serves; an event only marks an id to be looked at, and lists made from time to
// time find what no event told. A look never overwrites a later one, a snapshot
// never changes once handed out, and without a fresh list there is no snapshot
// but engine.ErrUnavailable. It reads only; it must not import what writes to
// Docker or decides. Start reading at observer.go.
package observe
