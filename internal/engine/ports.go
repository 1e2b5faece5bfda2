// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"io"
	"net/netip"
	"time"

	"github.com/deckyard/deckyard/internal/model"
)

// Reader sees what is on the engine.
type Reader interface {
	// Networks lists all networks, ours and others', sorted by name and id.
	Networks(ctx context.Context) ([]model.Network, error)
	// Containers lists all containers in every state, sorted by name and id, by a
	// single call: without the detail of an inspection, see model.Container.
	Containers(ctx context.Context) ([]model.Container, error)
	// Network inspects one network by its whole id. ErrNotFound if there is none.
	Network(ctx context.Context, id string) (model.Network, error)
	// Container inspects one container by its whole id. ErrNotFound if there is none.
	Container(ctx context.Context, id string) (model.Container, error)
}

// NetworkWriter changes networks and who is connected to them.
type NetworkWriter interface {
	// CreateNetwork creates a network and returns its id. A taken name is
	// ErrExists, an overlapping subnet ErrConflict.
	CreateNetwork(ctx context.Context, spec model.NetworkSpec) (string, error)
	// RemoveNetwork removes a network. A missing one is success, one with
	// endpoints of running containers ErrInUse. Stopped containers do not hold it,
	// and do not start after it is gone.
	RemoveNetwork(ctx context.Context, id string) error
	// Connect gives a container an interface. If it has one on that network
	// already, that is success when address and MAC match, else ErrConflict. An
	// address that is taken is ErrConflict at once if the container runs, and at
	// its start if not; so is a subnet to which the running container has a route,
	// which has to be removed first. An address outside the subnet is ErrInvalid, as
	// is a MAC that the engine cannot set: see model.EngineProfile. The home may have
	// its MAC always. After an error no interface is there, but the engine may try
	// again when the container is next started.
	Connect(ctx context.Context, containerID string, endpoint model.EndpointSpec) error
	// Disconnect takes an interface away, also one on a network, or of a
	// container, that is gone. A missing one is success.
	Disconnect(ctx context.Context, containerID, networkID string) error
}

// ContainerWriter changes containers.
type ContainerWriter interface {
	// CreateContainer creates a container, not started, and returns its id.
	// namespaceOf is the id of the base whose network namespace it shares, empty
	// for a base. A taken name is ErrExists, a missing image ErrNotFound.
	CreateContainer(ctx context.Context, spec model.ContainerSpec, namespaceOf string) (string, error)
	// StartContainer starts a container and lets a paused one go on; a running one
	// is success. An address or host port that is taken is ErrConflict, as is a
	// base that does not run; a network that is gone is ErrNotFound.
	StartContainer(ctx context.Context, id string) error
	// StopContainer stops a container, with force after the grace period; a
	// stopped or missing one is success.
	StopContainer(ctx context.Context, id string, grace time.Duration) error
	// RestartContainer ends and starts a container, so that it joins the
	// current namespace of the container it shares one with. Also a stopped one
	// is started. ErrNotFound if there is none.
	RestartContainer(ctx context.Context, id string, grace time.Duration) error
	// RemoveContainer ends and removes a container at once; a missing one is success.
	RemoveContainer(ctx context.Context, id string) error
}

// ContainerChanger changes containers in place: those that run go on.
type ContainerChanger interface {
	// RenameContainer gives a container another name than it has. A taken name is
	// ErrExists, a missing container ErrNotFound.
	RenameContainer(ctx context.Context, id, name string) error
	// ResetRestartPolicy gives a container back the restart policy that it was
	// created with, model.RestartPolicy. ErrNotFound if there is none.
	ResetRestartPolicy(ctx context.Context, id string) error
}

// Images looks up and brings images.
type Images interface {
	// ResolveImage returns the digest that a reference has on the engine.
	// ErrNotFound if the image is not there, ErrInvalid for a malformed reference.
	ResolveImage(ctx context.Context, reference string) (string, error)
	// PullImage fetches an image from its registry. ErrNotFound, ErrDenied and
	// ErrInvalid are final; other errors may pass.
	PullImage(ctx context.Context, reference string) error
	// LoadImage puts images from a docker-load archive on the engine.
	LoadImage(ctx context.Context, archive io.Reader) error
	// RemoveImage removes an image. A missing one is success, one that a
	// container uses is ErrInUse.
	RemoveImage(ctx context.Context, reference string) error
	// Images lists the references (repository:tag) on the engine, sorted.
	Images(ctx context.Context) ([]string, error)
}

// ObjectType is the type of object that an event speaks of.
type ObjectType string

// The object types of events.
const (
	ObjectContainer ObjectType = "container"
	ObjectNetwork   ObjectType = "network"
	ObjectImage     ObjectType = "image"
)

