//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/model"
	"github.com/deckyard/deckyard/test/bench/result"
)

// live is a running network, beside a small bare one on which the same is done
// by hand.
type live struct {
	sample
	events *engineEvents
	log    *begun
	bare   *bareNetwork
	// bareSample is what bare was made from.
	bareSample sample
}

// bareDeckies is how many deckies the bare side of a running network has.
const bareDeckies = 10

// BenchmarkLive changes and disturbs a running network of 100 deckies, each a
// base and one service, and does the same by hand beside it, in turn.
func BenchmarkLive(b *testing.B) {
	log := &begun{times: map[string]time.Time{}}
	shared.startOperator(b, logr.New(&noting{to: log}))
	n := newLive(b, setting(b, "BENCH_DECKIES", 100))
	n.log = log
	b.Run("attach", n.attach)
	b.Run("endpoint", n.repairEndpoint)
	b.Run("service", n.repairService)
	b.Run("base", n.repairBase)
	b.Run("change", n.change)
}

// notes say what was there when something was measured.
func (n *live) notes() []string {
	return []string{fmt.Sprintf("%d deckies of 2 containers on %d LANs", len(n.deckies), lanCount)}
}

func newLive(b *testing.B, deckies int) *live {
	b.Helper()
	n := &live{
		sample:     newSample(shared.newNamespace(b, "live"), 101, deckies, "http"),
		bareSample: newSample("bare-live", 102, bareDeckies, "http"),
		events:     followEvents(b),
	}
	n.bare = newBareNetwork(b, n.bareSample, 8)
	n.create(b)
	b.Cleanup(func() { n.removeAtEnd(b) })
	n.awaitReady(b)
	return n
}

// turn returns the decky of a sample that does not link LANs: each has its turn,
// so that none is repaired more often than others.
func (n *live) turn(i int) int { return lanCount + i%(len(n.deckies)-lanCount) }

// bareTurn returns the bare decky of a sample.
func (n *live) bareTurn(i int) *bareDecky {
	return &n.bare.deckies[lanCount+i%(bareDeckies-lanCount)]
}

// containers returns the decky's containers, base first, as inspected.
func (n *live) containers(b *testing.B, decky int) (base, service model.Container) {
	b.Helper()
	found := map[model.Role]model.Container{}
	listed, err := shared.engine.Containers(b.Context())
	check(b, err)
	for _, container := range listed {
		owner := container.Identity.Owner
		if owner.Namespace == n.topology.Namespace && owner.Name == n.deckies[decky].Name {
			found[container.Identity.Role], err = shared.engine.Container(b.Context(), container.ID)
			check(b, err)
		}
	}
	return found[model.RoleBase], found[model.RoleService]
}

// starts returns when each container of the network was started, by id.
func (n *live) starts(b *testing.B) map[string]time.Time {
	b.Helper()
	listed, err := shared.engine.Containers(b.Context())
	check(b, err)
	starts := map[string]time.Time{}
	for _, container := range listed {
		if container.Identity.Owner.Namespace == n.topology.Namespace {
			inspected, err := shared.engine.Container(b.Context(), container.ID)
			check(b, err)
			starts[container.ID] = inspected.StartedAt
		}
	}
	return starts
}

// wantUntouched fails the benchmark unless all containers are the same and were not
// started again.
func (n *live) wantUntouched(b *testing.B, before map[string]time.Time) {
	b.Helper()
	if difference := cmp.Diff(before, n.starts(b)); difference != "" {
		b.Fatalf("containers and their starts (-before +after):\n%s", difference)
	}
}

// update changes a decky's spec and returns when the API server had answered.
func (n *live) update(b *testing.B, i int, change func(*v1alpha1.DeckySpec)) time.Time {
	b.Helper()
	check(b, shared.kube.Get(b.Context(), client.ObjectKeyFromObject(n.deckies[i]), n.deckies[i]))
	change(&n.deckies[i].Spec)
	check(b, shared.kube.Update(b.Context(), n.deckies[i]))
	return time.Now()
}

// Samples of one round.
const (
	attachSamples   = 10
	endpointSamples = 20
	serviceSamples  = 6
	baseSamples     = 2
)

