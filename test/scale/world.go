// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/catalogue"
	"github.com/deckyard/deckyard/internal/engine/fake"
	"github.com/deckyard/deckyard/internal/model"
)

const namespaceName = "scale"

// serviceNames are those that deckies have, in this order.
func serviceNames() []string { return []string{"ssh", "http", "ftp", "redis"} }

// cataloguePrograms returns what the catalogue's programs do: they open the ports
// of their service.
func cataloguePrograms(ctx context.Context) (func(model.ContainerSpec) fake.Process, error) {
	known, err := catalogue.Load(ctx)
	if err != nil {
		return nil, err
	}
	ports := map[string][]model.Port{}
	for _, name := range serviceNames() {
		services, mistake := known.Services(&v1alpha1.Decky{Spec: v1alpha1.DeckySpec{Services: []v1alpha1.Service{{Name: name}}}})
		if mistake != nil {
			return nil, mistake
		}
		ports[services[0].Container.Command[0]] = services[0].Ports
	}
	return func(spec model.ContainerSpec) fake.Process {
		if len(spec.Command) == 0 {
			return fake.Process{}
		}
		return fake.Process{Ports: ports[spec.Command[0]]}
	}, nil
}

// world is what is brought up.
type world struct {
	topologies []*v1alpha1.Topology
	lans       []*v1alpha1.LAN
	deckies    []*v1alpha1.Decky
}

// branching is how many LANs are linked to one.
const branching = 8

// newWorld parts the LANs and deckies evenly among the topologies. The LANs of each
// form a tree: the first decky of each but the DMZ is on its parent, too.
func newWorld(s settings) world {
	var w world
	for number := range s.topologies {
		topology := fmt.Sprintf("net-%03d", number)
		w.topologies = append(w.topologies, &v1alpha1.Topology{
			ObjectMeta: objectMeta(topology), Spec: v1alpha1.TopologySpec{NodeName: nodeName},
		})
		w.addMembers(topology, s.lans/s.topologies, s.deckies/s.topologies, s.services)
	}
	return w
}

func (w *world) addMembers(topology string, lans, deckies, services int) {
	reference := v1alpha1.TopologyReference{Name: topology}
	lanName := func(i int) string { return fmt.Sprintf("%s-lan-%03d", topology, i) }
	for i := range lans {
		w.lans = append(w.lans, &v1alpha1.LAN{
			ObjectMeta: objectMeta(lanName(i)), Spec: v1alpha1.LANSpec{TopologyRef: reference, DMZ: i == 0},
		})
	}
	for i := range deckies {
		decky := &v1alpha1.Decky{ObjectMeta: objectMeta(fmt.Sprintf("%s-srv-%04d", topology, i)), Spec: v1alpha1.DeckySpec{
			TopologyRef: reference, Home: v1alpha1.Attachment{LAN: lanName(i % lans)},
		}}
		if i > 0 && i < lans {
			decky.Spec.Attachments = []v1alpha1.Attachment{{LAN: lanName((i - 1) / branching)}}
		}
		for _, name := range serviceNames()[:services] {
			decky.Spec.Services = append(decky.Spec.Services, v1alpha1.Service{Name: name})
		}
		w.deckies = append(w.deckies, decky)
	}
}

func objectMeta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespaceName, Name: name}
}