// Event says that something happened to an object. It is a hint: what happened
// is found by looking.
type Event struct {
	Type ObjectType
	ID   string
	// ContainerID is set on network events about an endpoint.
	ContainerID string
	// Time is the engine's time of the event.
	Time time.Time
}

// Events tells that something changed.
type Events interface {
	// Subscribe delivers the events since a time, calling handle for each in
	// turn, until the context ends or the stream breaks; it returns why. It
	// calls subscribed once the stream is established. Engines may lose an event
	// between that and the first one; a since that lies a little before the call
	// prevents it. The zero time is now. What changes nothing that a Reader shows,
	// such as a process run in a container, may be left out.
	Subscribe(ctx context.Context, since time.Time, subscribed func(), handle func(Event)) error
}

// Prober tells what the engine is.
type Prober interface {
	// Profile asks the engine. ErrUnavailable or ErrDenied if it cannot be asked,
	// ErrInvalid if it is too old; the text then says for a person what to do.
	Profile(ctx context.Context) (model.EngineProfile, error)
}

// HostProber tells what the engine's host is, and which of its ports are in use.
// It changes nothing.
type HostProber interface {
	// HostProfile looks at the host of an engine. What cannot be told is Unknown:
	// the only error is that of the context.
	HostProfile(ctx context.Context, of model.EngineProfile) (model.HostProfile, error)
	// Listening lists the listening TCP and bound UDP sockets of the host, sorted.
	Listening(ctx context.Context) ([]model.Socket, error)
}

// Namespaces reads and sets what belongs to the network namespaces of containers.
type Namespaces interface {
	// Namespace reads the listening sockets, the routes and the named sysctls of the
	// network namespace of a running container, by the PID of an inspection.
	// ErrNotFound if it does not run (any more). A sysctl that the kernel lacks is
	// left out. Only settings under net. are accepted; other names are ErrInvalid.
	// model.SysctlIPForward is followed by the interfaces that forward otherwise, of
	// which "default" is the next one: "0 (eth1: 1)".
	Namespace(ctx context.Context, container model.Container, sysctls []string) (model.Namespace, error)
	// SetSysctl sets one kernel setting in the namespace of a running container,
	// model.SysctlIPForward for every interface. ErrNotFound if it does not run,
	// ErrInvalid for a name or value that the kernel does not take.
	SetSysctl(ctx context.Context, container model.Container, name, value string) error
	// SetRoute gives the namespace of a running container exactly one route to a
	// destination, in place of any others to it; one that is there is success.
	// ErrNotFound if the container does not run or no interface of it leads to the
	// next hop, ErrConflict if the destination is the subnet of an interface,
	// ErrInvalid for what is no IPv4 route with a next hop. The route goes with the
	// interface, and with the namespace.
	SetRoute(ctx context.Context, container model.Container, route model.Route) error
	// RemoveRoute removes a route from the namespace of a running container, also
	// one that was seen without a next hop; a missing one is success. The kernel's
	// own routes to the subnets of interfaces stay. ErrNotFound if the container
	// does not run, ErrInvalid for what is no IPv4 route.
	RemoveRoute(ctx context.Context, container model.Container, route model.Route) error
}

// Host reads and sets what belongs to the host of the engine: network
// namespaces and routes.
type Host interface {
	Namespaces
	// Routes lists the host's IPv4 routes that do not lead to a Docker network,
	// without the default route, and the host's on-link subnets.
	Routes(ctx context.Context) ([]netip.Prefix, error)
	// PortHolder says which process of the host holds a port to publish, in
	// words for a person; empty if none does or it cannot be told.
	PortHolder(ctx context.Context, port model.PublishedPort) (string, error)
}

// Firewall reads and sets what the host's firewall does to the bridges of LANs.
// The rules are in tables of our own, one per instance; nothing else is changed,
// but for the acceptance of routed frames. Without the right to read or set them
// every call is ErrDenied, without what it takes on the host ErrUnsupported.
type Firewall interface {
	// Filters lists the filter rules of all instances' bridges, in their order.
	// Where it cannot be told whether routed frames are accepted, they are not.
	Filters(ctx context.Context) ([]model.Filter, error)
	// SetFilter makes the rules of a bridge exactly those of the spec, at once:
	// there is no moment with fewer than before or after. Repeating it is success.
	// The bridge need not exist. ErrInvalid for a name that cannot be a bridge's.
	// Where routed frames cannot be accepted, the other rules are set all the same.
	SetFilter(ctx context.Context, spec model.FilterSpec) error
	// RemoveFilter removes the rules of a bridge that say they are the owner's, and
	// only those. Missing ones are success.
	RemoveFilter(ctx context.Context, owner model.Owner, bridge string) error
	// WatchFilters calls changed soon after filter rules may have changed, by
	// whomever, until the context ends or the stream breaks; it returns why. It
	// calls changed also once it has begun.
	WatchFilters(ctx context.Context, changed func()) error
}
