// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package reach

import (
	"fmt"
	"slices"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/model"
)

// View is what verdicts are drawn from.
type View struct {
	// Instance is the UID of the control plane.
	Instance string
	// Deckies are the owners, as far as they exist, of the bases that Missing names,
	// and LANs those that these ask for.
	Deckies []v1alpha1.Decky
	LANs    []v1alpha1.LAN
	// Observed holds all networks, the containers on those of the LAN and on those
	// that Explored names, and the namespaces of the bases that Missing names.
	Observed model.Observed
	// Explored holds the ids of the networks that Missing named.
	Explored map[string]bool
}

// Missing is what a verdict on a LAN still takes.
type Missing struct {
	// Networks are the ids of those whose containers have to be known.
	Networks []string
	// Bases are those of which it has to be known whether they forward, and whether
	// they may.
	Bases []model.Container
}

// Verdict is what the deckies of a LAN reach.
type Verdict struct {
	// LANs are the other LANs, sorted, by way of deckies that forward. One of
	// another namespace is NAMESPACE/NAME.
	LANs []string
	// Host are the addresses of the host, Metadata 169.254.0.0/16, and Outside all
	// that is neither of the two nor a LAN.
	Host, Outside, Metadata v1alpha1.Answer
	// Breaches are what should not be: rules of bridges first, then containers.
	Breaches []Breach
	// Doubt says why some answers are Unknown; its reason is empty if none are.
	Doubt Breach
}

// Breach is one thing that keeps a LAN from being contained.
type Breach struct {
	Reason v1alpha1.Reason
	// Message is for a person, and names the culprit.
	Message string
}

// Missing returns what has to be known of the ways from a LAN; false if nothing is
// missing. When it is known, more may come after it.
func (v View) Missing(lan *v1alpha1.LAN) (missing Missing, isAny bool) {
	missing = v.walkFrom(lan).missing
	return missing, len(missing.Networks)+len(missing.Bases) > 0
}

// Of returns what the deckies of a LAN reach. There is no verdict on a LAN that
// has no network.
func (v View) Of(lan *v1alpha1.LAN) (verdict Verdict, exists bool) {
	w := v.walkFrom(lan)
	if len(w.reached) == 0 {
		return Verdict{}, false
	}
	verdict = Verdict{Host: v1alpha1.AnswerNo, Outside: v1alpha1.AnswerNo, Metadata: v1alpha1.AnswerNo}
	if v.Observed.FirewallFault != "" {
		verdict.doubt(v1alpha1.ReasonFirewallUnavailable, "what the LAN reaches is not known: "+v.Observed.FirewallFault)
	}
	for _, network := range w.reached {
		verdict.judge(w, lan, network)
	}
	if w.leaves {
		verdict.open()
	}
	verdict.Breaches = append(verdict.Breaches, w.breaches...)
	slices.Sort(verdict.LANs)
	verdict.LANs = slices.Compact(verdict.LANs)
	return verdict, true
}

// judge adds what a network means that is the LAN's, or that the LAN reaches.
func (d *Verdict) judge(w *walk, lan *v1alpha1.LAN, network *model.Network) {
	isOwn := isOf(lan, network)
	if !isOwn {
		d.LANs = append(d.LANs, nameFor(lan, network))
	}
	if w.Observed.FirewallFault != "" {
		return
	}
	filter, found := w.filterOf(network)
	if !found || !filter.Intact {
		d.open()
		d.Breaches = append(d.Breaches, openBridge(lan, network, found))
		return
	}
	if !filter.Policy.Egress.IsValid() || !slices.ContainsFunc(w.reached[0].Subnets, filter.Policy.Egress.Overlaps) {
		return
	}
	d.Outside = v1alpha1.AnswerYes
	if !isOwn || !lan.AllowsEgress() {
		d.Breaches = append(d.Breaches, Breach{v1alpha1.ReasonFilterDrifted, fmt.Sprintf(
			"the filter rules of the bridge of LAN %s let connections out, which spec.egress of LAN %s does not allow", nameFor(lan, network), lan.Name)})
	}
}

// open says that nothing keeps the LAN from anything.
func (d *Verdict) open() {
	d.Host, d.Outside, d.Metadata = v1alpha1.AnswerYes, v1alpha1.AnswerYes, v1alpha1.AnswerYes
}

func (d *Verdict) doubt(reason v1alpha1.Reason, message string) {
	d.Host, d.Outside, d.Metadata = v1alpha1.AnswerUnknown, v1alpha1.AnswerUnknown, v1alpha1.AnswerUnknown
	d.Doubt = Breach{reason, message}
}

