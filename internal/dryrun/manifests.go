// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package dryrun

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/admission"
)

// Manifest is an object as somebody wrote it down.
type Manifest struct {
	// Source names the file.
	Source string
	Object *unstructured.Unstructured
}

// Decode reads the objects of a file, which may be several YAML documents, or JSON, and
// may hold lists. It returns those of our kinds, in a namespace, and a line for each
// that is passed over.
func Decode(content []byte, source, namespace string) (manifests []Manifest, passedOver []string, err error) {
	documents := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(content)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return manifests, passedOver, nil
		}
		if err != nil {
			return nil, nil, fmt.Errorf("read %s: %w", source, err)
		}
		objects, err := decodeDocument(document)
		if err != nil {
			return nil, nil, fmt.Errorf("read %s: %w", source, err)
		}
		for _, object := range objects {
			if object.GetAPIVersion() == "" {
				return nil, nil, fmt.Errorf("read %s: %s %s has no apiVersion: write %s", source, object.GetKind(), object.GetName(), v1alpha1.GroupVersion)
			}
			if object.GroupVersionKind().GroupVersion() != v1alpha1.GroupVersion {
				passedOver = append(passedOver, fmt.Sprintf("%s: %s %s is passed over: it is not of %s", source, object.GetKind(), object.GetName(), v1alpha1.GroupVersion))
				continue
			}
			if object.GetNamespace() == "" {
				object.SetNamespace(namespace)
			}
			manifests = append(manifests, Manifest{Source: source, Object: object})
		}
	}
}

// decodeDocument returns the objects of a document: none, one, or those of a list.
func decodeDocument(document []byte) ([]*unstructured.Unstructured, error) {
	encoded, err := yaml.ToJSON(document)
	if err != nil {
		return nil, err
	}
	if string(bytes.TrimSpace(encoded)) == "null" {
		return nil, nil
	}
	decoded, err := runtime.Decode(unstructured.UnstructuredJSONScheme, encoded)
	if err != nil {
		return nil, err
	}
	switch decoded := decoded.(type) {
	case *unstructured.UnstructuredList:
		objects := make([]*unstructured.Unstructured, 0, len(decoded.Items))
		for i := range decoded.Items {
			objects = append(objects, &decoded.Items[i])
		}
		return objects, nil
	case *unstructured.Unstructured:
		return []*unstructured.Unstructured{decoded}, nil
	default:
		return nil, fmt.Errorf("decode %T: %w", decoded, errors.ErrUnsupported)
	}
}

// layManifests puts the manifests into the store as applying them would, or notes why
// the API server would refuse them.
func (r *run) layManifests(ctx context.Context) error {
	if len(r.Manifests) == 0 {
		return nil
	}
	gates, err := admission.Gates()
	if err != nil {
		return err
	}
	sources := map[string]string{}
	for _, manifest := range r.Manifests {
		name := manifest.name()
		if earlier, again := sources[name]; again {
			r.refuse(manifest, "it is in "+earlier+" too: remove one of them")
			continue
		}
		sources[name] = manifest.Source
		index := slices.IndexFunc(gates, func(gate admission.Gate) bool { return gate.Kind == manifest.Object.GetKind() })
		if index < 0 {
			r.refuse(manifest, fmt.Sprintf("there is no kind %q: use Topology, LAN or Decky", manifest.Object.GetKind()))
			continue
		}
		if err := r.lay(ctx, gates[index], manifest); err != nil {
			return err
		}
	}
	return nil
}

// name is how messages call the object.
func (m Manifest) name() string {
	return fmt.Sprintf("%s %s/%s", m.Object.GetKind(), m.Object.GetNamespace(), m.Object.GetName())
}

func (r *run) refuse(manifest Manifest, message string) {
	r.report.Refusals = append(r.report.Refusals, fmt.Sprintf("%s: %s: %s", manifest.Source, manifest.name(), message))
}

// lay puts one manifest into the store.
func (r *run) lay(ctx context.Context, gate admission.Gate, manifest Manifest) error {
	object, live, err := r.merge(manifest)
	if err != nil {
		return err
	}
	var before map[string]any
	if live != nil {
		if before, err = runtime.DefaultUnstructuredConverter.ToUnstructured(live); err != nil {
			return fmt.Errorf("lay %s over the live one: %w", manifest.name(), err)
		}
	}
	for _, path := range gate.Prune(runtime.DeepCopyJSON(manifest.Object.Object)) {
		r.refuse(manifest, fmt.Sprintf("unknown field %q: correct or remove it", path))
	}
	for _, refusal := range gate.Admit(ctx, object, before) {
		r.refuse(manifest, refusal.Error())
	}
	if len(r.report.Refusals) > 0 {
		return nil
	}
	typed := newObject(gate.Kind)
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object, typed); err != nil {
		return fmt.Errorf("read %s: %w", manifest.name(), err)
	}
	change := r.stamp(typed, live)
	r.note(gate.Kind, typed).Change = change
	r.choose(topologyOf(typed))
	return r.store.add(typed)
}

