// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// OSFamily selects the TCP/IP behaviour of a decky.
// +kubebuilder:validation:Enum=linux;windows;windows-server;bsd;embedded;cisco
type OSFamily string

// The OS families.
const (
	OSFamilyLinux         OSFamily = "linux"
	OSFamilyWindows       OSFamily = "windows"
	OSFamilyWindowsServer OSFamily = "windows-server"
	OSFamilyBSD           OSFamily = "bsd"
	OSFamilyEmbedded      OSFamily = "embedded"
	OSFamilyCisco         OSFamily = "cisco"
)

// Protocol is the transport protocol of a port.
// +kubebuilder:validation:Enum=TCP;UDP
type Protocol string

// The transport protocols.
const (
	ProtocolTCP Protocol = "TCP"
	ProtocolUDP Protocol = "UDP"
)

// UpdateStrategy says whether a base may be recreated for a change of spec.
// +kubebuilder:validation:Enum=InPlace;Recreate
type UpdateStrategy string

// The update strategies.
const (
	// UpdateInPlace never restarts a base for a change of spec.
	UpdateInPlace UpdateStrategy = "InPlace"
	// UpdateRecreate may recreate a base for what Docker can only set at creation.
	UpdateRecreate UpdateStrategy = "Recreate"
)

// Attachment is one interface of a decky: a LAN, and optionally which address
// and MAC to have there.
type Attachment struct {
	// lan names a LAN of the same topology.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	LAN string `json:"lan"`

	// address is an IPv4 host address of the LAN. Empty: the lowest free one,
	// recorded in status.
	// +optional
	// +kubebuilder:validation:MaxLength=15
	Address string `json:"address,omitempty"`

	// macAddress is the interface's MAC address, as six lower-case hexadecimal
	// pairs. Empty: chosen by the operator or the engine, recorded in status.
	// +optional
	// +kubebuilder:validation:MaxLength=17
	MACAddress string `json:"macAddress,omitempty"`
}

// ServicePort is a port that a service listens on.
type ServicePort struct {
	// containerPort is the port's number.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	ContainerPort int32 `json:"containerPort"`

	// protocol is TCP or UDP.
	// +optional
	// +kubebuilder:default=TCP
	Protocol Protocol `json:"protocol,omitempty"`
}

// PublishedPort is a port of the decky that the host publishes.
type PublishedPort struct {
	// containerPort is the port of the decky.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	ContainerPort int32 `json:"containerPort"`

	// protocol is TCP or UDP.
	// +optional
	// +kubebuilder:default=TCP
	Protocol Protocol `json:"protocol,omitempty"`

	// hostPort is the port of the host. Default: containerPort.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	HostPort int32 `json:"hostPort,omitempty"`
}

// Publish makes ports of a decky reachable through the host.
type Publish struct {
	// hostIP is the IPv4 address of the host to publish on.
	// +optional
	// +kubebuilder:default="0.0.0.0"
	// +kubebuilder:validation:MaxLength=15
	HostIP string `json:"hostIP,omitempty"`

	// ports are the ports to publish. Empty: every service port, 1:1.
	// +optional
	// +listType=map
	// +listMapKey=containerPort
	// +listMapKey=protocol
	// +kubebuilder:validation:MaxItems=64
	Ports []PublishedPort `json:"ports,omitempty"`
}

// EnvVar is one environment variable of a custom service.
type EnvVar struct {
	// name is the variable's name.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:Pattern=`^[A-Za-z_][A-Za-z0-9_]*$`
	Name string `json:"name"`

	// value is the variable's value.
	// +optional
	// +kubebuilder:validation:MaxLength=4096
	Value string `json:"value,omitempty"`
}

// Service is one decoy service of a decky: from the catalogue, or with image a
// custom one.
type Service struct {
	// name is the name of a catalogue service or, with image, any DNS label.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name"`

	// config holds the settings of a catalogue service; numbers and booleans
	// quoted, lists comma-separated.
	// +optional
	// +kubebuilder:validation:MaxProperties=32
	// +kubebuilder:validation:items:MaxLength=4096
	Config map[string]string `json:"config,omitempty"`

	// image makes the service a custom one: its container image.
	// +optional
	// +kubebuilder:validation:MaxLength=512
	Image string `json:"image,omitempty"`

	// command is the command line of a custom service. Default: the image's.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=4096
	Command []string `json:"command,omitempty"`

	// env is the environment of a custom service.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=64
	Env []EnvVar `json:"env,omitempty"`

	// ports are the ports that a custom service listens on.
	// +optional
	// +listType=map
	// +listMapKey=containerPort
	// +listMapKey=protocol
	// +kubebuilder:validation:MaxItems=32
	Ports []ServicePort `json:"ports,omitempty"`
}

