// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package chaos shows that the operator makes the engine what the objects say,
// whatever happens meanwhile. Rounds drawn from a seed edit specs, do to the
// engine's containers and networks what people do by hand, restart and kill the
// engine and the operator, refuse, hold and lose the operator's requests, and take
// the addresses, blocks and ports that it wants. After each, what the engine has is
// compared with what the objects say: nothing missing, twice or left over, nothing
// of others touched, nothing Ready that is not as it should be.
//
// It is built with the tag e2e, and has an engine of its own (test/privateengine).
// A round names its seed, and begins with the same topology, so that
// "make chaos SEED=n ROUNDS=1" repeats it, as far as time can be repeated. Start
// reading at rounds_test.go.
package chaos
