// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package login

import (
	"crypto/subtle"
	"strings"
	"sync"

	"github.com/deckyard/deckyard/internal/decoy/setting"
)

const (
	// defaultUsers are the pairs everybody tries first.
	defaultUsers = "root:root,admin:admin"
	maxUsers     = 128
	maxUserBytes = 2048
	// maxAcceptAfter bounds the tries a source may need.
	maxAcceptAfter = 1000
	// maxSources bounds the sources whose failures are counted.
	maxSources = 1024
)

// Policy accepts logins. It is safe for concurrent use.
type Policy struct {
	passwords   map[string]string
	names       []string
	acceptAfter int

	mu       sync.Mutex
	failures map[string]int
}

// NewPolicy reads USERS, a list of user:password, and ACCEPT_AFTER, after how
// many failures of one source any password is accepted; 0 means never.
func NewPolicy(settings *setting.Reader) *Policy {
	p := &Policy{
		passwords:   make(map[string]string),
		failures:    make(map[string]int),
		acceptAfter: settings.Number("ACCEPT_AFTER", 0, 0, maxAcceptAfter),
	}
	for _, pair := range settings.List("USERS", defaultUsers, maxUsers, maxUserBytes) {
		name, password, found := strings.Cut(pair, ":")
		if !found || name == "" {
			settings.Refuse("USERS", pair, "a comma-separated list of user:password")
			return p
		}
		p.passwords[name] = password
		p.names = append(p.names, name)
	}
	return p
}

// Users returns the names that have a password, in the order given.
func (p *Policy) Users() []string {
	return p.names
}

// Accept says whether user may log in with password from source, and counts
// the failure if not.
func (p *Policy) Accept(source, user, password string) bool {
	wanted, known := p.passwords[user]
	if known && subtle.ConstantTimeCompare([]byte(wanted), []byte(password)) == 1 {
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.acceptAfter > 0 && p.failures[source] >= p.acceptAfter {
		return true
	}
	p.countFailure(source)
	return false
}

// Sources returns how many sources are remembered.
func (p *Policy) Sources() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.failures)
}

// countFailure keeps the map within bounds by forgetting any other source.
func (p *Policy) countFailure(source string) {
	if _, known := p.failures[source]; !known && len(p.failures) >= maxSources {
		for other := range p.failures {
			delete(p.failures, other)
			break
		}
	}
	p.failures[source] = min(p.failures[source]+1, maxAcceptAfter)
}
