// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package dryrun

import (
	"context"
	"errors"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/deckyard/deckyard/api/v1alpha1"
)

// store holds objects in memory for passes that read and patch them, as a client. The
// status that a pass writes, its labels and finalizers go here and nowhere else.
type store struct {
	topologies map[types.NamespacedName]*v1alpha1.Topology
	lans       map[types.NamespacedName]*v1alpha1.LAN
	deckies    map[types.NamespacedName]*v1alpha1.Decky
	// indexes extract, for a kind and field, the values to list by.
	indexes map[string]client.IndexerFunc
	scheme  *runtime.Scheme
}

var (
	_ client.Client       = (*store)(nil)
	_ client.FieldIndexer = (*store)(nil)
)

func newStore() *store {
	scheme := runtime.NewScheme()
	_ = v1alpha1.AddToScheme(scheme) // fails for no scheme
	return &store{
		topologies: map[types.NamespacedName]*v1alpha1.Topology{},
		lans:       map[types.NamespacedName]*v1alpha1.LAN{},
		deckies:    map[types.NamespacedName]*v1alpha1.Decky{},
		indexes:    map[string]client.IndexerFunc{},
		scheme:     scheme,
	}
}

// add puts an object into the store, in place of an earlier version.
func (s *store) add(object runtime.Object) error {
	switch object := object.DeepCopyObject().(type) {
	case *v1alpha1.Topology:
		s.topologies[client.ObjectKeyFromObject(object)] = object
	case *v1alpha1.LAN:
		s.lans[client.ObjectKeyFromObject(object)] = object
	case *v1alpha1.Decky:
		s.deckies[client.ObjectKeyFromObject(object)] = object
	default:
		return fmt.Errorf("hold %T: %w", object, errors.ErrUnsupported)
	}
	return nil
}

// find returns what the store itself holds in the place of an object; nil if nothing.
func (s *store) find(object client.Object, key types.NamespacedName) client.Object {
	switch object.(type) {
	case *v1alpha1.Topology:
		if found, ok := s.topologies[key]; ok {
			return found
		}
	case *v1alpha1.LAN:
		if found, ok := s.lans[key]; ok {
			return found
		}
	case *v1alpha1.Decky:
		if found, ok := s.deckies[key]; ok {
			return found
		}
	}
	return nil
}

func notFound(key types.NamespacedName) error {
	return apierrors.NewNotFound(schema.GroupResource{Group: v1alpha1.GroupVersion.Group}, key.String())
}

// index names a field of a kind.
func index(object client.Object, field string) string { return fmt.Sprintf("%T %s", object, field) }

// IndexField implements client.FieldIndexer.
func (s *store) IndexField(_ context.Context, object client.Object, field string, extract client.IndexerFunc) error {
	s.indexes[index(object, field)] = extract
	return nil
}

// Get implements client.Reader.
func (s *store) Get(_ context.Context, key client.ObjectKey, into client.Object, _ ...client.GetOption) error {
	found := s.find(into, key)
	if found == nil {
		return notFound(key)
	}
	switch into := into.(type) {
	case *v1alpha1.Topology:
		s.topologies[key].DeepCopyInto(into)
	case *v1alpha1.LAN:
		s.lans[key].DeepCopyInto(into)
	case *v1alpha1.Decky:
		s.deckies[key].DeepCopyInto(into)
	}
	return nil
}

// List implements client.Reader.
func (s *store) List(_ context.Context, list client.ObjectList, options ...client.ListOption) error {
	var selected client.ListOptions
	for _, option := range options {
		option.ApplyToList(&selected)
	}
	switch list := list.(type) {
	case *v1alpha1.TopologyList:
		list.Items = pick(s, s.topologies, selected)
	case *v1alpha1.LANList:
		list.Items = pick(s, s.lans, selected)
	case *v1alpha1.DeckyList:
		list.Items = pick(s, s.deckies, selected)
	default:
		return fmt.Errorf("list %T: %w", list, errors.ErrUnsupported)
	}
	return nil
}

// object is a pointer to a kind.
type object[T any] interface {
	*T
	client.Object
	DeepCopyInto(into *T)
}

// pick copies the objects that a list asks for, sorted by name.
func pick[T any, P object[T]](s *store, from map[types.NamespacedName]P, selected client.ListOptions) []T {
	var picked []T
	for _, key := range sortedKeys(from) {
		candidate := from[key]
		if !s.isSelected(candidate, selected) {
			continue
		}
		picked = append(picked, *new(T))
		candidate.DeepCopyInto(&picked[len(picked)-1])
	}
	return picked
}

func (s *store) isSelected(candidate client.Object, selected client.ListOptions) bool {
	if selected.Namespace != "" && selected.Namespace != candidate.GetNamespace() {
		return false
	}
	if selected.LabelSelector != nil && !selected.LabelSelector.Matches(labels.Set(candidate.GetLabels())) {
		return false
	}
	if selected.FieldSelector == nil {
		return true
	}
	for _, wanted := range selected.FieldSelector.Requirements() {
		extract, found := s.indexes[index(candidate, wanted.Field)]
		if !found || !slices.Contains(extract(candidate), wanted.Value) {
			return false
		}
	}
	return true
}

