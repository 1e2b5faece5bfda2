// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package catalogue

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"

	"sigs.k8s.io/yaml"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/ipam"
	"github.com/deckyard/deckyard/internal/model"
)

//go:embed data
var embedded embed.FS

// Catalogue is what decky can be made of. It is immutable and safe for
// concurrent use.
type Catalogue struct {
	base       Container
	services   map[string]Definition
	archetypes map[string]Archetype
	families   map[v1alpha1.OSFamily]Family
	// planned are services that are designed but not built, perNode those that
	// run once per node and not on a decky.
	planned, perNode []string
}

// Archetype is a machine kind: the services and the OS family that a Decky gets
// unless it sets them itself.
type Archetype struct {
	Name     string            `json:"-"`
	Services []string          `json:"services"`
	OSFamily v1alpha1.OSFamily `json:"osFamily"`
	// Distributions are the operating systems that machines of the kind run, for
	// generated names and banners; empty if the family says enough.
	Distributions []string `json:"distributions,omitempty"`
	// MACPrefixes are vendor prefixes that fit the kind better than the family's.
	MACPrefixes []string `json:"macPrefixes,omitempty"`
}

// Family is an OS family: how its TCP/IP stack behaves and which vendors make
// its network interfaces.
type Family struct {
	Name v1alpha1.OSFamily `json:"-"`
	// Sysctls are kernel settings of the network namespace, by dotted name.
	Sysctls map[string]string `json:"sysctls"`
	// MACPrefixes are vendor prefixes such as "00:0c:29".
	MACPrefixes []string `json:"macPrefixes"`
}

// Load reads the built-in catalogue and adds the services of extra, whose
// *.yaml and *.yml files at the root each define one. A service that is defined twice is
// an error, one of the planned ones can be supplied this way.
func Load(ctx context.Context, extra ...fs.FS) (*Catalogue, error) {
	c := &Catalogue{services: map[string]Definition{}}
	builtIn, err := fs.Sub(embedded, "data")
	if err != nil {
		return nil, fmt.Errorf("open built-in catalogue: %w", err)
	}
	if err := c.loadBuiltIn(ctx, builtIn); err != nil {
		return nil, fmt.Errorf("load built-in catalogue: %w", err)
	}
	for _, directory := range extra {
		if err := c.loadServices(ctx, directory); err != nil {
			return nil, fmt.Errorf("load further services: %w", err)
		}
	}
	c.planned = slices.DeleteFunc(c.planned, func(name string) bool {
		_, built := c.services[name]
		return built
	})
	return c, nil
}

func (c *Catalogue) loadBuiltIn(ctx context.Context, builtIn fs.FS) error {
	services, err := fs.Sub(builtIn, "services")
	if err != nil {
		return fmt.Errorf("open services: %w", err)
	}
	if err := c.loadServices(ctx, services); err != nil {
		return err
	}
	if err := c.loadBase(ctx, builtIn); err != nil {
		return err
	}
	var unavailable struct {
		Planned []string `json:"planned"`
		PerNode []string `json:"perNode"`
	}
	err = errors.Join(
		readYAML(builtIn, "unavailable.yaml", &unavailable),
		readYAML(builtIn, "archetypes.yaml", &c.archetypes),
		readYAML(builtIn, "families.yaml", &c.families),
	)
	if err != nil {
		return err
	}
	c.planned, c.perNode = unavailable.Planned, unavailable.PerNode
	return c.checkKinds()
}

// loadServices reads every YAML file at the root of a directory.
func (c *Catalogue) loadServices(ctx context.Context, directory fs.FS) error {
	names, err := serviceFiles(directory)
	if err != nil {
		return fmt.Errorf("list services: %w", err)
	}
	for _, name := range names {
		definition, err := readDefinition(ctx, directory, name)
		if err != nil {
			return err
		}
		if _, exists := c.services[definition.Name]; exists {
			return fmt.Errorf("%s: service %q is in the catalogue already: give it another name", name, definition.Name)
		}
		c.services[definition.Name] = definition
	}
	return nil
}

