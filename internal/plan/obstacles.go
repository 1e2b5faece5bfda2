// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"cmp"
	"fmt"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/model"
)

// creationObstacle says what would keep a base from being created; nil if
// nothing is known to.
func (a *assessment) creationObstacle() *Block {
	return cmp.Or(imageObstacle(a.desired.Base), a.baseObstacle())
}

// replacementObstacle says what would keep a base from being replaced together
// with the services that there are: none is given up that could not come back. An
// address that another decky of ours leaves sooner or later is not waited for: that
// one may wait for an address of this base.
func (a *assessment) replacementObstacle() *Block {
	for _, spec := range a.desired.Services {
		if a.owned.services[spec.Identity.Service] == nil {
			continue
		}
		if block := cmp.Or(imageObstacle(spec), a.containerNamesake(spec.Name)); block != nil {
			return block
		}
	}
	return cmp.Or(imageObstacle(a.desired.Base), a.obstacleAmong(a.isStranger))
}

// imageObstacle refuses a container whose image is not there.
func imageObstacle(want model.ContainerSpec) *Block {
	if !want.ImageAbsent {
		return nil
	}
	return &Block{v1alpha1.ReasonImageMissing, fmt.Sprintf("container %q waits for image %s, which is not on the engine: "+
		"load it with docker load, or correct the reference", want.Name, want.Image)}
}

// baseObstacle says what would keep a base from being created or started; nil
// if nothing is known to. Nobody waits for what it has: it does not run.
func (a *assessment) baseObstacle() *Block { return a.obstacleAmong(a.isAnothers) }

// obstacleAmong is baseObstacle where certain containers alone keep addresses from it.
func (a *assessment) obstacleAmong(isRival func(model.Container) bool) *Block {
	want := a.desired.Base
	if block := a.containerNamesake(want.Name); block != nil {
		return block
	}
	if want.Home.NetworkID == "" {
		return &Block{v1alpha1.ReasonLANNotReady, fmt.Sprintf(
			"container %q waits for the network of its home LAN %q", want.Name, want.Home.LAN)}
	}
	for _, endpoint := range a.desired.Endpoints {
		if block := a.addressHolderAmong(isRival, endpoint); block != nil {
			return block
		}
	}
	return a.hostPortHolder()
}

// containerNamesake refuses a container of another owner under our name, and
// waits for one that is being removed.
func (a *assessment) containerNamesake(name string) *Block {
	owner := a.desired.Owner
	for _, container := range a.observed.Containers {
		switch {
		case container.Name != name:
		case owner.Owns(container.Identity):
			if container.State == model.StateRemoving {
				return removalBlock(v1alpha1.ReasonContainerMissing, container)
			}
		default:
			namesake := strangeContainer(container)
			return &Block{v1alpha1.ReasonForeignContainer, fmt.Sprintf("the container name %q is taken by %s; choose another name, %s",
				name, namesake.describe(owner.Instance), namesake.orElse(owner.Instance))}
		}
	}
	return nil
}

// addressHolder refuses an address that a container of another party has.
func (a *assessment) addressHolder(want model.EndpointSpec) *Block {
	return a.addressHolderAmong(a.isStranger, want)
}

// addressHolderAmong refuses an address that one of certain containers has.
func (a *assessment) addressHolderAmong(isRival func(model.Container) bool, want model.EndpointSpec) *Block {
	if want.NetworkID == "" {
		return nil
	}
	for _, container := range a.observed.Containers {
		if !isRival(container) || !occupies(container) {
			continue
		}
		if endpoint, found := container.EndpointOn(want.NetworkID); found && endpoint.Address == want.Address {
			holder := strangeContainer(container)
			remedy := fmt.Sprintf("disconnect it: docker network disconnect %s %s", want.NetworkName, holder.name)
			if !a.isStranger(container) {
				remedy = fmt.Sprintf("see what keeps %s from leaving it", ownerText(container.Identity.Owner))
			}
			return &Block{v1alpha1.ReasonAddressConflict, fmt.Sprintf("address %s on LAN %q is held by %s; choose another address, or %s",
				want.Address, want.LAN, holder.describe(a.desired.Owner.Instance), remedy)}
		}
	}
	return nil
}

// hostPortHolder refuses a host port that a container of another party
// publishes, or that is seen to be held otherwise.
func (a *assessment) hostPortHolder() *Block {
	for _, container := range a.observed.Containers {
		if !a.isStranger(container) || !occupies(container) {
			continue
		}
		for _, have := range container.HostPorts {
			for _, want := range a.desired.Base.Published {
				if portsCollide(have, want) {
					holder := strangeContainer(container)
					return &Block{v1alpha1.ReasonHostPortTaken, fmt.Sprintf(
						"port %d/%s of the host is published by %s; choose another spec.publish.ports[].hostPort, or stop it: docker stop %s",
						want.HostPort, want.Port.Protocol, holder.describe(a.desired.Owner.Instance), holder.name)}
				}
			}
		}
	}
	if len(a.observed.HeldPorts) > 0 {
		held := a.observed.HeldPorts[0]
		return &Block{v1alpha1.ReasonHostPortTaken, fmt.Sprintf("port %d/%s of the host is held by %s: stop it, or publish on another hostPort",
			held.Port.HostPort, held.Port.Port.Protocol, held.Holder)}
	}
	return nil
}

// isStranger reports whether a container is not of our instance.
func (a *assessment) isStranger(container model.Container) bool {
	return !container.Identity.BelongsTo(a.desired.Owner.Instance)
}

// isAnothers reports whether a container is not the decky's, if maybe another's of
// our instance.
func (a *assessment) isAnothers(container model.Container) bool {
	return !a.desired.Owner.Owns(container.Identity)
}

// occupies reports whether a container holds its addresses and ports, which a
// stopped one only asks for.
func occupies(container model.Container) bool {
	switch container.State {
	case model.StateRunning, model.StatePaused, model.StateRestarting:
		return true
	case model.StateCreated, model.StateExited, model.StateDead, model.StateRemoving:
	}
	return false
}

func portsCollide(a, b model.PublishedPort) bool {
	return a.HostPort == b.HostPort && a.Port.Protocol == b.Port.Protocol &&
		(a.HostIP == b.HostIP || a.HostIP.IsUnspecified() || b.HostIP.IsUnspecified())
}

// removalBlock says that the engine has not finished a removal: it is
// asynchronous, and the name is taken until then.
func removalBlock(reason v1alpha1.Reason, container model.Container) *Block {
	return &Block{reason, fmt.Sprintf("container %q is being removed by the engine, which is waited for", container.Name)}
}
