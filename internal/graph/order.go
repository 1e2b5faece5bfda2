// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Earlier reports whether a comes before b, so that b is at fault where they
// clash: by creationTimestamp, then by namespace, then by name.
func Earlier(a, b metav1.Object) bool {
	created, other := a.GetCreationTimestamp(), b.GetCreationTimestamp()
	switch {
	case !created.Equal(&other):
		return created.Before(&other)
	case a.GetNamespace() != b.GetNamespace():
		return a.GetNamespace() < b.GetNamespace()
	default:
		return a.GetName() < b.GetName()
	}
}

// precedes is Earlier, but of two objects of the same second the one that is
// deployed comes first: names, which part them otherwise, must not take from an
// object what it has already.
func precedes(a, b metav1.Object, aDeployed, bDeployed bool) bool {
	created, other := a.GetCreationTimestamp(), b.GetCreationTimestamp()
	if created.Equal(&other) && aDeployed != bDeployed {
		return aDeployed
	}
	return Earlier(a, b)
}

// same reports whether a and b are one object.
func same(a, b metav1.Object) bool {
	return a.GetNamespace() == b.GetNamespace() && a.GetName() == b.GetName()
}

func isDeleting(object metav1.Object) bool {
	return !object.GetDeletionTimestamp().IsZero()
}

// nameFrom names an object for a message about another: with its namespace if
// that is not the reader's own.
func nameFrom(reader, object metav1.Object) string {
	if reader.GetNamespace() == object.GetNamespace() {
		return object.GetName()
	}
	return object.GetNamespace() + "/" + object.GetName()
}
