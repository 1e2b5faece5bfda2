//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package netns lets tests act within the network namespaces of containers and
// hosts. It needs the rights of root, and is built with the tag e2e.
package netns
