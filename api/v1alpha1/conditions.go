// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Condition types. All are positive but Reconciling, Stalled and
// RecreatePending, which are present only while True.
const (
	// ConditionReady is on every kind once a pass has run. True: a pass planned
	// nothing and all other conditions are as they should be.
	ConditionReady = "Ready"
	// ConditionReconciling (all kinds) is present while work is going on or waits for something.
	ConditionReconciling = "Reconciling"
	// ConditionStalled (all kinds) is present while only a change by the user can help.
	ConditionStalled = "Stalled"
	// ConditionAccepted (all kinds) is True when spec and references are usable.
	ConditionAccepted = "Accepted"

	// ConditionNetworkInSync (LAN) is True when exactly one owned network exists, as desired, with its filter rules.
	ConditionNetworkInSync = "NetworkInSync"
	// ConditionContained (LAN, Topology) is True when deckies are seen to reach nothing but what the
	// spec allows: LANs that forwarding deckies link, and with egress Allow the outside.
	ConditionContained = "Contained"

	// ConditionImagesPresent (Decky) is True when all images are on the engine.
	ConditionImagesPresent = "ImagesPresent"
	// ConditionContainersRunning (Decky) is True when base and services run from the current spec.
	ConditionContainersRunning = "ContainersRunning"
	// ConditionEndpointsInSync (Decky) is True when the base has exactly the wanted
	// interfaces, routes and kernel settings of its network. No event tells of the
	// latter two: they are looked at every minute where the decky has several
	// interfaces or routes, else every ten.
	ConditionEndpointsInSync = "EndpointsInSync"
	// ConditionServicesAnswering (Decky) is True when every declared port listens in the decky's namespace.
	ConditionServicesAnswering = "ServicesAnswering"
	// ConditionRecreatePending (Decky) is present while a change that needs a new base waits for consent.
	ConditionRecreatePending = "RecreatePending"

	// ConditionEngineSuitable (Topology) is True when the engine of the topology's node has what every topology needs; it says which features are off.
	ConditionEngineSuitable = "EngineSuitable"
	// ConditionLANsReady (Topology) is True when every LAN is Ready at its generation.
	ConditionLANsReady = "LANsReady"
	// ConditionDeckiesReady (Topology) is True when every Decky is Ready at its generation.
	ConditionDeckiesReady = "DeckiesReady"
)

// Reason is one word of the product's single list of reasons: it is used for
// conditions, events, plans and metrics alike.
type Reason string

// Reasons shared by several conditions.
const (
	// ReasonSucceeded goes with every condition that is as it should be.
	ReasonSucceeded Reason = "Succeeded"
	// ReasonProgressing says that changes were made and their result is awaited.
	ReasonProgressing Reason = "Progressing"
	// ReasonProgressingWithRetry says that the world failed and the pass is repeated.
	ReasonProgressingWithRetry Reason = "ProgressingWithRetry"
	// ReasonDependencyNotReady (Reconciling only) says that another object is awaited.
	ReasonDependencyNotReady Reason = "DependencyNotReady"
	// ReasonSuspended says that the topology is suspended and something would change.
	ReasonSuspended Reason = "Suspended"
	// ReasonDeleting says that the object is being torn down.
	ReasonDeleting Reason = "Deleting"
	// ReasonEngineUnavailable says that the Docker Engine cannot be reached; nothing is known.
	ReasonEngineUnavailable Reason = "EngineUnavailable"
	// ReasonEngineUnsuitable says that the Docker Engine, or its host, lacks what every topology needs.
	ReasonEngineUnsuitable Reason = "EngineUnsuitable"
	// ReasonNodeSilent says that no operator of the topology's node has said anything yet.
	ReasonNodeSilent Reason = "NodeSilent"
	// ReasonEngineRefused says that the Docker Engine refused a request.
	ReasonEngineRefused Reason = "EngineRefused"
)

