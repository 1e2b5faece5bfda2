// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/fault"
	"github.com/deckyard/deckyard/internal/graph"
	"github.com/deckyard/deckyard/internal/model"
	"github.com/deckyard/deckyard/internal/pass"
	"github.com/deckyard/deckyard/internal/plan"
	"github.com/deckyard/deckyard/internal/render"
)

// deckyScope is a pass over one decky.
type deckyScope struct {
	*DeckyReconciler
	decky    *v1alpha1.Decky
	pass     *pass.Pass
	topology *v1alpha1.Topology
	// lans are those that resolveLANs found, deckies those on any LAN of the decky,
	// itself included, and routers those of the topology that forward. They are the
	// cache's and must not be changed.
	lans    []v1alpha1.LAN
	deckies []v1alpha1.Decky
	routers []v1alpha1.Decky
	// publishers are the deckies of the node, if the decky publishes ports.
	publishers []v1alpha1.Decky
	engine     model.EngineProfile

	observed model.Observed
	// base is the decky's base as it was seen; nil if there is none.
	base *model.Container
	// resolved are the LANs of the interfaces that can be had, home first; lost
	// says why another cannot.
	resolved []*v1alpha1.LAN
	lost     *fault.Fault
	// interfaces are those on resolved LANs, in the same order.
	interfaces []model.EndpointSpec
	// barred is a LAN whose bridge does not let pass yet what the decky forwards;
	// empty if there is none.
	barred   string
	imageIDs map[string]string
	// missingImage says why an image is not on the engine; zero if all are.
	missingImage absence
	desired      model.DeckySpec
}

func (s *deckyScope) steps() []pass.Step {
	return []pass.Step{
		s.tearDown,
		s.resolve,
		s.ensureFinalizer,
		s.observe,
		s.validate,
		s.allocate,
		s.locateNetworks,
		s.resolveImages,
		s.renderDesired,
		s.lookInside,
		s.reconcileContainers,
	}
}

// tearDown removes the containers of a decky that is being deleted.
func (s *deckyScope) tearDown(ctx context.Context) pass.Outcome {
	if s.decky.DeletionTimestamp.IsZero() {
		return pass.Continue()
	}
	if s.decky.Annotations[v1alpha1.AnnotationAbandon] == "true" {
		return s.release(ctx)
	}
	if outcome := s.observe(ctx); !outcome.IsContinue() {
		return outcome
	}
	planned := plan.RemoveDecky(s.owner(model.OwnerDecky, s.decky), s.observed)
	if outcome := s.carryOut(ctx, s.pass, s.aim(nil), planned, false); !outcome.IsContinue() {
		return outcome
	}
	return s.release(ctx)
}

// aim is what the plans of the pass are to achieve.
func (s *deckyScope) aim(desired any) aim {
	return aim{kind: model.OwnerDecky, key: client.ObjectKeyFromObject(s.decky), desired: desired}
}

func (s *deckyScope) release(ctx context.Context) pass.Outcome {
	if err := s.pass.DropFinalizer(ctx); err != nil {
		return pass.Retry(err)
	}
	return pass.Gone()
}

// resolve fetches the topology, and what of its members concerns the decky: its
// LANs, the deckies on these, and, if there are deckies that forward, all that
// decides the routes. Sets Accepted.
func (s *deckyScope) resolve(ctx context.Context) pass.Outcome {
	topology, outcome := resolveTopology(ctx, s.Kube, s.pass, s.decky)
	if topology == nil {
		return outcome
	}
	s.topology = topology
	var err error
	if s.deckies, err = neighbours(ctx, s.Kube, fromCache, s.decky.Namespace, topology.Name, s.ownLANs()...); err != nil {
		return pass.Retry(err)
	}
	var routers v1alpha1.DeckyList
	if err := listFrom(ctx, s.Kube, fromCache, &routers, client.InNamespace(s.decky.Namespace), client.MatchingFields{indexForwarding: topology.Name}); err != nil {
		return pass.Retry(err)
	}
	s.routers = routers.Items
	if s.lans, err = s.resolveLANs(ctx); err != nil {
		return pass.Retry(err)
	}
	return pass.Continue()
}

