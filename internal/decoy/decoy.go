// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package decoy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/deckyard/deckyard/internal/decoy/evidence"
	"github.com/deckyard/deckyard/internal/decoy/ftp"
	"github.com/deckyard/deckyard/internal/decoy/http"
	"github.com/deckyard/deckyard/internal/decoy/redis"
	"github.com/deckyard/deckyard/internal/decoy/setting"
	"github.com/deckyard/deckyard/internal/decoy/smtp"
	"github.com/deckyard/deckyard/internal/decoy/ssh"
	"github.com/deckyard/deckyard/internal/decoy/telnet"
)

// evidenceGrace is how long the last evidence may take to be written.
const evidenceGrace = time.Second

// ErrUnknownProgram says that no service has the name that was asked for.
var ErrUnknownProgram = errors.New("no such program")

// Service answers on listeners.
type Service interface {
	// Serve answers on a listener, which it owns, until the context ends. It
	// may be called for several listeners.
	Serve(ctx context.Context, listener net.Listener) error
}

// Environment is what a service is made from.
type Environment struct {
	// Lookup reads its configuration.
	Lookup setting.Lookup
	// Hostname is the name of its machine.
	Hostname string
	// Output takes its evidence.
	Output io.Writer
	// Listen opens a port. Nil means on every address of the machine.
	Listen func(ctx context.Context, port int) (net.Listener, error)
}

// Program is a service by the name under which it is started.
type Program struct {
	// Name is the base name of the program, such as "sshd".
	Name string
	// Ports are the TCP ports it listens on.
	Ports []int

	build func(*setting.Reader, string, *evidence.Log) (Service, error)
}

// Programs lists all services.
func Programs() []Program {
	return []Program{
		{Name: "sshd", Ports: []int{22}, build: func(settings *setting.Reader, hostname string, log *evidence.Log) (Service, error) {
			return ssh.New(settings, hostname, log)
		}},
		{Name: "telnetd", Ports: []int{23}, build: func(settings *setting.Reader, hostname string, log *evidence.Log) (Service, error) {
			return telnet.New(settings, hostname, log)
		}},
		{Name: "httpd", Ports: []int{80}, build: func(settings *setting.Reader, _ string, log *evidence.Log) (Service, error) {
			return http.New(settings, log)
		}},
		{Name: "httpsd", Ports: []int{443}, build: func(settings *setting.Reader, hostname string, log *evidence.Log) (Service, error) {
			return http.NewTLS(settings, hostname, log)
		}},
		{Name: "ftpd", Ports: []int{21}, build: func(settings *setting.Reader, _ string, log *evidence.Log) (Service, error) {
			return ftp.New(settings, log)
		}},
		{Name: "smtpd", Ports: []int{25, 587}, build: func(settings *setting.Reader, hostname string, log *evidence.Log) (Service, error) {
			return smtp.New(settings, hostname, log)
		}},
		{Name: "redis-server", Ports: []int{6379}, build: func(settings *setting.Reader, _ string, log *evidence.Log) (Service, error) {
			return redis.New(settings, log)
		}},
	}
}

// Run runs the service with this program name until the context ends, which
// is no error. A bad configuration or a port in use is one, before anything is
// answered.
func Run(ctx context.Context, name string, environment Environment) error {
	program, found := lookup(name)
	if !found {
		return fmt.Errorf("run %q: %w", name, ErrUnknownProgram)
	}
	log := evidence.NewLog(environment.Output)
	defer func() {
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), evidenceGrace)
		defer cancel()
		_ = log.Close(grace)
	}()
	service, err := program.build(setting.NewReader(environment.Lookup), environment.Hostname, log)
	if err != nil {
		return fmt.Errorf("configure: %w", err)
	}
	open := environment.Listen
	if open == nil {
		open = listenEverywhere
	}
	listeners, err := listen(ctx, open, program.Ports)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, listener := range listeners {
		group.Go(func() error { return service.Serve(ctx, listener) })
	}
	return group.Wait()
}

func lookup(name string) (Program, bool) {
	for _, program := range Programs() {
		if program.Name == name {
			return program, true
		}
	}
	return Program{}, false
}

// listen opens all ports, or none.
func listen(ctx context.Context, open func(context.Context, int) (net.Listener, error), ports []int) ([]net.Listener, error) {
	var listeners []net.Listener
	for _, port := range ports {
		listener, err := open(ctx, port)
		if err != nil {
			for _, opened := range listeners {
				_ = opened.Close()
			}
			return nil, fmt.Errorf("listen on port %d: %w", port, err)
		}
		listeners = append(listeners, listener)
	}
	return listeners, nil
}

// listenEverywhere listens for IPv4, the only addresses that deckies have.
func listenEverywhere(ctx context.Context, port int) (net.Listener, error) {
	var config net.ListenConfig
	return config.Listen(ctx, "tcp4", net.JoinHostPort("", strconv.Itoa(port)))
}
