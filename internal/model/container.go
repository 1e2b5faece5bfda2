// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package model

import (
	"cmp"
	"net/netip"
	"time"
)

// State is Docker's word for the state of a container.
type State string

// The states of a container.
const (
	StateCreated    State = "created"
	StateRunning    State = "running"
	StateRestarting State = "restarting"
	StatePaused     State = "paused"
	StateExited     State = "exited"
	StateDead       State = "dead"
	StateRemoving   State = "removing"
)

// RestartPolicy is what a container of ours is created with: the engine starts it
// again whenever it ends, unless somebody stopped it.
const RestartPolicy = "unless-stopped"

// Protocol is a transport protocol, in Docker's spelling.
type Protocol string

// The transport protocols.
const (
	TCP Protocol = "tcp"
	UDP Protocol = "udp"
)

// SysctlIPForward routes IPv4 between the interfaces of a base. It is set at
// creation and, unlike the others, may change on a running base. What each interface
// forwards is part of it.
const SysctlIPForward = "net.ipv4.ip_forward"

// Port is a port that a service listens on.
type Port struct {
	Number   uint16
	Protocol Protocol
}

// PublishedPort is a port of the host that leads to a port of a base.
type PublishedPort struct {
	HostIP   netip.Addr
	HostPort uint16
	Port     Port
}

// Limits bound what a container can use.
type Limits struct {
	// Memory is in bytes; swap is not granted beyond it.
	Memory int64
	// PIDs is the number of processes and threads.
	PIDs int64
	// NanoCPUs is in billionths of a core; 0 is unlimited.
	NanoCPUs int64
}

// ContainerSpec is a container as it should be, base or service. It says what
// Docker sets at creation; a base's endpoints besides its home are in DeckySpec.
type ContainerSpec struct {
	// Name is the Docker container's name.
	Name string
	// Identity goes into the labels. Its SpecHash is that of the spec.
	Identity Identity
	// Image is the reference, and ImageID the digest it had when it was resolved.
	Image, ImageID string
	// ImageAbsent says that the image is not on the engine: the container can be
	// kept, but not created.
	ImageAbsent bool
	// BuiltInImage marks the image that the operator brings itself. Its digest
	// is not part of the spec hash.
	BuiltInImage bool
	// Command is the command line; empty is the image's.
	Command []string
	// Env is NAME=value, sorted by name.
	Env []string
	// User is uid:gid; empty is the image's.
	User string
	// ReadOnlyRoot makes the root file system read-only.
	ReadOnlyRoot bool
	// Tmpfs are the directories that get a small in-memory file system.
	Tmpfs []string
	// Capabilities are added after all were dropped.
	Capabilities []string
	Limits       Limits

	// Hostname, Sysctls, Published, DNS and Home are for a base only.
	Hostname  string
	Sysctls   map[string]string
	Published []PublishedPort
	// DNS are the resolvers behind the engine's own; empty is the engine's choice.
	DNS  []netip.Addr
	Home EndpointSpec

	// Ports are those that the service listens on. They are watched, not
	// configured, so they are not part of the spec hash.
	Ports []Port

	// ExtraLabels are further labels (Compose's), not part of the identity.
	ExtraLabels map[string]string
}

// DeckySpec is a decky as it should be.
type DeckySpec struct {
	Owner    Owner
	Base     ContainerSpec
	Services []ContainerSpec
	// Endpoints are all interfaces of the base, home first.
	Endpoints []EndpointSpec
	// Routes are all routes of the base's namespace, sorted, at most one to a
	// destination, besides those to the subnets of its interfaces. Each next hop is
	// in one of these. They change on a running base, so no hash covers them.
	Routes []Route
	// MayRecreateBase is consent to a base's recreation for a change of spec.
	MayRecreateBase bool
}

// Container is a container as it was seen on the engine. The fields from PID on
// are known only from an inspection, which containers that carry our labels get.
type Container struct {
	ID, Name string
	// Identity is what the labels say; zero for a container that is not ours.
	Identity Identity
	State    State
	// Image is the reference it was created from, ImageID the image's digest.
	Image, ImageID string
	// NamespaceOf is the id of the container whose network namespace this one
	// was told to share; empty if it has its own.
	NamespaceOf string
	// Endpoints are sorted by network name.
	Endpoints []Endpoint
	// HostPorts are the IPv4 ports of the host that the container holds; from an
	// inspection also those that it asks for while it does not run.
	HostPorts []PublishedPort
	// HomeNetwork is the network mode it was created with, usually a network's name.
	HomeNetwork string

	// PID is the process id, in the host's namespace, of a running container; else 0.
	PID int
	// StartedAt is when it was last started; zero if never.
	StartedAt time.Time
	// FinishedAt is when it last ended; zero if never.
	FinishedAt time.Time
	ExitCode   int
	// RestartCount is the engine's count of restarts since creation.
	RestartCount int
	// RestartPolicy is what the engine does when it ends, in Docker's words.
	RestartPolicy string
	Hostname      string
	Sysctls       map[string]string
}

// IsRunning reports whether the container's process runs.
func (c Container) IsRunning() bool { return c.State == StateRunning }

// Compare orders containers by name, then id.
func (c Container) Compare(other Container) int {
	return cmp.Or(cmp.Compare(c.Name, other.Name), cmp.Compare(c.ID, other.ID))
}

// EndpointOn returns the container's endpoint on a network, if it has one.
func (c Container) EndpointOn(networkID string) (Endpoint, bool) {
	for _, endpoint := range c.Endpoints {
		if endpoint.NetworkID == networkID {
			return endpoint, true
		}
	}
	return Endpoint{}, false
}
