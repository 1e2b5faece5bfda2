// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/model"
	"github.com/deckyard/deckyard/internal/observe"
)

// recorder keeps the events that were sent.
type recorder struct {
	mutex sync.Mutex
	sent  []string
}

// Eventf implements events.EventRecorder.
func (r *recorder) Eventf(regarding, _ runtime.Object, eventType, reason, _, note string, arguments ...any) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	name := "nobody"
	if object, ok := regarding.(client.Object); ok {
		name = object.GetName()
	}
	r.sent = append(r.sent, fmt.Sprintf("%s %s %s: %s", name, eventType, reason, fmt.Sprintf(note, arguments...)))
}

// take returns the events since the last call.
func (r *recorder) take() []string {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	sent := r.sent
	r.sent = nil
	return sent
}

// watchedObserver notes who is to be woken by what is not its own.
type watchedObserver struct {
	*observe.Observer
	mutex   sync.Mutex
	blocked map[string]bool
}

// WakeOnForeign implements controllers.Observer.
func (o *watchedObserver) WakeOnForeign(kind model.OwnerKind, key types.NamespacedName) {
	o.mutex.Lock()
	o.blocked[string(kind)+" "+key.Name] = true
	o.mutex.Unlock()
	o.Observer.WakeOnForeign(kind, key)
}

// Unblock implements controllers.Observer.
func (o *watchedObserver) Unblock(kind model.OwnerKind, key types.NamespacedName) {
	o.mutex.Lock()
	delete(o.blocked, string(kind)+" "+key.Name)
	o.mutex.Unlock()
	o.Observer.Unblock(kind, key)
}

// isBlocked reports whether an object, as "LAN office", is woken by what is not its own.
func (o *watchedObserver) isBlocked(object string) bool {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	return o.blocked[object]
}

// cache is the operator's view of the API server: like a manager's client, it
// reads from a cache, which can lag behind unless it is to have its own writes, and
// writes through.
type cache struct {
	api client.WithWatch

	mutex sync.Mutex
	// stale holds what lists give while the cache lags behind; nil while it does not.
	stale []client.ObjectList
	// written says what the operator wrote to the API server.
	written []string
	// refusals is how many of the next writes another writer is faster than.
	refusals int
}

func newCache(api client.WithWatch) *cache { return &cache{api: api} }

// freeze lets the cache's lists stay as they are, until thaw.
func (c *cache) freeze(ctx context.Context, lists ...client.ObjectList) error {
	for _, list := range lists {
		if err := c.api.List(ctx, list); err != nil {
			return err
		}
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.stale = lists
	return nil
}

func (c *cache) thaw() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.stale = nil
}

// client returns the operator's client. Like a real one it does nothing for a
// context that has ended.
func (c *cache) client() client.Client {
	return interceptor.NewClient(c.api, interceptor.Funcs{
		List: func(ctx context.Context, api client.WithWatch, list client.ObjectList, options ...client.ListOption) error {
			applied := (&client.ListOptions{}).ApplyOptions(options)
			if applied.DisableReadYourWritesConsistency && c.fromStale(list) {
				return nil
			}
			return api.List(ctx, list, options...)
		},
		Delete: func(ctx context.Context, api client.WithWatch, object client.Object, options ...client.DeleteOption) error {
			if err := c.write(ctx, "delete "+object.GetName()); err != nil {
				return err
			}
			return api.Delete(ctx, object, options...)
		},
		Patch: func(ctx context.Context, api client.WithWatch, object client.Object, patch client.Patch, options ...client.PatchOption) error {
			if err := c.write(ctx, describePatch(object, patch)); err != nil {
				return err
			}
			return api.Patch(ctx, object, patch, options...)
		},
		SubResourcePatch: func(ctx context.Context, api client.Client, name string, object client.Object, patch client.Patch, options ...client.SubResourcePatchOption) error {
			if err := c.write(ctx, describePatch(object, patch)); err != nil {
				return err
			}
			return api.SubResource(name).Patch(ctx, object, patch, options...)
		},
	})
}

// write notes a write to the API server, unless its context has ended.
func (c *cache) write(ctx context.Context, what string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.refusals > 0 {
		c.refusals--
		return apierrors.NewConflict(v1alpha1.GroupVersion.WithResource("deckies").GroupResource(), what, errors.New("changed meanwhile"))
	}
	c.written = append(c.written, what)
	return nil
}

// refuse lets the operator's next writes meet a conflict.
func (c *cache) refuse(writes int) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.refusals = writes
}

func describePatch(object client.Object, patch client.Patch) string {
	data, err := patch.Data(object)
	if err != nil {
		return err.Error()
	}
	return "patch " + object.GetName() + " " + string(data)
}

// writes returns what the operator has written to the API server so far.
func (c *cache) writes() []string {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return slices.Clone(c.written)
}

// fromStale fills a list with what the cache still holds of its kind.
func (c *cache) fromStale(list client.ObjectList) bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for _, stale := range c.stale {
		if copyList(stale, list) {
			return true
		}
	}
	return false
}

// isRepair reports whether an event tells of something done for a reason.
func isRepair(event, reason string) bool {
	return strings.Contains(event, " Normal "+reason+": ")
}

// eventsOf returns the events of an object since the last call.
func (l *lab) eventsOf(name string) []string {
	return slices.DeleteFunc(l.events.take(), func(event string) bool { return !strings.HasPrefix(event, name+" ") })
}

// counted returns what a metric of now's operator has at a value of any of its labels.
func (l *lab) counted(name, label string) float64 {
	l.t.Helper()
	families, err := l.metrics.Gather()
	if err != nil {
		l.t.Fatal(err)
	}
	sum := 0.0
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, metric := range family.GetMetric() {
			for _, pair := range metric.GetLabel() {
				if pair.GetValue() == label {
					sum += metric.GetCounter().GetValue() + metric.GetGauge().GetValue()
				}
			}
		}
	}
	return sum
}

// flag is something that a test changes while others read it.
type flag struct{ atomic.Bool }

func (f *flag) set()        { f.Store(true) }
func (f *flag) isSet() bool { return f.Load() }
