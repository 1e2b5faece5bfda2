// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/model"
)

// Engine is a Docker Engine in memory. It implements all ports.
type Engine struct {
	profile  model.EngineProfile
	seen     model.HostProfile
	programs func(model.ContainerSpec) Process
	// imageReference matches what an image can be called.
	imageReference *regexp.Regexp

	mutex sync.Mutex
	// clock, when set, is what time follows; else it moves with each change.
	clock      func() time.Time
	now        time.Time
	lastID     int
	lastPID    int
	networks   map[string]*network
	containers map[string]*container
	// networksNamed and containerNamed find the same by name.
	networksNamed  map[string][]*network
	containerNamed map[string]*container
	images         map[string]string
	registry       registry
	routes         []netip.Prefix
	heldPorts      map[model.PublishedPort]string
	firewall       firewall

	history     []engine.Event
	subscribers map[*subscriber]struct{}

	faultState
}

var (
	_ engine.Reader          = (*Engine)(nil)
	_ engine.NetworkWriter   = (*Engine)(nil)
	_ engine.ContainerWriter = (*Engine)(nil)
	_ engine.Images          = (*Engine)(nil)
	_ engine.Events          = (*Engine)(nil)
	_ engine.Prober          = (*Engine)(nil)
	_ engine.Host            = (*Engine)(nil)
	_ engine.HostProber      = (*Engine)(nil)
	_ engine.Firewall        = (*Engine)(nil)
)

// Process is what the program of a container does.
type Process struct {
	// Exits says that it ends at once, with ExitCode; else it runs until stopped.
	Exits    bool
	ExitCode int
	// Ports are those that it opens.
	Ports []model.Port
}

// Option changes what a new Engine is.
type Option func(*Engine)

// WithPrograms sets what the program of a container does. Unless set, it runs
// and opens the ports of its spec.
func WithPrograms(programs func(model.ContainerSpec) Process) Option {
	return func(e *Engine) { e.programs = programs }
}

// WithClock lets the engine's time follow a clock, so that what is measured against
// it, such as the age of a container, is as with a real engine.
func WithClock(now func() time.Time) Option {
	return func(e *Engine) { e.clock = now }
}

// WithEndpointMAC makes an engine of API 1.44, which takes the MAC of an attachment.
func WithEndpointMAC() Option {
	return func(e *Engine) {
		e.profile.Version, e.profile.APIVersion, e.profile.EndpointMAC = "25.0.0", "1.44", true
	}
}

// WithImages puts images on the engine.
func WithImages(references ...string) Option {
	return func(e *Engine) {
		for _, reference := range references {
			e.images[withTag(reference)] = digestOf(reference)
		}
	}
}

// New returns an engine of API 1.41 with the predefined networks alone.
func New(options ...Option) *Engine {
	e := &Engine{
		profile: model.EngineProfile{
			Version: "20.10.24", APIVersion: "1.41", Name: "fake", OS: "linux", CgroupVersion: "2", IPv4Forwarding: true,
			SecurityOptions: []string{"seccomp"},
			// That of nobody: the engine is in memory.
			PID: 1,
		},
		seen:           usualHost(),
		programs:       func(spec model.ContainerSpec) Process { return Process{Ports: spec.Ports} },
		imageReference: regexp.MustCompile(imageReference),
		now:            time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		lastPID:        1000,
		networks:       map[string]*network{},
		containers:     map[string]*container{},
		networksNamed:  map[string][]*network{},
		containerNamed: map[string]*container{},
		images:         map[string]string{},
		heldPorts:      map[model.PublishedPort]string{},
		firewall:       newFirewall(),
		subscribers:    map[*subscriber]struct{}{},
		faultState:     faultState{calls: map[Operation]int{}},
	}
	bridge := e.addNetwork(model.NetworkSpec{
		Name: "bridge", Driver: "bridge", Masquerade: true,
		Subnet: netip.MustParsePrefix("172.17.0.0/16"), Gateway: netip.MustParseAddr("172.17.0.1"),
	})
	bridge.MTU = 1500
	for _, name := range []string{"host", "none"} {
		e.addNetwork(model.NetworkSpec{Name: name, Driver: map[string]string{"host": "host", "none": "null"}[name], Masquerade: true})
	}
	for _, apply := range options {
		apply(e)
	}
	return e
}

// Profile implements engine.Prober.
func (e *Engine) Profile(ctx context.Context) (model.EngineProfile, error) {
	var profile model.EngineProfile
	err := e.call(ctx, OpProfile, "", func() error {
		profile = e.profile
		profile.SecurityOptions = slices.Clone(profile.SecurityOptions)
		profile.AddressPools = slices.Clone(profile.AddressPools)
		return nil
	})
	return profile, err
}

// tick lets time go on and returns it.
func (e *Engine) tick() time.Time {
	if e.clock == nil {
		e.now = e.now.Add(time.Millisecond)
		return e.now
	}
	if now := e.clock(); now.After(e.now) {
		e.now = now
	} else {
		e.now = e.now.Add(time.Microsecond)
	}
	return e.now
}

// newID returns an id that no object has had.
func (e *Engine) newID() string {
	e.lastID++
	return hexDigest("object " + strconv.Itoa(e.lastID))
}

func hexDigest(text string) string {
	digest := sha256.Sum256([]byte(text))
	return hex.EncodeToString(digest[:])
}

// notFound says that there is no object with an id.
func notFound(kind, id string) error {
	return fmt.Errorf("%s %q: %w", kind, id, engine.ErrNotFound)
}
