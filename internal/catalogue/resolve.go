// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package catalogue

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/fault"
	"github.com/deckyard/deckyard/internal/model"
)

// Service is a service of one Decky, resolved: of the catalogue or a custom one.
type Service struct {
	Name string
	// Field is the JSON path of what asks for the service.
	Field string
	// Custom services bring an image of their own.
	Custom bool
	// Ports are those that the service listens on.
	Ports     []model.Port
	Container Container
}

// Services returns the services of a Decky in the order it lists them, or the
// mistake that keeps them from being used. What the Decky lists wins over its
// archetype.
func (c *Catalogue) Services(decky *v1alpha1.Decky) ([]Service, *fault.Fault) {
	archetype, mistake := c.archetypeOf(decky)
	if mistake != nil {
		return nil, mistake
	}
	var services []Service
	if len(decky.Spec.Services) > 0 {
		services, mistake = c.listedServices(decky)
	} else {
		services, mistake = c.archetypeServices(decky, archetype)
	}
	if mistake != nil {
		return nil, mistake
	}
	if mistake := checkPorts(services); mistake != nil {
		return nil, mistake
	}
	return services, nil
}

// Base returns the base container of a Decky, but for its networking.
func (c *Catalogue) Base(decky *v1alpha1.Decky) Container {
	if decky.Spec.Image != "" {
		return Container{Image: decky.Spec.Image, Limits: customLimits()}
	}
	base := c.base
	base.Command, base.Env = slices.Clone(base.Command), slices.Clone(base.Env)
	base.Tmpfs, base.Capabilities = slices.Clone(base.Tmpfs), slices.Clone(base.Capabilities)
	return base
}

// Family returns the OS family of a Decky: its own, else its archetype's, else linux.
func (c *Catalogue) Family(decky *v1alpha1.Decky) (Family, *fault.Fault) {
	archetype, mistake := c.archetypeOf(decky)
	if mistake != nil {
		return Family{}, mistake
	}
	name := decky.Spec.OSFamily
	if name == "" {
		name = archetype.OSFamily
	}
	if name == "" {
		name = v1alpha1.OSFamilyLinux
	}
	family, known := c.families[name]
	if !known {
		return Family{}, fault.New(v1alpha1.ReasonInvalidSpec, "spec.osFamily",
			"osFamily %s is not known: use %s", quote(string(name)), oneOf(c.familyNames()))
	}
	family.Sysctls = maps.Clone(family.Sysctls)
	return family, nil
}

// OSFamily returns the name of a Decky's OS family, empty if it cannot be told.
func (c *Catalogue) OSFamily(decky *v1alpha1.Decky) v1alpha1.OSFamily {
	family, mistake := c.Family(decky)
	if mistake != nil {
		return ""
	}
	return family.Name
}

// MACPrefixes returns the vendor prefixes that fit a Decky: its archetype's,
// unless it sets an OS family of its own, else the family's.
func (c *Catalogue) MACPrefixes(decky *v1alpha1.Decky) []string {
	archetype, known := c.archetypes[decky.Spec.Archetype]
	ownFamily := decky.Spec.OSFamily != "" && decky.Spec.OSFamily != archetype.OSFamily
	if known && !ownFamily && len(archetype.MACPrefixes) > 0 {
		return slices.Clone(archetype.MACPrefixes)
	}
	family, mistake := c.Family(decky)
	if mistake != nil {
		return nil
	}
	return slices.Clone(family.MACPrefixes)
}

func (c *Catalogue) familyNames() []string {
	names := make([]string, 0, len(c.families))
	for name := range c.families {
		names = append(names, string(name))
	}
	slices.Sort(names)
	return names
}

// archetypeOf returns the archetype of a Decky, the zero value if it has none.
func (c *Catalogue) archetypeOf(decky *v1alpha1.Decky) (Archetype, *fault.Fault) {
	name := decky.Spec.Archetype
	if name == "" {
		return Archetype{}, nil
	}
	archetype, known := c.archetypes[name]
	if !known {
		names := slices.Sorted(maps.Keys(c.archetypes))
		return Archetype{}, fault.New(v1alpha1.ReasonUnknownArchetype, "spec.archetype",
			"archetype %s is not in the catalogue%s: use %s", quote(name), suggestion(name, names), oneOf(names))
	}
	return archetype, nil
}

func (c *Catalogue) archetypeServices(decky *v1alpha1.Decky, archetype Archetype) ([]Service, *fault.Fault) {
	const field = "spec.archetype"
	services := make([]Service, 0, len(archetype.Services))
	for _, name := range archetype.Services {
		definition, built := c.services[name]
		if !built {
			return nil, fault.New(v1alpha1.ReasonNotSupported, field,
				"archetype %s needs service %s, which is not built yet: use another archetype, or list services of your own in spec.services", archetype.Name, name)
		}
		service, mistake := definition.resolve(decky, field, nil)
		if mistake != nil {
			return nil, mistake
		}
		services = append(services, service)
	}
	return services, nil
}

