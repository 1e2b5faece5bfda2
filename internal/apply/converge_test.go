// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package apply_test

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/deckyard/deckyard/internal/apply"
	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/engine/fake"
	"github.com/deckyard/deckyard/internal/model"
	"github.com/deckyard/deckyard/internal/plan"
)

// This file checks plan and apply together on an engine that keeps Docker's
// rules: observing, planning and applying in turn ends, and ends well.

// TestNothingIsWrittenOnceConverged is Scenarios 60 and 73.
func TestNothingIsWrittenOnceConverged(t *testing.T) {
	t.Parallel()

	l := newLab(t)
	l.converge()
	l.engine.ForgetWrites()
	l.converge()
	if writes := l.engine.Writes(); len(writes) > 0 {
		t.Errorf("writes %v", writes)
	}
}

// writesOfCreation are the operations of a cold start, each with how often it is called.
func writesOfCreation() map[fake.Operation]int {
	return map[fake.Operation]int{
		fake.OpSetFilter: 2, fake.OpCreateNetwork: 2, fake.OpCreateContainer: 3, fake.OpConnect: 1, fake.OpStartContainer: 3, fake.OpSetRoute: 1,
	}
}

// TestConvergesAfterAnyFailure is Scenario 53 and the lost answers of Scenario
// 56: whichever call fails, done or not, the next passes finish and nothing is
// there twice.
func TestConvergesAfterAnyFailure(t *testing.T) {
	t.Parallel()

	for operation, count := range writesOfCreation() {
		for nth := range count {
			for _, answerLost := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s %d lost %t", operation, nth+1, answerLost), func(t *testing.T) {
					t.Parallel()
					l := newLab(t)
					l.engine.Fail(fake.Fault{Operation: operation, Nth: nth + 1, AnswerLost: answerLost})
					if _, err := l.pass(t.Context(), l.executor(apply.Options{})); err == nil {
						t.Fatal("the failure is not reported")
					}
					l.converge()
				})
			}
		}
	}
}

// TestConvergesAfterAKillAtAnyAction is Scenario 56: the operator is killed
// before or after any call of a plan, starts again, and finishes.
func TestConvergesAfterAKillAtAnyAction(t *testing.T) {
	t.Parallel()

	// A cold start, and the recreation of a base, with all that follows.
	situations := map[string]func(*lab){
		"cold start": func(*lab) {},
		"recreation": func(l *lab) {
			l.converge()
			l.decky.MayRecreateBase = true
			l.decky.Base.Hostname = "www"
			l.decky.Base.Identity.SpecHash = model.HashContainer(l.decky.Base)
		},
		"teardown by hand": func(l *lab) {
			l.converge()
			hand := l.engine.ByHand(l.t)
			hand.RemoveNetwork("lab_acme_office")
			hand.Remove("lab_acme_web_ssh")
			hand.Restart("lab_acme_web")
		},
	}
	for name, prepare := range situations {
		for kill := 1; kill <= 14; kill++ {
			for _, at := range []moment{before, after} {
				t.Run(fmt.Sprintf("%s %s call %d", name, at, kill), func(t *testing.T) {
					t.Parallel()
					l := newLab(t)
					prepare(l)
					l.killAt(kill, at)
					l.converge()
				})
			}
		}
	}
}

// moment is when a call is cut off: before it has its effect, or after.
type moment string

const (
	before moment = "before"
	after  moment = "after"
)

// killAt runs one pass and ends it at its n-th write.
func (l *lab) killAt(n int, at moment) {
	ctx, kill := context.WithCancel(l.t.Context())
	defer kill()
	writes := 0
	l.engine.Intercept(func(ctx context.Context, operation fake.Operation, _ string) error {
		if isRead(operation) {
			return nil
		}
		if writes++; writes < n {
			return nil
		}
		kill()
		if at == after && writes == n {
			return nil
		}
		return ctx.Err()
	})
	_, _ = l.pass(ctx, l.executor(apply.Options{Parallelism: 1}))
	l.engine.Intercept(nil)
}

func isRead(operation fake.Operation) bool {
	return slices.Contains([]fake.Operation{
		fake.OpNetworks, fake.OpContainers, fake.OpNetwork, fake.OpContainer, fake.OpNamespace, fake.OpResolveImage,
		fake.OpFilters,
	}, operation)
}