// openBridge says that a bridge has no rules, or others than make a policy.
func openBridge(lan *v1alpha1.LAN, network *model.Network, isDamaged bool) Breach {
	reason, state := v1alpha1.ReasonFilterMissing, "are missing"
	if isDamaged {
		reason, state = v1alpha1.ReasonFilterDrifted, "were changed"
	}
	return Breach{reason, fmt.Sprintf("the filter rules of the bridge of LAN %s %s, so nothing keeps deckies from the host and the outside", nameFor(lan, network), state)}
}

// walk finds which networks are reached from a LAN.
type walk struct {
	View
	// junctions are the containers that may lead from a network to others, or
	// should not be there, by its id.
	junctions map[string][]*model.Container
	// reached are the networks of LANs, those of the LAN itself first.
	reached []*model.Network
	// leaves says that a network is reached that is not a LAN's.
	leaves   bool
	seen     map[string]bool
	missing  Missing
	breaches []Breach
}

func (v View) walkFrom(lan *v1alpha1.LAN) *walk {
	w := &walk{View: v, junctions: map[string][]*model.Container{}, seen: map[string]bool{}}
	for i := range v.Observed.Networks {
		network := &v.Observed.Networks[i]
		if w.isLAN(network) && isOf(lan, network) {
			w.enter(network)
		}
	}
	w.sortIn()
	// What is reached from there is added behind.
	for next := 0; next < len(w.reached); next++ { //nolint:intrange // the list grows meanwhile
		from := w.reached[next]
		if !isOf(lan, from) && !w.Explored[from.ID] {
			w.missing.Networks = append(w.missing.Networks, from.ID)
			continue
		}
		for _, container := range w.junctions[from.ID] {
			w.pass(from, container)
		}
	}
	return w
}

// sortIn finds the junctions.
func (w *walk) sortIn() {
	for i := range w.Observed.Containers {
		container := &w.Observed.Containers[i]
		isLive := container.IsRunning() || container.State == model.StatePaused
		if !isLive || w.staysHome(container) {
			continue
		}
		for _, endpoint := range container.Endpoints {
			w.junctions[endpoint.NetworkID] = append(w.junctions[endpoint.NetworkID], container)
		}
	}
}

// staysHome reports whether a container is a base on one LAN, of its own topology:
// it leads nowhere.
func (w *walk) staysHome(container *model.Container) bool {
	if !w.isBase(container) || len(container.Endpoints) != 1 {
		return false
	}
	network := w.network(container.Endpoints[0].NetworkID)
	if network == nil {
		return false
	}
	home, owner := network.Identity.Owner, container.Identity.Owner
	return w.isLAN(network) && home.Namespace == owner.Namespace && home.Topology == owner.Topology
}

// enter adds a network to those that are reached.
func (w *walk) enter(network *model.Network) {
	if w.seen[network.ID] {
		return
	}
	w.seen[network.ID] = true
	if w.isLAN(network) {
		w.reached = append(w.reached, network)
	} else {
		w.leaves = true
	}
}

// pass goes from a network by way of a container. What it should not lead to is
// reached also where the engine's own rules may stop the frames.
func (w *walk) pass(from *model.Network, container *model.Container) {
	namespace, isRead := w.Observed.Namespaces[container.ID]
	if w.isBase(container) && !isRead {
		w.ask(container)
		return
	}
	breach := w.misplaced(container)
	if breach.Reason == "" {
		if !forwards(namespace) {
			return
		}
		breach = w.misrouting(container)
	}
	isWrong := breach.Reason != ""
	if isWrong && !w.seen[container.ID] {
		w.seen[container.ID] = true
		w.breaches = append(w.breaches, breach)
	}
	for _, endpoint := range container.Endpoints {
		to := w.network(endpoint.NetworkID)
		if to != nil && (isWrong || w.letsCross(from) && w.letsCross(to)) {
			w.enter(to)
		}
	}
}

func (w *walk) ask(container *model.Container) {
	if !w.seen[container.ID] {
		w.seen[container.ID] = true
		w.missing.Bases = append(w.missing.Bases, *container)
	}
}

