// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package dryrun

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"slices"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/deckyard/deckyard/internal/apply"
	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/model"
	"github.com/deckyard/deckyard/internal/plan"
)

// errNotCarriedOut ends a pass whose plan has been noted, and whatever else would
// change something.
var errNotCarriedOut = errors.New("a dry run carries out nothing")

// view shows the controllers the engine, as it was seen once, with the networks and
// filter rules that were planned since.
type view struct {
	// before is what was seen, observed that with what was planned.
	before, observed model.Observed
}

// View implements controllers.Viewer: it shows what is of no concern, too.
func (v *view) View(context.Context, model.Concern) (model.Observed, error) { return v.observed, nil }

// Refresh implements controllers.Viewer: nothing was changed.
func (v *view) Refresh(context.Context, []string, []string) error { return nil }

// RefreshFilters implements controllers.Viewer: nothing was changed.
func (v *view) RefreshFilters(context.Context) error { return nil }

// Track implements controllers.Waker: nobody is woken in a dry run.
func (v *view) Track(model.OwnerKind, types.NamespacedName) {}

// WakeOnForeign implements controllers.Waker.
func (v *view) WakeOnForeign(model.OwnerKind, types.NamespacedName) {}

// Unblock implements controllers.Waker.
func (v *view) Unblock(model.OwnerKind, types.NamespacedName) {}

// Forget implements controllers.Waker.
func (v *view) Forget(model.OwnerKind, types.NamespacedName) {}

// Source implements controllers.Waker.
func (v *view) Source(model.OwnerKind) source.TypedSource[reconcile.Request] { return nil }

// project adds the effect of actions on networks and filter rules, on which the plans
// of deckies depend. That on containers is seen by nobody else.
func (v *view) project(actions []plan.Action) {
	for _, action := range actions {
		switch action := action.(type) {
		case *plan.CreateNetwork:
			v.observed.Networks = append(slices.Clone(v.observed.Networks), created(action.Spec))
		case *plan.RemoveNetwork:
			v.observed.Networks = slices.DeleteFunc(slices.Clone(v.observed.Networks), func(network model.Network) bool { return network.ID == action.Network.ID })
		case *plan.SetFilter:
			v.dropFilter(action.Spec.Bridge)
			v.observed.Filters = append(v.observed.Filters, model.Filter{
				Owner: action.Spec.Owner, Bridge: action.Spec.Bridge, Intact: true, Policy: action.Spec.Policy,
			})
			slices.SortFunc(v.observed.Filters, model.Filter.Compare)
		case *plan.RemoveFilter:
			v.dropFilter(action.Bridge)
		}
	}
}

func (v *view) dropFilter(bridge string) {
	v.observed.Filters = slices.DeleteFunc(slices.Clone(v.observed.Filters), func(filter model.Filter) bool { return filter.Bridge == bridge })
}

// created is the network that comes of a spec. Its id is the name, which no id is.
func created(spec model.NetworkSpec) model.Network {
	return model.Network{
		ID: spec.Name, Name: spec.Name, Identity: spec.Identity, Driver: spec.Driver, Subnets: []netip.Prefix{spec.Subnet}, Gateway: spec.Gateway,
		Internal: spec.Internal, Masquerade: spec.Masquerade, MTU: spec.MTU, Bridge: spec.Bridge, HostAbsent: spec.HostAbsent,
	}
}

// notebook is an executor that notes the plan and ends the pass.
type notebook struct {
	view    *view
	planned *plan.Plan
}

// Apply implements controllers.Executor.
func (n *notebook) Apply(_ context.Context, planned plan.Plan) apply.Report {
	n.planned = &planned
	n.view.project(planned.Actions)
	return apply.Report{Err: errNotCarriedOut}
}

// taken returns the noted plan, an empty one if there is none.
func (n *notebook) taken() plan.Plan {
	if n.planned == nil {
		return plan.Plan{}
	}
	return *n.planned
}

// WakeTracked implements controllers.Waker.
func (v *view) WakeTracked() {}

// known is a prober of an engine and its host that has asked already.
type known struct{ profile model.Profile }

// Profile implements engine.Prober.
func (k known) Profile(context.Context) (model.EngineProfile, error) { return k.profile.Engine, nil }

// HostProfile implements engine.HostProber.
func (k known) HostProfile(context.Context, model.EngineProfile) (model.HostProfile, error) {
	return k.profile.Host, nil
}

