//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/config/crd"
	"github.com/deckyard/deckyard/internal/builtin"
	"github.com/deckyard/deckyard/internal/catalogue"
	"github.com/deckyard/deckyard/internal/controlplane/controlplanetest"
	"github.com/deckyard/deckyard/internal/engine/docker"
	"github.com/deckyard/deckyard/internal/ipam"
	"github.com/deckyard/deckyard/internal/model"
	"github.com/deckyard/deckyard/internal/operator"
	"github.com/deckyard/deckyard/internal/render"
	"github.com/deckyard/deckyard/internal/status"
)

const (
	// inFlight is the number of calls that the bare side has in flight.
	inFlight = 8
	patience = 3 * time.Minute
)

// BenchmarkColdConverge brings a network of 90 containers up and down, in turn
// through the operator and with the bare client making the same calls, 8 at a
// time. It reports the medians in seconds and the medians of the ratios.
func BenchmarkColdConverge(b *testing.B) {
	ctrl.SetLogger(logr.Discard())
	config := controlplanetest.Start(b, crd.Files)
	scheme, err := operator.Scheme()
	check(b, err)
	kube, err := client.NewWithWatch(config, client.Options{Scheme: scheme})
	check(b, err)
	engine, err := docker.New(docker.DefaultHost)
	check(b, err)
	bare, err := newBareSide(b.Context(), engine)
	check(b, err)

	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- operator.Run(ctx, config, operator.Options{
			DockerHost: docker.DefaultHost, NodeName: "node-1", Logger: logr.Discard(), MetricsAddress: "0", ProbeAddress: "0",
		})
	}()
	defer func() {
		cancel()
		check(b, <-ended)
	}()

	var ups, downs, bareUps, bareDowns, upRatios, downRatios []float64
	round := 0
	for b.Loop() {
		round++
		up, down := operatorRound(b, kube, round)
		bareUp, bareDown := bare.round(b, round)
		ups, downs = append(ups, up), append(downs, down)
		bareUps, bareDowns = append(bareUps, bareUp), append(bareDowns, bareDown)
		upRatios, downRatios = append(upRatios, up/bareUp), append(downRatios, down/bareDown)
		fmt.Fprintf(os.Stderr, "round %d: operator up %.2f s, down %.2f s; bare up %.2f s, down %.2f s; ratio up %.2f, down %.2f\n",
			round, up, down, bareUp, bareDown, up/bareUp, down/bareDown)
	}
	b.ReportMetric(median(ups), "operator-up-s")
	b.ReportMetric(median(bareUps), "bare-up-s")
	b.ReportMetric(median(upRatios), "up-ratio")
	b.ReportMetric(median(downs), "operator-down-s")
	b.ReportMetric(median(bareDowns), "bare-down-s")
	b.ReportMetric(median(downRatios), "down-ratio")
}

// operatorRound measures from the first object's creation to Ready, and from
// the topology's deletion to its disappearance.
func operatorRound(b *testing.B, kube client.WithWatch, round int) (up, down float64) {
	b.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("bench-%d", round)}}
	check(b, kube.Create(b.Context(), namespace))
	network := newSample(namespace.Name, 101)

	start := time.Now()
	check(b, kube.Create(b.Context(), network.topology))
	for _, lan := range network.lans {
		check(b, kube.Create(b.Context(), lan))
	}
	for _, decky := range network.deckies {
		check(b, kube.Create(b.Context(), decky))
	}
	await(b, kube, namespace.Name, "the topology to be ready", func(event watch.EventType, topology *v1alpha1.Topology) bool {
		counted := int(topology.Status.Deckies.Total) == deckyCount
		return event != watch.Deleted && counted && status.IsReady(topology.Status.Conditions, topology.Generation)
	})
	up = time.Since(start).Seconds()

	start = time.Now()
	check(b, kube.Delete(b.Context(), network.topology))
	await(b, kube, namespace.Name, "the topology to go", func(event watch.EventType, _ *v1alpha1.Topology) bool {
		return event == watch.Deleted
	})
	down = time.Since(start).Seconds()
	check(b, kube.Delete(b.Context(), namespace))
	return up, down
}