// Patch implements client.Writer: it takes over the metadata of the changed object.
func (s *store) Patch(_ context.Context, changed client.Object, _ client.Patch, _ ...client.PatchOption) error {
	key := client.ObjectKeyFromObject(changed)
	found := s.find(changed, key)
	if found == nil {
		return notFound(key)
	}
	found.SetLabels(changed.GetLabels())
	found.SetAnnotations(changed.GetAnnotations())
	found.SetFinalizers(changed.GetFinalizers())
	found.SetOwnerReferences(changed.GetOwnerReferences())
	s.release(found)
	return nil
}

// Delete implements client.Writer.
func (s *store) Delete(_ context.Context, doomed client.Object, _ ...client.DeleteOption) error {
	key := client.ObjectKeyFromObject(doomed)
	found := s.find(doomed, key)
	if found == nil {
		return notFound(key)
	}
	if found.GetDeletionTimestamp().IsZero() {
		created := found.GetCreationTimestamp()
		found.SetDeletionTimestamp(&created)
	}
	s.release(found)
	return nil
}

// release removes an object that is being deleted once nothing holds it.
func (s *store) release(found client.Object) {
	if found.GetDeletionTimestamp().IsZero() || len(found.GetFinalizers()) > 0 {
		return
	}
	key := client.ObjectKeyFromObject(found)
	switch found.(type) {
	case *v1alpha1.Topology:
		delete(s.topologies, key)
	case *v1alpha1.LAN:
		delete(s.lans, key)
	case *v1alpha1.Decky:
		delete(s.deckies, key)
	}
}

// Status implements client.StatusClient.
func (s *store) Status() client.SubResourceWriter { return statusStore{s} }

// SubResource implements client.SubResourceClientConstructor: there is only the status.
func (s *store) SubResource(string) client.SubResourceClient { return statusStore{s} }

// Scheme implements client.Client.
func (s *store) Scheme() *runtime.Scheme { return s.scheme }

// RESTMapper implements client.Client: nothing here is mapped.
func (s *store) RESTMapper() meta.RESTMapper { return nil }

// GroupVersionKindFor implements client.Client.
func (s *store) GroupVersionKindFor(object runtime.Object) (schema.GroupVersionKind, error) {
	kinds, _, err := s.scheme.ObjectKinds(object)
	if err != nil {
		return schema.GroupVersionKind{}, err
	}
	return kinds[0], nil
}

// IsObjectNamespaced implements client.Client.
func (s *store) IsObjectNamespaced(runtime.Object) (bool, error) { return true, nil }

// Create implements client.Writer; no pass creates objects.
func (s *store) Create(context.Context, client.Object, ...client.CreateOption) error {
	return errNotCarriedOut
}

// Update implements client.Writer; passes patch.
func (s *store) Update(context.Context, client.Object, ...client.UpdateOption) error {
	return errNotCarriedOut
}

// Apply implements client.Writer; passes patch.
func (s *store) Apply(context.Context, runtime.ApplyConfiguration, ...client.ApplyOption) error {
	return errNotCarriedOut
}

// DeleteAllOf implements client.Writer; passes delete one by one.
func (s *store) DeleteAllOf(context.Context, client.Object, ...client.DeleteAllOfOption) error {
	return errNotCarriedOut
}

// statusStore writes the status of the store's objects.
type statusStore struct{ store *store }

// Patch implements client.SubResourceWriter: it takes over the status.
func (s statusStore) Patch(_ context.Context, changed client.Object, _ client.Patch, _ ...client.SubResourcePatchOption) error {
	key := client.ObjectKeyFromObject(changed)
	if s.store.find(changed, key) == nil {
		return notFound(key)
	}
	switch changed := changed.(type) {
	case *v1alpha1.Topology:
		changed.Status.DeepCopyInto(&s.store.topologies[key].Status)
	case *v1alpha1.LAN:
		changed.Status.DeepCopyInto(&s.store.lans[key].Status)
	case *v1alpha1.Decky:
		changed.Status.DeepCopyInto(&s.store.deckies[key].Status)
	}
	return nil
}

// Get implements client.SubResourceReader; passes read whole objects.
func (s statusStore) Get(context.Context, client.Object, client.Object, ...client.SubResourceGetOption) error {
	return errNotCarriedOut
}

// Create implements client.SubResourceWriter; passes patch.
func (s statusStore) Create(context.Context, client.Object, client.Object, ...client.SubResourceCreateOption) error {
	return errNotCarriedOut
}

// Update implements client.SubResourceWriter; passes patch.
func (s statusStore) Update(context.Context, client.Object, ...client.SubResourceUpdateOption) error {
	return errNotCarriedOut
}

// Apply implements client.SubResourceWriter; passes patch.
func (s statusStore) Apply(context.Context, runtime.ApplyConfiguration, ...client.SubResourceApplyOption) error {
	return errNotCarriedOut
}
