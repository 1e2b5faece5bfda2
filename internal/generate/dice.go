// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package generate

import (
	"math/bits"
	"math/rand/v2"
)

// stream parts what is drawn, so that another bound or probability of one thing
// leaves the others as they were.
type stream uint64

const (
	drawTree stream = iota + 1
	drawNames
	drawMachines
	drawForwarding
	drawCrossLinks
)

// dice draws. Only the generator itself is the standard library's: PCG is PCG-DXSM,
// an algorithm that is fixed by its name and whose numbers the library pins in tests
// of its own. How the library makes bounded numbers, fractions and orders of them is
// promised nowhere, so that is done here; a golden file pins all of it.
type dice struct{ source *rand.PCG }

func newDice(seed uint64, of stream) dice {
	return dice{rand.NewPCG(seed, uint64(of))}
}

// below returns a number from 0 to n-1: the upper half of a product, whose lack of
// balance, below n in 2^64, nobody sees.
func (d dice) below(n int) int {
	high, _ := bits.Mul64(d.source.Uint64(), uint64(n)) //nolint:gosec // n is the size of something
	return int(high)                                    //nolint:gosec // below n
}

// between returns a number from low to high, both included.
func (d dice) between(low, high int) int { return low + d.below(high-low+1) }

// chance reports true with a probability; it draws in any case.
func (d dice) chance(probability float64) bool {
	const fractionBits = 53
	fraction := float64(d.source.Uint64()>>(64-fractionBits)) / (1 << fractionBits)
	return fraction < probability
}

// shuffled returns the words in another order.
func (d dice) shuffled(words []string) []string {
	for i := len(words) - 1; i > 0; i-- {
		j := d.below(i + 1)
		words[i], words[j] = words[j], words[i]
	}
	return words
}
