//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/builtin"
	"github.com/deckyard/deckyard/internal/catalogue"
	"github.com/deckyard/deckyard/internal/engine/docker"
	"github.com/deckyard/deckyard/internal/ipam"
	"github.com/deckyard/deckyard/internal/model"
	"github.com/deckyard/deckyard/internal/render"
)

// bareSide makes the operator's engine calls without an operator: the floor of
// every comparison. It writes no filter rules and looks at nothing.
type bareSide struct {
	engine  *docker.Engine
	known   *catalogue.Catalogue
	image   *builtin.Image
	imageID string
}

// bareNetwork is what the bare side has of a sample on the engine.
type bareNetwork struct {
	*bareSide
	networkIDs []string
	// specs are the networks by the name of their LAN.
	specs   map[string]model.NetworkSpec
	deckies []bareDecky
}

type bareDecky struct {
	spec model.DeckySpec
	base string
	// services are the ids of the containers of spec.Services.
	services []string
}

func newBareSide(ctx context.Context, engine *docker.Engine) (*bareSide, error) {
	image, err := builtin.Load()
	if err != nil {
		return nil, err
	}
	if err := engine.LoadImage(ctx, image.Archive()); err != nil {
		return nil, err
	}
	imageID, err := engine.ResolveImage(ctx, image.Reference)
	if err != nil {
		return nil, err
	}
	known, err := catalogue.Load(ctx)
	return &bareSide{engine: engine, known: known, image: image, imageID: imageID}, err
}

// bringUp creates the networks, then the deckies: each a sequence of calls, with
// so many deckies in flight. What it created it returns also beside an error.
func (s *bareSide) bringUp(ctx context.Context, network sample, inFlight int) (*bareNetwork, error) {
	up := &bareNetwork{
		bareSide: s, networkIDs: make([]string, len(network.lans)), specs: map[string]model.NetworkSpec{},
		deckies: make([]bareDecky, len(network.deckies)),
	}
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(inFlight)
	for i, lan := range network.lans {
		lan.UID = "bare"
		subnet := subnetOf(network.block, i)
		spec := render.Network("bare", lan, subnet, ipam.DefaultGateway(subnet))
		up.specs[lan.Name] = spec
		group.Go(func() (err error) {
			up.networkIDs[i], err = s.engine.CreateNetwork(groupCtx, spec)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return up, err
	}
	group, groupCtx = errgroup.WithContext(ctx)
	group.SetLimit(inFlight)
	for i, decky := range network.deckies {
		spec, err := up.render(network, decky)
		if err != nil {
			return up, errors.Join(err, group.Wait())
		}
		up.deckies[i].spec = spec
		group.Go(func() error { return up.createDecky(groupCtx, &up.deckies[i]) })
	}
	return up, group.Wait()
}

// render renders with the operator's own renderer.
func (n *bareNetwork) render(network sample, decky *v1alpha1.Decky) (model.DeckySpec, error) {
	decky = decky.DeepCopy()
	decky.UID = "bare"
	var interfaces []model.EndpointSpec
	for _, attachment := range decky.Interfaces() {
		interfaces = append(interfaces, n.endpoint(network, attachment))
	}
	spec, mistake := render.Decky(render.DeckyInput{
		Instance: "bare", Topology: network.topology, Decky: decky, Home: network.lans[0], Interfaces: interfaces,
		Catalogue: n.known, BuiltIn: n.image.Reference, ImageIDs: map[string]string{n.image.Reference: n.imageID},
	})
	if mistake != nil {
		return spec, mistake
	}
	return spec, nil
}

func (n *bareNetwork) endpoint(network sample, attachment v1alpha1.Attachment) model.EndpointSpec {
	index := slices.IndexFunc(network.lans, func(lan *v1alpha1.LAN) bool { return lan.Name == attachment.LAN })
	return model.EndpointSpec{
		NetworkName: n.specs[attachment.LAN].Name, NetworkID: n.networkIDs[index], LAN: attachment.LAN,
		Address: netip.MustParseAddr(attachment.Address),
	}
}

// createDecky creates and starts a base and its services, one call after another.
func (n *bareNetwork) createDecky(ctx context.Context, decky *bareDecky) (err error) {
	if decky.base, err = n.engine.CreateContainer(ctx, decky.spec.Base, ""); err != nil {
		return err
	}
	for _, endpoint := range decky.spec.Endpoints[1:] {
		if err := n.engine.Connect(ctx, decky.base, endpoint); err != nil {
			return err
		}
	}
	if err := n.engine.StartContainer(ctx, decky.base); err != nil {
		return err
	}
	decky.services = make([]string, len(decky.spec.Services))
	for i := range decky.spec.Services {
		if err := n.createService(ctx, decky, i); err != nil {
			return err
		}
	}
	return nil
}

// createService creates and starts a service.
func (n *bareNetwork) createService(ctx context.Context, decky *bareDecky, i int) (err error) {
	if decky.services[i], err = n.engine.CreateContainer(ctx, decky.spec.Services[i], decky.base); err != nil {
		return err
	}
	return n.engine.StartContainer(ctx, decky.services[i])
}

// replaceService removes a service and creates and starts it anew.
func (n *bareNetwork) replaceService(ctx context.Context, decky *bareDecky, i int) error {
	if err := n.engine.RemoveContainer(ctx, decky.services[i]); err != nil {
		return err
	}
	return n.createService(ctx, decky, i)
}

// removeDecky removes a decky's containers, services first.
func (n *bareNetwork) removeDecky(ctx context.Context, decky *bareDecky) error {
	var failures []error
	for _, id := range append(slices.Clone(decky.services), decky.base) {
		if id != "" {
			failures = append(failures, n.engine.RemoveContainer(ctx, id))
		}
	}
	return errors.Join(failures...)
}

// bringDown removes the deckies, then the networks.
func (n *bareNetwork) bringDown(ctx context.Context, inFlight int) error {
	var group errgroup.Group
	group.SetLimit(inFlight)
	for i := range n.deckies {
		group.Go(func() error { return n.removeDecky(ctx, &n.deckies[i]) })
	}
	err := group.Wait()
	for _, id := range n.networkIDs {
		if id != "" {
			group.Go(func() error { return n.engine.RemoveNetwork(ctx, id) })
		}
	}
	return errors.Join(err, group.Wait())
}

// newBareNetwork brings a sample up until the benchmark's end.
func newBareNetwork(b *testing.B, network sample, inFlight int) *bareNetwork {
	b.Helper()
	up, err := shared.bare.bringUp(b.Context(), network, inFlight)
	b.Cleanup(func() {
		if err := up.bringDown(context.Background(), inFlight); err != nil {
			b.Error(err)
		}
	})
	check(b, err)
	return up
}