func (c *Catalogue) listedServices(decky *v1alpha1.Decky) ([]Service, *fault.Fault) {
	listed := decky.Spec.Services
	services := make([]Service, 0, len(listed))
	seen := make(map[string]bool, len(listed))
	for i := range listed {
		field := fmt.Sprintf("spec.services[%d]", i)
		if seen[listed[i].Name] {
			return nil, fault.New(v1alpha1.ReasonInvalidSpec, field+".name",
				"service %s is listed twice: remove one of them, or rename a custom one", quote(listed[i].Name))
		}
		seen[listed[i].Name] = true
		service, mistake := c.service(decky, listed[i], field)
		if mistake != nil {
			return nil, mistake
		}
		services = append(services, service)
	}
	return services, nil
}

func (c *Catalogue) service(decky *v1alpha1.Decky, listed v1alpha1.Service, field string) (Service, *fault.Fault) {
	if listed.Image != "" {
		return customService(listed, field)
	}
	definition, built := c.services[listed.Name]
	if !built {
		return Service{}, c.unavailable(listed.Name, field+".name")
	}
	if mistake := checkCatalogueFields(listed, field); mistake != nil {
		return Service{}, mistake
	}
	return definition.resolve(decky, field, listed.Config)
}

// unavailable says why a service is not among those that can be used.
func (c *Catalogue) unavailable(name, field string) *fault.Fault {
	switch {
	case slices.Contains(c.perNode, name):
		return fault.New(v1alpha1.ReasonInvalidSpec, field,
			"service %s is not allowed on a decky, since it watches a whole node: remove it", name)
	case slices.Contains(c.planned, name):
		return fault.New(v1alpha1.ReasonNotSupported, field,
			"service %s is not built yet: remove it, or set image to bring your own", name)
	}
	names := c.ServiceNames()
	return fault.New(v1alpha1.ReasonUnknownService, field,
		"service %s is not in the catalogue%s: use %s, or set image for a custom service", quote(name), suggestion(name, names), oneOf(names))
}

// resolve returns the service of a decky with a config, or the mistake in it.
func (d Definition) resolve(decky *v1alpha1.Decky, field string, config map[string]string) (Service, *fault.Fault) {
	for _, key := range slices.Sorted(maps.Keys(config)) {
		if mistake := d.checkConfig(field+".config."+key, key, config[key]); mistake != nil {
			return Service{}, mistake
		}
	}
	values := map[string]string{variableSeed: seed(decky, d.Name)}
	maps.Copy(values, config)
	container, err := d.container.substitute(values)
	if err != nil {
		// The fragment asks for more than the schema does: ${key:?…}.
		return Service{}, fault.New(v1alpha1.ReasonInvalidConfig, field+".config", "config of service %s: %v", d.Name, err)
	}
	return Service{Name: d.Name, Field: field, Ports: slices.Clone(d.Ports), Container: container}, nil
}

func (d Definition) checkConfig(field, key, value string) *fault.Fault {
	setting, known := d.Settings[key]
	if !known {
		if len(d.Settings) == 0 {
			return fault.New(v1alpha1.ReasonInvalidConfig, field, "service %s takes no config: remove key %s", d.Name, quote(key))
		}
		return fault.New(v1alpha1.ReasonInvalidConfig, field,
			"service %s has no config key %s%s: use %s", d.Name, quote(key), suggestion(key, d.Keys()), oneOf(d.Keys()))
	}
	refused := setting.check(value)
	if refused == nil {
		return nil
	}
	if refused.planned != "" {
		return fault.New(v1alpha1.ReasonNotSupported, field,
			"config key %s of service %s: %s is not built yet; it must be %s", key, d.Name, quote(refused.planned), refused.want)
	}
	return fault.New(v1alpha1.ReasonInvalidConfig, field,
		"config key %s of service %s must be %s, not %s", key, d.Name, refused.want, setting.show(value))
}

// checkPorts finds two services of one decky that claim a port and protocol.
func checkPorts(services []Service) *fault.Fault {
	holders := map[model.Port]string{}
	for _, service := range services {
		for _, port := range service.Ports {
			holder, taken := holders[port]
			if taken {
				field := service.Field
				if service.Custom {
					field += ".ports"
				}
				return fault.New(v1alpha1.ReasonPortConflict, field,
					"service %s claims port %s, which service %s of the same decky has: remove one of them, or move a custom one to another port", service.Name, describePort(port), holder)
			}
			holders[port] = service.Name
		}
	}
	return nil
}

// suggestion returns " (did you mean x?)" for a misspelt name, with the
// candidate that is nearest within two changes; nothing if none is near.
func suggestion(name string, candidates []string) string {
	const near = 2
	best, distance := "", near+1
	for _, candidate := range candidates {
		if d := editDistance(strings.ToLower(name), strings.ToLower(candidate)); d < distance && 2*d < len(candidate) {
			best, distance = candidate, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %s?)", best)
}

// editDistance is the number of insertions, deletions and replacements between
// two words.
func editDistance(a, b string) int {
	if len(a) > maxShown {
		a = a[:maxShown]
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next := min(row[j+1]+1, row[j]+1, diagonal+cost)
			diagonal, row[j+1] = row[j+1], next
		}
	}
	return row[len(b)]
}
