//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package chaos

import (
	"errors"
	"fmt"
	"time"
)

// falseReady is how long an object may be Ready after the engine has ceased to be
// as it should: what an event takes to arrive and to be acted upon, on a machine
// that is busy.
const falseReady = 5 * time.Second

// converge waits until the objects are what is wanted, all are Ready, the engine is
// as they say, and the operator changes nothing any more; and returns how long that
// took. It fails the test if that takes too long, or if all is Ready while the
// engine is not as it should be.
func (w *world) converge() time.Duration {
	w.t.Helper()
	began := time.Now()
	var readyWithout time.Time
	writes := -1
	check := func() error {
		if err := errors.Join(w.operator.failed(), w.declare(w.t.Context())); err != nil {
			return err
		}
		have, err := w.present(w.t.Context())
		if err != nil {
			return err
		}
		notReady, wrong := unready(have), w.inspect(have)
		switch {
		case notReady != nil || wrong == nil:
			readyWithout = time.Time{}
		case readyWithout.IsZero():
			readyWithout = time.Now()
		case time.Since(readyWithout) > falseReady:
			w.t.Fatalf("everything has been Ready for %s, but: %v", falseReady, wrong)
		}
		if err := errors.Join(notReady, wrong); err != nil {
			return err
		}
		if made := w.proxy.WriteCount(); made != writes {
			last := writes
			writes = made
			return fmt.Errorf("the operator has changed the engine: %v", w.proxy.WritesSince(max(last, 0)))
		}
		return nil
	}
	w.eventually("all to be as it should", check)
	w.assertForeignUntouched()
	return time.Since(began)
}

// vanish waits until nothing is left of what is not wanted any more.
func (w *world) vanish() {
	w.t.Helper()
	w.want = newWanted()
	w.eventually("all to go", func() error {
		if err := errors.Join(w.operator.failed(), w.declare(w.t.Context())); err != nil {
			return err
		}
		have, err := w.present(w.t.Context())
		if err != nil {
			return err
		}
		left := len(have.topologies.Items) + len(have.lans.Items) + len(have.deckies.Items)
		if left > 0 {
			return errors.Join(fmt.Errorf("%s left", describeNumber(left, "object")), unready(have))
		}
		return nil
	})
	// At once: what is gone from the API left nothing behind.
	if err := w.inspect(&present{}); err != nil {
		w.t.Errorf("left on the engine: %v", err)
	}
	w.assertForeignUntouched()
}
