// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/rest"

	"github.com/deckyard/deckyard/internal/catalogue"
	"github.com/deckyard/deckyard/internal/controlplane"
)

// defaultListen is the address of the API server. It is fixed, so that a kubeconfig
// stays good; 6443 is left to the cluster that a machine may carry as well.
const defaultListen = "127.0.0.1:6445"

const (
	// dockerHostFile remembers the engine that carries the decoys, for a purge.
	dockerHostFile = "docker-host"
	// nodeNameFile remembers what the host was called at first. Topologies are placed
	// on a node of that name for ever, the host may get another.
	nodeNameFile = "node-name"
)

var errFinished = errors.New("finished")

// instanceOptions say what an instance consists of.
type instanceOptions struct {
	listen     string
	kubeconfig string
	dockerHost string
	// catalogue is what deckies can be made of; nil is the built-in one.
	catalogue *catalogue.Catalogue
}

// instance is a control plane and the operator on top of it, in this process.
type instance struct {
	options   instanceOptions
	directory *controlplane.DataDirectory
	nodeName  string
	plane     *controlplane.Server
	operator  Operator
	loggers   loggers
}

// openDataDirectory adds the next step when the data directory is in use.
func (e *environment) openDataDirectory() (*controlplane.DataDirectory, error) {
	directory, err := controlplane.OpenDataDirectory(e.dataDirectory)
	return directory, e.withNextStep(err)
}

func (e *environment) withNextStep(err error) error {
	if errors.Is(err, controlplane.ErrInUse) {
		return fmt.Errorf("%w: stop it with 'deckyard down --data-dir %s', or choose another --data-dir", err, e.dataDirectory)
	}
	return err
}

// newInstance opens all that an instance needs; nothing runs yet. The caller closes
// the directory, and has looked at the engine.
func (e *environment) newInstance(ctx context.Context, directory *controlplane.DataDirectory, options instanceOptions, loggers loggers) (*instance, error) {
	if err := directory.WriteFile(dockerHostFile, []byte(options.dockerHost+"\n")); err != nil {
		return nil, err
	}
	nodeName, err := e.nodeName()
	if err != nil {
		return nil, err
	}
	if err := directory.WriteFile(nodeNameFile, []byte(nodeName+"\n")); err != nil {
		return nil, err
	}
	listener, err := listen(ctx, options.listen)
	if err != nil {
		return nil, err
	}
	completed, err := controlplane.Options{
		DataDirectory: directory,
		Listener:      listener,
		Kubeconfig:    options.kubeconfig,
		CRDs:          e.CRDs,
		Logger:        loggers.program.WithName("controlplane"),
		StorageLogger: loggers.storage,
	}.Complete()
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	plane, err := completed.New()
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	return &instance{options: options, directory: directory, nodeName: nodeName, plane: plane, operator: e.Operator, loggers: loggers}, nil
}

// lastDockerHost is the engine that the instance in the data directory used last.
func (e *environment) lastDockerHost() (string, error) {
	content, err := os.ReadFile(controlplane.FilePath(e.dataDirectory, dockerHostFile))
	if errors.Is(err, fs.ErrNotExist) {
		return defaultDockerHost, nil
	}
	if err != nil {
		return "", fmt.Errorf("read the docker host of the last run: %w", err)
	}
	return strings.TrimSpace(string(content)), nil
}

// nodeName is the name of the node that this host is to the instance in the data
// directory: the host's name when it ran first, or now if it never has.
func (e *environment) nodeName() (string, error) {
	content, err := os.ReadFile(controlplane.FilePath(e.dataDirectory, nodeNameFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read the node name of the last run: %w", err)
	}
	if name := strings.TrimSpace(string(content)); name != "" {
		return name, nil
	}
	return ownNodeName()
}

// ownNodeName is the node that this host is where nothing says otherwise.
func ownNodeName() (string, error) {
	name, err := os.Hostname()
	if err != nil {
		return "", fmt.Errorf("read the name of this host: %w", err)
	}
	return name, nil
}

func listen(ctx context.Context, address string) (net.Listener, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("listen on %s: the port is taken by another process ('ss -ltnp' shows which): stop it, or choose another with --listen", address)
	}
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w: choose an address of this machine with --listen", address, err)
	}
	return listener, nil
}

// run starts the control plane, then the operator, then calls use. When use returns,
// ctx is done or a part fails, they stop in reverse order.
func (i *instance) run(ctx context.Context, use func(ctx context.Context, config *rest.Config) error) error {
	i.loggers.routeKubernetes()
	// The control plane outlives ctx: the operator has to end first.
	planeCtx, stopPlane := context.WithCancel(context.WithoutCancel(ctx))
	defer stopPlane()
	topCtx, stopTop := context.WithCancel(planeCtx)
	defer stopTop()
	stop := func() {
		i.loggers.serving.Store(false)
		stopTop()
	}
	defer context.AfterFunc(ctx, stop)()
	ended := make(chan error, 1)
	go func() {
		defer stop()
		ended <- i.plane.Run(planeCtx)
	}()
	err := i.runOnPlane(topCtx, use)
	i.loggers.serving.Store(false)
	i.loggers.program.Info("Stopping the control plane")
	stopPlane()
	return errors.Join(err, <-ended)
}

func (i *instance) runOnPlane(ctx context.Context, use func(ctx context.Context, config *rest.Config) error) error {
	select {
	case <-i.plane.Ready():
		i.loggers.serving.Store(true)
	case <-ctx.Done():
		return nil
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		options := OperatorOptions{
			DockerHost: i.options.dockerHost, NodeName: i.nodeName, Catalogue: i.options.catalogue, Logger: i.loggers.program,
		}
		if err := i.operator(ctx, i.plane.RESTConfig(), options); err != nil {
			return fmt.Errorf("run operator: %w", err)
		}
		return nil
	})
	group.Go(func() error {
		if err := use(ctx, i.plane.RESTConfig()); err != nil {
			return err
		}
		return errFinished
	})
	if err := group.Wait(); !errors.Is(err, errFinished) {
		return err
	}
	return nil
}
