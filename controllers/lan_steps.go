// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/fault"
	"github.com/deckyard/deckyard/internal/graph"
	"github.com/deckyard/deckyard/internal/ipam"
	"github.com/deckyard/deckyard/internal/model"
	"github.com/deckyard/deckyard/internal/pass"
	"github.com/deckyard/deckyard/internal/plan"
	"github.com/deckyard/deckyard/internal/render"
)

// lanScope is a pass over one LAN.
type lanScope struct {
	*LANReconciler
	lan      *v1alpha1.LAN
	pass     *pass.Pass
	topology *v1alpha1.Topology
	// deckies are those that ask for the LAN or have an interface there, and dmzs the
	// LANs of the topology that are to be its DMZ. They are the cache's and must not be
	// changed.
	deckies  []v1alpha1.Decky
	dmzs     []v1alpha1.LAN
	observed model.Observed
	// laid says that the LAN's network was seen to have the subnet that the LAN claims.
	// No other network can have it then, whatever other LANs claim.
	laid    bool
	desired model.NetworkSpec
	// unverified is why it could not be told what the deckies reach; nil if it could.
	unverified error
}

func (s *lanScope) steps() []pass.Step {
	return []pass.Step{
		s.tearDown,
		s.resolve,
		s.ensureFinalizer,
		s.observe,
		s.verify,
		s.validate,
		s.allocate,
		s.reconcileNetwork,
		s.conclude,
	}
}

// tearDown removes the network of a LAN that is being deleted, once nobody
// lives on it and the visitors have left.
func (s *lanScope) tearDown(ctx context.Context) pass.Outcome {
	if s.lan.DeletionTimestamp.IsZero() {
		return pass.Continue()
	}
	if s.lan.Annotations[v1alpha1.AnnotationAbandon] == "true" {
		return s.release(ctx)
	}
	var err error
	if s.deckies, err = neighbours(ctx, s.Kube, fromCache, s.lan.Namespace, topologyName(s.lan), s.lan.Name); err != nil {
		return pass.Retry(err)
	}
	if message := s.inhabited(); message != "" {
		return pass.Wait(v1alpha1.ReasonLANInUse, message)
	}
	if outcome := s.observe(ctx); !outcome.IsContinue() {
		return outcome
	}
	planned := plan.RemoveNetworks(s.owner(model.OwnerLAN, s.lan), s.observed)
	if planned.Blocked != nil {
		s.pass.Conditions().False(v1alpha1.ConditionNetworkInSync, planned.Blocked.Reason, planned.Blocked.Message)
		s.Observer.WakeOnForeign(model.OwnerLAN, client.ObjectKeyFromObject(s.lan))
	}
	if outcome := s.carryOut(ctx, s.pass, s.aim(nil), planned, false); !outcome.IsContinue() {
		return outcome
	}
	return s.release(ctx)
}

// inhabited names a decky that lives on the LAN; empty if none does. Of several it is
// the one that is deleted last, so that the words stay while the others go.
func (s *lanScope) inhabited() string {
	var staying, leaving []string
	for i := range s.deckies {
		decky := &s.deckies[i]
		switch {
		case decky.Spec.Home.LAN != s.lan.Name:
		case decky.DeletionTimestamp.IsZero():
			staying = append(staying, decky.Name)
		default:
			leaving = append(leaving, decky.Name)
		}
	}
	switch {
	case len(staying) > 0:
		return fmt.Sprintf("LAN %s is the home of Decky %s and goes once that decky is gone: delete it, or create it again with another home", s.lan.Name, slices.Min(staying))
	case len(leaving) > 0:
		return fmt.Sprintf("Waiting for Decky %s, which lives on LAN %s and is being deleted", slices.Min(leaving), s.lan.Name)
	}
	return ""
}

// aim is what the plans of the pass are to achieve.
func (s *lanScope) aim(desired any) aim {
	return aim{kind: model.OwnerLAN, key: client.ObjectKeyFromObject(s.lan), desired: desired}
}

func (s *lanScope) release(ctx context.Context) pass.Outcome {
	if err := s.pass.DropFinalizer(ctx); err != nil {
		return pass.Retry(err)
	}
	return pass.Gone()
}