// serviceFiles returns the names of the files that define services.
func serviceFiles(directory fs.FS) ([]string, error) {
	// Not fs.Glob, to which a directory that cannot be read is an empty one.
	entries, err := fs.ReadDir(directory, ".")
	if err != nil {
		return nil, err
	}
	var names []string
	for _, entry := range entries {
		switch path.Ext(entry.Name()) {
		case ".yaml", ".yml":
			names = append(names, entry.Name())
		}
	}
	return names, nil
}

func (c *Catalogue) loadBase(ctx context.Context, builtIn fs.FS) error {
	const name = "base.yaml"
	var file struct {
		Container map[string]any `json:"container"`
	}
	if err := readYAML(builtIn, name, &file); err != nil {
		return err
	}
	base, err := loadFragment(ctx, file.Container)
	if err != nil {
		return fmt.Errorf("%s: container: %w", name, err)
	}
	c.base = base
	return nil
}

// checkKinds completes archetypes and families with their names and checks
// that they refer to what exists.
func (c *Catalogue) checkKinds() error {
	for name, family := range c.families {
		for sysctl := range family.Sysctls {
			if !model.IsNetworkSysctl(sysctl) {
				return fmt.Errorf("families.yaml: %s: %q is not a setting of a network namespace", name, sysctl)
			}
		}
		if err := checkMACPrefixes(family.MACPrefixes); err != nil {
			return fmt.Errorf("families.yaml: %s: %w", name, err)
		}
		family.Name = name
		c.families[name] = family
	}
	for name, archetype := range c.archetypes {
		if _, known := c.families[archetype.OSFamily]; !known {
			return fmt.Errorf("archetypes.yaml: %s: osFamily %q is not in families.yaml", name, archetype.OSFamily)
		}
		for _, service := range archetype.Services {
			if _, built := c.services[service]; !built && !slices.Contains(c.planned, service) {
				return fmt.Errorf("archetypes.yaml: %s: service %q is neither built nor planned", name, service)
			}
		}
		if err := checkMACPrefixes(archetype.MACPrefixes); err != nil {
			return fmt.Errorf("archetypes.yaml: %s: %w", name, err)
		}
		archetype.Name = name
		c.archetypes[name] = archetype
	}
	return nil
}

func checkMACPrefixes(prefixes []string) error {
	for _, prefix := range prefixes {
		if !ipam.IsVendorPrefix(prefix) {
			return fmt.Errorf("MAC prefix %q is not a vendor's: write three hexadecimal pairs such as 00:0c:29", prefix)
		}
	}
	return nil
}

// readYAML reads one file strictly: a field that is not known is an error.
func readYAML(directory fs.FS, name string, into any) error {
	content, err := fs.ReadFile(directory, name)
	if err != nil {
		return fmt.Errorf("read %s: %w", path.Base(name), err)
	}
	if err := yaml.UnmarshalStrict(content, into); err != nil {
		return fmt.Errorf("parse %s: %w", path.Base(name), err)
	}
	return nil
}

// Definitions returns the services that can be used, sorted by name.
func (c *Catalogue) Definitions() []Definition {
	definitions := make([]Definition, 0, len(c.services))
	for _, name := range c.ServiceNames() {
		definitions = append(definitions, c.services[name])
	}
	return definitions
}

// ServiceNames returns the names of the services that can be used, sorted.
func (c *Catalogue) ServiceNames() []string {
	return slices.Sorted(maps.Keys(c.services))
}

// Archetypes returns all archetypes, sorted by name, also those with a service
// that is not built yet: see Buildable.
func (c *Catalogue) Archetypes() []Archetype {
	archetypes := make([]Archetype, 0, len(c.archetypes))
	for _, name := range slices.Sorted(maps.Keys(c.archetypes)) {
		archetypes = append(archetypes, c.archetypes[name])
	}
	return archetypes
}

// Buildable reports whether all services of an archetype can be used.
func (c *Catalogue) Buildable(archetype Archetype) bool {
	return !slices.ContainsFunc(archetype.Services, func(name string) bool {
		_, built := c.services[name]
		return !built
	})
}
