//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/status"
)

// lanCount is the number of LANs of a sample, the DMZ first.
const lanCount = 5

// topologyName is the name of every sample's topology.
const topologyName = "bench"

// sample is a network whose deckies live on its LANs in turn. One decky of each
// inner LAN links it to the DMZ.
type sample struct {
	// block is the second byte of all its addresses.
	block    int
	topology *v1alpha1.Topology
	lans     []*v1alpha1.LAN
	deckies  []*v1alpha1.Decky
}

// newSample builds a sample of so many deckies, at most 100, whose subnets are
// 10.BLOCK.0.0/24 and up. Every address is pinned, so that both sides of a
// comparison create the same.
func newSample(namespace string, block, deckies int, services ...string) sample {
	s := sample{block: block, topology: &v1alpha1.Topology{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: topologyName}}}
	for i := range lanCount {
		s.lans = append(s.lans, &v1alpha1.LAN{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: lanName(i)},
			Spec:       v1alpha1.LANSpec{TopologyRef: v1alpha1.TopologyReference{Name: topologyName}, DMZ: i == 0, Subnet: subnetOf(block, i).String()},
		})
	}
	for i := range deckies {
		decky := &v1alpha1.Decky{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: fmt.Sprintf("srv-%02d", i)},
			Spec: v1alpha1.DeckySpec{
				TopologyRef: v1alpha1.TopologyReference{Name: topologyName},
				Home:        v1alpha1.Attachment{LAN: lanName(i % lanCount), Address: hostOf(block, i%lanCount, 10+i).String()},
			},
		}
		for _, service := range services {
			decky.Spec.Services = append(decky.Spec.Services, v1alpha1.Service{Name: service})
		}
		if i > 0 && i < lanCount {
			decky.Spec.Attachments = []v1alpha1.Attachment{{LAN: lanName(0), Address: hostOf(block, 0, 120+i).String()}}
		}
		s.deckies = append(s.deckies, decky)
	}
	return s
}

// visit returns an attachment of a decky to the LAN after its home.
func (s sample) visit(decky int) v1alpha1.Attachment {
	lan := (decky + 1) % lanCount
	return v1alpha1.Attachment{LAN: lanName(lan), Address: hostOf(s.block, lan, 130+decky).String()}
}

// create creates the objects, LANs first.
func (s sample) create(b *testing.B) {
	b.Helper()
	check(b, shared.kube.Create(b.Context(), s.topology))
	for _, lan := range s.lans {
		check(b, shared.kube.Create(b.Context(), lan))
	}
	for _, decky := range s.deckies {
		check(b, shared.kube.Create(b.Context(), decky))
	}
}

// awaitReady waits until the topology is ready with all its deckies.
func (s sample) awaitReady(b *testing.B) {
	b.Helper()
	await(b, &v1alpha1.TopologyList{}, s.topology, "ready", func(event watch.EventType, topology *v1alpha1.Topology) bool {
		counted := int(topology.Status.Deckies.Total) == len(s.deckies)
		return event != watch.Deleted && counted && status.IsReady(topology.Status.Conditions, topology.Generation)
	})
}

// remove deletes the topology and waits until it is gone.
func (s sample) remove(b *testing.B) {
	b.Helper()
	check(b, shared.kube.Delete(b.Context(), s.topology))
	await(b, &v1alpha1.TopologyList{}, s.topology, "gone", func(event watch.EventType, _ *v1alpha1.Topology) bool {
		return event == watch.Deleted
	})
}

// awaitDecky waits until a decky is ready at its generation.
func (s sample) awaitDecky(b *testing.B, i int) {
	b.Helper()
	wanted := s.deckies[i]
	await(b, &v1alpha1.DeckyList{}, wanted, "ready", func(event watch.EventType, decky *v1alpha1.Decky) bool {
		return event != watch.Deleted && decky.Generation >= wanted.Generation && status.IsReady(decky.Status.Conditions, decky.Generation)
	})
}

// awaitRenewed returns the time at which a decky is ready with another base.
func (s sample) awaitRenewed(b *testing.B, i int, base string) time.Time {
	b.Helper()
	await(b, &v1alpha1.DeckyList{}, s.deckies[i], "ready with another base", func(event watch.EventType, decky *v1alpha1.Decky) bool {
		return event != watch.Deleted && decky.Status.Base.ContainerID != base && status.IsReady(decky.Status.Conditions, decky.Generation)
	})
	return time.Now()
}

// await watches an object, as "kubectl wait" does, until done reports true of
// what happened to it.
func await[T client.Object](b *testing.B, list client.ObjectList, object T, what string, done func(watch.EventType, T) bool) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), patience)
	defer cancel()
	watcher, err := shared.kube.Watch(ctx, list, client.InNamespace(object.GetNamespace()), client.MatchingFields{"metadata.name": object.GetName()})
	check(b, err)
	defer watcher.Stop()
	for event := range watcher.ResultChan() {
		if seen, ok := event.Object.(T); ok && done(event.Type, seen) {
			return
		}
	}
	b.Fatalf("waited for %T %s to be %s", object, object.GetName(), what)
}

func lanName(i int) string { return fmt.Sprintf("lan-%d", i) }

func subnetOf(block, lan int) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(block), byte(lan), 0}), 24)
}

func hostOf(block, lan, host int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, byte(block), byte(lan), byte(host)})
}
