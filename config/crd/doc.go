// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package crd holds the generated CustomResourceDefinitions of Deckyard: the
// embedded control plane installs the very bytes that kustomize gives to a
// cluster.
//
// The files in bases are written by "make manifests" from the markers in
// api/v1alpha1 and never by hand. The package imports nothing of the project.
// Start reading at embed.go; crd_test.go shows every rule with its message.
package crd