// each calls a function for the samples of each round, and counts them.
func each(b *testing.B, samples int, sample func(i int)) {
	b.Helper()
	i := 0
	for b.Loop() {
		for range samples {
			sample(i)
			i++
		}
	}
}

// attach measures from the API server's answer to the interface up inside the
// decky, and to the interface gone.
func (n *live) attach(b *testing.B) {
	var attach, attachCalled, connect, detach, detachCalled, disconnect []float64
	before := n.starts(b)
	each(b, attachSamples, func(i int) {
		decky := n.turn(i)
		visit, address := n.visit(decky), netip.MustParseAddr(n.visit(decky).Address)
		base, _ := n.containers(b, decky)

		follow := followInterfaces(b, base.PID)
		answered := n.update(b, decky, func(spec *v1alpha1.DeckySpec) { spec.Attachments = []v1alpha1.Attachment{visit} })
		attach = append(attach, milliseconds(follow.awaitUp(b, address).Sub(answered)))
		attachCalled = append(attachCalled, milliseconds(n.log.last(b, "Connecting endpoint").Sub(answered)))
		n.awaitDecky(b, decky)

		bare := n.bareTurn(i)
		endpoint := n.bare.endpoint(n.bareSample, n.bareSample.visit(lanCount+i%(bareDeckies-lanCount)))
		connect = append(connect, timed(b, func(ctx context.Context) error { return n.bare.engine.Connect(ctx, bare.base, endpoint) }))

		follow = followInterfaces(b, base.PID)
		answered = n.update(b, decky, func(spec *v1alpha1.DeckySpec) { spec.Attachments = nil })
		detach = append(detach, milliseconds(follow.awaitGone(b, address).Sub(answered)))
		detachCalled = append(detachCalled, milliseconds(n.log.last(b, "Disconnecting endpoint").Sub(answered)))
		n.awaitDecky(b, decky)
		disconnect = append(disconnect, timed(b, func(ctx context.Context) error {
			return n.bare.engine.Disconnect(ctx, bare.base, endpoint.NetworkID)
		}))
	})
	n.wantUntouched(b, before)
	report(b, "attach", append(n.notes(), "no container was started, restarted or replaced"),
		result.Comparison{What: "attach: interface up", Unit: "ms", Ours: attach, Reference: "connect", Against: connect, Aims: []result.Aim{atMost(result.Excess, 60)}},
		result.Comparison{What: "attach: connect is called", Unit: "ms", Ours: attachCalled},
		result.Comparison{What: "detach: interface gone", Unit: "ms", Ours: detach, Reference: "disconnect", Against: disconnect},
		result.Comparison{What: "detach: disconnect is called", Unit: "ms", Ours: detachCalled},
	)
}

// repairEndpoint measures from the engine's event of a disconnection to its event
// of the connection.
func (n *live) repairEndpoint(b *testing.B) {
	var repair, called, connect []float64
	before := n.starts(b)
	each(b, endpointSamples, func(i int) {
		decky := n.turn(i)
		base, _ := n.containers(b, decky)
		network := base.Endpoints[0].NetworkID
		is := func(action string) func(engineEvent) bool {
			return func(event engineEvent) bool {
				return event.network == network && event.id == base.ID && event.action == action
			}
		}
		n.events.drain()
		check(b, shared.engine.Disconnect(b.Context(), base.ID, network))
		lost := n.events.await(b, "the disconnection", is("disconnect"))
		back := n.events.await(b, "the connection", is("connect"))
		repair = append(repair, milliseconds(back.at.Sub(lost.at)))
		called = append(called, milliseconds(n.log.last(b, "Connecting endpoint").Sub(lost.at)))
		n.awaitDecky(b, decky)

		bare := n.bareTurn(i)
		home := bare.spec.Endpoints[0]
		check(b, n.bare.engine.Disconnect(b.Context(), bare.base, home.NetworkID))
		connect = append(connect, timed(b, func(ctx context.Context) error { return n.bare.engine.Connect(ctx, bare.base, home) }))
	})
	n.wantUntouched(b, before)
	report(b, "repair-endpoint", n.notes(),
		result.Comparison{What: "connected again", Unit: "ms", Ours: repair, Reference: "connect", Against: connect, Aims: []result.Aim{atMost(result.Ratio, 3), atMost(result.TailRatio, 10)}},
		result.Comparison{What: "connect is called", Unit: "ms", Ours: called},
	)
}