// ownLANs names the LANs that the decky asks for.
func (s *deckyScope) ownLANs() []string {
	var names []string
	for _, asked := range s.decky.Interfaces() {
		names = append(names, asked.LAN)
	}
	return names
}

// resolveLANs returns the LANs of the topology to which there can be routes: those of
// the decky's interfaces that exist, and all if anybody forwards.
func (s *deckyScope) resolveLANs(ctx context.Context) ([]v1alpha1.LAN, error) {
	if len(s.routers) > 0 {
		var lans v1alpha1.LANList
		err := listFrom(ctx, s.Kube, fromCache, &lans, inTopology(s.decky.Namespace, s.topology.Name)...)
		return lans.Items, err
	}
	return lansNamed(ctx, s.Kube, s.decky.Namespace, s.topology.Name, s.ownLANs())
}

// ensureFinalizer keeps the decky until its containers are gone.
func (s *deckyScope) ensureFinalizer(ctx context.Context) pass.Outcome {
	if err := s.pass.EnsureFinalizer(ctx); err != nil {
		return pass.Retry(err)
	}
	return pass.Continue()
}

// observe takes the snapshot. Sets the conditions about containers to Unknown
// while the engine is away.
func (s *deckyScope) observe(ctx context.Context) pass.Outcome {
	observed, err := s.Observer.View(ctx, s.concern())
	if err != nil {
		return s.retryEngine(err)
	}
	s.observed = observed
	owner := s.owner(model.OwnerDecky, s.decky)
	for i := range observed.Containers {
		container := &observed.Containers[i]
		if owner.Owns(container.Identity) && container.Identity.Role == model.RoleBase {
			s.base = container
		}
	}
	return pass.Continue()
}

// concern is about the decky's containers, their names, all that is on its LANs, and
// who holds ports of the host if it publishes some.
func (s *deckyScope) concern() model.Concern {
	concern := model.Concern{
		Owner:     s.owner(model.OwnerDecky, s.decky),
		BaseName:  model.BaseName(s.decky.Namespace, topologyName(s.decky), s.decky.Name),
		HostPorts: s.decky.Spec.Publish != nil,
	}
	for i := range s.lans {
		if hasInterfaceOn(s.decky, s.lans[i].Name) {
			concern.LANs = append(concern.LANs, string(s.lans[i].UID))
		}
	}
	return concern
}

func hasInterfaceOn(decky *v1alpha1.Decky, lan string) bool {
	return slices.ContainsFunc(decky.Interfaces(), func(asked v1alpha1.Attachment) bool { return asked.LAN == lan })
}

// retryEngine retries, and says that nothing is known while the engine is away.
func (s *deckyScope) retryEngine(err error) pass.Outcome {
	outcome := pass.Retry(err)
	if outcome.Reason() == v1alpha1.ReasonEngineUnavailable {
		for _, conditionType := range []string{
			v1alpha1.ConditionContainersRunning, v1alpha1.ConditionEndpointsInSync, v1alpha1.ConditionServicesAnswering,
		} {
			s.pass.Conditions().Unknown(conditionType, outcome.Reason(), outcome.Message())
		}
	}
	return outcome
}