// bareSide makes the operator's engine calls without an operator.
type bareSide struct {
	engine  *docker.Engine
	known   *catalogue.Catalogue
	image   *builtin.Image
	imageID string
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

func (s *bareSide) round(b *testing.B, round int) (up, down float64) {
	b.Helper()
	network := newSample(fmt.Sprintf("bare-%d", round), 102)
	start := time.Now()
	networkIDs, containerIDs, err := s.bringUp(b.Context(), network)
	up = time.Since(start).Seconds()
	start = time.Now()
	err = errors.Join(err, s.bringDown(context.WithoutCancel(b.Context()), networkIDs, containerIDs))
	down = time.Since(start).Seconds()
	check(b, err)
	return up, down
}

// bringUp creates the networks, then the deckies: each a sequence of calls, with
// its services in parallel.
func (s *bareSide) bringUp(ctx context.Context, network sample) (networkIDs []string, containerIDs [][]string, err error) {
	ids := make([]string, len(network.lans))
	specs := map[string]model.NetworkSpec{}
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(inFlight)
	for i, lan := range network.lans {
		lan.UID = "bare"
		subnet := subnetOf(102, i)
		spec := render.Network("bare", lan, subnet, ipam.DefaultGateway(subnet))
		specs[lan.Name] = spec
		group.Go(func() error {
			id, err := s.engine.CreateNetwork(groupCtx, spec)
			ids[i] = id
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return ids, nil, err
	}
	containerIDs = make([][]string, len(network.deckies))
	group, groupCtx = errgroup.WithContext(ctx)
	group.SetLimit(inFlight)
	for i, decky := range network.deckies {
		decky.UID = "bare"
		spec, err := s.renderDecky(network, decky, specs, ids)
		if err != nil {
			return ids, containerIDs, err
		}
		group.Go(func() error {
			created, err := s.createDecky(groupCtx, spec)
			containerIDs[i] = created
			return err
		})
	}
	return ids, containerIDs, group.Wait()
}

// renderDecky renders with the operator's own renderer.
func (s *bareSide) renderDecky(network sample, decky *v1alpha1.Decky, specs map[string]model.NetworkSpec, ids []string) (model.DeckySpec, error) {
	var interfaces []model.EndpointSpec
	for _, attachment := range decky.Interfaces() {
		index := slices.IndexFunc(network.lans, func(lan *v1alpha1.LAN) bool { return lan.Name == attachment.LAN })
		interfaces = append(interfaces, model.EndpointSpec{
			NetworkName: specs[attachment.LAN].Name, NetworkID: ids[index], LAN: attachment.LAN, Address: netip.MustParseAddr(attachment.Address),
		})
	}
	spec, mistake := render.Decky(render.DeckyInput{
		Instance: "bare", Topology: network.topology, Decky: decky, Home: network.lans[0], Interfaces: interfaces,
		Catalogue: s.known, BuiltIn: s.image.Reference, ImageIDs: map[string]string{s.image.Reference: s.imageID},
	})
	if mistake != nil {
		return spec, mistake
	}
	return spec, nil
}

// createDecky creates and starts a base and its services, one call after another.
func (s *bareSide) createDecky(ctx context.Context, spec model.DeckySpec) ([]string, error) {
	base, err := s.engine.CreateContainer(ctx, spec.Base, "")
	if err != nil {
		return nil, err
	}
	for _, endpoint := range spec.Endpoints[1:] {
		if err := s.engine.Connect(ctx, base, endpoint); err != nil {
			return []string{base}, err
		}
	}
	if err := s.engine.StartContainer(ctx, base); err != nil {
		return []string{base}, err
	}
	created := []string{base}
	for _, service := range spec.Services {
		id, err := s.engine.CreateContainer(ctx, service, base)
		if err != nil {
			return created, err
		}
		created = append([]string{id}, created...)
		if err := s.engine.StartContainer(ctx, id); err != nil {
			return created, err
		}
	}
	return created, nil
}

// bringDown removes the deckies, services first, then the networks.
func (s *bareSide) bringDown(ctx context.Context, networkIDs []string, containerIDs [][]string) error {
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(inFlight)
	for _, ids := range containerIDs {
		group.Go(func() error {
			var failures []error
			for _, id := range ids {
				failures = append(failures, s.engine.RemoveContainer(groupCtx, id))
			}
			return errors.Join(failures...)
		})
	}
	failures := []error{group.Wait()}
	for _, id := range networkIDs {
		if id != "" {
			failures = append(failures, s.engine.RemoveNetwork(ctx, id))
		}
	}
	return errors.Join(failures...)
}

// await watches the topology of a namespace, as "kubectl wait" does, until done
// reports true of what happened to it.
func await(b *testing.B, kube client.WithWatch, namespace, what string, done func(watch.EventType, *v1alpha1.Topology) bool) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), patience)
	defer cancel()
	watcher, err := kube.Watch(ctx, &v1alpha1.TopologyList{}, client.InNamespace(namespace))
	check(b, err)
	defer watcher.Stop()
	for event := range watcher.ResultChan() {
		if topology, ok := event.Object.(*v1alpha1.Topology); ok && done(event.Type, topology) {
			return
		}
	}
	b.Fatalf("waited for %s", what)
}

func check(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}
