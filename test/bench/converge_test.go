//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/test/bench/result"
)

// Blocks of addresses, so that nobody waits for another side's networks to go.
const (
	operatorBlock = 101 + iota
	bareBlock
	composeBlock
)

// convergeServices make three containers of a decky.
func convergeServices() []string { return []string{"http", "ftp"} }

// changeService changes the first service of a decky.
func changeService(spec *v1alpha1.DeckySpec) {
	app := "tomcat"
	if spec.Services[0].Config["app"] == app {
		app = "jenkins"
	}
	spec.Services[0].Config = map[string]string{"app": app}
}

// BenchmarkConverge brings networks of 10, 30 and 100 deckies of three containers
// up, changes one service and tears them down, in turn through the operator, with
// the bare client making the same calls, and with Compose.
func BenchmarkConverge(b *testing.B) {
	shared.startOperator(b, logr.Discard())
	for _, deckies := range []int{10, 30, 100} {
		b.Run(fmt.Sprintf("deckies=%d", deckies), func(b *testing.B) { converge(b, deckies) })
	}
}

// side is what one side of a comparison took, round by round: seconds for up and
// down, milliseconds for what is done to a running network.
type side struct {
	name                    string
	up, down, change, again []float64
}

func converge(b *testing.B, deckies int) {
	widths := sweep(b, deckies)
	project := newComposeProject(b, composeBlock, deckies)
	tools, events := composeTools(b), followEvents(b)
	ours, floor, peers := &side{name: "operator"}, &side{name: "floor"}, make([]side, len(tools))
	ready := []float64{}
	round := 0
	for b.Loop() {
		round++
		ready = append(ready, operatorRound(b, ours, events, deckies))
		bareRound(b, floor, deckies, widths)
		for i, tool := range tools {
			peers[i].name = tool.name
			up, again, change, down := tool.round(b, project)
			peers[i].add(up, again, change, down)
		}
		fmt.Fprintf(os.Stderr, "round %d of %d deckies: %s\n", round, deckies, progress(append([]side{*ours, *floor}, peers...)))
	}
	reportConverge(b, deckies, []string{
		fmt.Sprintf("%d deckies of 3 containers on %d LANs", deckies, lanCount), widths.String(),
	}, *ours, *floor, peers, ready)
}

// add takes in a round, in milliseconds.
func (s *side) add(up, again, change, down float64) {
	const thousand = 1000
	s.up, s.down = append(s.up, up/thousand), append(s.down, down/thousand)
	s.change, s.again = append(s.change, change), append(s.again, again)
}

func progress(sides []side) string {
	text := ""
	for _, s := range sides {
		last := len(s.up) - 1
		text += fmt.Sprintf("%s up %.1f s, change %.0f ms, down %.1f s; ", s.name, s.up[last], s.change[last], s.down[last])
	}
	return text
}

// operatorRound measures from the first object's creation to Ready, from the
// answer to an edit to the changed service's start, and from the topology's
// deletion to its disappearance. It returns what an edit takes until Ready.
func operatorRound(b *testing.B, ours *side, events *engineEvents, deckies int) (ready float64) {
	b.Helper()
	network := newSample(shared.newNamespace(b, "cold"), operatorBlock, deckies, convergeServices()...)
	start := time.Now()
	network.create(b)
	network.awaitReady(b)
	up := milliseconds(time.Since(start))

	events.drain()
	decky := network.deckies[lanCount]
	check(b, shared.kube.Get(b.Context(), client.ObjectKeyFromObject(decky), decky))
	changeService(&decky.Spec)
	check(b, shared.kube.Update(b.Context(), decky))
	answered := time.Now()
	network.awaitDecky(b, lanCount)
	ready = milliseconds(time.Since(answered))
	change := milliseconds(events.awaitStart(b).Sub(answered))

	start = time.Now()
	network.remove(b)
	ours.add(up, 0, change, milliseconds(time.Since(start)))
	return ready
}

// bareRound makes the same calls.
func bareRound(b *testing.B, floor *side, deckies int, best widths) {
	b.Helper()
	network := newSample("bare-cold", bareBlock, deckies, convergeServices()...)
	start := time.Now()
	up, err := shared.bare.bringUp(b.Context(), network, best.up)
	took := milliseconds(time.Since(start))
	changed := 0.0
	if err == nil {
		decky := &up.deckies[lanCount]
		changed = timed(b, func(ctx context.Context) error { return up.replaceService(ctx, decky, 0) })
	}
	start = time.Now()
	downErr := up.bringDown(context.WithoutCancel(b.Context()), best.down)
	floor.add(took, 0, changed, milliseconds(time.Since(start)))
	check(b, err)
	check(b, downErr)
}

// widths are how many calls in flight are best for the bare client.
type widths struct {
	up, down int
	tried    []string
}

func (w widths) String() string {
	text := fmt.Sprintf("the bare client is fastest with %d deckies in flight on the way up, %d down; tried, up and down:", w.up, w.down)
	for _, each := range w.tried {
		text += " " + each
	}
	return text
}

// sweep finds how many calls in flight are best, with up to 30 deckies: more take
// longer and show the same.
func sweep(b *testing.B, deckies int) widths {
	b.Helper()
	const enough = 30
	var best widths
	var bestUp, bestDown float64
	for _, width := range settings(b, "BENCH_WIDTHS", 1, 4, 8, 12, 16, 24) {
		tried := &side{}
		bareRound(b, tried, min(deckies, enough), widths{up: width, down: width})
		if best.up == 0 || tried.up[0] < bestUp {
			best.up, bestUp = width, tried.up[0]
		}
		if best.down == 0 || tried.down[0] < bestDown {
			best.down, bestDown = width, tried.down[0]
		}
		best.tried = append(best.tried, fmt.Sprintf("%d: %.1f s, %.1f s;", width, tried.up[0], tried.down[0]))
	}
	return best
}

func reportConverge(b *testing.B, deckies int, notes []string, ours, floor side, peers []side, ready []float64) {
	b.Helper()
	// The aims are about networks of some size: in a small one a round has too few
	// calls to be in flight.
	const sizable, large = 30, 100
	aim := func(least int, ratio float64) []result.Aim {
		if deckies < least {
			return nil
		}
		return []result.Aim{atMost(result.Ratio, ratio)}
	}
	comparisons := []result.Comparison{
		{What: "up", Unit: "s", Ours: ours.up, Reference: "floor", Against: floor.up, Aims: aim(sizable, 1.10)},
		{What: "down", Unit: "s", Ours: ours.down, Reference: "floor", Against: floor.down, Aims: aim(sizable, 1.15)},
		{What: "one service changed, until it is started", Unit: "ms", Ours: ours.change, Reference: "floor", Against: floor.change, Aims: aim(large, 1.15)},
		{What: "one service changed, until Ready", Unit: "ms", Ours: ready},
	}
	for i, peer := range peers {
		var up, change []result.Aim
		if i == 0 {
			up, change = aim(sizable, 0.7), aim(large, 0.5)
		}
		comparisons = append(comparisons,
			result.Comparison{What: "up", Unit: "s", Ours: ours.up, Reference: peer.name, Against: peer.up, Aims: up},
			result.Comparison{What: "down", Unit: "s", Ours: ours.down, Reference: peer.name, Against: peer.down},
			result.Comparison{What: "one service changed, until Ready", Unit: "ms", Ours: ready, Reference: peer.name, Against: peer.change, Aims: change},
			result.Comparison{What: peer.name + " with nothing to do", Unit: "ms", Ours: peer.again},
		)
	}
	report(b, fmt.Sprintf("converge-%03d", deckies), notes, comparisons...)
}
