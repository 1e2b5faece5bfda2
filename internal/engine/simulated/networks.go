// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package simulated

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"strings"

	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/model"
)

// The options of a network that the engine acts on.
const (
	optionMasquerade = "com.docker.network.bridge.enable_ip_masquerade"
	optionMTU        = "com.docker.network.driver.mtu"
	optionBridge     = "com.docker.network.bridge.name"
	optionHostAbsent = "com.docker.network.bridge.inhibit_ipv4"
)

// networkBody is a network in a creation and in an answer.
type networkBody struct {
	Name     string
	ID       string `json:"Id,omitempty"`
	Scope    string
	Driver   string
	Internal bool
	IPAM     struct {
		Driver string
		Config []addressing
	}
	Options map[string]string
	Labels  map[string]string
	// Containers are those with an interface, in an inspection alone.
	Containers map[string]endpointResource `json:",omitempty"`
}

// endpointResource is an interface as its network shows it.
type endpointResource struct{ Name string }

type addressing struct {
	Subnet, Gateway string
}

// networkBodyOf returns a network as an answer shows it.
func (e *Engine) networkBodyOf(seen model.Network) networkBody {
	body := networkBody{
		Name: seen.Name, ID: seen.ID, Scope: "local", Driver: seen.Driver, Internal: seen.Internal,
		Options: map[string]string{optionMasquerade: strconv.FormatBool(seen.Masquerade)},
		Labels:  e.creationOf(seen.ID).labels,
	}
	body.IPAM.Driver = "default"
	for _, subnet := range seen.Subnets {
		body.IPAM.Config = append(body.IPAM.Config, addressing{subnet.String(), seen.Gateway.String()})
	}
	if seen.MTU > 0 {
		body.Options[optionMTU] = strconv.Itoa(seen.MTU)
	}
	if seen.Bridge != "" {
		body.Options[optionBridge] = seen.Bridge
	}
	if seen.HostAbsent {
		body.Options[optionHostAbsent] = "true"
	}
	return body
}

// spec returns the network that a creation asks for. A gateway or subnet that is
// none is left out, and refused by the fake engine.
func (b networkBody) spec() model.NetworkSpec {
	spec := model.NetworkSpec{
		Name: b.Name, Driver: b.Driver, Internal: b.Internal,
		Masquerade: b.Options[optionMasquerade] != "false",
		Bridge:     b.Options[optionBridge],
		HostAbsent: b.Options[optionHostAbsent] == "true",
	}
	spec.MTU, _ = strconv.Atoi(b.Options[optionMTU])
	if len(b.IPAM.Config) > 0 {
		spec.Subnet, _ = netip.ParsePrefix(b.IPAM.Config[0].Subnet)
		spec.Gateway, _ = netip.ParseAddr(b.IPAM.Config[0].Gateway)
	}
	return spec
}

func (e *Engine) listNetworks(w http.ResponseWriter, r *http.Request, _ string) error {
	networks, err := e.fake.Networks(r.Context())
	if err != nil {
		return err
	}
	isLike, err := nameFilter(r)
	if err != nil {
		return err
	}
	bodies := make([]networkBody, 0, len(networks))
	for _, seen := range networks {
		if !isLike(seen.Name) {
			continue
		}
		bodies = append(bodies, e.networkBodyOf(seen))
	}
	writeJSON(w, http.StatusOK, bodies)
	return nil
}

// nameFilter returns what a request asks of names: to have any of some as a part.
func nameFilter(r *http.Request) (func(name string) bool, error) {
	text := r.URL.Query().Get("filters")
	if text == "" {
		return func(string) bool { return true }, nil
	}
	var wanted struct {
		Name map[string]bool `json:"name"`
	}
	if err := json.Unmarshal([]byte(text), &wanted); err != nil {
		return nil, refusal{http.StatusBadRequest, err.Error()}
	}
	return func(name string) bool {
		for part := range wanted.Name {
			if strings.Contains(name, part) {
				return true
			}
		}
		return false
	}, nil
}

func (e *Engine) inspectNetwork(w http.ResponseWriter, r *http.Request, id string) error {
	seen, err := e.fake.Network(r.Context(), id)
	if err != nil {
		return err
	}
	containers, err := e.fake.Containers(r.Context())
	if err != nil {
		return err
	}
	body := e.networkBodyOf(seen)
	body.Containers = map[string]endpointResource{}
	for _, container := range containers {
		if _, found := container.EndpointOn(id); found && isLive(container) {
			body.Containers[container.ID] = endpointResource{container.Name}
		}
	}
	writeJSON(w, http.StatusOK, body)
	return nil
}

func (e *Engine) createNetwork(w http.ResponseWriter, r *http.Request, _ string) error {
	var body networkBody
	if err := readJSON(r, &body); err != nil {
		return err
	}
	id, err := e.fake.CreateNetwork(r.Context(), body.spec())
	switch {
	case errors.Is(err, engine.ErrConflict):
		return refusal{http.StatusForbidden, fmt.Sprintf("Pool overlaps with other one on this address space (%v)", err)}
	case err != nil:
		return err
	}
	e.remember(id, creation{labels: body.Labels})
	writeJSON(w, http.StatusCreated, map[string]string{"Id": id, "Warning": ""})
	return nil
}

func (e *Engine) removeNetwork(w http.ResponseWriter, r *http.Request, id string) error {
	err := e.fake.RemoveNetwork(r.Context(), id)
	switch {
	case errors.Is(err, engine.ErrInUse):
		return refusal{http.StatusForbidden, fmt.Sprintf("error while removing network: network id %s has active endpoints", id)}
	case err != nil:
		return err
	}
	e.forget(id)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// endpointBody is an endpoint in a request and in an answer.
type endpointBody struct {
	IPAMConfig  *endpointAddress
	NetworkID   string
	EndpointID  string
	Gateway     string
	IPAddress   string
	IPPrefixLen int
	MacAddress  string
	Links       []string
	Aliases     []string
}

type endpointAddress struct {
	IPv4Address string `json:",omitempty"`
}

// address returns the address that an endpoint asks for; the invalid one if none.
func (b endpointBody) address() netip.Addr {
	if b.IPAMConfig == nil {
		return netip.Addr{}
	}
	address, _ := netip.ParseAddr(b.IPAMConfig.IPv4Address)
	return address
}

func (e *Engine) connect(w http.ResponseWriter, r *http.Request, id string) error {
	var body struct {
		Container      string
		EndpointConfig endpointBody
	}
	if err := readJSON(r, &body); err != nil {
		return err
	}
	joined, err := e.fake.Network(r.Context(), id)
	if err != nil {
		return err
	}
	err = e.fake.Connect(r.Context(), body.Container, model.EndpointSpec{
		NetworkID: id, NetworkName: joined.Name, Address: body.EndpointConfig.address(), MAC: body.EndpointConfig.MacAddress,
	})
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

func (e *Engine) disconnect(w http.ResponseWriter, r *http.Request, id string) error {
	var body struct{ Container string }
	if err := readJSON(r, &body); err != nil {
		return err
	}
	if err := e.fake.Disconnect(r.Context(), body.Container, id); err != nil {
		return err
	}
	w.WriteHeader(http.StatusOK)
	return nil
}
