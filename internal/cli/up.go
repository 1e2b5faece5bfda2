// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"

	"github.com/deckyard/deckyard/internal/catalogue"
	"github.com/deckyard/deckyard/internal/controlplane"
)

// settleTime is when the control plane and the operator have filled their caches.
const settleTime = 10 * time.Second

// up is the command with its flags.
type up struct {
	*environment
	instanceOptions
	// catalogueDirectory is the flag's value.
	catalogueDirectory string
	detach             bool
	verbose            bool
	// readyDescriptor is where a detached instance tells its parent that it is ready.
	readyDescriptor uint
}

func newUpCommand(env *environment) *cobra.Command {
	u := &up{environment: env}
	command := &cobra.Command{
		Use:   "up",
		Short: "Start the control plane and the operator",
		Long: "Start a private Kubernetes API server and the operator, which builds on the local Docker Engine\n" +
			"what is declared there. Runs until it is interrupted, or in the background with --detach.",
		Args: usageArgs(cobra.NoArgs),
		RunE: func(command *cobra.Command, _ []string) error { return u.run(command.Context()) },
	}
	flags := command.Flags()
	flags.StringVar(&u.listen, "listen", defaultListen, "address of the Kubernetes API")
	flags.StringVar(&u.kubeconfig, "kubeconfig", "", "also write the administrator's kubeconfig to this file")
	addDockerHostFlag(command, &u.dockerHost)
	addCatalogueFlag(command, &u.catalogueDirectory)
	flags.BoolVar(&u.detach, "detach", false, "run in the background: return once it is ready")
	flags.BoolVarP(&u.verbose, "verbose", "v", false, "log why nothing was done, and what the libraries say")
	flags.UintVar(&u.readyDescriptor, "ready-fd", 0, "file descriptor to close once it is ready")
	_ = flags.MarkHidden("ready-fd")
	return command
}

func (u *up) run(ctx context.Context) error {
	if err := u.complete(); err != nil {
		return err
	}
	// Also where a detached process will read it: before that is started.
	var err error
	if u.catalogue, err = catalogue.LoadDirectory(ctx, u.catalogueDirectory); err != nil {
		return err
	}
	if u.detach {
		return u.runDetached(ctx)
	}
	return u.runHere(ctx)
}

// complete makes paths absolute, since a detached instance may have another working
// directory, and looks at what can be judged without touching anything.
func (u *up) complete() error {
	host, _, err := net.SplitHostPort(u.listen)
	if err != nil {
		return usageError{fmt.Errorf("--listen %q is not an address with a port, such as %s", u.listen, defaultListen)}
	}
	if ip := net.ParseIP(host); (ip == nil || !ip.IsLoopback()) && host != "localhost" && u.readyDescriptor == 0 {
		u.warn("Warning: --listen %s is not a loopback address: everyone who reaches this port can try to log in to the control plane.", u.listen)
	}
	if err := requireLocalSocket(u.dockerHost); err != nil {
		return err
	}
	for _, path := range []*string{&u.dataDirectory, &u.kubeconfig, &u.catalogueDirectory} {
		if *path == "" {
			continue
		}
		if *path, err = filepath.Abs(*path); err != nil {
			return fmt.Errorf("resolve path: %w", err)
		}
	}
	return nil
}

func (u *up) runHere(ctx context.Context) error {
	directory, err := u.openDataDirectory()
	if err != nil {
		return err
	}
	defer directory.Close() //nolint:errcheck // the process ends
	if err := u.requireSuitable(ctx, u.dockerHost); err != nil {
		return err
	}
	loggers := newLoggers(u.Err, u.verbose)
	instance, err := u.newInstance(ctx, directory, u.instanceOptions, loggers)
	if err != nil {
		return err
	}
	return instance.run(ctx, func(ctx context.Context, _ *rest.Config) error {
		u.announceReady()
		giveBackMemory(ctx, clock.RealClock{})
		<-ctx.Done()
		return nil
	})
}

// giveBackMemory returns what only the start needed, a third of all, to the system.
// The runtime would by itself, but takes minutes to.
func giveBackMemory(ctx context.Context, clock clock.Clock) {
	select {
	case <-ctx.Done():
	case <-clock.After(settleTime):
		debug.FreeOSMemory()
	}
}

func (u *up) announceReady() {
	if u.readyDescriptor == 0 {
		u.announce(os.Getpid())
		return
	}
	pipe := os.NewFile(uintptr(u.readyDescriptor), "ready")
	_, _ = pipe.WriteString(readyMessage)
	_ = pipe.Close()
}

// announce says where the kubeconfig is and what to do next.
func (u *up) announce(process int) {
	program := "deckyard"
	if u.dataDirectory != defaultDataDirectory(u.Getenv) {
		program += " --data-dir " + u.dataDirectory
	}
	kubeconfig := u.kubeconfig
	if kubeconfig == "" {
		kubeconfig = controlplane.KubeconfigPath(u.dataDirectory)
	}
	u.say("Deckyard is ready (process %d).", process)
	u.say("  kubeconfig: %s", kubeconfig)
	if u.detach {
		u.say("  log:        %s", controlplane.FilePath(u.dataDirectory, logFile))
	}
	u.say("Next:")
	u.say("  %s kubectl apply -f FILE       declare a topology", program)
	u.say("  %s kubectl get deckyard -A     see what there is", program)
	u.say("  %s down                        stop; the deckies keep running", program)
}