// Reasons of Accepted and of Stalled.
const (
	// ReasonInvalidSpec: a field has a value that cannot be used.
	ReasonInvalidSpec Reason = "InvalidSpec"
	// ReasonNotSupported: a field or value is part of the API, but is not acted upon yet.
	ReasonNotSupported Reason = "NotSupported"
	// ReasonTopologyNotFound: spec.topologyRef names no Topology.
	ReasonTopologyNotFound Reason = "TopologyNotFound"
	// ReasonLANNotFound: home or an attachment names no LAN of the topology.
	ReasonLANNotFound Reason = "LANNotFound"
	// ReasonUnknownService: a service is neither in the catalogue nor has an image.
	ReasonUnknownService Reason = "UnknownService"
	// ReasonUnknownArchetype: spec.archetype is not in the catalogue.
	ReasonUnknownArchetype Reason = "UnknownArchetype"
	// ReasonInvalidConfig: a key or value of a service's config is not in its schema.
	ReasonInvalidConfig Reason = "InvalidConfig"
	// ReasonPortConflict: two claims on one port and protocol.
	ReasonPortConflict Reason = "PortConflict"
	// ReasonPublishOutsideDMZ: publish needs a home LAN with dmz: true.
	ReasonPublishOutsideDMZ Reason = "PublishOutsideDMZ"
	// ReasonSubnetOverlap: two LANs want overlapping subnets; the later is at fault.
	ReasonSubnetOverlap Reason = "SubnetOverlap"
	// ReasonSubnetConflict: the subnet overlaps a foreign network or a route of the host.
	ReasonSubnetConflict Reason = "SubnetConflict"
	// ReasonPoolExhausted: the address pool has no free block.
	ReasonPoolExhausted Reason = "PoolExhausted"
	// ReasonAddressConflict: the address is taken by another decky, or by a container of somebody else.
	ReasonAddressConflict Reason = "AddressConflict"
	// ReasonAddressInvalid: the address cannot be a host of the LAN.
	ReasonAddressInvalid Reason = "AddressInvalid"
	// ReasonLANFull: the LAN has no free address.
	ReasonLANFull Reason = "LANFull"
	// ReasonMACNotSupported: the engine cannot set the MAC of an attachment.
	ReasonMACNotSupported Reason = "MACNotSupported"
	// ReasonDMZMissing: no LAN of the topology has dmz: true.
	ReasonDMZMissing Reason = "DMZMissing"
	// ReasonDMZMultiple: an earlier LAN of the topology is the DMZ already.
	ReasonDMZMultiple Reason = "DMZMultiple"
	// ReasonLANUnreachable: no path of deckies links a LAN to the DMZ.
	ReasonLANUnreachable Reason = "LANUnreachable"
	// ReasonNoDeckies: the topology has no Decky.
	ReasonNoDeckies Reason = "NoDeckies"
	// ReasonNodeImmutable: spec.nodeName differs from the node that carries the topology.
	ReasonNodeImmutable Reason = "NodeImmutable"
)

