// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package e2e shows the project's scenarios on a real Docker Engine, with the
// operator on a real API server and etcd. It is built with the tag e2e and
// needs an engine at the usual socket and the rights of root.
//
// One control plane and one operator serve all tests; each test has a namespace
// of its own, which is torn down at its end. Start reading at main_test.go; what
// a test can say is in world_test.go.
package e2e
