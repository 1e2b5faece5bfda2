// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package operator puts the operator together: engine adapter, observer,
// executor and the three controllers in one manager. Both programs run the
// same one; only where its rest.Config comes from differs. It decides nothing.
// Start reading at operator.go.
package operator