// Reasons of the conditions about Docker objects, of plans and of events.
const (
	// ReasonNetworkMissing: the LAN has no network on the engine.
	ReasonNetworkMissing Reason = "NetworkMissing"
	// ReasonNetworkDrifted: the network differs from what is desired.
	ReasonNetworkDrifted Reason = "NetworkDrifted"
	// ReasonNetworkExtra: more than one network carries the LAN's labels.
	ReasonNetworkExtra Reason = "NetworkExtra"
	// ReasonFilterMissing: the host's firewall has no rules for the LAN's bridge.
	ReasonFilterMissing Reason = "FilterMissing"
	// ReasonFilterDrifted: the host's firewall has other rules for the LAN's bridge than desired.
	ReasonFilterDrifted Reason = "FilterDrifted"
	// ReasonFirewallUnavailable: the operator cannot read or set the host's firewall.
	ReasonFirewallUnavailable Reason = "FirewallUnavailable"
	// ReasonDraining: the network waits for its endpoints to leave.
	ReasonDraining Reason = "Draining"
	// ReasonLANInUse: the LAN is the home of a decky and cannot go.
	ReasonLANInUse Reason = "LANInUse"
	// ReasonForeignNetwork: a network that is not ours has the wanted name.
	ReasonForeignNetwork Reason = "ForeignNetwork"
	// ReasonForeignEndpoint: a container that is not ours sits on the network.
	ReasonForeignEndpoint Reason = "ForeignEndpoint"
	// ReasonForeignContainer: a container that is not ours has the wanted name.
	ReasonForeignContainer Reason = "ForeignContainer"

	// ReasonImageMissing: an image is neither on the engine nor in a registry.
	ReasonImageMissing Reason = "ImageMissing"
	// ReasonPulling: an image is being fetched.
	ReasonPulling Reason = "Pulling"
	// ReasonPullFailed: an image could not be fetched.
	ReasonPullFailed Reason = "PullFailed"

	// ReasonContainerMissing: a container does not exist.
	ReasonContainerMissing Reason = "ContainerMissing"
	// ReasonContainerExtra: a container of ours is not desired.
	ReasonContainerExtra Reason = "ContainerExtra"
	// ReasonContainerExited: a container does not run.
	ReasonContainerExited Reason = "ContainerExited"
	// ReasonContainerRenamed: a container has another name than it was created with.
	ReasonContainerRenamed Reason = "ContainerRenamed"
	// ReasonRestartPolicyDrifted: a container has another restart policy than it was created with.
	ReasonRestartPolicyDrifted Reason = "RestartPolicyDrifted"
	// ReasonCrashLooping: a container exits again and again.
	ReasonCrashLooping Reason = "CrashLooping"
	// ReasonRepairBackoff: what is repaired is undone again and again, so that the next repair waits.
	ReasonRepairBackoff Reason = "RepairBackoff"
	// ReasonSpecChanged: a container was created from another spec.
	ReasonSpecChanged Reason = "SpecChanged"
	// ReasonImageOutdated: a container runs an older built-in image.
	ReasonImageOutdated Reason = "ImageOutdated"
	// ReasonNamespaceStale: a service does not share the base's current network namespace.
	ReasonNamespaceStale Reason = "NamespaceStale"
	// ReasonBaseRecreated: the base is new, so its services have to be.
	ReasonBaseRecreated Reason = "BaseRecreated"
	// ReasonRecreatePending: a change that needs a new base waits for consent.
	ReasonRecreatePending Reason = "RecreatePending"
	// ReasonSysctlDrifted: a kernel setting of the namespace was changed.
	ReasonSysctlDrifted Reason = "SysctlDrifted"
	// ReasonHostPortTaken: another process of the host holds a port to publish.
	ReasonHostPortTaken Reason = "HostPortTaken"

	// ReasonEndpointMissing: an interface is missing.
	ReasonEndpointMissing Reason = "EndpointMissing"
	// ReasonEndpointExtra: an interface is not desired.
	ReasonEndpointExtra Reason = "EndpointExtra"
	// ReasonAddressDrifted: an interface has another address or MAC than desired.
	ReasonAddressDrifted Reason = "AddressDrifted"
	// ReasonRouteMissing: a route to another LAN is missing.
	ReasonRouteMissing Reason = "RouteMissing"
	// ReasonRouteExtra: a route is not desired.
	ReasonRouteExtra Reason = "RouteExtra"
	// ReasonLANNotReady: a LAN's network is not there yet.
	ReasonLANNotReady Reason = "LANNotReady"
	// ReasonPortNotListening: a declared port is not in LISTEN in the decky's namespace.
	ReasonPortNotListening Reason = "PortNotListening"
	// ReasonOwnerGone: the object's owner does not exist any more.
	ReasonOwnerGone Reason = "OwnerGone"
)
