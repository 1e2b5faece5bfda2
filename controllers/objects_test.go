// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"encoding/json"
	"net/netip"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/model"
	"github.com/deckyard/deckyard/internal/pass"
)

// topology returns a Topology with the schema's defaults.
func topology(name string) *v1alpha1.Topology {
	return &v1alpha1.Topology{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       v1alpha1.TopologySpec{AddressPools: []string{"172.16.0.0/12"}, LANPrefixLength: 24},
		Status:     v1alpha1.TopologyStatus{ObservedGeneration: -1},
	}
}

// lan returns an internal LAN of the topology acme with the schema's defaults.
func lan(name string, change ...func(*v1alpha1.LAN)) *v1alpha1.LAN {
	created := &v1alpha1.LAN{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: v1alpha1.LANSpec{
			TopologyRef: v1alpha1.TopologyReference{Name: "acme"},
			Driver:      v1alpha1.DriverBridge, Egress: v1alpha1.EgressDeny,
		},
		Status: v1alpha1.LANStatus{ObservedGeneration: -1},
	}
	for _, apply := range change {
		apply(created)
	}
	return created
}

func dmz(lan *v1alpha1.LAN) { lan.Spec.DMZ = true }

func subnet(prefix string) func(*v1alpha1.LAN) {
	return func(lan *v1alpha1.LAN) { lan.Spec.Subnet = prefix }
}

func lanOf(topology string) func(*v1alpha1.LAN) {
	return func(lan *v1alpha1.LAN) { lan.Spec.TopologyRef.Name = topology }
}

// decky returns a Decky of the topology acme with the schema's defaults.
func decky(name, home string, change ...func(*v1alpha1.Decky)) *v1alpha1.Decky {
	created := &v1alpha1.Decky{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: v1alpha1.DeckySpec{
			TopologyRef:    v1alpha1.TopologyReference{Name: "acme"},
			Home:           v1alpha1.Attachment{LAN: home},
			UpdateStrategy: v1alpha1.UpdateInPlace,
		},
		Status: v1alpha1.DeckyStatus{ObservedGeneration: -1},
	}
	for _, apply := range change {
		apply(created)
	}
	return created
}

func deckyOf(topology string) func(*v1alpha1.Decky) {
	return func(decky *v1alpha1.Decky) { decky.Spec.TopologyRef.Name = topology }
}

// services adds services of the catalogue.
func services(names ...string) func(*v1alpha1.Decky) {
	return func(decky *v1alpha1.Decky) {
		for _, name := range names {
			decky.Spec.Services = append(decky.Spec.Services, v1alpha1.Service{Name: name})
		}
	}
}

// custom adds a service of an image of its own.
func custom(name, image string, ports ...int32) func(*v1alpha1.Decky) {
	return func(decky *v1alpha1.Decky) {
		service := v1alpha1.Service{Name: name, Image: image}
		for _, port := range ports {
			service.Ports = append(service.Ports, v1alpha1.ServicePort{ContainerPort: port, Protocol: v1alpha1.ProtocolTCP})
		}
		decky.Spec.Services = append(decky.Spec.Services, service)
	}
}

func visiting(lans ...string) func(*v1alpha1.Decky) {
	return func(decky *v1alpha1.Decky) {
		for _, name := range lans {
			decky.Spec.Attachments = append(decky.Spec.Attachments, v1alpha1.Attachment{LAN: name})
		}
	}
}

func defaultRoute(via string) model.Route {
	return model.Route{Destination: prefix("0.0.0.0/0"), Via: addr(via)}
}

func address(text string) func(*v1alpha1.Decky) {
	return func(decky *v1alpha1.Decky) { decky.Spec.Home.Address = text }
}

// publish publishes TCP ports, given as container port and host port in turn.
func publish(ports ...int32) func(*v1alpha1.Decky) {
	return func(decky *v1alpha1.Decky) {
		decky.Spec.Publish = &v1alpha1.Publish{HostIP: "0.0.0.0"}
		for i := 0; i < len(ports); i += 2 {
			decky.Spec.Publish.Ports = append(decky.Spec.Publish.Ports, v1alpha1.PublishedPort{
				ContainerPort: ports[i], HostPort: ports[i+1], Protocol: v1alpha1.ProtocolTCP,
			})
		}
	}
}

func config(service string, settings map[string]string) func(*v1alpha1.Decky) {
	return func(decky *v1alpha1.Decky) {
		for i := range decky.Spec.Services {
			if decky.Spec.Services[i].Name == service {
				decky.Spec.Services[i].Config = settings
			}
		}
	}
}

// annotate sets an annotation.
func annotate[T pass.Object](key, value string) func(T) {
	return func(object T) {
		annotations := object.GetAnnotations()
		if annotations == nil {
			annotations = map[string]string{}
		}
		annotations[key] = value
		object.SetAnnotations(annotations)
	}
}

func creation(second int) metav1.Time {
	return metav1.NewTime(time.Date(2026, 1, 1, 0, 0, second, 0, time.UTC))
}

// specOf returns an object's spec in a form that can be compared.
func specOf(object pass.Object) string {
	var spec any
	switch object := object.(type) {
	case *v1alpha1.Topology:
		spec = object.Spec
	case *v1alpha1.LAN:
		spec = object.Spec
	case *v1alpha1.Decky:
		spec = object.Spec
	}
	encoded, err := json.Marshal(spec)
	if err != nil {
		return err.Error()
	}
	return string(encoded)
}

// copyList copies a list to one of the same kind, and reports whether it is one.
func copyList(from, to client.ObjectList) bool {
	switch from := from.(type) {
	case *v1alpha1.LANList:
		target, ok := to.(*v1alpha1.LANList)
		if ok {
			from.DeepCopyInto(target)
		}
		return ok
	case *v1alpha1.DeckyList:
		target, ok := to.(*v1alpha1.DeckyList)
		if ok {
			from.DeepCopyInto(target)
		}
		return ok
	}
	return false
}

// foreignOn is a running container of somebody else on a network.
func foreignOn(network, address string) model.ContainerSpec {
	return model.ContainerSpec{
		Name: "stranger", Image: "alpine:3",
		Home: model.EndpointSpec{NetworkName: network, Address: netip.MustParseAddr(address)},
	}
}

func addr(text string) netip.Addr     { return netip.MustParseAddr(text) }
func prefix(text string) netip.Prefix { return netip.MustParsePrefix(text) }
