// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package catalogue

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/deckyard/deckyard/internal/model"
)

// Definition is a decoy service of the catalogue.
type Definition struct {
	Name string
	// Summary says in a sentence what an intruder meets.
	Summary string
	// Ports are those that the service listens on.
	Ports []model.Port
	// Settings are the config keys by name.
	Settings map[string]Setting

	container Container
}

// Keys returns the config keys, sorted.
func (d Definition) Keys() []string {
	return slices.Sorted(maps.Keys(d.Settings))
}

// definitionFile is the form of a service's YAML file.
type definitionFile struct {
	Name      string             `json:"name"`
	Summary   string             `json:"summary"`
	Ports     []portEntry        `json:"ports"`
	Config    map[string]Setting `json:"config,omitempty"`
	Container map[string]any     `json:"container"`
}

type portEntry struct {
	Port     uint16         `json:"port"`
	Protocol model.Protocol `json:"protocol"`
}

func readDefinition(ctx context.Context, directory fs.FS, name string) (Definition, error) {
	var file definitionFile
	if err := readYAML(directory, name, &file); err != nil {
		return Definition{}, err
	}
	definition, err := file.definition(ctx)
	if err != nil {
		return Definition{}, fmt.Errorf("%s: %w", name, err)
	}
	return definition, nil
}

func (f definitionFile) definition(ctx context.Context) (Definition, error) {
	if len(validation.IsDNS1123Label(f.Name)) > 0 {
		return Definition{}, fmt.Errorf("name %q is not a DNS label", f.Name)
	}
	ports, err := f.ports()
	if err != nil {
		return Definition{}, err
	}
	for key, setting := range f.Config {
		if key == variableSeed {
			return Definition{}, fmt.Errorf("config.%s: the catalogue itself gives this variable: use another name", key)
		}
		if err := setting.compile(); err != nil {
			return Definition{}, fmt.Errorf("config.%s: %w", key, err)
		}
		f.Config[key] = setting
	}
	container, err := loadFragment(ctx, f.Container)
	if err != nil {
		return Definition{}, fmt.Errorf("container: %w", err)
	}
	definition := Definition{Name: f.Name, Summary: f.Summary, Ports: ports, Settings: f.Config, container: container}
	return definition, definition.checkVariables()
}

func (f definitionFile) ports() ([]model.Port, error) {
	ports := make([]model.Port, 0, len(f.Ports))
	for _, entry := range f.Ports {
		if entry.Port == 0 || entry.Protocol != model.TCP && entry.Protocol != model.UDP {
			return nil, fmt.Errorf("ports: %d/%s is not a port: write a number from 1 to 65535 and protocol tcp or udp", entry.Port, entry.Protocol)
		}
		port := model.Port{Number: entry.Port, Protocol: entry.Protocol}
		if slices.Contains(ports, port) {
			return nil, fmt.Errorf("ports: %d/%s is listed twice", port.Number, port.Protocol)
		}
		ports = append(ports, port)
	}
	return ports, nil
}

// checkVariables makes sure that what the fragment interpolates are the config
// keys, all of them and no others but the seed: a key that reaches nothing would
// be ignored.
func (d Definition) checkVariables() error {
	used := d.container.variables()
	for _, variable := range used {
		if _, known := d.Settings[variable]; !known && variable != variableSeed {
			return fmt.Errorf("container: ${%s} is not a config key", variable)
		}
	}
	for _, key := range d.Keys() {
		if !slices.Contains(used, key) {
			return fmt.Errorf("config.%s: the container does not use ${%s}", key, key)
		}
	}
	return nil
}

// describePort returns "80/tcp".
func describePort(port model.Port) string {
	return fmt.Sprintf("%d/%s", port.Number, port.Protocol)
}

// oneOf lists alternatives for a message: "a", "a or b", "a, b or c".
func oneOf(values []string) string {
	if len(values) < 2 {
		return strings.Join(values, "")
	}
	last := len(values) - 1
	return strings.Join(values[:last], ", ") + " or " + values[last]
}
