// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package dryrun

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/controllers"
	"github.com/deckyard/deckyard/internal/apply"
	"github.com/deckyard/deckyard/internal/catalogue"
	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/graph"
	"github.com/deckyard/deckyard/internal/model"
	"github.com/deckyard/deckyard/internal/observe"
	"github.com/deckyard/deckyard/internal/pass"
)

// Engine is what a dry run asks of an engine.
type Engine interface {
	engine.Reader
	engine.Prober
	// ResolveImage is that of engine.Images.
	ResolveImage(ctx context.Context, reference string) (string, error)
}

// Sources are what a dry run reads. The zero value is none of them: no API server,
// and an engine on which nothing is.
type Sources struct {
	API    client.Reader
	Engine Engine
	Host   Host
}

// Request says what to plan.
type Request struct {
	// Manifests are objects that would be applied.
	Manifests []Manifest
	// Topology is one to plan, beside those that the manifests belong to; zero for none.
	Topology types.NamespacedName
	// NodeName is the node whose engine is read.
	NodeName  string
	Catalogue *catalogue.Catalogue
	// BuiltIn is the reference of the built-in image.
	BuiltIn string
	Clock   clock.PassiveClock
}

// offline stands for the identity of a control plane, and an engine's name, that nobody asked for.
const offline = "offline"

// Run returns what the operator would do. An error is one of the sources, or of a
// request that cannot be planned; what is wrong with objects is in the report.
func Run(ctx context.Context, sources Sources, request Request) (Report, error) {
	ctx = log.IntoContext(ctx, logr.Discard())
	r := &run{Request: request, sources: sources, notes: map[types.UID]*Object{}}
	for _, step := range []func(context.Context) error{r.readAPI, r.layManifests, r.chooseTopologies, r.observe, r.passTopologies, r.passMembers} {
		if err := step(ctx); err != nil {
			return Report{}, err
		}
		if len(r.report.Refusals) > 0 {
			return r.report, nil
		}
	}
	r.conclude()
	return r.report, nil
}

// run is one dry run.
type run struct {
	Request
	sources Sources
	store   *store
	// instance is the identity of the control plane.
	instance string
	chosen   []types.NamespacedName
	view     *view
	images   *images
	// notes holds what is reported of objects, by UID.
	notes  map[types.UID]*Object
	report Report
}

// readAPI fills the store with what the API server has.
func (r *run) readAPI(ctx context.Context) error {
	r.store = newStore()
	r.instance = offline
	if err := controllers.AddIndexes(ctx, r.store); err != nil {
		return err
	}
	if r.sources.API == nil {
		return nil
	}
	system := &corev1.Namespace{}
	if err := r.sources.API.Get(ctx, client.ObjectKey{Name: metav1.NamespaceSystem}, system); err != nil {
		return fmt.Errorf("read namespace %s: %w", metav1.NamespaceSystem, err)
	}
	r.instance = string(system.UID)
	for _, list := range []client.ObjectList{&v1alpha1.TopologyList{}, &v1alpha1.LANList{}, &v1alpha1.DeckyList{}} {
		if err := r.sources.API.List(ctx, list); err != nil {
			return fmt.Errorf("list objects: %w", err)
		}
		if err := meta.EachListItem(list, r.store.add); err != nil {
			return err
		}
	}
	return nil
}

// chooseTopologies collects those that are planned. They are planned as if they were
// not suspended: that is what somebody who suspended one wants to know.
func (r *run) chooseTopologies(context.Context) error {
	if r.Topology.Name != "" {
		if _, found := r.store.topologies[r.Topology]; !found {
			return fmt.Errorf("topology %s does not exist: name one that 'kubectl get topologies -A' lists, or plan files with -f", r.Topology)
		}
		r.choose(r.Topology)
	}
	slices.SortFunc(r.chosen, compareKeys)
	for _, key := range r.chosen {
		topology, found := r.store.topologies[key]
		if !found || !topology.Spec.Suspend {
			continue
		}
		r.report.Suspended = append(r.report.Suspended, key.String())
		topology.Spec.Suspend = false
	}
	return nil
}