// TestConvergesAfterAccidents is Scenarios 16, 39, 40, 70, 71 and 72, in any
// combination: whatever is done to the engine by hand is undone, what is not
// ours stays, and the second plan is not needed often.
func TestConvergesAfterAccidents(t *testing.T) {
	t.Parallel()

	rapid.Check(t, func(rt *rapid.T) {
		l := newLab(rt)
		hand := l.engine.ByHand(rt)
		l.converge()
		foreign := hand.AddContainer(model.ContainerSpec{Name: "stranger", Image: "nginx", Home: model.EndpointSpec{NetworkName: "bridge"}})
		for range rapid.IntRange(1, 6).Draw(rt, "accidents") {
			l.drawAccident(rt, hand)
		}
		if rapid.Bool().Draw(rt, "another spec") {
			l.drawEdit(rt)
		}
		l.converge()
		if container := l.container("stranger"); container.ID != foreign || !container.IsRunning() {
			rt.Errorf("the stranger is %+v", container)
		}
	})
}

// drawAccident does something by hand that the engine allows.
func (l *lab) drawAccident(rt *rapid.T, hand fake.Hand) {
	observed := l.observe()
	var ours []model.Container
	for _, container := range observed.Containers {
		if container.Identity.BelongsTo("instance-a") {
			ours = append(ours, container)
		}
	}
	if len(ours) == 0 {
		return
	}
	container := rapid.SampledFrom(ours).Draw(rt, "container")
	switch rapid.SampledFrom([]string{"stop", "restart", "crash", "pause", "remove", "disconnect", "connect", "network", "engine", "sysctl", "route", "flush", "rule", "rename", "policy"}).Draw(rt, "accident") {
	case "stop":
		hand.Stop(container.Name)
	case "restart":
		if l.canStart(container, observed) {
			hand.Restart(container.Name)
		}
	case "crash":
		if container.IsRunning() && l.canStart(container, observed) {
			hand.Crash(container.Name, 1)
		}
	case "pause":
		if container.IsRunning() {
			hand.Pause(container.Name)
		}
	case "remove":
		hand.Remove(container.Name)
	case "rename":
		if renamed := "renamed-" + container.ID; container.Name != renamed {
			hand.Rename(container.Name, renamed)
		}
	case "policy":
		hand.SetRestartPolicy(container.Name, "no")
	case "disconnect":
		if len(container.Endpoints) > 0 {
			hand.Disconnect(container.Name, rapid.SampledFrom(container.Endpoints).Draw(rt, "endpoint").NetworkName)
		}
	case "connect":
		l.connectByHand(rt, hand, container, observed)
	case "network":
		l.removeNetworkByHand(rt, hand, observed)
	case "flush":
		hand.FlushFilters(l.decky.Owner.Instance)
	case "rule":
		l.damageFilterByHand(rt, hand, observed)
	case "engine":
		hand.RestartEngine()
	case "sysctl":
		if container.IsRunning() && container.Identity.Role == model.RoleBase {
			hand.SetSysctl(container.Name, model.SysctlIPForward, "1")
		}
	case "route":
		if container.IsRunning() && container.Identity.Role == model.RoleBase {
			l.rerouteByHand(rt, hand, container, observed)
		}
	}
}

// canStart reports whether the engine could start a container.
func (l *lab) canStart(container model.Container, observed model.Observed) bool {
	if container.NamespaceOf != "" {
		return slices.ContainsFunc(observed.Containers, func(base model.Container) bool {
			return base.ID == container.NamespaceOf && base.IsRunning()
		})
	}
	return !slices.ContainsFunc(container.Endpoints, func(endpoint model.Endpoint) bool {
		return !slices.ContainsFunc(observed.Networks, func(network model.Network) bool { return network.ID == endpoint.NetworkID })
	})
}

// rerouteByHand takes a route from a base, or gives it one.
func (l *lab) rerouteByHand(rt *rapid.T, hand fake.Hand, container model.Container, observed model.Observed) {
	routes := observed.Namespaces[container.ID].Routes
	if len(routes) > 0 && rapid.Bool().Draw(rt, "route goes") {
		hand.RemoveRoute(container.Name, rapid.SampledFrom(routes).Draw(rt, "route"))
		return
	}
	hand.AddRoute(container.Name, model.Route{
		Destination: rapid.SampledFrom([]netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("10.0.9.0/24"), netip.MustParsePrefix("10.0.8.0/24")}).Draw(rt, "destination"),
		Via:         netip.MustParseAddr("10.0.2.66"),
	})
}

