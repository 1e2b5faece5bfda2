// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Progress is the part of status that all three kinds share, as pointers into
// the object, so that one piece of code can report on any of them.
// +kubebuilder:object:generate=false
type Progress struct {
	// Conditions points at status.conditions.
	Conditions *[]metav1.Condition
	// ObservedGeneration points at status.observedGeneration.
	ObservedGeneration *int64
	// LastHandledReconcileAt points at status.lastHandledReconcileAt.
	LastHandledReconcileAt *string
}

// Progress returns the shared part of the Topology's status.
func (t *Topology) Progress() Progress {
	return Progress{&t.Status.Conditions, &t.Status.ObservedGeneration, &t.Status.LastHandledReconcileAt}
}

// Progress returns the shared part of the LAN's status.
func (l *LAN) Progress() Progress {
	return Progress{&l.Status.Conditions, &l.Status.ObservedGeneration, &l.Status.LastHandledReconcileAt}
}

// Progress returns the shared part of the Decky's status.
func (d *Decky) Progress() Progress {
	return Progress{&d.Status.Conditions, &d.Status.ObservedGeneration, &d.Status.LastHandledReconcileAt}
}

// Interfaces returns the attachments that the spec asks for, home first.
func (d *Decky) Interfaces() []Attachment {
	return append([]Attachment{d.Spec.Home}, d.Spec.Attachments...)
}

// AllowsEgress reports whether the spec lets deckies of the LAN open connections
// to the outside.
func (l *LAN) AllowsEgress() bool {
	return l.Spec.DMZ && l.Spec.Egress == EgressAllow
}