// validate checks the spec and its claims against the other objects. Sets Accepted.
func (s *deckyScope) validate(ctx context.Context) pass.Outcome {
	verdict, err := s.judge(ctx)
	if err != nil {
		return s.retryEngine(err)
	}
	s.engine = verdict.Profile.Engine
	if mistake := render.ValidateDecky(s.decky, s.Catalogue, render.Engine{EndpointMAC: s.engine.EndpointMAC}); mistake != nil {
		return s.reject(mistake)
	}
	var lost *fault.Fault
	if s.resolved, lost = graph.ResolveLANs(s.decky, s.lans); lost != nil {
		s.lost = lost
		if s.base == nil || len(s.resolved) == 0 {
			return s.waitForLAN()
		}
	}
	if mistake := graph.CheckPublish(s.decky, graph.Home(s.decky, s.lans)); mistake != nil {
		return s.reject(mistake)
	}
	return s.checkHostPorts(ctx)
}

// checkHostPorts compares with every decky of the node, of any topology.
func (s *deckyScope) checkHostPorts(ctx context.Context) pass.Outcome {
	if s.decky.Spec.Publish == nil {
		return pass.Continue()
	}
	var deckies v1alpha1.DeckyList
	if err := listFrom(ctx, s.Kube, fromCache, &deckies); err != nil {
		return pass.Retry(err)
	}
	var lans v1alpha1.LANList
	if err := listFrom(ctx, s.Kube, fromCache, &lans); err != nil {
		return pass.Retry(err)
	}
	s.publishers = slices.DeleteFunc(deckies.Items, func(decky v1alpha1.Decky) bool { return !s.mayCarry(&decky, s.topology) })
	if mistake := graph.CheckHostPorts(s.decky, s.publishers, lans.Items, s.Catalogue); mistake != nil {
		return s.reject(mistake)
	}
	return pass.Continue()
}

func (s *deckyScope) reject(mistake *fault.Fault) pass.Outcome {
	s.pass.Conditions().False(v1alpha1.ConditionAccepted, mistake.Reason, mistake.Error())
	return pass.StallOn(mistake)
}

// waitForLAN says that a LAN is missing: the next file may bring it.
func (s *deckyScope) waitForLAN() pass.Outcome {
	s.pass.Conditions().False(v1alpha1.ConditionAccepted, s.lost.Reason, s.lost.Error())
	return pass.Wait(s.lost.Reason, s.lost.Error())
}

// resolveImages finds the images on the engine. A new decky waits until all are
// there; one that runs goes on without those that are missing. Sets ImagesPresent.
func (s *deckyScope) resolveImages(ctx context.Context) pass.Outcome {
	references := render.Images(s.decky, s.Catalogue, s.Images.BuiltIn.Reference)
	found, absent, err := s.Images.resolve(ctx, references)
	if err != nil {
		return s.retryEngine(err)
	}
	s.imageIDs = found
	conditions := s.pass.Conditions()
	if len(absent) == 0 {
		conditions.True(v1alpha1.ConditionImagesPresent, "")
		return pass.Continue()
	}
	reference := slices.Min(slices.Collect(maps.Keys(absent)))
	s.missingImage = absent[reference]
	conditions.False(v1alpha1.ConditionImagesPresent, s.missingImage.reason, s.missingImage.message)
	s.Observer.WakeOnForeign(model.OwnerDecky, client.ObjectKeyFromObject(s.decky))
	if s.base == nil {
		return pass.Wait(s.missingImage.reason, s.missingImage.message)
	}
	return pass.Continue()
}

// renderDesired turns spec and decisions into the desired containers.
func (s *deckyScope) renderDesired(context.Context) pass.Outcome {
	desired, mistake := render.Decky(render.DeckyInput{
		Instance:   s.Instance,
		Topology:   s.topology,
		Decky:      s.decky,
		Home:       s.resolved[0],
		Interfaces: s.interfaces,
		Routes:     graph.Routes(s.decky, s.lans, s.routers),
		Catalogue:  s.Catalogue,
		BuiltIn:    s.Images.BuiltIn.Reference,
		ImageIDs:   s.imageIDs,
	})
	if mistake != nil {
		return s.reject(mistake)
	}
	s.desired = desired
	return pass.Continue()
}