// resolve fetches the topology, and what of its members concerns the LAN. Sets Accepted.
func (s *lanScope) resolve(ctx context.Context) pass.Outcome {
	topology, outcome := resolveTopology(ctx, s.Kube, s.pass, s.lan)
	if topology == nil {
		return outcome
	}
	s.topology = topology
	var dmzs v1alpha1.LANList
	if err := listFrom(ctx, s.Kube, fromCache, &dmzs, client.InNamespace(s.lan.Namespace), client.MatchingFields{indexDMZ: topology.Name}); err != nil {
		return pass.Retry(err)
	}
	s.dmzs = dmzs.Items
	var err error
	if s.deckies, err = neighbours(ctx, s.Kube, fromCache, s.lan.Namespace, topology.Name, s.lan.Name); err != nil {
		return pass.Retry(err)
	}
	return pass.Continue()
}

// resolveTopology fetches the topology that a member names, or says why not.
func resolveTopology(ctx context.Context, kube client.Reader, opened *pass.Pass, member client.Object) (*v1alpha1.Topology, pass.Outcome) {
	topology := &v1alpha1.Topology{}
	key := types.NamespacedName{Namespace: member.GetNamespace(), Name: topologyName(member)}
	switch err := kube.Get(ctx, key, topology); {
	case apierrors.IsNotFound(err):
		return nil, rejectMissingTopology(opened, key.Name)
	case err != nil:
		return nil, pass.Retry(err)
	}
	return topology, pass.Continue()
}

// ensureFinalizer keeps the LAN until its network is gone.
func (s *lanScope) ensureFinalizer(ctx context.Context) pass.Outcome {
	if err := s.pass.EnsureFinalizer(ctx); err != nil {
		return pass.Retry(err)
	}
	return pass.Continue()
}

// validate checks the spec and its place among the topology's LANs. Sets Accepted.
func (s *lanScope) validate(context.Context) pass.Outcome {
	if mistake := render.ValidateLAN(s.lan); mistake != nil {
		return s.reject(mistake)
	}
	if mistake := graph.CheckDMZ(s.lan, s.dmzs); mistake != nil {
		return s.reject(mistake)
	}
	if graph.DMZ(s.dmzs) == nil && s.lan.Status.NetworkID == "" {
		message := fmt.Sprintf("Topology %s has no LAN with dmz: true, so nothing is built yet: add one", s.topology.Name)
		return pass.Wait(v1alpha1.ReasonDMZMissing, message)
	}
	return pass.Continue()
}

func (s *lanScope) reject(mistake *fault.Fault) pass.Outcome {
	s.pass.Conditions().False(v1alpha1.ConditionAccepted, mistake.Reason, mistake.Error())
	return pass.StallOn(mistake)
}

// observe takes the snapshot. Sets NetworkInSync and Contained to Unknown while the engine is away.
func (s *lanScope) observe(ctx context.Context) pass.Outcome {
	concern := model.Concern{LANs: []string{string(s.lan.UID)}}
	observed, err := s.Observer.View(ctx, concern)
	s.laid = isLaid(s.lan, observed)
	if err == nil && !s.laid {
		// The routes of this moment decide where a network can be laid.
		concern.Routes = true
		observed, err = s.Observer.View(ctx, concern)
	}
	if err != nil {
		outcome := pass.Retry(err)
		if outcome.Reason() == v1alpha1.ReasonEngineUnavailable {
			s.pass.Conditions().Unknown(v1alpha1.ConditionNetworkInSync, outcome.Reason(), outcome.Message())
			s.reportUnknown(outcome.Reason(), outcome.Message())
		}
		return outcome
	}
	s.observed = observed
	return pass.Continue()
}

// isLaid reports whether a network of a LAN has the subnet that the LAN claims.
func isLaid(lan *v1alpha1.LAN, observed model.Observed) bool {
	subnet, claimed := graph.Subnet(lan)
	return claimed && slices.ContainsFunc(observed.Networks, func(network model.Network) bool {
		return network.Identity.Owner.UID == string(lan.UID) && slices.Contains(network.Subnets, subnet)
	})
}

