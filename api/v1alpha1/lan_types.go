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

// Answer says whether something can be reached.
// +kubebuilder:validation:Enum=Yes;No;Unknown
type Answer string

// The answers. Yes means that nothing that was seen prevents it.
const (
	AnswerYes     Answer = "Yes"
	AnswerNo      Answer = "No"
	AnswerUnknown Answer = "Unknown"
)

// MaxReaches is how many LANs status.reaches holds at most.
const MaxReaches = 1024

// LANSpec is the desired state of a LAN.
//
// +kubebuilder:validation:XValidation:rule=`!has(self.gateway) || self.gateway == "" || has(self.subnet) && self.subnet != ""`,messageExpression=`'gateway %s needs a subnet that it belongs to: set subnet too, or leave both out'.format([self.gateway])`,reason=FieldValueRequired,fieldPath=`.subnet`
// +kubebuilder:validation:XValidation:rule=`!has(self.gateway) || !has(self.subnet) || !isIP(self.gateway) || !isCIDR(self.subnet) || cidr(self.subnet).containsIP(self.gateway)`,messageExpression=`'gateway %s is not an address of subnet %s: choose one of it, or leave gateway out for the first host address'.format([self.gateway, self.subnet])`,fieldPath=`.gateway`
// +kubebuilder:validation:XValidation:rule=`!has(self.gateway) || !has(self.subnet) || !isIP(self.gateway) || ip(self.gateway).family() != 4 || !isCIDR(self.subnet) || cidr(self.subnet).ip().family() != 4 || cidr(self.subnet).prefixLength() < 16 || cidr(self.subnet).prefixLength() > 29 || (int(self.gateway.split('.')[0]) * 16777216 + int(self.gateway.split('.')[1]) * 65536 + int(self.gateway.split('.')[2]) * 256 + int(self.gateway.split('.')[3])) % [65536, 32768, 16384, 8192, 4096, 2048, 1024, 512, 256, 128, 64, 32, 16, 8][cidr(self.subnet).prefixLength() - 16] != 0`,messageExpression=`'gateway %s is the network address of subnet %s: choose a host address of it, or leave gateway out for the first one'.format([self.gateway, self.subnet])`,fieldPath=`.gateway`
// +kubebuilder:validation:XValidation:rule=`!has(self.gateway) || !has(self.subnet) || !isIP(self.gateway) || ip(self.gateway).family() != 4 || !isCIDR(self.subnet) || cidr(self.subnet).ip().family() != 4 || cidr(self.subnet).prefixLength() < 16 || cidr(self.subnet).prefixLength() > 29 || (int(self.gateway.split('.')[0]) * 16777216 + int(self.gateway.split('.')[1]) * 65536 + int(self.gateway.split('.')[2]) * 256 + int(self.gateway.split('.')[3]) + 1) % [65536, 32768, 16384, 8192, 4096, 2048, 1024, 512, 256, 128, 64, 32, 16, 8][cidr(self.subnet).prefixLength() - 16] != 0`,messageExpression=`'gateway %s is the broadcast address of subnet %s: choose a host address of it, or leave gateway out for the first one'.format([self.gateway, self.subnet])`,fieldPath=`.gateway`
// +kubebuilder:validation:XValidation:rule=`!has(self.egress) || self.egress != 'Allow' || has(self.dmz) && self.dmz`,message=`egress Allow is possible for the DMZ only: set dmz to true, or egress to Deny`,fieldPath=`.egress`
// +kubebuilder:validation:XValidation:rule=`!has(self.parent) || self.parent == "" || has(self.driver) && self.driver != 'bridge'`,messageExpression=`'parent "%s" is possible with driver macvlan or ipvlan only: set driver to one of them, or leave parent out'.format([self.parent])`,fieldPath=`.parent`
// +kubebuilder:validation:XValidation:rule=`!has(self.driver) || self.driver == 'bridge' || has(self.parent) && self.parent != ""`,messageExpression=`'driver %s needs a parent: set parent to an interface of the host, such as eth0, or driver to bridge'.format([self.driver])`,reason=FieldValueRequired,fieldPath=`.parent`
type LANSpec struct {
	// topologyRef names the Topology that the LAN belongs to. Immutable.
	// +required
	// +kubebuilder:validation:XValidation:rule=`self.name == oldSelf.name`,messageExpression=`'topologyRef.name is immutable: it is "%s" and cannot become "%s"; delete the LAN and create it in the other Topology'.format([oldSelf.name, self.name])`,reason=FieldValueForbidden,fieldPath=`.name`
	TopologyRef TopologyReference `json:"topologyRef"`

	// subnet is a canonical IPv4 CIDR from /16 to /29. Empty: the first free
	// block of the topology's pools, recorded in status. Immutable after deployment.
	// +optional
	// +kubebuilder:validation:MaxLength=18
	// +kubebuilder:validation:XValidation:rule=`self == "" || isCIDR(self) && cidr(self).ip().family() == 4`,messageExpression=`'subnet "%s" is not an IPv4 CIDR: write an address and a prefix length from /16 to /29, such as 10.20.0.0/24, or leave it out'.format([self])`
	// +kubebuilder:validation:XValidation:rule=`!isCIDR(self) || cidr(self) == cidr(self).masked()`,messageExpression=`'subnet %s has host bits set: write %s'.format([self, string(cidr(self).masked())])`
	// +kubebuilder:validation:XValidation:rule=`!isCIDR(self) || cidr(self).prefixLength() >= 16 && cidr(self).prefixLength() <= 29`,messageExpression=`'subnet %s is too large or too small: use a prefix length from /16 to /29'.format([self])`
	// +kubebuilder:validation:XValidation:rule=`!isCIDR(self) || cidr(self).ip().isGlobalUnicast()`,messageExpression=`'subnet %s is reserved for loopback, link-local or multicast use: take a unicast block, such as 10.20.0.0/24'.format([self])`
	Subnet string `json:"subnet,omitempty"`

	// gateway is the network's own address. Default: the first host address of
	// the subnet. Immutable after deployment.
	// +optional
	// +kubebuilder:validation:MaxLength=15
	// +kubebuilder:validation:XValidation:rule=`self == "" || isIP(self) && ip(self).family() == 4 && ip(self).isGlobalUnicast()`,messageExpression=`'gateway "%s" is not an IPv4 host address: write four decimal numbers without leading zeros, such as 10.20.0.1, or leave it out'.format([self])`
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
	// +kubebuilder:validation:XValidation:rule=`self == "" || self.matches('^[A-Za-z0-9][A-Za-z0-9._-]*$')`,messageExpression=`'parent "%s" is not an interface name: write at most 15 letters, digits, dots, hyphens and underscores, such as eth0.20'.format([self])`
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

	// reaches are the other LANs that deckies of the LAN reach by way of deckies
	// that forward, as it was seen. One of another namespace is NAMESPACE/NAME.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=1024
	// +kubebuilder:validation:items:MaxLength=127
	Reaches []string `json:"reaches,omitempty"`

	// reachesSummary is reaches, separated by commas.
	// +optional
	ReachesSummary string `json:"reachesSummary,omitempty"`

	// reachesHost says whether deckies of the LAN reach an address of the host.
	// +optional
	ReachesHost Answer `json:"reachesHost,omitempty"`

	// reachesOutside says whether deckies of the LAN reach addresses that are
	// neither the host's nor a LAN's.
	// +optional
	ReachesOutside Answer `json:"reachesOutside,omitempty"`

	// reachesMetadata says whether deckies of the LAN reach 169.254.0.0/16, where
	// clouds tell a machine its credentials.
	// +optional
	ReachesMetadata Answer `json:"reachesMetadata,omitempty"`

	// lastHandledReconcileAt echoes the annotation deckyard.dev/reconcile-requested-at.
	// +optional
	LastHandledReconcileAt string `json:"lastHandledReconcileAt,omitempty"`

	// conditions: Ready, Reconciling, Stalled, Accepted, NetworkInSync, Contained.
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
// +kubebuilder:validation:XValidation:rule=`self.metadata.name.size() <= 63 && !self.metadata.name.contains('.')`,messageExpression=`'metadata.name "%s" is not a DNS label: name the LAN with at most 63 lower-case letters, digits and hyphens, such as office'.format([self.metadata.name])`
// +kubebuilder:validation:XValidation:rule=`!has(oldSelf.status) || !has(oldSelf.status.networkID) || oldSelf.status.networkID == "" || (has(self.spec.subnet) ? self.spec.subnet : "") == (has(oldSelf.spec.subnet) ? oldSelf.spec.subnet : "")`,messageExpression=`'spec.subnet is immutable after deployment: it is "%s" and cannot become "%s"; set it back, or delete the LAN and create it again'.format([(has(oldSelf.spec.subnet) ? oldSelf.spec.subnet : ""), (has(self.spec.subnet) ? self.spec.subnet : "")])`,reason=FieldValueForbidden,fieldPath=`.spec.subnet`
// +kubebuilder:validation:XValidation:rule=`!has(oldSelf.status) || !has(oldSelf.status.networkID) || oldSelf.status.networkID == "" || (has(self.spec.gateway) ? self.spec.gateway : "") == (has(oldSelf.spec.gateway) ? oldSelf.spec.gateway : "")`,messageExpression=`'spec.gateway is immutable after deployment: it is "%s" and cannot become "%s"; set it back, or delete the LAN and create it again'.format([(has(oldSelf.spec.gateway) ? oldSelf.spec.gateway : ""), (has(self.spec.gateway) ? self.spec.gateway : "")])`,reason=FieldValueForbidden,fieldPath=`.spec.gateway`
// +kubebuilder:validation:XValidation:rule=`!has(oldSelf.status) || !has(oldSelf.status.networkID) || oldSelf.status.networkID == "" || (has(self.spec.dmz) ? self.spec.dmz : false) == (has(oldSelf.spec.dmz) ? oldSelf.spec.dmz : false)`,messageExpression=`'spec.dmz is immutable after deployment: it is %s and cannot become %s; set it back, or delete the LAN and create it again'.format([(has(oldSelf.spec.dmz) ? oldSelf.spec.dmz : false), (has(self.spec.dmz) ? self.spec.dmz : false)])`,reason=FieldValueForbidden,fieldPath=`.spec.dmz`
// +kubebuilder:validation:XValidation:rule=`!has(oldSelf.status) || !has(oldSelf.status.networkID) || oldSelf.status.networkID == "" || (has(self.spec.driver) ? self.spec.driver : 'bridge') == (has(oldSelf.spec.driver) ? oldSelf.spec.driver : 'bridge')`,messageExpression=`'spec.driver is immutable after deployment: it is "%s" and cannot become "%s"; set it back, or delete the LAN and create it again'.format([(has(oldSelf.spec.driver) ? oldSelf.spec.driver : 'bridge'), (has(self.spec.driver) ? self.spec.driver : 'bridge')])`,reason=FieldValueForbidden,fieldPath=`.spec.driver`
// +kubebuilder:validation:XValidation:rule=`!has(oldSelf.status) || !has(oldSelf.status.networkID) || oldSelf.status.networkID == "" || (has(self.spec.parent) ? self.spec.parent : "") == (has(oldSelf.spec.parent) ? oldSelf.spec.parent : "")`,messageExpression=`'spec.parent is immutable after deployment: it is "%s" and cannot become "%s"; set it back, or delete the LAN and create it again'.format([(has(oldSelf.spec.parent) ? oldSelf.spec.parent : ""), (has(self.spec.parent) ? self.spec.parent : "")])`,reason=FieldValueForbidden,fieldPath=`.spec.parent`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Subnet",type=string,JSONPath=`.status.subnet`
// +kubebuilder:printcolumn:name="DMZ",type=boolean,JSONPath=`.spec.dmz`
// +kubebuilder:printcolumn:name="Attached",type=integer,JSONPath=`.status.attached`
// +kubebuilder:printcolumn:name="Reaches",type=string,JSONPath=`.status.reachesSummary`
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
