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
	// +kubebuilder:validation:XValidation:rule=`!format.dns1123Label().validate(self).hasValue()`,messageExpression=`'lan "%s" is not a DNS label: use at most 63 lower-case letters, digits and hyphens, such as office'.format([self])`
	LAN string `json:"lan"`

	// address is an IPv4 host address of the LAN. Empty: the lowest free one,
	// recorded in status.
	// +optional
	// +kubebuilder:validation:MaxLength=15
	// +kubebuilder:validation:XValidation:rule=`self == "" || isIP(self) && ip(self).family() == 4 && ip(self).isGlobalUnicast()`,messageExpression=`'address "%s" is not an IPv4 host address: write four decimal numbers without leading zeros, such as 10.20.0.15, or leave it out'.format([self])`
	Address string `json:"address,omitempty"`

	// macAddress is the interface's MAC address, as six lower-case hexadecimal
	// pairs. Empty: chosen by the operator or the engine, recorded in status.
	// +optional
	// +kubebuilder:validation:MaxLength=17
	// +kubebuilder:validation:XValidation:rule=`self == "" || self.matches('^([0-9a-f]{2}:){5}[0-9a-f]{2}$')`,messageExpression=`'macAddress "%s" is not a MAC address: write six lower-case hexadecimal pairs separated by colons, such as 02:42:0a:14:00:0f, or leave it out'.format([self])`
	// +kubebuilder:validation:XValidation:rule=`!self.matches('^([0-9a-f]{2}:){5}[0-9a-f]{2}$') || self.matches('^[0-9a-f][02468ace]') && self != '00:00:00:00:00:00'`,messageExpression=`'macAddress %s is not a unicast address: make the second digit even and not all digits zero, as in 02:42:0a:14:00:0f'.format([self])`
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
	// +kubebuilder:validation:XValidation:rule=`self == "" || isIP(self) && ip(self).family() == 4 && (ip(self).isGlobalUnicast() || ip(self).isLoopback() || ip(self).isUnspecified())`,messageExpression=`'publish.hostIP "%s" is not an IPv4 address of a host: write one of this host, such as 127.0.0.1, or 0.0.0.0 for all of them'.format([self])`
	HostIP string `json:"hostIP,omitempty"`

	// ports are the ports to publish. Empty: every service port, 1:1.
	// +optional
	// +listType=map
	// +listMapKey=containerPort
	// +listMapKey=protocol
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:XValidation:rule=`self.all(p, self.exists_one(q, q.protocol == p.protocol && (has(q.hostPort) ? q.hostPort : q.containerPort) == (has(p.hostPort) ? p.hostPort : p.containerPort)))`,messageExpression=`'publish.ports: hostPort %d is claimed by more than one of containerPorts %s: give each a hostPort of its own'.format([self.filter(p, !self.exists_one(q, q.protocol == p.protocol && (has(q.hostPort) ? q.hostPort : q.containerPort) == (has(p.hostPort) ? p.hostPort : p.containerPort))).map(p, (has(p.hostPort) ? p.hostPort : p.containerPort))[0], self.filter(p, !self.exists_one(q, q.protocol == p.protocol && (has(q.hostPort) ? q.hostPort : q.containerPort) == (has(p.hostPort) ? p.hostPort : p.containerPort))).map(p, p.containerPort)])`
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
//
// +kubebuilder:validation:XValidation:rule=`!has(self.image) || self.image == "" || !has(self.config)`,messageExpression=`'services: "%s" has an image and a config, but config is for catalogue services only: remove one of them, or pass the settings in env or command'.format([self.name])`,reason=FieldValueForbidden,fieldPath=`.config`
// +kubebuilder:validation:XValidation:rule=`has(self.image) && self.image != "" || !has(self.command)`,messageExpression=`'services: "%s" has command but no image, and command is for custom services only: set image, or use config for a catalogue service'.format([self.name])`,reason=FieldValueForbidden,fieldPath=`.command`
// +kubebuilder:validation:XValidation:rule=`has(self.image) && self.image != "" || !has(self.env)`,messageExpression=`'services: "%s" has env but no image, and env is for custom services only: set image, or use config for a catalogue service'.format([self.name])`,reason=FieldValueForbidden,fieldPath=`.env`
// +kubebuilder:validation:XValidation:rule=`has(self.image) && self.image != "" || !has(self.ports)`,messageExpression=`'services: "%s" has ports but no image, and ports is for custom services only: set image, or use config for a catalogue service'.format([self.name])`,reason=FieldValueForbidden,fieldPath=`.ports`
type Service struct {
	// name is the name of a catalogue service or, with image, any DNS label.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule=`!format.dns1123Label().validate(self).hasValue()`,messageExpression=`'services: name "%s" is not a DNS label: use at most 63 lower-case letters, digits and hyphens, such as ssh'.format([self])`
	Name string `json:"name"`

	// config holds the settings of a catalogue service; numbers and booleans
	// quoted, lists comma-separated.
	// +optional
	// +kubebuilder:validation:MaxProperties=32
	// +kubebuilder:validation:XValidation:rule=`self.all(key, size(self[key]) <= 4096)`,messageExpression=`'config: the value of %s is too long: use at most 4096 characters'.format([self.filter(key, size(self[key]) > 4096)])`
	Config map[string]string `json:"config,omitempty"`

	// image makes the service a custom one: its container image.
	// +optional
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule=`self == "" || self.matches('^[A-Za-z0-9][A-Za-z0-9._:/@-]*$')`,messageExpression=`'image "%s" is not an image reference: write a repository with a tag or a digest, such as nginx:1.27'.format([self])`
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
//
// +kubebuilder:validation:XValidation:rule=`self.home.lan == oldSelf.home.lan`,messageExpression=`'home.lan is immutable: it is "%s" and cannot become "%s"; add the other LAN to attachments, or delete the Decky and create it again'.format([oldSelf.home.lan, self.home.lan])`,reason=FieldValueForbidden,fieldPath=`.home.lan`
// +kubebuilder:validation:XValidation:rule=`!has(self.attachments) || !self.attachments.exists(a, a.lan == self.home.lan)`,messageExpression=`'attachments: "%s" is the home LAN already: remove it from attachments'.format([self.home.lan])`,fieldPath=`.attachments`
// +kubebuilder:validation:XValidation:rule=`!has(self.attachments) || !has(self.home.address) || self.home.address == "" || !self.attachments.exists(a, has(a.address) && a.address == self.home.address)`,messageExpression=`'attachments: address %s is the home address already: give every interface an address of its own LAN, or leave it out'.format([self.home.address])`,fieldPath=`.attachments`
// +kubebuilder:validation:XValidation:rule=`!has(self.attachments) || self.attachments.all(a, !has(a.address) || a.address == "" || self.attachments.exists_one(b, has(b.address) && b.address == a.address))`,messageExpression=`'attachments: the same address is given to LANs %s: give every interface an address of its own LAN, or leave it out'.format([self.attachments.filter(a, has(a.address) && a.address != "" && !self.attachments.exists_one(b, has(b.address) && b.address == a.address)).map(a, a.lan)])`,fieldPath=`.attachments`
// +kubebuilder:validation:XValidation:rule=`!has(self.services) || !self.services.exists(s, has(s.ports) && self.services.exists(t, t.name != s.name && has(t.ports) && sets.intersects(s.ports, t.ports)))`,messageExpression=`'services: %s claim the same port and protocol: give each containerPort and protocol one owner'.format([self.services.filter(s, has(s.ports) && self.services.exists(t, t.name != s.name && has(t.ports) && sets.intersects(s.ports, t.ports))).map(s, s.name)])`,fieldPath=`.services`
type DeckySpec struct {
	// topologyRef names the Topology that the decky belongs to. Immutable.
	// +required
	// +kubebuilder:validation:XValidation:rule=`self.name == oldSelf.name`,messageExpression=`'topologyRef.name is immutable: it is "%s" and cannot become "%s"; delete the Decky and create it in the other Topology'.format([oldSelf.name, self.name])`,reason=FieldValueForbidden,fieldPath=`.name`
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
	// +kubebuilder:validation:XValidation:rule=`self == "" || self.matches('^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?([.][A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$')`,messageExpression=`'hostname "%s" is not a host name: use letters, digits and hyphens, in labels separated by dots, such as srv-web-01, or leave it out'.format([self])`
	Hostname string `json:"hostname,omitempty"`

	// image is the base's image, whose command must stay in the foreground.
	// Default: the built-in one.
	// +optional
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule=`self == "" || self.matches('^[A-Za-z0-9][A-Za-z0-9._:/@-]*$')`,messageExpression=`'image "%s" is not an image reference: write a repository with a tag or a digest, such as nginx:1.27'.format([self])`
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
// +kubebuilder:validation:XValidation:rule=`self.metadata.name.size() <= 63 && !self.metadata.name.contains('.')`,messageExpression=`'metadata.name "%s" is not a DNS label: name the Decky with at most 63 lower-case letters, digits and hyphens, such as web01'.format([self.metadata.name])`
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
