//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package chaos

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/controlplane/controlplanetest"
)

const (
	topologyName = "acme"
	// pool has poolBlocks blocks of the size of a LAN: one more than LANs.
	pool       = "10.213.0.0/22"
	poolBlocks = 4
	// hostPort is the port of the host that leads to the gateway.
	hostPort = 2222
)

func blockOf(number int) string { return fmt.Sprintf("10.213.%d.0/24", number) }

// wanted is what the objects should be, and become by declare.
type wanted struct {
	// topology is nil if nothing is wanted.
	topology *v1alpha1.Topology
	lans     map[string]*v1alpha1.LAN
	deckies  map[string]*v1alpha1.Decky
	// consent holds the names of deckies whose base may be recreated, once.
	consent map[string]bool
}

func newWanted() *wanted {
	return &wanted{lans: map[string]*v1alpha1.LAN{}, deckies: map[string]*v1alpha1.Decky{}, consent: map[string]bool{}}
}

// standard is the topology with which each round begins: a gateway between the DMZ
// and the office, a server of the DMZ, and a machine between the office and the lab.
func standard() *wanted {
	want := newWanted()
	want.topology = newTopology()
	want.addLAN("dmz")
	want.addLAN("office")
	want.addLAN("lab")
	gateway := want.addDecky("gw", "dmz", "ssh")
	gateway.Spec.Attachments = []v1alpha1.Attachment{{LAN: "office"}}
	gateway.Spec.Publish = publishing()
	want.addDecky("web", "dmz", "http")
	want.addDecky("pc", "office", "redis").Spec.Attachments = []v1alpha1.Attachment{{LAN: "lab"}}
	return want
}

func newTopology() *v1alpha1.Topology {
	return &v1alpha1.Topology{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: topologyName},
		Spec:       v1alpha1.TopologySpec{AddressPools: []string{pool}, LANPrefixLength: 24},
	}
}

// addLAN wants a LAN; the one named dmz is the DMZ.
func (want *wanted) addLAN(name string) {
	want.lans[name] = &v1alpha1.LAN{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: v1alpha1.LANSpec{
			TopologyRef: v1alpha1.TopologyReference{Name: topologyName}, DMZ: name == "dmz",
			Driver: v1alpha1.DriverBridge, Egress: v1alpha1.EgressDeny,
		},
	}
}

// addDecky wants a decky with services of the catalogue.
func (want *wanted) addDecky(name, home string, services ...string) *v1alpha1.Decky {
	decky := &v1alpha1.Decky{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: v1alpha1.DeckySpec{
			TopologyRef: v1alpha1.TopologyReference{Name: topologyName},
			Home:        v1alpha1.Attachment{LAN: home}, UpdateStrategy: v1alpha1.UpdateInPlace,
		},
	}
	for _, service := range services {
		decky.Spec.Services = append(decky.Spec.Services, v1alpha1.Service{Name: service})
	}
	want.deckies[name] = decky
	return decky
}

func publishing() *v1alpha1.Publish {
	return &v1alpha1.Publish{HostIP: "0.0.0.0", Ports: []v1alpha1.PublishedPort{
		{ContainerPort: 22, Protocol: v1alpha1.ProtocolTCP, HostPort: hostPort},
	}}
}

// present is what the API server has.
type present struct {
	topologies v1alpha1.TopologyList
	lans       v1alpha1.LANList
	deckies    v1alpha1.DeckyList
}

func (w *world) present(ctx context.Context) (*present, error) {
	have := &present{}
	for _, list := range []client.ObjectList{&have.topologies, &have.lans, &have.deckies} {
		if err := w.kube.List(ctx, list, client.InNamespace(namespace)); err != nil {
			return nil, err
		}
	}
	return have, nil
}

