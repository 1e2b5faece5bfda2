// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"errors"
	"fmt"
	"io/fs"
	"net"

	"github.com/go-logr/logr"
	"go.uber.org/zap"
	"k8s.io/utils/clock"
)

// Options say where a control plane keeps its data and how it is reached.
type Options struct {
	// DataDirectory is locked by the caller, who closes it after Run has returned.
	DataDirectory *DataDirectory
	// Listener is the open TCP listener of the API server, which takes it over.
	Listener net.Listener
	// Kubeconfig is a second file for the administrator's kubeconfig, beside the one
	// in the data directory. Optional.
	Kubeconfig string
	// CRDs holds custom resource definitions in .yaml files, in any folder. Optional.
	CRDs fs.FS
	// Logger gets the control plane's own few messages. Optional.
	Logger logr.Logger
	// StorageLogger gets those of etcd. Optional.
	StorageLogger *zap.Logger
	// StorageQuota limits the database, in bytes. Optional.
	StorageQuota int64
	// Clock decides when certificates are renewed. Optional.
	Clock clock.WithTicker
}

type completedOptions struct {
	Options
	definitions []customResourceDefinition
}

// CompletedOptions are Options with every default filled in; only Complete makes them.
type CompletedOptions struct {
	// The private pointer cannot be set outside of this package.
	*completedOptions
}

// Complete fills in the defaults and decodes the definitions.
func (o Options) Complete() (CompletedOptions, error) {
	completed := completedOptions{Options: o}
	if completed.Logger.IsZero() {
		completed.Logger = logr.Discard()
	}
	if completed.StorageLogger == nil {
		completed.StorageLogger = zap.NewNop()
	}
	if completed.StorageQuota == 0 {
		completed.StorageQuota = storageQuota
	}
	if completed.Clock == nil {
		completed.Clock = clock.RealClock{}
	}
	if completed.CRDs != nil {
		definitions, err := readCRDs(completed.CRDs)
		if err != nil {
			return CompletedOptions{}, err
		}
		completed.definitions = definitions
	}
	return CompletedOptions{&completed}, nil
}

// Validate reports everything that is missing or impossible.
func (o CompletedOptions) Validate() error {
	var problems []error
	if o.DataDirectory == nil {
		problems = append(problems, errors.New("no data directory"))
	}
	if o.Listener == nil {
		problems = append(problems, errors.New("no listener"))
	} else if _, ok := o.Listener.Addr().(*net.TCPAddr); !ok {
		problems = append(problems, fmt.Errorf("listener on %q is not a TCP listener", o.Listener.Addr()))
	}
	return errors.Join(problems...)
}

// listenAddress is where clients on this machine reach the API server.
func (o CompletedOptions) listenAddress() *net.TCPAddr {
	address, _ := o.Listener.Addr().(*net.TCPAddr)
	if address.IP.IsUnspecified() {
		return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: address.Port}
	}
	return address
}

// servingAddresses are those that the serving certificate has to name.
func (o CompletedOptions) servingAddresses() ([]net.IP, error) {
	addresses := []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	listening, _ := o.Listener.Addr().(*net.TCPAddr)
	if !listening.IP.IsUnspecified() {
		return append(addresses, listening.IP), nil
	}
	local, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("list addresses of this machine: %w", err)
	}
	for _, address := range local {
		if network, ok := address.(*net.IPNet); ok {
			addresses = append(addresses, network.IP)
		}
	}
	return addresses, nil
}