// Listening implements engine.HostProber: no pass asks for it.
func (k known) Listening(context.Context) ([]model.Socket, error) { return nil, nil }

// Host is what a dry run asks of the engine's host.
type Host interface {
	// Namespace and PortHolder are those of engine.Host, Filters that of engine.Firewall.
	Namespace(ctx context.Context, container model.Container, sysctls []string) (model.Namespace, error)
	PortHolder(ctx context.Context, port model.PublishedPort) (string, error)
	Routes(ctx context.Context) ([]netip.Prefix, error)
	Filters(ctx context.Context) ([]model.Filter, error)
	// HostProfile is that of engine.HostProber.
	HostProfile(ctx context.Context, of model.EngineProfile) (model.HostProfile, error)
}

// onlyReads is an engine's host and firewall that cannot be changed; without a Host one
// on which nothing is.
type onlyReads struct{ host Host }

// Namespace implements engine.Namespaces.
func (o onlyReads) Namespace(ctx context.Context, container model.Container, sysctls []string) (model.Namespace, error) {
	if o.host == nil {
		return model.Namespace{}, engine.ErrNotFound
	}
	return o.host.Namespace(ctx, container, sysctls)
}

// PortHolder implements engine.Host.
func (o onlyReads) PortHolder(ctx context.Context, port model.PublishedPort) (string, error) {
	if o.host == nil {
		return "", nil
	}
	return o.host.PortHolder(ctx, port)
}

// Routes implements engine.Host.
func (o onlyReads) Routes(ctx context.Context) ([]netip.Prefix, error) {
	if o.host == nil {
		return nil, nil
	}
	return o.host.Routes(ctx)
}

// Filters implements engine.Firewall.
func (o onlyReads) Filters(ctx context.Context) ([]model.Filter, error) {
	if o.host == nil {
		return nil, nil
	}
	return o.host.Filters(ctx)
}

// SetSysctl implements engine.Namespaces.
func (o onlyReads) SetSysctl(context.Context, model.Container, string, string) error {
	return errNotCarriedOut
}

// SetRoute implements engine.Namespaces.
func (o onlyReads) SetRoute(context.Context, model.Container, model.Route) error {
	return errNotCarriedOut
}

// RemoveRoute implements engine.Namespaces.
func (o onlyReads) RemoveRoute(context.Context, model.Container, model.Route) error {
	return errNotCarriedOut
}

// SetFilter implements engine.Firewall.
func (o onlyReads) SetFilter(context.Context, model.FilterSpec) error { return errNotCarriedOut }

// RemoveFilter implements engine.Firewall.
func (o onlyReads) RemoveFilter(context.Context, model.Owner, string) error { return errNotCarriedOut }

// WatchFilters implements engine.Firewall.
func (o onlyReads) WatchFilters(context.Context, func()) error { return errNotCarriedOut }

// images are an engine's, together with those that would be brought there.
type images struct {
	engine  Engine
	missing map[string]bool
}

// notThereYet stands for the digest of an image that would be brought.
const notThereYet = "of the image that is not there yet"

// ResolveImage implements engine.Images. Of an image that is missing it is noted that
// it would be brought; whether that succeeds is not known without trying.
func (i *images) ResolveImage(ctx context.Context, reference string) (string, error) {
	if i.engine != nil {
		id, err := i.engine.ResolveImage(ctx, reference)
		if !errors.Is(err, engine.ErrNotFound) {
			return id, err
		}
	}
	i.missing[reference] = true
	return notThereYet, nil
}

func (i *images) list() []string { return slices.Sorted(maps.Keys(i.missing)) }

// PullImage implements engine.Images.
func (i *images) PullImage(context.Context, string) error { return errNotCarriedOut }

// LoadImage implements engine.Images.
func (i *images) LoadImage(context.Context, io.Reader) error { return errNotCarriedOut }

// RemoveImage implements engine.Images.
func (i *images) RemoveImage(context.Context, string) error { return errNotCarriedOut }

// Images implements engine.Images.
func (i *images) Images(context.Context) ([]string, error) {
	return nil, fmt.Errorf("list images: %w", errors.ErrUnsupported)
}

// silence is an event recorder that says nothing.
type silence struct{}

// Eventf implements events.EventRecorder.
func (silence) Eventf(_, _ runtime.Object, _, _, _, _ string, _ ...any) {}