// lookInside reads the listening sockets, routes and kernel settings of a running base.
func (s *deckyScope) lookInside(ctx context.Context) pass.Outcome {
	if s.base == nil || !s.base.IsRunning() {
		return pass.Continue()
	}
	names := slices.Sorted(maps.Keys(s.desired.Base.Sysctls))
	namespace, err := s.Host.Namespace(ctx, *s.base, names)
	switch {
	case errors.Is(err, engine.ErrNotFound):
		// The base ended since it was observed: the next observation says so.
		return pass.Continue()
	case err != nil:
		return pass.Retry(err)
	}
	s.observed = s.observed.WithNamespace(s.base.ID, namespace)
	return pass.Continue()
}

// reconcileContainers plans, reports what was seen, and applies. Sets
// ContainersRunning, EndpointsInSync, ServicesAnswering and RecreatePending.
func (s *deckyScope) reconcileContainers(ctx context.Context) pass.Outcome {
	planned := plan.Decky(s.desired, s.observed)
	if startsBase(planned, s.desired.Base.Name) {
		var err error
		if s.observed.HeldPorts, err = s.heldPorts(ctx); err != nil {
			return pass.Retry(err)
		}
		planned = plan.Decky(s.desired, s.observed)
	}
	state := plan.Assess(s.desired, s.observed)
	s.report(state)
	if len(planned.Actions) > 0 {
		return s.carryOut(ctx, s.pass, s.aim(s.desired), planned, s.topology.Spec.Suspend)
	}
	return s.conclude(state, planned)
}

// conclude says how a pass ends that has nothing to do.
func (s *deckyScope) conclude(state plan.DeckyState, planned plan.Plan) pass.Outcome {
	key := client.ObjectKeyFromObject(s.decky)
	if planned.Blocked != nil && planned.Blocked.Reason != v1alpha1.ReasonImageMissing {
		s.Observer.WakeOnForeign(model.OwnerDecky, key)
		if len(s.observed.HeldPorts) > 0 {
			return pass.WaitUnwatched(planned.Blocked.Reason, planned.Blocked.Message, portRecheck)
		}
		return pass.Wait(planned.Blocked.Reason, planned.Blocked.Message)
	}
	if s.lost != nil {
		return s.waitForLAN()
	}
	if s.missingImage.reason != "" {
		return pass.Wait(s.missingImage.reason, s.missingImage.message)
	}
	s.Observer.Unblock(model.OwnerDecky, key)
	if len(state.RecreatePending) > 0 {
		return pass.Stall(v1alpha1.ReasonRecreatePending, s.pass.Condition(v1alpha1.ConditionRecreatePending).Message)
	}
	switch {
	case !state.InSync():
		return s.awaitSync(state)
	case s.barred != "":
		return s.waitForFilter()
	case len(s.desired.Endpoints) > 1 || len(s.desired.Routes) > 0:
		return pass.DoneUntil("", verifyInterval)
	default:
		return pass.Done("")
	}
}

// waitForFilter waits for the LAN to let pass what the decky forwards. The rules
// are the LAN's, and it may be ready before and after.
func (s *deckyScope) waitForFilter() pass.Outcome {
	s.Observer.WakeOnForeign(model.OwnerDecky, client.ObjectKeyFromObject(s.decky))
	message := fmt.Sprintf("The bridge of LAN %s does not let pass yet what the decky forwards", s.barred)
	s.pass.Conditions().False(v1alpha1.ConditionEndpointsInSync, v1alpha1.ReasonFilterMissing, message)
	return pass.Wait(v1alpha1.ReasonFilterMissing, message)
}