// connectByHand gives a base an interface it should not have, or the right one
// with another address.
func (l *lab) connectByHand(rt *rapid.T, hand fake.Hand, container model.Container, observed model.Observed) {
	if container.Identity.Role != model.RoleBase {
		return
	}
	name := rapid.SampledFrom([]string{"bridge", "lab_acme_office", "lab_acme_dmz"}).Draw(rt, "network")
	isThere := slices.ContainsFunc(observed.Networks, func(network model.Network) bool { return network.Name == name })
	isOn := slices.ContainsFunc(container.Endpoints, func(endpoint model.Endpoint) bool { return endpoint.NetworkName == name })
	if isThere && !isOn {
		hand.Connect(container.Name, name, netip.Addr{})
	}
}

func (l *lab) removeNetworkByHand(rt *rapid.T, hand fake.Hand, observed model.Observed) {
	spec := rapid.SampledFrom(l.networks).Draw(rt, "network")
	if slices.ContainsFunc(observed.Networks, func(network model.Network) bool { return network.Name == spec.Name }) {
		hand.RemoveNetwork(spec.Name)
	}
}

func (l *lab) damageFilterByHand(rt *rapid.T, hand fake.Hand, observed model.Observed) {
	if len(observed.Filters) > 0 {
		hand.DamageFilter(rapid.SampledFrom(observed.Filters).Draw(rt, "filter").Bridge)
	}
}

// drawEdit changes the spec in a way that needs no consent, or has it.
func (l *lab) drawEdit(rt *rapid.T) {
	switch rapid.SampledFrom([]string{"attachment", "routes", "address", "service", "config", "hostname", "home", "mtu", "filter"}).Draw(rt, "edit") {
	case "attachment":
		l.decky.Endpoints, l.decky.Routes = l.decky.Endpoints[:1], l.decky.Routes[:1]
	case "routes":
		l.decky.Routes = l.decky.Routes[:1]
	case "address":
		l.decky.Endpoints[1].Address = netip.MustParseAddr("10.0.2.77")
	case "service":
		l.decky.Services = l.decky.Services[:1]
	case "config":
		l.decky.Services[0].Env = []string{"BANNER=x"}
	case "hostname":
		l.decky.Base.Hostname, l.decky.MayRecreateBase = "www", true
	case "home":
		l.decky.Endpoints[0].Address = netip.MustParseAddr("10.0.1.77")
		l.decky.Base.Home.Address, l.decky.MayRecreateBase = l.decky.Endpoints[0].Address, true
	case "filter":
		l.networks[1].Filter.RoutedFrames = true
	case "mtu":
		l.networks[1].MTU = 9000
		l.networks[1].Identity.SpecHash = model.HashNetwork(l.networks[1])
	}
	seal(&l.decky)
}

// TestTeardownConverges is Scenario 57: from any state, and after a failure.
func TestTeardownConverges(t *testing.T) {
	t.Parallel()

	for _, operation := range []fake.Operation{fake.OpRemoveContainer, fake.OpRemoveNetwork, fake.OpRemoveFilter} {
		for nth := 1; nth <= 2; nth++ {
			for _, answerLost := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s %d lost %t", operation, nth, answerLost), func(t *testing.T) {
					t.Parallel()
					l := newLab(t)
					l.converge()
					l.engine.Fail(fake.Fault{Operation: operation, Nth: nth, Err: engine.ErrUnavailable, AnswerLost: answerLost})
					l.tearDown()
					l.tearDown()
					for _, network := range l.observe().Networks {
						if !network.Identity.IsForeign() {
							t.Errorf("network %s is left", network.Name)
						}
					}
					if filters := l.observe().Filters; len(filters) > 0 {
						t.Errorf("filter rules are left: %v", filters)
					}
					if containers := l.observe().Containers; len(containers) > 0 {
						t.Errorf("containers are left: %v", containers)
					}
				})
			}
		}
	}
}

// tearDown removes the decky, then the LANs.
func (l *lab) tearDown() {
	executor := l.executor(apply.Options{})
	executor.Apply(l.t.Context(), plan.RemoveDecky(l.decky.Owner, l.observe()))
	for _, spec := range l.networks {
		executor.Apply(l.t.Context(), plan.RemoveNetworks(spec.Identity.Owner, l.observe()))
	}
}
