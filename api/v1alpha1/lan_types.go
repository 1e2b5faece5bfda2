// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// NetworkDriver is the Docker network driver of a LAN.
// +kubebuilder:validation:Enum=bridge;macvlan;ipvlan
type NetworkDriver string

// The network drivers.
const (
	DriverBridge  NetworkDriver = "bridge"
	DriverMacvlan NetworkDriver = "macvlan"
	DriverIPvlan  NetworkDriver = "ipvlan"
)

// Egress says whether a DMZ may open connections to the outside.
// +kubebuilder:validation:Enum=Deny;Allow
type Egress string

// The egress policies.
const (
	EgressDeny  Egress = "Deny"
	EgressAllow Egress = "Allow"
)

// LANSpec is the desired state of a LAN.
type LANSpec struct {
	// topologyRef names the Topology that the LAN belongs to. Immutable.
	// +required
	TopologyRef TopologyReference `json:"topologyRef"`

	// subnet is a canonical IPv4 CIDR from /16 to /29. Empty: the first free
	// block of the topology's pools, recorded in status. Immutable after deployment.
	// +optional
	// +kubebuilder:validation:MaxLength=18
	Subnet string `json:"subnet,omitempty"`

	// gateway is the network's own address. Default: the first host address of
	// the subnet. Immutable after deployment.
	// +optional
	// +kubebuilder:validation:MaxLength=15
	Gateway string `json:"gateway,omitempty"`

	// dmz marks the one LAN of a topology that published ports lead to. Every
	// other LAN is a Docker internal network. Immutable after deployment.
	// +optional
	// +kubebuilder:default=false
	DMZ bool `json:"dmz,omitempty"`

	// driver is the Docker network driver. Immutable after deployment.
	// +optional
	// +kubebuilder:default=bridge
	Driver NetworkDriver `json:"driver,omitempty"`

	// parent is the host interface of a macvlan or ipvlan LAN. Immutable after deployment.
	// +optional
	// +kubebuilder:validation:MaxLength=15
	Parent string `json:"parent,omitempty"`

	// mtu is the network's maximum transmission unit, in bytes. Default: the engine's.
	// +optional
	// +kubebuilder:validation:Minimum=576
	// +kubebuilder:validation:Maximum=9216
	MTU int32 `json:"mtu,omitempty"`

	// egress says whether deckies of the DMZ may open connections to addresses
	// outside the topology. Allow is possible for the DMZ only.
	// +optional
	// +kubebuilder:default=Deny
	Egress Egress `json:"egress,omitempty"`
}

// LANStatus is the observed state of a LAN.
type LANStatus struct {
	// observedGeneration is the generation that the conditions speak of.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// networkID is the Docker network's id. It keeps its last value until teardown.
	// +optional
	NetworkID string `json:"networkID,omitempty"`

	// networkName is the Docker network's name.
	// +optional
	NetworkName string `json:"networkName,omitempty"`

	// subnet is the subnet that the LAN has.
	// +optional
	Subnet string `json:"subnet,omitempty"`

	// gateway is the network's own address.
	// +optional
	Gateway string `json:"gateway,omitempty"`

	// attached is the number of deckies with an interface on the network.
	// +optional
	Attached int32 `json:"attached"`

	// lastHandledReconcileAt echoes the annotation deckyard.dev/reconcile-requested-at.
	// +optional
	LastHandledReconcileAt string `json:"lastHandledReconcileAt,omitempty"`

	// conditions: Ready, Reconciling, Stalled, Accepted, NetworkInSync.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// LAN is one network segment of a Topology.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Namespaced,path=lans,singular=lan,categories=deckyard
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Subnet",type=string,JSONPath=`.status.subnet`
// +kubebuilder:printcolumn:name="DMZ",type=boolean,JSONPath=`.spec.dmz`
// +kubebuilder:printcolumn:name="Attached",type=integer,JSONPath=`.status.attached`
// +kubebuilder:printcolumn:name="Topology",type=string,JSONPath=`.spec.topologyRef.name`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type LAN struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is the desired state.
	// +required
	Spec LANSpec `json:"spec"`

	// status is the observed state.
	// +optional
	// +kubebuilder:default={observedGeneration:-1,attached:0}
	Status LANStatus `json:"status,omitempty"`
}

// LANList is a list of LAN objects.
//
// +kubebuilder:object:root=true
type LANList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	// items are the objects.
	Items []LAN `json:"items"`
}