// loseContainer removes a container and returns the engine's time of its end.
func (n *live) loseContainer(b *testing.B, id string) time.Time {
	b.Helper()
	n.events.drain()
	removed := make(chan error, 1)
	go func() { removed <- shared.engine.RemoveContainer(b.Context(), id) }()
	gone := n.events.await(b, "the removal", func(event engineEvent) bool { return event.id == id && event.action == "destroy" })
	check(b, <-removed)
	return gone.at
}

// repairService measures from the engine's event that a service's container is
// gone to a service that answers again.
func (n *live) repairService(b *testing.B) {
	var repair, called, create []float64
	each(b, serviceSamples, func(i int) {
		decky := n.turn(i)
		base, service := n.containers(b, decky)
		gone := n.loseContainer(b, service.ID)
		repair = append(repair, milliseconds(awaitAnswer(b, base.PID, 80).Sub(gone)))
		called = append(called, milliseconds(n.log.last(b, "Creating container").Sub(gone)))
		n.awaitDecky(b, decky)

		bare := n.bareTurn(i)
		check(b, n.bare.engine.RemoveContainer(b.Context(), bare.services[0]))
		create = append(create, timed(b, func(ctx context.Context) error { return n.bare.createService(ctx, bare, 0) }))
	})
	report(b, "repair-service", n.notes(),
		result.Comparison{What: "answering again", Unit: "ms", Ours: repair, Reference: "create, start", Against: create, Aims: []result.Aim{atMost(result.Ratio, 2)}},
		result.Comparison{What: "create is called", Unit: "ms", Ours: called},
	)
}

// repairBase measures from the engine's event that a base is gone to its decky
// ready again.
func (n *live) repairBase(b *testing.B) {
	var repair, create []float64
	each(b, baseSamples, func(i int) {
		decky := n.turn(i)
		base, _ := n.containers(b, decky)
		gone := n.loseContainer(b, base.ID)
		repair = append(repair, milliseconds(n.awaitRenewed(b, decky, base.ID).Sub(gone)))

		bare := n.bareTurn(i)
		check(b, n.bare.engine.RemoveContainer(b.Context(), bare.base))
		create = append(create, timed(b, func(ctx context.Context) error {
			if err := n.bare.engine.RemoveContainer(ctx, bare.services[0]); err != nil {
				return err
			}
			return n.bare.createDecky(ctx, bare)
		}))
	})
	report(b, "repair-base", n.notes(),
		result.Comparison{What: "ready again", Unit: "ms", Ours: repair, Reference: "remove, create and start base and service", Against: create},
	)
}

// change measures from the API server's answer to the changed service started.
func (n *live) change(b *testing.B) {
	var change, replace []float64
	each(b, serviceSamples, func(i int) {
		decky := n.turn(i)
		n.events.drain()
		answered := n.update(b, decky, changeService)
		change = append(change, milliseconds(n.events.awaitStart(b).Sub(answered)))
		n.awaitDecky(b, decky)

		bare := n.bareTurn(i)
		replace = append(replace, timed(b, func(ctx context.Context) error { return n.bare.replaceService(ctx, bare, 0) }))
	})
	report(b, "change", n.notes(),
		result.Comparison{What: "changed service started", Unit: "ms", Ours: change, Reference: "remove, create, start", Against: replace, Aims: []result.Aim{atMost(result.Ratio, 1.15)}},
	)
}

// timed returns how many milliseconds something takes.
func timed(b *testing.B, act func(context.Context) error) float64 {
	b.Helper()
	start := time.Now()
	check(b, act(b.Context()))
	return milliseconds(time.Since(start))
}

func milliseconds(duration time.Duration) float64 { return duration.Seconds() * 1000 }