// declare makes the objects as they are wanted as far as that can be done now, and
// says what was not as it should be.
func (w *world) declare(ctx context.Context) error {
	have, err := w.present(ctx)
	if err != nil {
		return err
	}
	var open []error
	lans, deckies := maps.Clone(w.want.lans), maps.Clone(w.want.deckies)
	topology := w.want.topology
	for i := range have.topologies.Items {
		found := &have.topologies.Items[i]
		open = append(open, w.adjust(ctx, found, topology != nil, topology == nil || equality.Semantic.DeepEqual(found.Spec, topology.Spec)))
		if !found.DeletionTimestamp.IsZero() {
			// Members of a topology that goes would go with it.
			return errors.Join(open...)
		}
		topology = nil
	}
	for i := range have.lans.Items {
		found := &have.lans.Items[i]
		lan := lans[found.Name]
		delete(lans, found.Name)
		open = append(open, w.adjust(ctx, found, lan != nil, lan == nil || equality.Semantic.DeepEqual(found.Spec, lan.Spec)))
	}
	for i := range have.deckies.Items {
		found := &have.deckies.Items[i]
		decky := deckies[found.Name]
		delete(deckies, found.Name)
		same := decky == nil || equality.Semantic.DeepEqual(found.Spec, decky.Spec)
		if !same {
			decky.Spec.DeepCopyInto(&found.Spec)
		}
		open = append(open, w.adjust(ctx, found, decky != nil, same), w.consentTo(ctx, found, same))
	}
	return errors.Join(append(open, w.createAll(ctx, topology, lans, deckies))...)
}

// adjust deletes an object that is not wanted, and updates one that is not the same.
func (w *world) adjust(ctx context.Context, found client.Object, isWanted, isSame bool) error {
	name := found.GetName()
	switch {
	case found.GetDeletionTimestamp() != nil:
		return fmt.Errorf("%s is being deleted", name)
	case !isWanted:
		return errors.Join(fmt.Errorf("%s was not deleted", name), client.IgnoreNotFound(w.kube.Delete(ctx, found)))
	case !isSame:
		return errors.Join(fmt.Errorf("%s was not edited", name), w.kube.Update(ctx, found))
	}
	return nil
}

// consentTo lets the base of a decky be recreated for the spec that it has now.
func (w *world) consentTo(ctx context.Context, decky *v1alpha1.Decky, isSame bool) error {
	generation := strconv.FormatInt(decky.Generation, 10)
	if !w.want.consent[decky.Name] || !isSame || !meta.IsStatusConditionTrue(decky.Status.Conditions, v1alpha1.ConditionRecreatePending) ||
		decky.Annotations[v1alpha1.AnnotationRecreateAllowed] == generation {
		return nil
	}
	metav1.SetMetaDataAnnotation(&decky.ObjectMeta, v1alpha1.AnnotationRecreateAllowed, generation)
	return errors.Join(fmt.Errorf("%s waited for consent", decky.Name), w.kube.Update(ctx, decky))
}

func (w *world) createAll(ctx context.Context, topology *v1alpha1.Topology, lans map[string]*v1alpha1.LAN, deckies map[string]*v1alpha1.Decky) error {
	var missing []client.Object
	if topology != nil {
		missing = append(missing, topology.DeepCopy())
	}
	for _, lan := range lans {
		missing = append(missing, lan.DeepCopy())
	}
	for _, decky := range deckies {
		missing = append(missing, decky.DeepCopy())
	}
	var open []error
	for _, object := range missing {
		open = append(open, fmt.Errorf("%s did not exist", object.GetName()), w.kube.Create(ctx, object))
	}
	return errors.Join(open...)
}

// remove deletes an object through the API, whether it is wanted or not, if it is
// there and the API server answers within some seconds: it may be one of those that
// are away.
func (w *world) remove(object client.Object) {
	const longest = 3 * time.Second
	ctx, cancel := context.WithTimeout(w.t.Context(), longest)
	defer cancel()
	err := controlplanetest.Eventually(ctx, poll, func() error { return client.IgnoreNotFound(w.kube.Delete(ctx, object)) })
	if err != nil {
		w.t.Logf("  in vain: %v", err)
	}
}

// requestPass asks for a pass over a decky that is there.
func (w *world) requestPass(name string) {
	w.t.Helper()
	decky := &v1alpha1.Decky{}
	w.eventually("a request for a pass to be taken", func() error {
		if err := w.kube.Get(w.t.Context(), client.ObjectKey{Namespace: namespace, Name: name}, decky); err != nil {
			return client.IgnoreNotFound(err)
		}
		metav1.SetMetaDataAnnotation(&decky.ObjectMeta, v1alpha1.AnnotationReconcileRequestedAt, time.Now().Format(time.RFC3339Nano))
		return client.IgnoreNotFound(w.kube.Update(w.t.Context(), decky))
	})
}
