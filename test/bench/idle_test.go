//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/engine/docker"
	"github.com/deckyard/deckyard/test/bench/result"
)

// BenchmarkIdle leaves an operator with 100 running deckies alone, has it look at
// all of them, and restarts it. It fails if any of that makes a Docker write, or
// takes Ready away from an object.
func BenchmarkIdle(b *testing.B) {
	operator := newManager(b, docker.DefaultHost)
	operator.start(b)
	n := newSample(shared.newNamespace(b, "idle"), 101, setting(b, "BENCH_DECKIES", 100), "http")
	n.create(b)
	b.Cleanup(func() { n.removeAtEnd(b) })
	n.awaitReady(b)
	b.Run("minute", func(b *testing.B) { idleMinutes(b, n, operator) })
	b.Run("look", func(b *testing.B) { looks(b, n, operator) })
	b.Run("restart", func(b *testing.B) { restarts(b, n, operator) })
}

// lists are the requests that list objects of a kind.
func lists() []docker.Endpoint {
	return slices.DeleteFunc(docker.Endpoints(), func(endpoint docker.Endpoint) bool {
		return endpoint.Method != http.MethodGet || endpoint.Path != "/networks" && endpoint.Path != "/containers/json"
	})
}

// idleMinutes measures what an operator does that has nothing to do.
func idleMinutes(b *testing.B, n sample, operator *manager) {
	seconds := setting(b, "BENCH_IDLE_SECONDS", 60)
	duration := time.Duration(seconds) * time.Second
	var share, planeShare, calls, listed []float64
	var kinds map[docker.Endpoint]int
	// What the creation has left to do, such as the first rotation of inspections.
	wait(b, duration/4)
	for b.Loop() {
		writes, before := operator.proxy.WriteCount(), operator.proxy.Counts()
		used, planeUsed := operator.processorTime(b), processorTime(b, "self")
		wait(b, duration)
		share = append(share, percent(operator.processorTime(b)-used, duration))
		planeShare = append(planeShare, percent(processorTime(b, "self")-planeUsed, duration))
		wantNoWrites(b, operator, writes)
		kinds = difference(before, operator.proxy.Counts())
		total := 0
		for _, count := range kinds {
			total += count
		}
		calls = append(calls, float64(total))
		most := 0
		for _, list := range lists() {
			most = max(most, kinds[list])
		}
		listed = append(listed, float64(most)*30/float64(seconds))
	}
	report(b, "idle", []string{
		fmt.Sprintf("%d deckies of 2 containers on %d LANs, left alone for %d s; no Docker write", len(n.deckies), lanCount, seconds),
		"the calls of the last round: " + describeCounts(kinds),
	},
		result.Comparison{What: "processor time of the operator", Unit: "% of a core", Ours: share, Aims: []result.Aim{atMost(result.Value, 1)}},
		result.Comparison{What: "of the control plane, etcd included", Unit: "% of a core", Ours: planeShare},
		result.Comparison{What: "lists of one kind in 30 s", Unit: "calls", Ours: listed, Aims: []result.Aim{atMost(result.Value, 1)}},
		result.Comparison{What: "Docker calls", Unit: "calls", Ours: calls},
	)
}

// looks measures from the request that all objects are looked at until they were.
func looks(b *testing.B, n sample, operator *manager) {
	var took, calls []float64
	round := 0
	for b.Loop() {
		round++
		writes, before := operator.proxy.WriteCount(), operator.proxy.Counts()
		start := time.Now()
		n.requestPasses(b, fmt.Sprintf("look-%d", round))
		n.awaitPasses(b, fmt.Sprintf("look-%d", round))
		took = append(took, milliseconds(time.Since(start)))
		wantNoWrites(b, operator, writes)
		total := 0
		for _, count := range difference(before, operator.proxy.Counts()) {
			total += count
		}
		calls = append(calls, float64(total))
	}
	report(b, "look", []string{fmt.Sprintf("%d deckies of 2 containers on %d LANs; no Docker write", len(n.deckies), lanCount)},
		result.Comparison{What: "a pass over every object, on request", Unit: "ms", Ours: took},
		result.Comparison{What: "Docker calls", Unit: "calls", Ours: calls},
	)
}

// restarts measures from the start of the operator's process until it has looked
// at every object.
func restarts(b *testing.B, n sample, operator *manager) {
	var took []float64
	round := 0
	for b.Loop() {
		round++
		ready := n.watchReadiness(b)
		operator.end(b)
		n.requestPasses(b, fmt.Sprintf("restart-%d", round))
		writes := operator.proxy.WriteCount()
		start := time.Now()
		operator.start(b)
		n.awaitPasses(b, fmt.Sprintf("restart-%d", round))
		took = append(took, time.Since(start).Seconds())
		wantNoWrites(b, operator, writes)
		ready.wantAlways(b)
	}
	report(b, "restart", []string{fmt.Sprintf("%d deckies of 2 containers on %d LANs; no Docker write, and Ready never left True", len(n.deckies), lanCount)},
		result.Comparison{What: "from the start of the process to a pass over every object", Unit: "s", Ours: took, Aims: []result.Aim{atMost(result.Value, 2)}},
	)
}

