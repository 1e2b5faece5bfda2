// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package status sets conditions by the project's rules: a positive condition
// is True with reason Succeeded or says why not; Reconciling, Stalled and
// RecreatePending are present only while True. It knows no kind and does no
// input or output. Start reading at status.go.
package status
