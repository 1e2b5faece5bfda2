// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"

	"github.com/deckyard/deckyard/internal/catalogue"
	"github.com/deckyard/deckyard/internal/dryrun"
)

// exitChanges is the exit code of a dry run in which something would change.
const exitChanges = 2

// PlanSources are what a dry run may read. The zero value is nothing at all.
type PlanSources struct {
	// Config is the connection to the API server, DockerHost the engine's local socket.
	Config     *rest.Config
	DockerHost string
}

// planning is one run of the command.
type planning struct {
	*environment
	files                                []string
	offline                              bool
	namespace, kubeconfig, dockerHost    string
	nodeName, catalogueDirectory, output string
}

// newPlanCommand says what would be done.
func newPlanCommand(env *environment) *cobra.Command {
	p := planning{environment: env}
	command := &cobra.Command{
		Use:   "plan [TOPOLOGY] [-f FILE|DIRECTORY|-]...",
		Short: "Say what the operator would do, and do nothing",
		Long: "Say what the operator would do on the Docker Engine, and do nothing.\n\n" +
			"With a TOPOLOGY: what it would do now, also for one that is suspended. With files: what it would do if they\n" +
			"were applied. Both read the API server and the engine, and write to neither: no object changes, and every\n" +
			"request to the engine is a GET. It must run where the topology's engine is, with the operator's rights.\n\n" +
			"With --offline, files alone are planned for an engine on which nothing is, and neither an API server nor an\n" +
			"engine is asked or needed. What only they know is then left open: whether a subnet, a port or a name is taken.\n\n" +
			"The plan of an object is that of its next pass, given that the networks of its LANs are there.\n\n" +
			"Exit codes: 0 nothing would change, 1 something is wrong, 2 something would change.",
		Example: "  deckyard plan acme\n  deckyard plan -f acme/ -o json\n  deckyard generate acme | deckyard plan --offline -f -",
		Args:    usageArgs(cobra.MaximumNArgs(1)),
		RunE:    p.run,
	}
	flags := command.Flags()
	flags.StringArrayVarP(&p.files, "filename", "f", nil, "`file`, directory of *.yaml, *.yml and *.json, or - for the input; may be repeated")
	flags.BoolVar(&p.offline, "offline", false, "plan the files alone, for an empty engine, and ask nobody")
	flags.StringVarP(&p.namespace, "namespace", "n", "default", "namespace of the topology, and of objects in files that name none")
	flags.StringVarP(&p.output, "output", "o", "", "format: json, yaml, or wide for all objects, not only those of which there is something to say")
	addKubeconfigFlag(command, &p.kubeconfig)
	flags.StringVar(&p.dockerHost, "docker-host", "", "local socket of the Docker Engine (default: that of the last 'deckyard up')")
	flags.StringVar(&p.nodeName, "node-name", "", "node whose engine it is (default: that of the last 'deckyard up', else the name of this host)")
	addCatalogueFlag(command, &p.catalogueDirectory)
	return command
}

func (p *planning) run(command *cobra.Command, arguments []string) error {
	if err := p.check(arguments); err != nil {
		return usageError{err}
	}
	request, err := p.request(command.Context(), arguments)
	if err != nil {
		return err
	}
	sources, err := p.sources()
	if err != nil {
		return err
	}
	report, err := p.Plan(command.Context(), sources, request)
	if err != nil {
		return err
	}
	if err := p.print(report); err != nil {
		return err
	}
	switch {
	case report.HasMistakes():
		return errors.New("not all of it can be done as it is written: see above")
	case report.HasChanges():
		return exitError{code: exitChanges}
	}
	return nil
}

func (p *planning) check(arguments []string) error {
	switch {
	case len(arguments) == 0 && len(p.files) == 0:
		return errors.New("there is nothing to plan: name a topology, or files with -f")
	case p.offline && len(arguments) > 0:
		return fmt.Errorf("--offline knows no topology %s: name files alone, or leave --offline out", arguments[0])
	case !slices.Contains([]string{"", "json", "yaml", "wide"}, p.output):
		return fmt.Errorf("--output %q is not known: use json, yaml or wide", p.output)
	}
	return nil
}

