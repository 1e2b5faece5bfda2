// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// TopologySpec is the desired state of a Topology.
//
// +kubebuilder:validation:XValidation:rule=`!has(self.addressPools) || !has(self.lanPrefixLength) || self.addressPools.all(pool, !isCIDR(pool) || cidr(pool).ip().family() != 4 || cidr(pool).prefixLength() <= self.lanPrefixLength)`,messageExpression=`'addressPools: %s cannot hold a LAN of lanPrefixLength %d: use a larger block, or a greater lanPrefixLength, at most 29'.format([self.addressPools.filter(pool, isCIDR(pool) && cidr(pool).ip().family() == 4 && cidr(pool).prefixLength() > self.lanPrefixLength), self.lanPrefixLength])`,fieldPath=`.addressPools`
type TopologySpec struct {
	// nodeName is the node whose Docker Engine carries the topology. Empty: the
	// operator places it. Recorded in status.nodeName and immutable from then on.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule=`self == "" || !format.dns1123Subdomain().validate(self).hasValue()`,messageExpression=`'nodeName "%s" is not a node name: use at most 63 lower-case letters, digits, hyphens and dots, or leave it out'.format([self])`
	NodeName string `json:"nodeName,omitempty"`

	// addressPools are the IPv4 CIDRs from which LANs without a subnet get one.
	// +optional
	// +listType=set
	// +kubebuilder:default={"172.16.0.0/12"}
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MaxLength=18
	// +kubebuilder:validation:items:XValidation:rule=`isCIDR(self) && cidr(self).ip().family() == 4`,messageExpression=`'addressPools: "%s" is not an IPv4 CIDR: write an address and a prefix length, such as 10.32.0.0/16'.format([self])`
	// +kubebuilder:validation:items:XValidation:rule=`!isCIDR(self) || cidr(self) == cidr(self).masked()`,messageExpression=`'addressPools: %s has host bits set: write %s'.format([self, string(cidr(self).masked())])`
	// +kubebuilder:validation:items:XValidation:rule=`!isCIDR(self) || cidr(self).ip().isGlobalUnicast() && cidr(self).prefixLength() >= 8`,messageExpression=`'addressPools: %s cannot hold LANs: use a unicast block from /8 to /29, such as 10.32.0.0/16'.format([self])`
	AddressPools []string `json:"addressPools,omitempty"`

	// lanPrefixLength is the prefix length, in bits, of an allocated subnet.
	// +optional
	// +kubebuilder:default=24
	// +kubebuilder:validation:Minimum=16
	// +kubebuilder:validation:Maximum=29
	LANPrefixLength int32 `json:"lanPrefixLength,omitempty"`

	// suspend stops changes in Docker: what would change is reported only.
	// A deletion is carried out all the same.
	// +optional
	// +kubebuilder:default=false
	Suspend bool `json:"suspend,omitempty"`
}

// Count tells how many objects of a kind a topology has, and how many are Ready.
type Count struct {
	// total is the number of objects.
	Total int32 `json:"total"`
	// ready is the number of objects that are Ready at their generation.
	Ready int32 `json:"ready"`
	// summary is "ready/total".
	Summary string `json:"summary"`
}

// TopologyStatus is the observed state of a Topology.
type TopologyStatus struct {
	// observedGeneration is the generation that the conditions speak of.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// nodeName is the node whose Docker Engine carries the topology.
	// +optional
	NodeName string `json:"nodeName,omitempty"`

	// lans counts the LANs of the topology.
	// +optional
	LANs Count `json:"lans,omitzero"`

	// deckies counts the Deckies of the topology.
	// +optional
	Deckies Count `json:"deckies,omitzero"`

	// lastHandledReconcileAt echoes the annotation deckyard.dev/reconcile-requested-at.
	// +optional
	LastHandledReconcileAt string `json:"lastHandledReconcileAt,omitempty"`

	// conditions: Ready, Reconciling, Stalled, Accepted, EngineSuitable, LANsReady, DeckiesReady, Contained.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// Topology is one deception network on one Docker Engine.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Namespaced,categories=deckyard,shortName=topo
// +kubebuilder:validation:XValidation:rule=`self.metadata.name.size() <= 63 && !self.metadata.name.contains('.')`,messageExpression=`'metadata.name "%s" is not a DNS label: name the Topology with at most 63 lower-case letters, digits and hyphens, such as acme'.format([self.metadata.name])`
// +kubebuilder:validation:XValidation:rule=`!has(oldSelf.status) || !has(oldSelf.status.nodeName) || !has(self.spec.nodeName) || oldSelf.status.nodeName == "" || self.spec.nodeName in ["", oldSelf.status.nodeName]`,messageExpression=`'spec.nodeName is immutable once the topology is placed: node "%s" carries it, so it cannot become "%s"; set it back, or delete the Topology and create it on the other node'.format([oldSelf.status.nodeName, self.spec.nodeName])`,reason=FieldValueForbidden,fieldPath=`.spec.nodeName`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="LANs",type=string,JSONPath=`.status.lans.summary`
// +kubebuilder:printcolumn:name="Deckies",type=string,JSONPath=`.status.deckies.summary`
// +kubebuilder:printcolumn:name="Node",type=string,JSONPath=`.status.nodeName`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type Topology struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is the desired state.
	// +optional
	// +kubebuilder:default={}
	Spec TopologySpec `json:"spec,omitempty"`

	// status is the observed state.
	// +optional
	// +kubebuilder:default={observedGeneration:-1}
	Status TopologyStatus `json:"status,omitempty"`
}

// TopologyList is a list of Topology objects.
//
// +kubebuilder:object:root=true
type TopologyList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	// items are the objects.
	Items []Topology `json:"items"`
}

// TopologyReference names a Topology of the same namespace.
type TopologyReference struct {
	// name is the Topology's name.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule=`!format.dns1123Label().validate(self).hasValue()`,messageExpression=`'topologyRef.name "%s" is not a DNS label: use at most 63 lower-case letters, digits and hyphens, such as acme'.format([self])`
	Name string `json:"name"`
}