// allocate decides subnet and gateway once and writes them to status before
// they are used. Sets Accepted.
func (s *lanScope) allocate(ctx context.Context) pass.Outcome {
	if !s.laid {
		// Held until the choice is saved: the next LAN to choose must see it.
		defer s.lockAllocation("subnets")()
	}
	before := s.lan.Status
	subnet, gateway, outcome := s.chooseSubnet(ctx)
	if !outcome.IsContinue() {
		return outcome
	}
	s.lan.Status.NetworkName = model.NetworkName(s.lan.Namespace, s.topology.Name, s.lan.Name)
	s.pass.Conditions().True(v1alpha1.ConditionAccepted, "")
	after := s.lan.Status
	if before.Subnet != after.Subnet || before.Gateway != after.Gateway || before.NetworkName != after.NetworkName {
		if err := s.pass.Save(ctx); err != nil {
			return pass.Retry(err)
		}
	}
	s.desired = render.Network(s.Instance, s.lan, subnet, gateway)
	// The engine keeps apart only what is internal.
	if s.desired.Internal {
		linked, err := s.linked(ctx)
		if err != nil {
			return pass.Retry(err)
		}
		s.desired.Filter.RoutedFrames = graph.IsCrossed(s.lan, linked, s.deckies)
	}
	return pass.Continue()
}

// linked returns the LANs between which deckies on the LAN forward.
func (s *lanScope) linked(ctx context.Context) ([]v1alpha1.LAN, error) {
	names := map[string]bool{}
	for i := range s.deckies {
		for _, name := range linkedLANs(&s.deckies[i]) {
			names[name] = true
		}
	}
	return lansNamed(ctx, s.Kube, s.lan.Namespace, s.topology.Name, slices.Collect(maps.Keys(names)))
}

func (s *lanScope) chooseSubnet(ctx context.Context) (netip.Prefix, netip.Addr, pass.Outcome) {
	rivals, err := s.rivals(ctx)
	if err != nil {
		return netip.Prefix{}, netip.Addr{}, pass.Retry(err)
	}
	wanted := s.lan.Spec.Subnet
	if wanted == "" {
		wanted = s.keptSubnet(rivals)
	}
	if wanted == "" {
		block, free := s.firstFree(rivals)
		if !free {
			message := fmt.Sprintf("No free /%d is left in the pools %v of Topology %s: add a pool to spec.addressPools, or delete a LAN", s.topology.Spec.LANPrefixLength, s.topology.Spec.AddressPools, s.topology.Name)
			s.Observer.WakeOnForeign(model.OwnerLAN, client.ObjectKeyFromObject(s.lan))
			s.pass.Conditions().False(v1alpha1.ConditionAccepted, v1alpha1.ReasonPoolExhausted, message)
			return netip.Prefix{}, netip.Addr{}, pass.Wait(v1alpha1.ReasonPoolExhausted, message)
		}
		wanted = block.String()
	}
	subnet, err := netip.ParsePrefix(wanted)
	if err != nil {
		return netip.Prefix{}, netip.Addr{}, s.reject(fault.New(v1alpha1.ReasonInvalidSpec, "spec.subnet", "%q is not an IPv4 CIDR: %v", wanted, err))
	}
	gateway := ipam.DefaultGateway(subnet)
	if s.lan.Spec.Gateway != "" {
		if gateway, err = netip.ParseAddr(s.lan.Spec.Gateway); err != nil {
			return netip.Prefix{}, netip.Addr{}, s.reject(fault.New(v1alpha1.ReasonInvalidSpec, "spec.gateway", "%q is not an IPv4 address", s.lan.Spec.Gateway))
		}
	}
	s.lan.Status.Subnet, s.lan.Status.Gateway = subnet.String(), gateway.String()
	if mistake := graph.CheckSubnet(s.lan, rivals); mistake != nil {
		return netip.Prefix{}, netip.Addr{}, s.reject(mistake)
	}
	return subnet, gateway, pass.Continue()
}

// rivals returns the LANs that may claim subnets of this engine, this one included.
// A LAN that has its subnet has none.
func (s *lanScope) rivals(ctx context.Context) ([]v1alpha1.LAN, error) {
	if s.laid {
		return nil, nil
	}
	// One that had a network once is only checked. Otherwise all that was decided
	// before has to be known.
	newAs := fromCache
	if s.lan.Status.NetworkID == "" {
		newAs = withOwnWrites
	}
	var all v1alpha1.LANList
	if err := listFrom(ctx, s.Kube, newAs, &all); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all.Items, func(lan v1alpha1.LAN) bool { return !s.mayCarry(&lan, s.topology) }), nil
}