// request reads the files.
func (p *planning) request(ctx context.Context, arguments []string) (dryrun.Request, error) {
	request := dryrun.Request{Clock: clock.RealClock{}}
	var err error
	if request.NodeName, err = p.node(); err != nil {
		return request, err
	}
	if request.Catalogue, err = catalogue.LoadDirectory(ctx, p.catalogueDirectory); err != nil {
		return request, err
	}
	if len(arguments) > 0 {
		request.Topology = types.NamespacedName{Namespace: p.namespace, Name: arguments[0]}
	}
	for _, name := range p.files {
		paths, err := manifestFiles(name)
		if err != nil {
			return request, err
		}
		for _, path := range paths {
			manifests, err := p.manifests(path)
			if err != nil {
				return request, err
			}
			request.Manifests = append(request.Manifests, manifests...)
		}
	}
	if len(p.files) > 0 && len(request.Manifests) == 0 {
		return request, fmt.Errorf("%s: there is no Topology, LAN or Decky in it", strings.Join(p.files, ", "))
	}
	return request, nil
}

// node is the node whose engine is planned for.
func (p *planning) node() (string, error) {
	switch {
	case p.nodeName != "":
		return p.nodeName, nil
	case p.offline:
		return ownNodeName()
	default:
		return p.environment.nodeName()
	}
}

// manifests reads a file, and warns of what it passes over.
func (p *planning) manifests(path string) ([]dryrun.Manifest, error) {
	content, err := p.readFile(path)
	if err != nil {
		return nil, err
	}
	manifests, passedOver, err := dryrun.Decode(content, path, p.namespace)
	if err != nil {
		return nil, err
	}
	for _, line := range passedOver {
		p.warn("%s", line)
	}
	return manifests, nil
}

// manifestFiles returns the file itself, or the manifests at the root of a directory.
func manifestFiles(name string) ([]string, error) {
	if name == "-" {
		return []string{name}, nil
	}
	entry, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("read manifests: %w", err)
	}
	if !entry.IsDir() {
		return []string{name}, nil
	}
	entries, err := os.ReadDir(name)
	if err != nil {
		return nil, fmt.Errorf("read manifests: %w", err)
	}
	var paths []string
	for _, entry := range entries {
		if entry.IsDir() {
			continue
		}
		switch filepath.Ext(entry.Name()) {
		case ".yaml", ".yml", ".json":
			paths = append(paths, filepath.Join(name, entry.Name()))
		}
	}
	return paths, nil
}

func (p *planning) readFile(path string) ([]byte, error) {
	if path == "-" {
		return io.ReadAll(p.In)
	}
	return os.ReadFile(path) //nolint:gosec // the user names the file
}

func (p *planning) sources() (PlanSources, error) {
	if p.offline {
		return PlanSources{}, nil
	}
	sources := PlanSources{DockerHost: p.dockerHost}
	var err error
	if sources.DockerHost == "" {
		if sources.DockerHost, err = p.lastDockerHost(); err != nil {
			return PlanSources{}, err
		}
	}
	if err := requireLocalSocket(sources.DockerHost); err != nil {
		return PlanSources{}, err
	}
	if sources.Config, err = p.connection(p.kubeconfig); err != nil {
		return PlanSources{}, fmt.Errorf("%w; --offline plans files without a control plane", err)
	}
	return sources, nil
}

func (p *planning) print(report dryrun.Report) error {
	switch p.output {
	case "json", "yaml":
		if err := writeEncoded(p.Out, p.output, report); err != nil {
			return fmt.Errorf("write the plan: %w", err)
		}
		return nil
	}
	for _, line := range report.Refusals {
		p.warn("%s", line)
	}
	actions, quiet := 0, 0
	for _, object := range report.Objects {
		actions += len(object.Plan.Actions)
		if object.IsQuiet() {
			quiet++
			if p.output != "wide" {
				continue
			}
		}
		p.say("%s", strings.TrimSuffix(object.String(), "\n"))
	}
	for _, reference := range report.Images {
		p.say("Image %s is not on the engine: it would be brought there first.", reference)
	}
	for _, name := range report.Suspended {
		p.say("Topology %s is suspended: nothing of this is done before spec.suspend is false.", name)
	}
	if len(report.Refusals) == 0 {
		p.say("%d actions; %d of %d objects as they should be.", actions, quiet, len(report.Objects))
	}
	return nil
}