// misplaced says that a container should not be on a network that it is on.
func (w *walk) misplaced(container *model.Container) Breach {
	if !container.Identity.BelongsTo(w.Instance) {
		return Breach{v1alpha1.ReasonForeignEndpoint, fmt.Sprintf("container %q of somebody else is connected to a LAN, and may forward to wherever else it is connected", container.Name)}
	}
	decky := w.deckyOf(container)
	if decky == nil {
		return Breach{v1alpha1.ReasonEndpointExtra, fmt.Sprintf("container %q, which is no decky's base, is connected to a LAN", container.Name)}
	}
	for _, endpoint := range container.Endpoints {
		network := w.network(endpoint.NetworkID)
		if network != nil && !w.isAskedFor(decky, network) {
			return Breach{v1alpha1.ReasonEndpointExtra, fmt.Sprintf("Decky %s is connected to network %q, which its spec does not list", decky.Name, network.Name)}
		}
	}
	return Breach{}
}

// misrouting says that a decky forwards which should not.
func (w *walk) misrouting(container *model.Container) Breach {
	if decky := w.deckyOf(container); !decky.Spec.Forwarding {
		return Breach{v1alpha1.ReasonSysctlDrifted, fmt.Sprintf("Decky %s forwards between its LANs, which spec.forwarding does not allow", decky.Name)}
	}
	return Breach{}
}

// isAskedFor reports whether the spec of a decky lists a network's LAN.
func (w *walk) isAskedFor(decky *v1alpha1.Decky, network *model.Network) bool {
	lan := find(w.LANs, func(lan *v1alpha1.LAN) bool { return string(lan.UID) == network.Identity.Owner.UID })
	isSibling := lan != nil && lan.Namespace == decky.Namespace && lan.Spec.TopologyRef == decky.Spec.TopologyRef
	return isSibling && w.isLAN(network) && slices.ContainsFunc(decky.Interfaces(), func(asked v1alpha1.Attachment) bool {
		return asked.LAN == lan.Name
	})
}

// deckyOf returns the decky whose base a container is; nil if it is none's.
func (w *walk) deckyOf(container *model.Container) *v1alpha1.Decky {
	if !w.isBase(container) {
		return nil
	}
	return find(w.Deckies, func(decky *v1alpha1.Decky) bool { return string(decky.UID) == container.Identity.Owner.UID })
}

// network returns the network that has an id; nil if none has. A walk asks for few,
// so that a search is cheaper than an index of all.
func (w *walk) network(id string) *model.Network {
	return find(w.Observed.Networks, func(network *model.Network) bool { return network.ID == id })
}

// find returns the first of some that is as asked for; nil if none is.
func find[T any](among []T, isIt func(*T) bool) *T {
	for i := range among {
		if isIt(&among[i]) {
			return &among[i]
		}
	}
	return nil
}

// letsCross reports whether frames between other subnets cross a network: on an
// internal one the engine drops them unless they are seen to be accepted.
func (w *walk) letsCross(network *model.Network) bool {
	filter, _ := w.filterOf(network)
	return !network.Internal || filter.Policy.RoutedFrames || w.Observed.FirewallFault != ""
}

// filterOf returns the filter rules of a network's bridge.
func (w *walk) filterOf(network *model.Network) (model.Filter, bool) {
	filter := find(w.Observed.Filters, func(filter *model.Filter) bool {
		return filter.Bridge == network.Bridge && filter.Owner.Instance == w.Instance && filter.Owner.UID == network.Identity.Owner.UID
	})
	if filter == nil {
		return model.Filter{}, false
	}
	return *filter, true
}

// isBase reports whether a container is the base of a decky of the control plane.
func (w *walk) isBase(container *model.Container) bool {
	return container.Identity.BelongsTo(w.Instance) && container.Identity.Role == model.RoleBase
}

// isLAN reports whether a network is that of a LAN of the control plane.
func (w *walk) isLAN(network *model.Network) bool { return network.Identity.BelongsTo(w.Instance) }

func isOf(lan *v1alpha1.LAN, network *model.Network) bool {
	return string(lan.UID) == network.Identity.Owner.UID
}

// forwards reports whether a namespace forwards IPv4, if only what comes in by one of
// its interfaces. The kernel takes every number but 0 for yes.
func forwards(namespace model.Namespace) bool {
	value := namespace.Sysctls[model.SysctlIPForward]
	return value != "" && value != "0"
}

// nameFor names the LAN of a network for a message about another.
func nameFor(lan *v1alpha1.LAN, network *model.Network) string {
	owner := network.Identity.Owner
	if owner.Namespace == lan.Namespace {
		return owner.Name
	}
	return owner.Namespace + "/" + owner.Name
}
