// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"context"
	"fmt"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structural "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"

	"github.com/deckyard/deckyard/config/crd"
)

// Gate is what an object of one kind has to pass. It is safe for concurrent use.
type Gate struct {
	// Kind is the kind's name, such as LAN.
	Kind string

	schema *structural.Structural
	values validation.SchemaValidator
	rules  *cel.Validator
}

// Gates returns those of all kinds, sorted by their definition's file.
func Gates() ([]Gate, error) {
	definitions, err := crd.CRDs()
	if err != nil {
		return nil, fmt.Errorf("read the definitions: %w", err)
	}
	gates := make([]Gate, 0, len(definitions))
	for _, definition := range definitions {
		gate, err := newGate(definition)
		if err != nil {
			return nil, fmt.Errorf("read the definition of %s: %w", definition.Spec.Names.Kind, err)
		}
		gates = append(gates, gate)
	}
	return gates, nil
}

func newGate(definition *apiextensionsv1.CustomResourceDefinition) (Gate, error) {
	gate := Gate{Kind: definition.Spec.Names.Kind}
	var props apiextensions.JSONSchemaProps
	err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(definition.Spec.Versions[0].Schema.OpenAPIV3Schema, &props, nil)
	if err != nil {
		return Gate{}, err
	}
	if gate.schema, err = structural.NewStructural(&props); err != nil {
		return Gate{}, err
	}
	if gate.values, _, err = validation.NewSchemaValidator(&props); err != nil {
		return Gate{}, err
	}
	gate.rules = cel.NewValidator(gate.schema, true, celconfig.PerCallLimit)
	return gate, nil
}

// Prune removes the fields that the definition does not know, and returns their
// paths, sorted.
func (g Gate) Prune(object map[string]any) []string {
	return pruning.PruneWithOptions(object, g.schema, true, structural.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
}

// Admit prunes and defaults an object, and returns what is wrong with it. before is
// the object that it replaces, nil if it is new.
func (g Gate) Admit(ctx context.Context, object, before map[string]any) field.ErrorList {
	pruning.Prune(object, g.schema, true)
	defaulting.PruneNonNullableNullsWithoutDefaults(object, g.schema)
	defaulting.Default(object, g.schema)
	var refusals field.ErrorList
	// A nil map is no nil interface.
	var old any
	if before == nil {
		refusals = validation.ValidateCustomResource(nil, object, g.values)
	} else {
		// A typed object leaves out false and zero, which the API server has.
		stored := runtime.DeepCopyJSON(before)
		defaulting.Default(stored, g.schema)
		old = stored
		refusals = validation.ValidateCustomResourceUpdate(nil, object, stored, g.values)
	}
	refusals = append(refusals, listtype.ValidateListSetsAndMaps(nil, g.schema, object)...)
	if len(refusals) > 0 {
		return refusals
	}
	refusals, _ = g.rules.Validate(ctx, nil, g.schema, object, old, celconfig.RuntimeCELCostBudget)
	return refusals
}
