// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package catalogue_test

import (
	"testing"

	"github.com/deckyard/deckyard/internal/catalogue"
)

func load(t *testing.T) *catalogue.Catalogue {
	t.Helper()
	c, err := catalogue.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestBuiltInCatalogueLoads(t *testing.T) {
	t.Parallel()
	t.Log(load(t).Definitions())
}
