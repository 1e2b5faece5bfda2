// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/rpc"
	"strings"

	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/engine/fake"
	"github.com/deckyard/deckyard/internal/engine/simulated"
	"github.com/deckyard/deckyard/internal/model"
)

// hostService is the host of the simulated engine, for the operator's process. Errors
// cross as text, with their kind in front.
type hostService struct {
	ctx   context.Context //nolint:containedctx // calls of package rpc have none
	fake  *fake.Engine
	outer *simulated.Engine

	changes chan struct{}
}

// serveHost serves until ctx ends.
func serveHost(ctx context.Context, listener net.Listener, inner *fake.Engine, outer *simulated.Engine) error {
	service := &hostService{ctx: ctx, fake: inner, outer: outer, changes: make(chan struct{}, 1)}
	server := rpc.NewServer()
	if err := server.RegisterName("Host", service); err != nil {
		return fmt.Errorf("register the host: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = listener.Close() })
	defer stop()
	go func() { _ = inner.WatchFilters(ctx, service.noteChange) }()
	for {
		connection, err := listener.Accept()
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return fmt.Errorf("accept: %w", err)
		}
		go server.ServeConn(connection)
	}
}

func (h *hostService) noteChange() {
	select {
	case h.changes <- struct{}{}:
	default:
	}
}

// None stands for no argument or no answer. What package rpc carries has to be exported.
type None struct{}

// Inside names a namespace, and what is asked of it.
type Inside struct {
	ID      string
	PID     int
	Sysctls []string
	Name    string
	Value   string
	Route   model.Route
}

func (i Inside) container() model.Container { return model.Container{ID: i.ID, PID: i.PID} }

// Namespace reads a namespace.
func (h *hostService) Namespace(of Inside, seen *model.Namespace) (err error) {
	*seen, err = h.fake.Namespace(h.ctx, of.container(), of.Sysctls)
	return withKind(err)
}

// SetSysctl sets a kernel setting of a namespace.
func (h *hostService) SetSysctl(of Inside, _ *None) error {
	return withKind(h.fake.SetSysctl(h.ctx, of.container(), of.Name, of.Value))
}

// SetRoute sets a route of a namespace.
func (h *hostService) SetRoute(of Inside, _ *None) error {
	return withKind(h.fake.SetRoute(h.ctx, of.container(), of.Route))
}

// RemoveRoute removes a route of a namespace.
func (h *hostService) RemoveRoute(of Inside, _ *None) error {
	return withKind(h.fake.RemoveRoute(h.ctx, of.container(), of.Route))
}

// HostProfile tells what the host is.
func (h *hostService) HostProfile(_ None, seen *model.HostProfile) (err error) {
	*seen, err = h.fake.HostProfile(h.ctx, model.EngineProfile{})
	return withKind(err)
}

// Filters lists the filter rules.
func (h *hostService) Filters(_ None, seen *[]model.Filter) (err error) {
	*seen, err = h.fake.Filters(h.ctx)
	return withKind(err)
}

// SetFilter sets the filter rules of a bridge.
func (h *hostService) SetFilter(spec model.FilterSpec, _ *None) error {
	return withKind(h.fake.SetFilter(h.ctx, spec))
}

// RemoveFilter removes the filter rules of a bridge.
func (h *hostService) RemoveFilter(of model.Filter, _ *None) error {
	return withKind(h.fake.RemoveFilter(h.ctx, of.Owner, of.Bridge))
}

// WaitFilters returns after the next change of filter rules.
func (h *hostService) WaitFilters(None, *None) error {
	select {
	case <-h.changes:
		return nil
	case <-h.ctx.Done():
		return h.ctx.Err()
	}
}

// Calls returns how often each operation of the engine's API was asked for.
func (h *hostService) Calls(_ None, calls *map[string]int) error {
	*calls = h.outer.Calls()
	return nil
}

// kinds are the kinds of errors that cross.
func kinds() map[string]error {
	return map[string]error{
		"not found": engine.ErrNotFound, "conflict": engine.ErrConflict, "invalid": engine.ErrInvalid,
		"denied": engine.ErrDenied, "unsupported": engine.ErrUnsupported, "unavailable": engine.ErrUnavailable,
	}
}

// withKind puts the kind of an error in front of its text.
func withKind(err error) error {
	for name, kind := range kinds() {
		if errors.Is(err, kind) {
			return fmt.Errorf("%s|%w", name, err)
		}
	}
	return err
}

// remoteHost is the operator's end.
type remoteHost struct {
	client *rpc.Client
}

func dialHost(socket string) (*remoteHost, error) {
	client, err := rpc.Dial("unix", socket)
	if err != nil {
		return nil, fmt.Errorf("reach the host: %w", err)
	}
	return &remoteHost{client: client}, nil
}

// ask makes a call and gives its error the kind that it had.
func (h *remoteHost) ask(method string, argument, answer any) error {
	err := h.client.Call("Host."+method, argument, answer)
	if err == nil {
		return nil
	}
	name, text, _ := strings.Cut(err.Error(), "|")
	if kind, ok := kinds()[name]; ok {
		return fmt.Errorf("%s: %w", text, kind)
	}
	return err
}

func (h *remoteHost) Namespace(_ context.Context, container model.Container, sysctls []string) (model.Namespace, error) {
	var seen model.Namespace
	err := h.ask("Namespace", Inside{ID: container.ID, PID: container.PID, Sysctls: sysctls}, &seen)
	return seen, err
}

func (h *remoteHost) SetSysctl(_ context.Context, container model.Container, name, value string) error {
	return h.ask("SetSysctl", Inside{ID: container.ID, PID: container.PID, Name: name, Value: value}, &None{})
}

func (h *remoteHost) SetRoute(_ context.Context, container model.Container, route model.Route) error {
	return h.ask("SetRoute", Inside{ID: container.ID, PID: container.PID, Route: route}, &None{})
}

func (h *remoteHost) RemoveRoute(_ context.Context, container model.Container, route model.Route) error {
	return h.ask("RemoveRoute", Inside{ID: container.ID, PID: container.PID, Route: route}, &None{})
}

// Routes are none: the simulated host leads nowhere.
func (h *remoteHost) Routes(context.Context) ([]netip.Prefix, error) { return nil, nil }

// PortHolder is nobody.
func (h *remoteHost) PortHolder(context.Context, model.PublishedPort) (string, error) { return "", nil }

// Listening is nobody.
func (h *remoteHost) Listening(context.Context) ([]model.Socket, error) { return nil, nil }

func (h *remoteHost) HostProfile(context.Context, model.EngineProfile) (model.HostProfile, error) {
	var seen model.HostProfile
	err := h.ask("HostProfile", None{}, &seen)
	return seen, err
}

func (h *remoteHost) Filters(context.Context) ([]model.Filter, error) {
	var seen []model.Filter
	err := h.ask("Filters", None{}, &seen)
	return seen, err
}

func (h *remoteHost) SetFilter(_ context.Context, spec model.FilterSpec) error {
	return h.ask("SetFilter", spec, &None{})
}

func (h *remoteHost) RemoveFilter(_ context.Context, owner model.Owner, bridge string) error {
	return h.ask("RemoveFilter", model.Filter{Owner: owner, Bridge: bridge}, &None{})
}

func (h *remoteHost) WatchFilters(ctx context.Context, changed func()) error {
	changed()
	for {
		waiting := h.client.Go("Host.WaitFilters", None{}, &None{}, nil)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-waiting.Done:
			if waiting.Error != nil {
				return fmt.Errorf("wait for filters: %w", waiting.Error)
			}
			changed()
		}
	}
}