// DeckySpec is the desired state of a Decky.
type DeckySpec struct {
	// topologyRef names the Topology that the decky belongs to. Immutable.
	// +required
	TopologyRef TopologyReference `json:"topologyRef"`

	// archetype is a machine kind of the catalogue; it gives the services and
	// the OS family unless they are set here.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Archetype string `json:"archetype,omitempty"`

	// osFamily selects the TCP/IP settings of the base. Default: the archetype's, else linux.
	// +optional
	OSFamily OSFamily `json:"osFamily,omitempty"`

	// hostname is the machine's host name. Default: the object's name.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Hostname string `json:"hostname,omitempty"`

	// image is the base's image, whose command must stay in the foreground.
	// Default: the built-in one.
	// +optional
	// +kubebuilder:validation:MaxLength=512
	Image string `json:"image,omitempty"`

	// home is the LAN that the decky lives on. home.lan is immutable.
	// +required
	Home Attachment `json:"home"`

	// attachments are further LANs that the decky is connected to.
	// +optional
	// +listType=map
	// +listMapKey=lan
	// +kubebuilder:validation:MaxItems=32
	Attachments []Attachment `json:"attachments,omitempty"`

	// forwarding makes the decky route IPv4 between its LANs, so that an
	// intruder can pivot through it.
	// +optional
	// +kubebuilder:default=false
	Forwarding bool `json:"forwarding,omitempty"`

	// publish makes ports reachable through the host. Needs a home LAN with dmz: true.
	// +optional
	Publish *Publish `json:"publish,omitempty"`

	// services are the decoy services. Default: the archetype's.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=32
	Services []Service `json:"services,omitempty"`

	// updateStrategy says whether the base may be recreated for a change of spec.
	// +optional
	// +kubebuilder:default=InPlace
	UpdateStrategy UpdateStrategy `json:"updateStrategy,omitempty"`
}

// BaseStatus is what was seen of a decky's base container.
type BaseStatus struct {
	// containerID is the Docker container's id.
	// +optional
	ContainerID string `json:"containerID,omitempty"`
	// startedAt is when the container was last started.
	// +optional
	StartedAt *metav1.Time `json:"startedAt,omitempty"`
	// image is the reference of the image that it runs.
	// +optional
	Image string `json:"image,omitempty"`
}

// InterfaceStatus is one interface of a decky: what was chosen for it, and
// whether it is there.
type InterfaceStatus struct {
	// lan is the LAN's name.
	LAN string `json:"lan"`
	// address is the IPv4 address.
	// +optional
	Address string `json:"address,omitempty"`
	// macAddress is the MAC address.
	// +optional
	MACAddress string `json:"macAddress,omitempty"`
	// connected is true when the live interface was seen with this address.
	Connected bool `json:"connected"`
}

// ServiceStatus is what was seen of a service.
type ServiceStatus struct {
	// name is the service's name.
	Name string `json:"name"`
	// containerID is the Docker container's id.
	// +optional
	ContainerID string `json:"containerID,omitempty"`
	// state is Docker's word for the container's state, or missing.
	State string `json:"state"`
	// ready is true when the container runs from the current spec in the base's
	// namespace and all its ports listen.
	Ready bool `json:"ready"`
	// restartCount is the engine's count of restarts, for display.
	RestartCount int32 `json:"restartCount"`
	// message says why the service is not ready.
	// +optional
	Message string `json:"message,omitempty"`
}

// DeckyStatus is the observed state of a Decky.
type DeckyStatus struct {
	// observedGeneration is the generation that the conditions speak of.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// base is what was seen of the base container.
	// +optional
	Base BaseStatus `json:"base,omitzero"`

	// osFamily is the OS family in effect.
	// +optional
	OSFamily OSFamily `json:"osFamily,omitempty"`

	// interfaces lists the interfaces, home first.
	// +optional
	// +listType=map
	// +listMapKey=lan
	Interfaces []InterfaceStatus `json:"interfaces,omitempty"`

	// lans names the LANs of the interfaces, for display.
	// +optional
	LANs string `json:"lans,omitempty"`

	// services lists the services.
	// +optional
	// +listType=map
	// +listMapKey=name
	Services []ServiceStatus `json:"services,omitempty"`

	// servicesSummary is "ready/total".
	// +optional
	ServicesSummary string `json:"servicesSummary,omitempty"`

	// lastHandledReconcileAt echoes the annotation deckyard.dev/reconcile-requested-at.
	// +optional
	LastHandledReconcileAt string `json:"lastHandledReconcileAt,omitempty"`

	// conditions: Ready, Reconciling, Stalled, Accepted, ImagesPresent,
	// ContainersRunning, EndpointsInSync, ServicesAnswering, RecreatePending.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// Decky is one decoy machine of a Topology.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Namespaced,path=deckies,singular=decky,categories=deckyard
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Home",type=string,JSONPath=`.status.interfaces[0].address`
// +kubebuilder:printcolumn:name="LANs",type=string,JSONPath=`.status.lans`
// +kubebuilder:printcolumn:name="Services",type=string,JSONPath=`.status.servicesSummary`
// +kubebuilder:printcolumn:name="Topology",type=string,JSONPath=`.spec.topologyRef.name`
// +kubebuilder:printcolumn:name="Image",type=string,priority=1,JSONPath=`.status.base.image`
// +kubebuilder:printcolumn:name="Node",type=string,priority=1,JSONPath=`.metadata.labels.deckyard\.dev/node`
// +kubebuilder:printcolumn:name="OS",type=string,priority=1,JSONPath=`.status.osFamily`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type Decky struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is the desired state.
	// +required
	Spec DeckySpec `json:"spec"`

	// status is the observed state.
	// +optional
	// +kubebuilder:default={observedGeneration:-1}
	Status DeckyStatus `json:"status,omitempty"`
}

// DeckyList is a list of Decky objects.
//
// +kubebuilder:object:root=true
type DeckyList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	// items are the objects.
	Items []Decky `json:"items"`
}