func (r *run) choose(key types.NamespacedName) {
	if !slices.Contains(r.chosen, key) {
		r.chosen = append(r.chosen, key)
	}
}

// observe looks at the engine once.
func (r *run) observe(ctx context.Context) error {
	r.view = &view{}
	r.images = &images{engine: r.sources.Engine, missing: map[string]bool{}}
	if r.sources.Engine == nil {
		return nil
	}
	host := onlyReads{r.sources.Host}
	observer := observe.New(r.sources.Engine, nil, observe.Options{Host: host, Firewall: host, Clock: clock.RealClock{}})
	if err := observer.Relist(ctx); err != nil {
		return fmt.Errorf("look at the engine: %w", err)
	}
	observed, err := observer.Snapshot(ctx)
	if err != nil {
		return fmt.Errorf("look at the engine: %w", err)
	}
	r.view.observed, r.view.before = observed, observed
	return nil
}

// passTopologies runs the passes that place the topologies and label their members.
func (r *run) passTopologies(ctx context.Context) error {
	reconciler := &controllers.TopologyReconciler{Passes: r.runner(), Kube: r.store, NodeName: r.NodeName}
	for _, key := range r.chosen {
		if _, err := reconciler.Reconcile(ctx, reconcile.Request{NamespacedName: key}); err != nil {
			return fmt.Errorf("plan Topology %s: %w", key, err)
		}
		if topology, found := r.store.topologies[key]; found && topology.Status.NodeName != r.NodeName {
			return fmt.Errorf("plan Topology %s: it is carried by node %q, and this is the engine of %q: plan it on that node, with --node-name", key, topology.Status.NodeName, r.NodeName)
		}
	}
	return nil
}

func (r *run) runner() *pass.Runner { return &pass.Runner{Kube: r.store, Recorder: silence{}} }

// passMembers runs the passes over LANs, whose planned networks the deckies then see,
// and over deckies: once so that all have their subnets and addresses, and once more for
// the plans, since routes and filter rules depend on the addresses of others.
func (r *run) passMembers(ctx context.Context) error {
	note := &notebook{view: r.view}
	profile, err := r.profile(ctx)
	if err != nil {
		return fmt.Errorf("ask the engine: %w", err)
	}
	prober := known{profile}
	node := &controllers.Node{
		Name: r.NodeName, Instance: r.instance, Kube: r.store, Live: r.store, Passes: r.runner(),
		Observer: r.view, Executor: note, Host: onlyReads{r.sources.Host}, Prober: prober, HostProber: prober,
		Clock: r.Clock, Metrics: controllers.NewMetrics(nil),
	}
	store := &controllers.ImageStore{
		Images: r.images, Puller: apply.NewPuller(r.images, clock.RealClock{}), BuiltIn: controllers.BuiltInImage{Reference: r.BuiltIn},
	}
	lans := &controllers.LANReconciler{Node: node}
	deckies := &controllers.DeckyReconciler{Node: node, Catalogue: r.Catalogue, Images: store}
	for range 2 {
		r.view.observed = r.view.before
		if err := r.passKind(ctx, "LAN", lans, note); err != nil {
			return err
		}
		if err := r.passKind(ctx, "Decky", deckies, note); err != nil {
			return err
		}
	}
	return nil
}

// profile returns what the engine and its host are; offline, such on which all can be built.
func (r *run) profile(ctx context.Context) (model.Profile, error) {
	if r.sources.Engine == nil {
		return model.Profile{
			Engine: model.EngineProfile{Version: offline, APIVersion: "1.44", EndpointMAC: true, IPv4Forwarding: true},
			Host: model.HostProfile{
				EngineVisible: model.Yes, EngineNetwork: model.Yes, NetAdmin: model.Yes, SysAdmin: model.Yes, SysPtrace: model.Yes, Filters: model.Yes, UserChain: model.Yes,
			},
		}, nil
	}
	ofEngine, err := r.sources.Engine.Profile(ctx)
	if err != nil {
		return model.Profile{}, err
	}
	ofHost, err := r.sources.Host.HostProfile(ctx, ofEngine)
	return model.Profile{Engine: ofEngine, Host: ofHost}, err
}

