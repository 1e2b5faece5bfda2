// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package identity

import (
	"crypto/rsa"
	"fmt"
	"math/big"
)

const (
	// rsaBits is the size of the keys that OpenSSH makes.
	rsaBits     = 3072
	rsaExponent = 65537
	// primeRounds is for numbers that nobody chose with malice, beside the
	// Baillie-PSW test that is always done.
	primeRounds = 5
	// sieveLength is how many odd numbers are looked at in one go, and maxDivisor
	// bounds the divisors that are tried first.
	sieveLength = 4096
	maxDivisor  = 1 << 14
)

// RSA returns an RSA key. It takes some tenths of a second of computing.
//
// crypto/rsa makes keys from the system's randomness only, so the primes are
// searched here.
func (s Seed) RSA(purpose string) (*rsa.PrivateKey, error) {
	p, err := s.prime(purpose + " p")
	if err != nil {
		return nil, err
	}
	q, err := s.prime(purpose + " q")
	if err != nil {
		return nil, err
	}
	totient := new(big.Int).Mul(predecessor(p), predecessor(q))
	key := &rsa.PrivateKey{
		PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: rsaExponent},
		D:         new(big.Int).ModInverse(big.NewInt(rsaExponent), totient),
		Primes:    []*big.Int{p, q},
	}
	key.Precompute()
	if err := key.Validate(); err != nil {
		return nil, fmt.Errorf("derive %s: %w", purpose, err)
	}
	return key, nil
}

// prime returns the first prime from a derived number on that can be a factor
// of a key. The number's two highest bits are set, so that the product of two
// has all bits.
func (s Seed) prime(purpose string) (*big.Int, error) {
	number, err := s.Bytes(purpose, rsaBits/2/8)
	if err != nil {
		return nil, err
	}
	number[0] |= 0xc0
	number[len(number)-1] |= 1
	first := new(big.Int).SetBytes(number)
	for {
		for i, divisible := range sieve(first) {
			if divisible {
				continue
			}
			candidate := new(big.Int).Add(first, big.NewInt(2*int64(i)))
			if candidate.ProbablyPrime(primeRounds) && rest(predecessor(candidate), rsaExponent) != 0 {
				return candidate, nil
			}
		}
		first.Add(first, big.NewInt(2*sieveLength))
	}
}

// sieve says which of the odd numbers from first on have a small divisor, which
// costs much less to find out than that a number is no prime.
func sieve(first *big.Int) [sieveLength]bool {
	var divisible [sieveLength]bool
	for divisor := int64(3); divisor < maxDivisor; divisor += 2 {
		// first + 2i is divisible for i = -first/2, modulo the divisor.
		half := (divisor + 1) / 2
		for i := (divisor - rest(first, divisor)) * half % divisor; i < sieveLength; i += divisor {
			divisible[i] = true
		}
	}
	return divisible
}

func rest(number *big.Int, divisor int64) int64 {
	return new(big.Int).Mod(number, big.NewInt(divisor)).Int64()
}

func predecessor(number *big.Int) *big.Int {
	return new(big.Int).Sub(number, big.NewInt(1))
}