func wantNoWrites(b *testing.B, operator *manager, since int) {
	b.Helper()
	if made := operator.proxy.WritesSince(since); len(made) > 0 {
		b.Fatalf("Docker writes with nothing to do: %v", made)
	}
}

// wait lets time pass.
func wait(b *testing.B, duration time.Duration) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), duration)
	defer cancel()
	<-ctx.Done()
}

func percent(part, whole time.Duration) float64 { return 100 * part.Seconds() / whole.Seconds() }

// difference returns the counts that were added.
func difference(before, after map[docker.Endpoint]int) map[docker.Endpoint]int {
	added := map[docker.Endpoint]int{}
	for endpoint, count := range after {
		if count > before[endpoint] {
			added[endpoint] = count - before[endpoint]
		}
	}
	return added
}

func describeCounts(counts map[docker.Endpoint]int) string {
	var words []string
	for endpoint, count := range counts {
		words = append(words, fmt.Sprintf("%s %s %d", endpoint.Method, endpoint.Path, count))
	}
	slices.Sort(words)
	return strings.Join(words, ", ")
}

// objects returns the objects of a sample.
func (s sample) objects() []client.Object {
	objects := []client.Object{s.topology}
	for _, lan := range s.lans {
		objects = append(objects, lan)
	}
	for _, decky := range s.deckies {
		objects = append(objects, decky)
	}
	return objects
}

// requestPasses asks for a pass over every object.
func (s sample) requestPasses(b *testing.B, token string) {
	b.Helper()
	patch := fmt.Appendf(nil, `{"metadata":{"annotations":{%q:%q}}}`, v1alpha1.AnnotationReconcileRequestedAt, token)
	for _, object := range s.objects() {
		check(b, shared.kube.Patch(b.Context(), object, client.RawPatch(types.MergePatchType, patch)))
	}
}

// reporter is any of the three kinds.
type reporter interface {
	client.Object
	Progress() v1alpha1.Progress
}

// follow watches all objects of a sample until the context ends, beginning with
// those that are there.
func (s sample) follow(ctx context.Context, b *testing.B, take func(reporter)) (wait func()) {
	b.Helper()
	var following sync.WaitGroup
	for _, list := range []client.ObjectList{&v1alpha1.TopologyList{}, &v1alpha1.LANList{}, &v1alpha1.DeckyList{}} {
		watcher, err := shared.kube.Watch(ctx, list, client.InNamespace(s.topology.Namespace))
		check(b, err)
		following.Go(func() {
			defer watcher.Stop()
			for event := range watcher.ResultChan() {
				if object, ok := event.Object.(reporter); ok && event.Type != watch.Deleted {
					take(object)
				}
			}
		})
	}
	return following.Wait
}

// awaitPasses waits until every object has had the pass that was asked for.
func (s sample) awaitPasses(b *testing.B, token string) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), patience)
	defer cancel()
	var mutex sync.Mutex
	missing := map[types.UID]bool{}
	for _, object := range s.objects() {
		missing[object.GetUID()] = true
	}
	wait := s.follow(ctx, b, func(object reporter) {
		mutex.Lock()
		defer mutex.Unlock()
		if *object.Progress().LastHandledReconcileAt == token {
			delete(missing, object.GetUID())
		}
		if len(missing) == 0 {
			cancel()
		}
	})
	wait()
	if len(missing) > 0 {
		b.Fatalf("%d objects had no pass", len(missing))
	}
}

// readiness watches that objects stay ready.
type readiness struct {
	cancel context.CancelFunc
	wait   func()

	mutex sync.Mutex
	lost  map[string]string
}

// watchReadiness begins to watch the objects of a sample, which are ready.
func (s sample) watchReadiness(b *testing.B) *readiness {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	r := &readiness{cancel: cancel, lost: map[string]string{}}
	r.wait = s.follow(ctx, b, func(object reporter) {
		ready := meta.FindStatusCondition(*object.Progress().Conditions, v1alpha1.ConditionReady)
		if ready == nil || ready.Status != "True" {
			r.mutex.Lock()
			defer r.mutex.Unlock()
			r.lost[object.GetName()] = fmt.Sprintf("%+v", ready)
		}
	})
	return r
}

// wantAlways ends the watch and fails the benchmark unless all stayed ready.
func (r *readiness) wantAlways(b *testing.B) {
	b.Helper()
	r.cancel()
	r.wait()
	for _, name := range slices.Sorted(maps.Keys(r.lost)) {
		b.Errorf("%s was not ready for a while: %s", name, r.lost[name])
	}
}

// removeAtEnd removes a sample when the benchmark's context has ended.
func (s sample) removeAtEnd(b *testing.B) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := shared.kube.Delete(ctx, s.topology); err != nil {
		b.Error(err)
		return
	}
	for ctx.Err() == nil {
		err := shared.kube.Get(ctx, client.ObjectKeyFromObject(s.topology), s.topology)
		if client.IgnoreNotFound(err) == nil && err != nil {
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
	b.Error("the topology is still there")
}