// keptSubnet returns the subnet allocated earlier. A LAN whose network does not
// exist yet gives way to one that pins an overlapping subnet, and to what others
// have laid there meanwhile.
func (s *lanScope) keptSubnet(all []v1alpha1.LAN) string {
	kept := s.lan.Status.Subnet
	for i := range all {
		if all[i].UID == s.lan.UID && all[i].Status.Subnet != "" {
			kept = all[i].Status.Subnet
		}
	}
	if kept == "" || s.lan.Status.NetworkID != "" || s.laid {
		return kept
	}
	prefix, err := netip.ParsePrefix(kept)
	if err != nil {
		return ""
	}
	taken := s.occupied()
	for i := range all {
		if pinned, err := netip.ParsePrefix(all[i].Spec.Subnet); err == nil && all[i].UID != s.lan.UID {
			taken = append(taken, pinned)
		}
	}
	if slices.ContainsFunc(taken, prefix.Overlaps) {
		return ""
	}
	return kept
}

// occupied returns the subnets of networks that are not the LAN's, and the
// destinations of the host's routes.
func (s *lanScope) occupied() []netip.Prefix {
	prefixes := slices.Clone(s.observed.Routes)
	for _, network := range s.observed.Networks {
		if network.Identity.Owner.UID != string(s.lan.UID) {
			prefixes = append(prefixes, network.Subnets...)
		}
	}
	return prefixes
}

// firstFree returns the first block of the pools that no LAN, network or route has.
func (s *lanScope) firstFree(all []v1alpha1.LAN) (netip.Prefix, bool) {
	taken := s.occupied()
	for i := range all {
		if all[i].UID == s.lan.UID {
			continue
		}
		for _, text := range []string{all[i].Spec.Subnet, all[i].Status.Subnet} {
			if prefix, err := netip.ParsePrefix(text); err == nil {
				taken = append(taken, prefix)
			}
		}
	}
	var pools []netip.Prefix
	for _, text := range s.topology.Spec.AddressPools {
		if pool, err := netip.ParsePrefix(text); err == nil {
			pools = append(pools, pool)
		}
	}
	return ipam.FirstFreeBlock(pools, int(s.topology.Spec.LANPrefixLength), taken)
}

// reconcileNetwork plans the network and its filter rules, reports what was seen, and applies. Sets NetworkInSync.
func (s *lanScope) reconcileNetwork(ctx context.Context) pass.Outcome {
	planned := plan.Network(s.desired, s.observed)
	s.reportNetwork()
	conditions := s.pass.Conditions()
	key := client.ObjectKeyFromObject(s.lan)
	if planned.Blocked != nil {
		conditions.False(v1alpha1.ConditionNetworkInSync, planned.Blocked.Reason, planned.Blocked.Message)
		s.Observer.WakeOnForeign(model.OwnerLAN, key)
		return s.carryOut(ctx, s.pass, s.aim(s.desired), planned, s.topology.Spec.Suspend)
	}
	if len(planned.Actions) > 0 {
		conditions.False(v1alpha1.ConditionNetworkInSync, planned.Actions[0].Common().Reason, describe(planned.Actions))
		outcome := s.carryOut(ctx, s.pass, s.aim(s.desired), planned, s.topology.Spec.Suspend)
		if outcome.Reason() == v1alpha1.ReasonFirewallUnavailable {
			conditions.False(v1alpha1.ConditionNetworkInSync, outcome.Reason(), outcome.Message())
		}
		return outcome
	}
	for _, finding := range planned.Findings {
		if finding.Reason == v1alpha1.ReasonForeignEndpoint {
			conditions.False(v1alpha1.ConditionNetworkInSync, finding.Reason, finding.Message)
			s.Observer.WakeOnForeign(model.OwnerLAN, key)
			return pass.Wait(finding.Reason, finding.Message)
		}
	}
	s.Observer.Unblock(model.OwnerLAN, key)
	conditions.True(v1alpha1.ConditionNetworkInSync, "")
	return pass.Continue()
}

// reportNetwork writes what was seen of the LAN's network to status.
func (s *lanScope) reportNetwork() {
	network, found := plan.CurrentNetwork(s.desired, s.observed)
	if !found {
		s.lan.Status.Attached = 0
		return
	}
	s.lan.Status.NetworkID = network.ID
	attached := 0
	for _, container := range s.observed.Attached(network.ID) {
		if container.Identity.Role == model.RoleBase {
			attached++
		}
	}
	s.lan.Status.Attached = clampInt32(attached)
}