// passKind runs a pass over each member of a kind and notes its plan.
func (r *run) passKind(ctx context.Context, kind string, reconciler reconcile.Reconciler, note *notebook) error {
	for _, member := range r.members(kind) {
		note.planned = nil
		key := client.ObjectKeyFromObject(member)
		if _, err := reconciler.Reconcile(ctx, reconcile.Request{NamespacedName: key}); err != nil && !errors.Is(err, errNotCarriedOut) {
			return fmt.Errorf("plan %s %s: %w", kind, key, err)
		}
		r.note(kind, member).Plan = note.taken()
	}
	return nil
}

// members returns the LANs or Deckies of the chosen topologies, the earlier ones first.
func (r *run) members(kind string) []client.Object {
	var members []client.Object
	for _, lan := range r.store.lans {
		if kind == "LAN" && slices.Contains(r.chosen, types.NamespacedName{Namespace: lan.Namespace, Name: lan.Spec.TopologyRef.Name}) {
			members = append(members, lan)
		}
	}
	for _, decky := range r.store.deckies {
		if kind == "Decky" && slices.Contains(r.chosen, types.NamespacedName{Namespace: decky.Namespace, Name: decky.Spec.TopologyRef.Name}) {
			members = append(members, decky)
		}
	}
	slices.SortFunc(members, func(a, b client.Object) int {
		switch {
		case graph.Earlier(a, b):
			return -1
		case graph.Earlier(b, a):
			return 1
		default:
			return 0
		}
	})
	return members
}

// note returns what is reported of an object.
func (r *run) note(kind string, object client.Object) *Object {
	known, found := r.notes[object.GetUID()]
	if !found {
		known = &Object{Kind: kind, Namespace: object.GetNamespace(), Name: object.GetName()}
		r.notes[object.GetUID()] = known
	}
	return known
}

// conclude makes the report.
func (r *run) conclude() {
	for _, key := range r.chosen {
		if topology, found := r.store.topologies[key]; found {
			r.report.Objects = append(r.report.Objects, *r.concludeTopology(topology))
		}
	}
	for _, kind := range []string{"LAN", "Decky"} {
		for _, member := range r.members(kind) {
			noted := r.note(kind, member)
			reporter, ok := member.(pass.Object)
			if ok && len(noted.Plan.Actions) == 0 {
				noted.conclude(*reporter.Progress().Conditions)
			}
			if lan, isLAN := member.(*v1alpha1.LAN); isLAN && isPlanned(lan.UID) {
				noted.bridge = model.BridgeName(model.Owner{
					Instance: r.instance, UID: string(lan.UID), Namespace: lan.Namespace, Topology: lan.Spec.TopologyRef.Name, Name: lan.Name,
				})
			}
			r.report.Objects = append(r.report.Objects, *noted)
		}
	}
	r.report.Images = r.images.list()
}

// concludeTopology tells of the graph: the rest is that of the members.
func (r *run) concludeTopology(topology *v1alpha1.Topology) *Object {
	noted := r.note("Topology", topology)
	accepted := meta.FindStatusCondition(topology.Status.Conditions, v1alpha1.ConditionAccepted)
	if accepted != nil && accepted.Status == metav1.ConditionFalse {
		noted.State, noted.Reason, noted.Message = StateWaiting, v1alpha1.Reason(accepted.Reason), accepted.Message
		if meta.IsStatusConditionTrue(topology.Status.Conditions, v1alpha1.ConditionStalled) {
			noted.State = StateMistaken
		}
	}
	return noted
}
