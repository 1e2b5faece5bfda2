// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package docker is the adapter between the ports of package engine and a
// Docker Engine, 20.10 (API 1.41) to 29, on a local unix socket.
//
// It is the only package that imports the Docker client. It translates values
// and errors and decides nothing: labels become a model.Identity in labels.go,
// every error gets its kind in errors.go, and endpoints.go lists the part of
// the engine's API that is used. All calls are safe for concurrent use, bounded
// by their context alone, and none is repeated here.
//
// Start reading at docker.go.
package docker
