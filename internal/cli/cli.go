// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"k8s.io/client-go/rest"

	"github.com/deckyard/deckyard/internal/catalogue"
	"github.com/deckyard/deckyard/internal/dryrun"
	"github.com/deckyard/deckyard/internal/preflight"
)

// Operator runs the controllers until ctx is done. An error ends the whole program.
type Operator func(ctx context.Context, config *rest.Config, options OperatorOptions) error

// OperatorOptions are what an Operator needs beside its connection.
type OperatorOptions struct {
	// DockerHost is the engine's local socket, as unix:///PATH.
	DockerHost string
	// NodeName is the name of the node that the operator's objects are placed on: this
	// host's, or what that was at first.
	NodeName string
	// Catalogue is what deckies can be made of; nil is the built-in one.
	Catalogue *catalogue.Catalogue
	// Logger is the program's.
	Logger logr.Logger
}

// Streams are the program's standard streams.
type Streams struct {
	In  io.Reader
	Out io.Writer
	Err io.Writer
}

// Dependencies are what the command line is put together from.
type Dependencies struct {
	Streams
	// Getenv reads an environment variable, as os.Getenv.
	Getenv func(string) string
	// Executable is the path of this program, which a detached instance runs.
	Executable string
	// Version is this program's.
	Version string
	// CRDs are the definitions that the control plane installs.
	CRDs fs.FS
	// Operator runs on top of the control plane.
	Operator Operator
	// Preflight looks at an engine and judges it. The error says why it cannot be
	// asked, with the next step. It runs before anything is started.
	Preflight func(ctx context.Context, dockerHost string) (preflight.Report, error)
	// RemoveImage removes the built-in image from the engine.
	RemoveImage func(ctx context.Context, dockerHost string) error
	// Render returns a topology as a Compose file, and a line for each member
	// that is not part of it.
	Render func(ctx context.Context, config *rest.Config, known *catalogue.Catalogue, namespace, topology string) (file []byte, omitted []string, err error)
	// Plan returns what the operator would do, reading from the sources alone.
	Plan func(ctx context.Context, sources PlanSources, request dryrun.Request) (dryrun.Report, error)
	// Purge removes what an instance left on the engine and returns what that was.
	Purge func(ctx context.Context, dockerHost, instance string) (removed []string, err error)
}

// Main runs one command and returns the exit code: 0, or after an error, which it has
// written to the error stream, 1 or what the command says of itself.
func Main(ctx context.Context, arguments []string, dependencies Dependencies) int {
	root := newRoot(dependencies)
	root.SetArgs(arguments)
	command, err := root.ExecuteContextC(ctx)
	if err == nil {
		return 0
	}
	exit, coded := errors.AsType[exitError](err)
	if coded && exit.error == nil {
		return exit.code
	}
	fmt.Fprintf(dependencies.Err, "Error: %v\n", err) //nolint:errcheck // nowhere else to say it
	if errors.As(err, new(usageError)) {
		fmt.Fprintf(dependencies.Err, "Run '%s --help' for usage.\n", command.CommandPath()) //nolint:errcheck // as above
	}
	if coded {
		return exit.code
	}
	return 1
}

// environment is what all commands share.
type environment struct {
	Dependencies
	// dataDirectory is the flag's value.
	dataDirectory string
}

func newRoot(dependencies Dependencies) *cobra.Command {
	env := &environment{Dependencies: dependencies}
	root := &cobra.Command{
		Use:           "deckyard",
		Short:         "Networks of decoy machines on a Docker Engine, declared as Kubernetes resources",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          usageArgs(cobra.NoArgs),
		RunE:          func(command *cobra.Command, _ []string) error { return command.Help() },
	}
	root.SetIn(env.In)
	root.SetOut(env.Out)
	root.SetErr(env.Err)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.PersistentFlags().StringVar(&env.dataDirectory, "data-dir", defaultDataDirectory(env.Getenv),
		"directory of the control plane's data, certificates and kubeconfig")
	for _, newCommand := range []func(*environment) *cobra.Command{
		newPreflightCommand,
		newUpCommand,
		newDownCommand,
		newKubectlCommand,
		newRenderCommand,
		newGenerateCommand,
		newReachCommand,
		newBackupCommand,
		newRestoreCommand,
		newPlanCommand,
		newPurgeCommand,
		newVersionCommand,
	} {
		root.AddCommand(newCommand(env))
	}
	return root
}

// defaultDataDirectory follows the file system hierarchy for root and the XDG base
// directories for everyone else.
func defaultDataDirectory(getenv func(string) string) string {
	if os.Geteuid() == 0 {
		return "/var/lib/deckyard"
	}
	state := getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(state) {
		state = filepath.Join(getenv("HOME"), ".local", "state")
	}
	return filepath.Join(state, "deckyard")
}

// addCatalogueFlag adds the flag for a directory of further services.
func addCatalogueFlag(command *cobra.Command, directory *string) {
	command.Flags().StringVar(directory, "catalogue", "", "`directory` of further services, a YAML file each")
}

// usageError is a mistake in the command line itself.
type usageError struct{ error }

// Unwrap gives errors.Is and errors.As the cause.
func (e usageError) Unwrap() error { return e.error }

// exitError is an error with an exit code of its own. Without an error it ends the
// command without a word.
type exitError struct {
	code int
	error
}

// Unwrap gives errors.Is and errors.As the cause.
func (e exitError) Unwrap() error { return e.error }

func usageArgs(validate cobra.PositionalArgs) cobra.PositionalArgs {
	return func(command *cobra.Command, arguments []string) error {
		if err := validate(command, arguments); err != nil {
			return usageError{err}
		}
		return nil
	}
}

// say writes a line to the user. There is nothing to do about a closed stream.
func (e *environment) say(format string, arguments ...any) {
	_, _ = fmt.Fprintf(e.Out, format+"\n", arguments...)
}

// warn writes a line that must not get into a pipe.
func (e *environment) warn(format string, arguments ...any) {
	_, _ = fmt.Fprintf(e.Err, format+"\n", arguments...)
}
