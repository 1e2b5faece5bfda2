// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package builtin is the image that decoys run, made from bytes the operator
// carries, so that no registry is needed.
//
// It owns the content of the image and its identity: the same program gives the
// same image ID and the same tag on every machine. It promises an archive that
// engines from 20.10 to 29 load, with either image store. It imports the standard
// library only. Start reading at Load.
package builtin
