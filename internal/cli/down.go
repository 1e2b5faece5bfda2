// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/deckyard/deckyard/internal/controlplane"
)

const (
	// stopTimeout is above what etcd and the API server allow their clients together.
	stopTimeout  = time.Minute
	pollInterval = 100 * time.Millisecond
)

// down is the command with its flags.
type down struct {
	*environment
	purge        bool
	purgeTimeout time.Duration
}

func newDownCommand(env *environment) *cobra.Command {
	d := &down{environment: env}
	command := &cobra.Command{
		Use:   "down",
		Short: "Stop the control plane and the operator",
		Long: "Stop the instance that runs in the data directory. Its deckies keep running and are taken up again by\n" +
			"the next 'deckyard up'. With --purge, every topology is torn down first, and then whatever else the\n" +
			"instance has on the engine, the built-in image and the data directory are removed.",
		Args: usageArgs(cobra.NoArgs),
		RunE: func(command *cobra.Command, _ []string) error { return d.run(command.Context()) },
	}
	command.Flags().BoolVar(&d.purge, "purge", false, "also tear down every topology and remove the built-in image and all data")
	command.Flags().DurationVar(&d.purgeTimeout, "timeout", 10*time.Minute, "with --purge, how long to wait for the topologies to be gone")
	return command
}

func (d *down) run(ctx context.Context) error {
	initialized, err := controlplane.Initialized(d.dataDirectory)
	if err != nil {
		return err
	}
	if !initialized {
		d.say("Nothing runs in %s, and there is no data.", d.dataDirectory)
		return nil
	}
	holder, err := d.lockHolder()
	if err != nil {
		return err
	}
	switch {
	case d.purge:
		return d.runPurge(ctx, holder)
	case holder == 0:
		d.say("Nothing runs in %s. Its data stays; 'deckyard down --purge' removes it and its topologies.", d.dataDirectory)
		return nil
	default:
		return d.stop(ctx, holder)
	}
}

// runPurge leaves the data untouched until the engine carries nothing of it any more.
func (d *down) runPurge(ctx context.Context, holder int) error {
	dockerHost, err := d.lastDockerHost()
	if err != nil {
		return err
	}
	var instance string
	if holder == 0 {
		d.say("Starting the stopped instance in %s to tear its topologies down.", d.dataDirectory)
		instance, err = d.purgeStopped(ctx, dockerHost)
	} else {
		instance, err = d.purgeRunning(ctx, holder)
	}
	if err != nil {
		return err
	}
	if err := d.removeLeftovers(ctx, dockerHost, instance); err != nil {
		return err
	}
	if err := d.RemoveImage(ctx, dockerHost); err != nil {
		return fmt.Errorf("remove the built-in image: %w", err)
	}
	directory, err := d.openDataDirectory()
	if err != nil {
		return err
	}
	if err := directory.Remove(); err != nil {
		return err
	}
	d.say("Removed %s.", d.dataDirectory)
	return nil
}

// removeLeftovers removes what no object stands for, such as what was declared after a
// backup that was restored, or what was abandoned: the operator that would sweep it
// away has ended, and nobody else would know of it once the data are gone.
func (d *down) removeLeftovers(ctx context.Context, dockerHost, instance string) error {
	removed, err := d.Purge(ctx, dockerHost, instance)
	for _, line := range removed {
		d.say("Removed %s.", line)
	}
	return err
}

// purgeRunning returns the identity of the instance that it has stopped.
func (d *down) purgeRunning(ctx context.Context, holder int) (instance string, err error) {
	config, err := clientcmd.BuildConfigFromFlags("", controlplane.KubeconfigPath(d.dataDirectory))
	if err != nil {
		return "", fmt.Errorf("read the kubeconfig of the running instance: %w", err)
	}
	if instance, err = d.removeTopologies(ctx, config); err != nil {
		return "", err
	}
	return instance, d.stop(ctx, holder)
}

// purgeStopped returns the identity of the instance that it has run.
func (d *down) purgeStopped(ctx context.Context, dockerHost string) (identity string, err error) {
	directory, err := d.openDataDirectory()
	if err != nil {
		return "", err
	}
	defer directory.Close() //nolint:errcheck // only the lock is given back
	// What was built is torn down also where nothing could be built any more.
	if _, err := d.profile(ctx, dockerHost); err != nil {
		return "", err
	}
	loggers := newLoggers(d.Err, false)
	// Any free port does: nobody else is meant to connect.
	options := instanceOptions{listen: "127.0.0.1:0", dockerHost: dockerHost}
	instance, err := d.newInstance(ctx, directory, options, loggers)
	if err != nil {
		return "", err
	}
	err = instance.run(ctx, func(ctx context.Context, config *rest.Config) (err error) {
		identity, err = d.removeTopologies(ctx, config)
		return err
	})
	if err == nil && identity == "" {
		return "", fmt.Errorf("tear down topologies: interrupted: %w", context.Cause(ctx))
	}
	return identity, err
}

// stop asks the process to end and waits until it has given the data directory back.
func (d *down) stop(ctx context.Context, holder int) error {
	if err := syscall.Kill(holder, syscall.SIGTERM); err != nil && !errors.Is(err, syscall.ESRCH) {
		if errors.Is(err, os.ErrPermission) {
			return fmt.Errorf("stop process %d: permission denied: run 'deckyard down' as the user who started it, or as root", holder)
		}
		return fmt.Errorf("stop process %d: %w", holder, err)
	}
	err := wait.PollUntilContextTimeout(ctx, pollInterval, stopTimeout, true, func(context.Context) (bool, error) {
		current, err := d.lockHolder()
		return current != holder, err
	})
	if wait.Interrupted(err) {
		return fmt.Errorf("process %d has not stopped within %s: look at its log, or end it with 'kill -9 %d' (no data is lost by that)", holder, stopTimeout, holder)
	}
	if err != nil {
		return fmt.Errorf("wait for process %d to stop: %w", holder, err)
	}
	d.say("Stopped process %d.", holder)
	if !d.purge {
		d.say("Deckies keep running; 'deckyard up' takes them up again.")
	}
	return nil
}