func newObject(kind string) client.Object {
	switch kind {
	case "LAN":
		return &v1alpha1.LAN{}
	case "Decky":
		return &v1alpha1.Decky{}
	default:
		return &v1alpha1.Topology{}
	}
}

func topologyOf(object client.Object) types.NamespacedName {
	key := client.ObjectKeyFromObject(object)
	switch object := object.(type) {
	case *v1alpha1.LAN:
		key.Name = object.Spec.TopologyRef.Name
	case *v1alpha1.Decky:
		key.Name = object.Spec.TopologyRef.Name
	}
	return key
}

// merge returns the manifest's object as it would be after applying it, and the live one,
// nil if there is none. The manifest's spec takes the place of the live one as a
// whole; its labels and annotations are added.
func (r *run) merge(manifest Manifest) (object map[string]any, live client.Object, err error) {
	written := manifest.Object.DeepCopy()
	live = r.store.find(newObject(written.GetKind()), client.ObjectKeyFromObject(written))
	merged := &unstructured.Unstructured{Object: map[string]any{}}
	if live != nil {
		if merged.Object, err = runtime.DefaultUnstructuredConverter.ToUnstructured(live); err != nil {
			return nil, nil, fmt.Errorf("lay %s over the live one: %w", manifest.name(), err)
		}
	}
	merged.SetGroupVersionKind(written.GroupVersionKind())
	merged.SetName(written.GetName())
	merged.SetNamespace(written.GetNamespace())
	merged.SetLabels(joined(merged.GetLabels(), written.GetLabels()))
	merged.SetAnnotations(joined(merged.GetAnnotations(), written.GetAnnotations()))
	if spec, found := written.Object["spec"]; found {
		merged.Object["spec"] = spec
	} else {
		delete(merged.Object, "spec")
	}
	return merged.Object, live, nil
}

func joined(under, over map[string]string) map[string]string {
	if len(under) == 0 && len(over) == 0 {
		return nil
	}
	all := map[string]string{}
	maps.Copy(all, under)
	maps.Copy(all, over)
	return all
}

// plannedUID begins the UIDs of objects that do not exist yet.
const plannedUID = "planned/"

func isPlanned(uid types.UID) bool { return strings.HasPrefix(string(uid), plannedUID) }

// stamp gives an object what the API server would, and says what it would do.
func (r *run) stamp(object, live client.Object) Change {
	if live == nil {
		object.SetUID(types.UID(plannedUID + object.GetObjectKind().GroupVersionKind().Kind + "/" + client.ObjectKeyFromObject(object).String()))
		object.SetCreationTimestamp(metav1.NewTime(r.Clock.Now()))
		object.SetGeneration(1)
		return Created
	}
	switch {
	case !haveEqualSpecs(object, live):
		object.SetGeneration(live.GetGeneration() + 1)
		return Configured
	case !maps.Equal(object.GetLabels(), live.GetLabels()), !maps.Equal(object.GetAnnotations(), live.GetAnnotations()):
		return Configured
	default:
		return Unchanged
	}
}

// haveEqualSpecs compares two objects of one kind.
func haveEqualSpecs(a, b client.Object) bool {
	switch a := a.(type) {
	case *v1alpha1.Topology:
		other, ok := b.(*v1alpha1.Topology)
		return ok && equality.Semantic.DeepEqual(a.Spec, other.Spec)
	case *v1alpha1.LAN:
		other, ok := b.(*v1alpha1.LAN)
		return ok && equality.Semantic.DeepEqual(a.Spec, other.Spec)
	case *v1alpha1.Decky:
		other, ok := b.(*v1alpha1.Decky)
		return ok && equality.Semantic.DeepEqual(a.Spec, other.Spec)
	}
	return false
}

func compareKeys(a, b types.NamespacedName) int {
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
}

func sortedKeys[T any](of map[types.NamespacedName]T) []types.NamespacedName {
	return slices.SortedFunc(maps.Keys(of), compareKeys)
}
