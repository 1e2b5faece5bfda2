// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"time"

	"github.com/docker/docker/api/types/versions"
	"github.com/docker/docker/client"

	"github.com/deckyard/deckyard/internal/engine"
)

// DefaultHost is where the Docker Engine listens unless told otherwise.
const DefaultHost = "unix:///var/run/docker.sock"

const (
	// minimumAPIVersion is that of engine 20.10.
	minimumAPIVersion = "1.41"
	// endpointMACAPIVersion is the first that takes a MAC for each endpoint.
	endpointMACAPIVersion = "1.44"

	// maxIdleConnections is above the number of calls in flight, so that none of
	// them has to open a connection.
	maxIdleConnections = 32
	idleTimeout        = 60 * time.Second
	dialTimeout        = 5 * time.Second
)

// Engine speaks to one Docker Engine. It implements Reader, NetworkWriter,
// ContainerWriter, Images, Events and Prober.
type Engine struct {
	dockerClient *client.Client
	socket       string
}

var (
	_ engine.Reader          = (*Engine)(nil)
	_ engine.NetworkWriter   = (*Engine)(nil)
	_ engine.ContainerWriter = (*Engine)(nil)
	_ engine.Images          = (*Engine)(nil)
	_ engine.Events          = (*Engine)(nil)
	_ engine.Prober          = (*Engine)(nil)
)

// New returns the Engine at a local unix socket, such as DefaultHost. It does
// not connect; Profile tells whether the engine answers. Another kind of address
// is ErrInvalid.
func New(dockerHost string) (*Engine, error) {
	socket, err := socketPath(dockerHost)
	if err != nil {
		return nil, err
	}
	return newEngine(dockerHost, socket, unixTransport(socket))
}

func newEngine(dockerHost, socket string, transport http.RoundTripper) (*Engine, error) {
	dockerClient, err := client.NewClientWithOpts(
		client.WithHost(dockerHost),
		// After WithHost, which replaces parts of the transport.
		client.WithHTTPClient(&http.Client{
			Transport:     announcer{next: transport},
			CheckRedirect: client.CheckRedirect,
		}),
		client.WithAPIVersionNegotiation(),
	)
	if err != nil {
		return nil, fmt.Errorf("create client for %q: %w", dockerHost, withKind(engine.ErrInvalid, err))
	}
	return &Engine{dockerClient: dockerClient, socket: socket}, nil
}

// socketPath returns the path of the socket in a unix:// address.
func socketPath(dockerHost string) (string, error) {
	address, err := url.Parse(dockerHost)
	if err != nil || address.Scheme != "unix" || address.Host != "" || !filepath.IsAbs(address.Path) ||
		address.RawQuery != "" || address.Fragment != "" {
		return "", fmt.Errorf("docker host %q is not a local unix socket, such as %s: %w", dockerHost, DefaultHost, engine.ErrInvalid)
	}
	return address.Path, nil
}

// unixTransport returns a transport whose every connection leads to the socket.
func unixTransport(socket string) *http.Transport {
	dialer := &net.Dialer{Timeout: dialTimeout}
	return &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", socket)
		},
		DisableCompression:  true,
		MaxIdleConns:        maxIdleConnections,
		MaxIdleConnsPerHost: maxIdleConnections,
		IdleConnTimeout:     idleTimeout,
	}
}

// announcement is the key of a func() in a request's context that is called as
// soon as the engine has accepted the request.
type announcement struct{}

// announcer calls the announcement of accepted requests.
type announcer struct {
	next http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (a announcer) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := a.next.RoundTrip(request)
	if err == nil && response.StatusCode == http.StatusOK {
		if announce, ok := request.Context().Value(announcement{}).(func()); ok {
			announce()
		}
	}
	return response, err
}

// negotiate agrees with the engine on an API version, unless that was done.
// ErrInvalid if the engine is too old.
func (e *Engine) negotiate(ctx context.Context) error {
	err := e.dockerClient.NewVersionError(ctx, minimumAPIVersion, "Deckyard")
	return failure(err, "negotiate API version")
}

// setsEndpointMAC reports whether the engine takes a MAC for each endpoint.
func (e *Engine) setsEndpointMAC(ctx context.Context) (bool, error) {
	if err := e.negotiate(ctx); err != nil {
		return false, err
	}
	return versions.GreaterThanOrEqualTo(e.dockerClient.ClientVersion(), endpointMACAPIVersion), nil
}

// Close closes idle connections to the engine.
func (e *Engine) Close() error {
	return e.dockerClient.Close()
}
