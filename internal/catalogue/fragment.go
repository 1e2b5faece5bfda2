// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package catalogue

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/template"
	"github.com/compose-spec/compose-go/v2/types"
	"sigs.k8s.io/yaml"

	"github.com/deckyard/deckyard/internal/model"
)

// Container is the container part of a base or service, as the model takes it.
type Container struct {
	// Image is the reference; empty is the built-in image.
	Image   string
	Command []string
	// Env is NAME=value, sorted by name.
	Env          []string
	User         string
	ReadOnlyRoot bool
	Tmpfs        []string
	// Capabilities are added after all were dropped.
	Capabilities []string
	Limits       model.Limits
}

// fragmentFields are the Compose fields that are acted upon.
func fragmentFields() []string {
	return []string{
		"cap_add", "cap_drop", "command", "cpus", "environment", "image", "mem_limit",
		"pids_limit", "read_only", "security_opt", "tmpfs", "user",
	}
}

// grantableCapabilities are those that a fragment may add. None of them lets a
// container reach the host, its network settings, or another container.
func grantableCapabilities() []string {
	return []string{"CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "NET_BIND_SERVICE", "SETGID", "SETUID"}
}

// loadFragment turns a Compose service into a Container. Variables in command
// and environment stay as they are until substitute.
func loadFragment(ctx context.Context, fragment map[string]any) (Container, error) {
	for _, field := range slices.Sorted(maps.Keys(fragment)) {
		if !slices.Contains(fragmentFields(), field) {
			return Container{}, fmt.Errorf("%s is not acted upon: use %s", field, oneOf(fragmentFields()))
		}
	}
	service, err := composeService(ctx, fragment)
	if err != nil {
		return Container{}, err
	}
	if err := checkConfinement(service); err != nil {
		return Container{}, err
	}
	container := Container{
		Image:        service.Image,
		Command:      service.Command,
		User:         service.User,
		ReadOnlyRoot: service.ReadOnly,
		Tmpfs:        service.Tmpfs,
		Capabilities: service.CapAdd,
		Limits: model.Limits{
			Memory:   int64(service.MemLimit),
			PIDs:     service.PidsLimit,
			NanoCPUs: int64(float64(service.CPUS) * 1e9),
		},
	}
	for _, name := range slices.Sorted(maps.Keys(service.Environment)) {
		value := service.Environment[name]
		if value == nil {
			return Container{}, fmt.Errorf("environment: %s has no value", name)
		}
		container.Env = append(container.Env, name+"="+*value)
	}
	// A first substitution finds malformed variables now, not when a Decky uses them.
	_, err = container.substitute(nil)
	return container, err
}

// composeService lets compose-go read the fragment as the service of a project.
// Nothing is read from files or from the environment.
func composeService(ctx context.Context, fragment map[string]any) (types.ServiceConfig, error) {
	const name = "service"
	content, err := yaml.Marshal(map[string]any{"services": map[string]any{name: fragment}})
	if err != nil {
		return types.ServiceConfig{}, fmt.Errorf("encode Compose fragment: %w", err)
	}
	details := types.ConfigDetails{ConfigFiles: []types.ConfigFile{{Filename: "fragment.yaml", Content: content}}}
	project, err := loader.LoadWithContext(ctx, details, func(options *loader.Options) {
		options.SetProjectName("fragment", true)
		options.SkipInterpolation = true
		options.SkipNormalization = true
		options.SkipConsistencyCheck = true
		options.SkipExtends = true
		options.SkipInclude = true
		options.SkipResolveEnvironment = true
		options.ResolvePaths = false
	})
	if err != nil {
		return types.ServiceConfig{}, fmt.Errorf("load Compose fragment: %w", err)
	}
	return project.Services[name], nil
}

// checkConfinement refuses a fragment that would leave an intruder more than
// a decoy needs.
func checkConfinement(service types.ServiceConfig) error {
	var mistakes []error
	if !slices.Equal(service.CapDrop, []string{"ALL"}) {
		mistakes = append(mistakes, errors.New("cap_drop must be [ALL]"))
	}
	for _, capability := range service.CapAdd {
		if !slices.Contains(grantableCapabilities(), capability) {
			mistakes = append(mistakes, fmt.Errorf("cap_add: %s is not granted to decoys: use %s", capability, oneOf(grantableCapabilities())))
		}
	}
	if !slices.Equal(service.SecurityOpt, []string{"no-new-privileges:true"}) {
		mistakes = append(mistakes, errors.New("security_opt must be [\"no-new-privileges:true\"]"))
	}
	if !service.ReadOnly {
		mistakes = append(mistakes, errors.New("read_only must be true: name writable directories in tmpfs"))
	}
	if service.PidsLimit <= 0 {
		mistakes = append(mistakes, errors.New("pids_limit must be set"))
	}
	if service.MemLimit <= 0 {
		mistakes = append(mistakes, errors.New("mem_limit must be set"))
	}
	for _, directory := range service.Tmpfs {
		if !path.IsAbs(directory) || path.Clean(directory) != directory || strings.ContainsAny(directory, ":,") {
			mistakes = append(mistakes, fmt.Errorf("tmpfs: %q is not an absolute path without options", directory))
		}
	}
	return errors.Join(mistakes...)
}

// substitute returns the container with its variables replaced by the values
// of the config. A variable of the environment whose value comes out empty is
// left out: the image has the defaults.
func (c Container) substitute(config map[string]string) (Container, error) {
	lookup := func(key string) (string, bool) {
		value, set := config[key]
		return value, set
	}
	replace := func(text string) (string, error) {
		return template.SubstituteWithOptions(text, lookup, template.WithoutLogging)
	}
	command := make([]string, 0, len(c.Command))
	for _, word := range c.Command {
		replaced, err := replace(word)
		if err != nil {
			return Container{}, fmt.Errorf("substitute variables of command: %w", err)
		}
		command = append(command, replaced)
	}
	env := make([]string, 0, len(c.Env))
	for _, entry := range c.Env {
		name, text, _ := strings.Cut(entry, "=")
		replaced, err := replace(text)
		if err != nil {
			return Container{}, fmt.Errorf("substitute variables of environment %s: %w", name, err)
		}
		if replaced != "" {
			env = append(env, name+"="+replaced)
		}
	}
	c.Command, c.Env = command, env
	c.Tmpfs, c.Capabilities = slices.Clone(c.Tmpfs), slices.Clone(c.Capabilities)
	return c, nil
}

// variables returns the names that command and environment refer to, sorted.
func (c Container) variables() []string {
	texts := map[string]any{"command": strings.Join(c.Command, "\n"), "environment": strings.Join(c.Env, "\n")}
	return slices.Sorted(maps.Keys(template.ExtractVariables(texts, template.DefaultPattern)))
}