// awaitSync looks again, or waits for a LAN, where nothing can be done now.
func (s *deckyScope) awaitSync(state plan.DeckyState) pass.Outcome {
	for _, conditionType := range []string{
		v1alpha1.ConditionContainersRunning, v1alpha1.ConditionEndpointsInSync, v1alpha1.ConditionServicesAnswering,
	} {
		condition := s.pass.Condition(conditionType)
		reason := v1alpha1.Reason(condition.Reason)
		switch {
		case condition.Status == metav1.ConditionTrue:
		case reason == v1alpha1.ReasonLANNotReady:
			return pass.Wait(reason, condition.Message)
		case reason == v1alpha1.ReasonPortNotListening && s.age(state) < startUp:
			return pass.Settling(reason, condition.Message, s.nextLook(state))
		default:
			return pass.Progress(reason, condition.Message, s.nextLook(state))
		}
	}
	return pass.Progress(v1alpha1.ReasonProgressing, "Waiting for the effect of changes", s.nextLook(state))
}

const (
	firstLook = 50 * time.Millisecond
	lastLook  = 15 * time.Second
	// portRecheck is how often it is looked whether a port of the host is free: no
	// event tells of a process that ends.
	portRecheck = 10 * time.Second
	// startUp is what a service may take to listen before it is worth a word.
	startUp = time.Second
)

// nextLook returns when to look again for a port that does not listen yet: no
// event tells of it. The longer the youngest service runs, the longer.
func (s *deckyScope) nextLook(state plan.DeckyState) time.Duration {
	return min(max(s.age(state)/2, firstLook), lastLook)
}

// age is how long the youngest service has been running.
func (s *deckyScope) age(state plan.DeckyState) time.Duration {
	var youngest time.Time
	for _, service := range state.Services {
		if service.Container != nil && service.Container.StartedAt.After(youngest) {
			youngest = service.Container.StartedAt
		}
	}
	return s.Clock.Since(youngest)
}

// heldPorts returns those ports of the host that the base is to publish and that a
// container or another process has: the engine's own error would not name it.
func (s *deckyScope) heldPorts(ctx context.Context) ([]model.HeldPort, error) {
	var held []model.HeldPort
	for _, port := range s.desired.Base.Published {
		holder, err := s.portHolder(ctx, port)
		if err != nil {
			return nil, err
		}
		if holder != "" {
			held = append(held, model.HeldPort{Port: port, Holder: holder})
		}
	}
	return held, nil
}

// portHolder says who holds a port, in words; empty if nobody does, or the base
// that is about to be replaced, or one with which that changes ports.
func (s *deckyScope) portHolder(ctx context.Context, port model.PublishedPort) (string, error) {
	for i := range s.observed.Containers {
		container := &s.observed.Containers[i]
		if !container.IsRunning() || !publishes(container, port) {
			continue
		}
		if s.base != nil && (container.ID == s.base.ID || s.swaps(container)) {
			return "", nil
		}
		return fmt.Sprintf("container %q", container.Name), nil
	}
	return s.Host.PortHolder(ctx, port)
}

// swaps reports whether a container is the base of a decky that is to leave the port
// that it has for one of this decky's base, and may: each would wait for the other.
func (s *deckyScope) swaps(holder *model.Container) bool {
	return slices.ContainsFunc(s.publishers, func(decky v1alpha1.Decky) bool {
		return s.owner(model.OwnerDecky, &decky).Owns(holder.Identity) && render.MayRecreateBase(&decky) &&
			graph.WantsOneOf(&decky, s.base.HostPorts, s.Catalogue)
	})
}

func startsBase(planned plan.Plan, base string) bool {
	return slices.ContainsFunc(planned.Actions, func(action plan.Action) bool {
		start, ok := action.(*plan.StartContainer)
		return ok && start.Container.Name == base
	})
}

// publishes reports whether a container has a port of the host on an address
// that excludes ours.
func publishes(container *model.Container, port model.PublishedPort) bool {
	return slices.ContainsFunc(container.HostPorts, func(held model.PublishedPort) bool {
		return held.HostPort == port.HostPort && held.Port.Protocol == port.Port.Protocol &&
			(held.HostIP == port.HostIP || held.HostIP.IsUnspecified() || port.HostIP.IsUnspecified())
	})
}
