// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package simulated

import "time"

// Times are what the calls of an engine take, from the question to the answer. The
// zero value takes none.
type Times struct {
	// Workers is how many changes are under way at once; others wait. Below 1 is 1.
	Workers int
	// Read is a list or an inspection, apart from what is sent.
	Read time.Duration

	CreateContainer, StartContainer, StopContainer, RemoveContainer time.Duration
	CreateNetwork, RemoveNetwork, Connect, Disconnect               time.Duration
}

// Measured returns the times of an engine 20.10 on 2 cores. With 8 calls in flight
// it creates and starts a container in 75 ms, and removes one in 35 ms.
func Measured() Times {
	return Times{
		Workers:         2,
		Read:            300 * time.Microsecond,
		CreateContainer: 50 * time.Millisecond,
		StartContainer:  100 * time.Millisecond,
		StopContainer:   60 * time.Millisecond,
		RemoveContainer: 70 * time.Millisecond,
		CreateNetwork:   60 * time.Millisecond,
		RemoveNetwork:   60 * time.Millisecond,
		Connect:         25 * time.Millisecond,
		Disconnect:      43 * time.Millisecond,
	}
}

// Scaled returns the times multiplied by a factor.
func (t Times) Scaled(factor float64) Times {
	for _, each := range []*time.Duration{
		&t.Read, &t.CreateContainer, &t.StartContainer, &t.StopContainer, &t.RemoveContainer,
		&t.CreateNetwork, &t.RemoveNetwork, &t.Connect, &t.Disconnect,
	} {
		*each = time.Duration(float64(*each) * factor)
	}
	return t
}
